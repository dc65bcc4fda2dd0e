"""A Lambda function that runs a container image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from aws_cdk import CfnResource, Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_constructs.acknowledgments import acknowledge_wildcards
from cdk_constructs.function_environment import CACHES, MODEL_URI, check_environment
from cdk_constructs.validation import FUNCTION, FUNCTION_RULE, RETENTIONS, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_kms as kms

    from cdk_constructs.data import ModelData
    from cdk_constructs.images import ModelImage
    from cdk_constructs.network import BoundNetwork, Network

_ANY_INTERFACE = "Lambda refuses a role with less, before there is any network interface"
_LIVE = "live"
_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}
_ARCHITECTURES = {"x86_64": lambda_.Architecture.X86_64, "arm64": lambda_.Architecture.ARM_64}
_ALIAS = r"(?![0-9]+$)[a-zA-Z0-9_-]{1,128}"
_ALIAS_RULE = "must be 1 to 128 letters, digits, hyphens and underscores, not digits alone"


class ContainerFunction(Construct):
    """A Lambda function from a container image, with a role and a log group of its own.

    Lambda runs the image as a user without rights: every file must be readable, and the entry
    point executable, by all. Only ``/tmp`` can be written; the variables that move the caches of
    common libraries there are set unless `environment` sets them.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        image: The image, of one architecture, at most 10 GB, in ECR of the same region.
        data: The model's archive, whose URI is in the variable ``MODEL_URI``; default none.
        entrypoint: What to run in place of the image's ``ENTRYPOINT``, such as
            ``["python", "-m", "awslambdaric"]`` in an image that has no runtime for Lambda as its
            own; default the image's own.
        command: What to run in place of the image's ``CMD``; default the image's own.
        environment: Variables, 4 KB in all; default only those named above.
        memory_mb: Memory, 128 to 10,240 MB, which also sets the share of CPU; default 1,024.
        timeout_seconds: How long an invocation may take, 1 to 900 s; default 60.
        storage_mb: Size of ``/tmp``, 512 to 10,240 MB; default 512.
        architecture: The image's, ``x86_64`` (the default) or ``arm64``. That of an image from an
            asset is checked.
        function_name: At most 64 letters, digits, hyphens and underscores; a change replaces the
            function. Default a name by CloudFormation.
        log_retention_days: Days that logs are kept, one of those that CloudWatch Logs takes;
            default 30. The logs go with the function.
        url: Whether it has a URL, for callers with IAM credentials; default False. The URL is the
            alias's, and so stays the same when environments are kept ready later.
        alias: The name of an alias that follows each new version; default none, or ``live`` where
            there must be one, for `url` or `provisioned_concurrency`.
        provisioned_concurrency: Environments of the alias kept ready, billed by the hour, at
            least 1. Default none.
        reserved_concurrency: The most invocations at once, reserved for this function; 0 stops
            it. Default none reserved.
        network: Its place in a VPC. Default none.
        role: The execution role, which is granted what the function needs, its logs too. Default
            one of its own, child ``Role``.
        encryption_key: The KMS key of the variables; default a key of AWS.

    Raises:
        ValueError: An argument is not allowed; the message has all that are not.

    Sources: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html and
    https://docs.aws.amazon.com/lambda/latest/dg/images-create.html

    Example:
        >>> function = ContainerFunction(stack, "Serve", image=image, data=data, url=True)
        >>> function.grants.invoke(role)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ModelImage,
        data: ModelData | None = None,
        entrypoint: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
        memory_mb: int = 1024,
        timeout_seconds: int = 60,
        storage_mb: int = 512,
        architecture: Literal["x86_64", "arm64"] = "x86_64",
        function_name: str | None = None,
        log_retention_days: int = 30,
        url: bool = False,
        alias: str | None = None,
        provisioned_concurrency: int | None = None,
        reserved_concurrency: int | None = None,
        network: Network | None = None,
        role: iam.IRole | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        variables = {**CACHES, **(environment or {})}
        problems = Problems.of(scope, construct_id)
        problems.whole("memory_mb", memory_mb, low=128, high=10240)
        problems.whole("timeout_seconds", timeout_seconds, low=1, high=900)
        problems.whole("storage_mb", storage_mb, low=512, high=10240)
        _check_architecture(problems, architecture, image)
        problems.one_of("log_retention_days", log_retention_days, RETENTIONS)
        _check_names(problems, function_name, alias)
        _check_concurrency(problems, provisioned_concurrency, reserved_concurrency)
        check_environment(problems, variables, with_data=data is not None)
        image.check_function(problems, scope)
        problems.raise_any()
        super().__init__(scope, construct_id)
        log_group = _log_group(self, function_name, log_retention_days)
        self._owns_role = role is None
        self.role: iam.IRole = _own_role(self) if role is None else role
        _allow_logs(self.role, log_group)
        uri = None if data is None else data.bind(self, self.role)
        self.resource = lambda_.DockerImageFunction(
            self,
            "Resource",
            code=image.bind_function(self, entrypoint=entrypoint, command=command),
            function_name=function_name,
            architecture=_ARCHITECTURES[architecture],
            memory_size=memory_mb,
            timeout=Duration.seconds(timeout_seconds),
            ephemeral_storage_size=Size.mebibytes(storage_mb),
            environment=variables if uri is None else {**variables, MODEL_URI: uri},
            environment_encryption=encryption_key,
            log_group=log_group,
            reserved_concurrent_executions=reserved_concurrency,
            role=self.role,
        )
        _accept_dependency(self.resource)
        if encryption_key is not None:
            encryption_key.grant_decrypt(self.role)
        self._network = None if network is None else self._join(network)
        self._connections: ec2.Connections | None = None
        followed = url or alias is not None or provisioned_concurrency is not None
        self.alias = self._follow(alias, provisioned_concurrency) if followed else None
        self._url = self._target.add_function_url() if url else None

    @property
    def function_name(self) -> str:
        """The function's name, without the alias; what is to be invoked is `function_arn`."""
        return self.resource.function_name

    @property
    def function_arn(self) -> str:
        """The ARN of what is to be invoked: the alias where there is one, else the function."""
        return self._target.function_arn

    @property
    def url(self) -> str | None:
        """The URL for callers with IAM credentials, or None."""
        return None if self._url is None else self._url.url

    @property
    def grants(self) -> FunctionGrants:
        """What others may be allowed to do."""
        return FunctionGrants(self._target, self._url)

    @property
    def connections(self) -> ec2.Connections:
        """What opens and closes the network to the function.

        Raises:
            ValueError: The function is in no VPC.
        """
        if self._network is None:
            raise ValueError(f"{self.node.path}: no connections: the function has no network")
        if self._connections is None:
            self._connections = self._network.connections()
        return self._connections

    def metric_invocations(self) -> cloudwatch.Metric:
        """Return how many invocations there were in 5 minutes."""
        return self._target.metric_invocations()

    def metric_errors(self) -> cloudwatch.Metric:
        """Return how many invocations failed in 5 minutes."""
        return self._target.metric_errors()

    def metric_throttles(self) -> cloudwatch.Metric:
        """Return how many invocations found no free environment in 5 minutes."""
        return self._target.metric_throttles()

    def metric_duration(self) -> cloudwatch.Metric:
        """Return how many milliseconds an invocation took, the mean of 5 minutes."""
        return self._target.metric_duration()

    @property
    def _target(self) -> lambda_.IFunction:
        return self.resource if self.alias is None else self.alias

    def _follow(self, name: str | None, provisioned: int | None) -> lambda_.Alias:
        """Return an alias of the current version, which a new image or setting replaces."""
        return lambda_.Alias(
            self,
            "Alias",
            alias_name=_LIVE if name is None else name,
            version=self.resource.current_version,
            provisioned_concurrent_executions=provisioned,
        )

    def _join(self, network: Network) -> BoundNetwork:
        bound = network.bind(self)
        _allow_network(self.role)
        if self._owns_role:
            acknowledge_wildcards(self.role, {"*": _ANY_INTERFACE})
        resource = self.resource.node.default_child
        if isinstance(resource, lambda_.CfnFunction):
            resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
                subnet_ids=bound.subnet_ids, security_group_ids=bound.security_group_ids
            )
        return bound


