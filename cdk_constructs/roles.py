"""The roles that SageMaker takes on, with no more than a job or an endpoint needs.

Each starts with logs and metrics; the rest grows from what it is given or bound to. No managed
policy is attached.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html and, for the
conditions of the trust,
https://docs.aws.amazon.com/sagemaker/latest/dg/security-confused-deputy-prevention.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from cdk_constructs.acknowledgments import acknowledge_wildcards
from cdk_constructs.bucket import ArtifactBucket
from cdk_constructs.validation import is_list_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_s3 as s3
    from constructs import Construct, IConstruct

_NAMESPACES = ("/aws/sagemaker/*", "AWS/SageMaker")
"""The metrics that SageMaker writes in the role's name."""

_NO_RESOURCE = (
    "cloudwatch:PutMetricData (limited to SageMaker's namespaces), ecr:GetAuthorizationToken, "
    "ec2:Describe* and ec2:DeleteNetworkInterfacePermission take no resource"
)
_ANY_LOG_GROUP = "SageMaker names the log groups, all below /aws/sagemaker/, when it makes them"

_NETWORK_ANYWHERE = (
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
)
"""What EC2 grants on no resource narrower than all."""
_NEW_INTERFACES = "EC2 names a network interface when it is made"


class _SageMakerRole(iam.Role):
    """A role that SageMaker takes on for this account and region, and may log and measure with."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        description: str,
        permissions_boundary: iam.IManagedPolicy | None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            assumed_by=_sagemaker(),
            description=description,
            permissions_boundary=permissions_boundary,
        )
        logs = _arn("logs", "log-group:/aws/sagemaker/*")
        self.add_to_policy(_logs(logs))
        self.add_to_policy(_metrics())
        acknowledge_wildcards(self, {logs: _ANY_LOG_GROUP, "*": _NO_RESOURCE})


class HostingRole(_SageMakerRole):
    """The execution role of a model: what its endpoint, or its batch transform, may do.

    It may write logs and metrics. `ModelImage.bind` adds the pull of the image, `ModelData.bind`
    the model's archive; data capture, asynchronous inference and a network add theirs.

    Keep the role until its endpoint is gone: SageMaker retires its grants on keys with it.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        permissions_boundary: The most that the role may ever do; default no boundary.

    Example:
        >>> role = HostingRole(stack, "Role")
        >>> image = ModelImage.from_repository(repository, digest).bind(stack, role)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        permissions_boundary: iam.IManagedPolicy | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="What SageMaker may do for the endpoint of a model",
            permissions_boundary=permissions_boundary,
        )


class TrainingRole(_SageMakerRole):
    """The role of training and batch transform jobs.

    In the bucket, laid out as `ArtifactBucket` says, it reads ``input/data/`` and ``model/``, and
    writes ``model/`` and ``output/``; checkpoints, which are read again, go below ``model/``.
    Nothing is deleted.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        bucket: The bucket of data and models, with its key, if it has one; default none.
        repository: The repository of the image to pull; default none.
        network: Whether jobs run in a VPC, with network interfaces there; default False.
        permissions_boundary: The most that the role may ever do; default no boundary.

    Example:
        >>> TrainingRole(stack, "Role", bucket=bucket, repository=repository)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket | None = None,
        repository: ecr.IRepository | None = None,
        network: bool = False,
        permissions_boundary: iam.IManagedPolicy | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="What SageMaker may do for training and batch transform jobs",
            permissions_boundary=permissions_boundary,
        )
        if bucket is not None:
            allow_training(self, bucket)
        if repository is not None:
            repository.grant_pull(self)
        if network:
            allow_network(self)


def allow_training(role: iam.IRole, bucket: s3.IBucket) -> None:
    """Let a role read data and models, and write models and outputs, in an artifact bucket.

    Args:
        role: The role of what trains.
        bucket: The bucket, laid out as `ArtifactBucket` says, with its key, if it has one.
    """
    read = [ArtifactBucket.DATA, ArtifactBucket.MODEL]
    written = [ArtifactBucket.MODEL, ArtifactBucket.OUTPUT]
    listed = [f"{prefix}*" for prefix in dict.fromkeys(read + written)]
    objects = {
        prefix: bucket.arn_for_objects(f"{prefix}*") for prefix in dict.fromkeys(read + written)
    }
    _allow(role, ["s3:GetObject"], [objects[prefix] for prefix in read])
    _allow(
        role,
        ["s3:AbortMultipartUpload", "s3:PutObject"],
        [objects[prefix] for prefix in written],
    )
    _allow(role, ["s3:GetBucketLocation"], [bucket.bucket_arn])
    role.add_to_principal_policy(
        iam.PolicyStatement(
            actions=["s3:ListBucket"],
            resources=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": listed}},
        )
    )
    if bucket.encryption_key is not None:
        bucket.encryption_key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")
    reason = "Jobs read and write files whose names are known only when they run"
    acknowledge_wildcards(role, dict.fromkeys(objects.values(), reason))


def wait_for_policies(resource: IConstruct, role: iam.IRole) -> None:
    """Have a resource made after the policies of the role that it refers to.

    A policy is a resource of its own, beside the role: without this, AWS may look at what the
    role allows before it does.
    """
    policies = [child for child in role.node.children if child.node.id != "Resource"]
    resource.node.add_dependency(*policies)


def allow_network(
    role: iam.IRole,
    *,
    subnets: Sequence[str] | None = None,
    security_groups: Sequence[str] | None = None,
) -> None:
    """Let SageMaker make and remove network interfaces in a VPC for a role.

    Args:
        role: The execution role.
        subnets: Ids of the subnets they may be in; default any of this region, and so of a list
            that is known only at deployment, whose ids cannot be put into ARNs.
        security_groups: Ids of the security groups they may have; default as of `subnets`.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html
    """
    interfaces = _arn("ec2", "network-interface/*")
    places = [
        # A subnet that is shared with this account has the ARN of its owner.
        *(_arn("ec2", f"subnet/{subnet}", account="*") for subnet in _each(subnets)),
        *(_arn("ec2", f"security-group/{group}", account="*") for group in _each(security_groups)),
    ]
    _allow(role, ["ec2:CreateNetworkInterface"], [interfaces, *places])
    _allow(
        role,
        ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"],
        [interfaces],
    )
    _allow(role, list(_NETWORK_ANYWHERE), ["*"])
    reasons = dict.fromkeys(places, "The owner of a shared subnet is another account")
    acknowledge_wildcards(role, {**reasons, interfaces: _NEW_INTERFACES})


def _each(ids: Sequence[str] | None) -> Sequence[str]:
    """Return ids, or a wildcard where there are none, or where their number is not known."""
    return ids if ids and not is_list_token(ids) else ["*"]


def _sagemaker() -> iam.ServicePrincipal:
    return iam.ServicePrincipal(
        "sagemaker.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnLike": {"aws:SourceArn": _arn("sagemaker", "*")},
        },
    )


def _logs(groups: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=[
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
        ],
        resources=[groups],
    )


def _metrics() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=["cloudwatch:PutMetricData"],
        resources=["*"],
        conditions={"StringLike": {"cloudwatch:namespace": list(_NAMESPACES)}},
    )


def _allow(role: iam.IRole, actions: list[str], resources: list[str]) -> None:
    role.add_to_principal_policy(iam.PolicyStatement(actions=actions, resources=resources))


def _arn(service: str, resource: str, *, account: str = Aws.ACCOUNT_ID) -> str:
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{account}:{resource}"