class FunctionGrants:
    """What others may be allowed to do with a function.

    Args:
        target: The function, or the alias to go through.
        url: Its URL, or None.
    """

    def __init__(self, target: lambda_.IFunction, url: lambda_.FunctionUrl | None) -> None:
        """Keep what is granted on."""
        self._target = target
        self._url = url

    def invoke(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let someone invoke the function, and call its URL, if it has one."""
        grant = self._target.grant_invoke(grantee)
        return grant if self._url is None else grant.combine(self._url.grant_invoke_url(grantee))


def _check_architecture(problems: Problems, architecture: str, image: ModelImage) -> None:
    problems.one_of("architecture", architecture, _ARCHITECTURES)
    wanted = _PLATFORMS.get(architecture)
    if image.platform is not None and wanted is not None and image.platform != wanted:
        problems.add(f"architecture {architecture}: the image is built for {image.platform}")


def _check_names(problems: Problems, function_name: str | None, alias: str | None) -> None:
    problems.matches("function_name", function_name, FUNCTION, FUNCTION_RULE)
    problems.matches("alias", alias, _ALIAS, _ALIAS_RULE)


def _check_concurrency(problems: Problems, provisioned: int | None, reserved: int | None) -> None:
    problems.whole("provisioned_concurrency", provisioned, low=1)
    problems.whole("reserved_concurrency", reserved, low=0)
    if provisioned is not None and reserved is not None:
        problems.between("reserved_concurrency", reserved, low=provisioned)


def _accept_dependency(function: lambda_.Function) -> None:
    """Have cfn-lint accept that the function waits for its role, besides referring to it."""
    resource = function.node.default_child
    if isinstance(resource, CfnResource):
        # The construct writes both; to take one out would take out what others add, too.
        resource.add_metadata("cfn-lint", {"config": {"ignore_checks": ["W3005"]}})


def _log_group(scope: Construct, function_name: str | None, days: int) -> logs.LogGroup:
    group = logs.LogGroup(
        scope,
        "Logs",
        log_group_name=None if function_name is None else f"/aws/lambda/{function_name}",
        removal_policy=RemovalPolicy.DESTROY,
    )
    resource = group.node.default_child
    if isinstance(resource, logs.CfnLogGroup):
        # The construct takes no number, which may be known only at deployment.
        resource.retention_in_days = days
    return group


def _own_role(scope: Construct) -> iam.Role:
    return iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description="What a function of a container image may do",
    )


def _allow_logs(role: iam.IRole, log_group: logs.LogGroup) -> None:
    # The log group is there already: the right to make one would leave one behind.
    statement = iam.PolicyStatement(
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[log_group.log_group_arn],
    )
    role.add_to_principal_policy(statement)


def _allow_network(role: iam.IRole) -> None:
    """Let Lambda make and remove network interfaces for a role.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
    """
    statement = iam.PolicyStatement(
        actions=[
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ],
        resources=["*"],
    )
    role.add_to_principal_policy(statement)
