"""The stacks of an app: settings wired to constructs, and nothing else.

`FoundationStack` holds what stays while models come and go; `EndpointStack` and `FunctionStack`
hold what serves one image with one model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import CfnDeletionPolicy, CfnOutput, RemovalPolicy, Stack

from cdk_constructs import (
    ArtifactBucket,
    ModelEndpoint,
    ModelImage,
    ModelRepository,
    TrainingRole,
)
from cdk_constructs.roles import allow_training
from odyssey import names
from odyssey.infra import wiring
from odyssey.variables import container_environment, server_environment

if TYPE_CHECKING:
    from aws_cdk import Environment, IStackSynthesizer, PermissionsBoundary
    from aws_cdk import aws_s3 as s3
    from constructs import Construct

    from cdk_constructs import ContainerFunction, ModelData, RetrainingSchedule
    from odyssey.config import Config

FUNCTION_DATA = "lambda/"
"""Where, below the data, that of the function is, in an app that trains on SageMaker, too."""


@dataclass(frozen=True)
class Place:
    """Where stacks go.

    Args:
        env: The account and the region; None are those of the credentials.
        synthesizer: How a stack reaches CloudFormation.
        permissions_boundary: What bounds every role, or None.
    """

    env: Environment | None
    synthesizer: IStackSynthesizer
    permissions_boundary: PermissionsBoundary | None


class AppStack(Stack):
    """A stack of an app: ``APP-PART``, or ``APP-ENV-PART`` in an environment.

    Args:
        scope: The CDK app.
        part: The last word of its name.
        settings: The app's settings.
        place: Where it goes.
        meaning: What it is, as its description says.
    """

    def __init__(
        self, scope: Construct, part: str, *, settings: Config, place: Place, meaning: str
    ) -> None:
        self.called = names.qualified(settings.app.name, settings.env)
        super().__init__(
            scope,
            f"{self.called}-{part}",
            description=f"{settings.app.name}: {meaning}",
            env=place.env,
            synthesizer=place.synthesizer,
            permissions_boundary=place.permissions_boundary,
            termination_protection=settings.aws.termination_protection,
        )

    def output(self, name: str, value: str, meaning: str) -> None:
        """Add an output."""
        CfnOutput(self, name, value=value, description=meaning)


class FoundationStack(AppStack):
    """What stays while models come and go: the repository, the bucket, the roles, the logs.

    Args:
        scope: The CDK app.
        settings: The app's settings, of which ``[foundation]`` is for this stack.
        place: Where it goes.
    """

    def __init__(self, scope: Construct, *, settings: Config, place: Place) -> None:
        super().__init__(
            scope,
            "foundation",
            settings=settings,
            place=place,
            meaning="image repository, artifact bucket and roles",
        )
        wanted = settings.foundation
        key = wiring.key(self, "Key", wanted.kms_key)
        removal = RemovalPolicy[wanted.removal.upper()]
        self.repository = ModelRepository(
            self,
            "Repository",
            repository_name=wanted.repository or None,
            encryption_key=key,
            removal_policy=removal,
        )
        self.bucket = ArtifactBucket(
            self,
            "Bucket",
            bucket_name=wanted.bucket or None,
            encryption_key=key,
            removal_policy=removal,
        )
        self.output("RepositoryUri", self.repository.repository_uri, "where images are pushed")
        self.output("BucketName", self.bucket.bucket_name, "where data and models are kept")
        # An export that stays: an endpoint that stops using the bucket must not hold this stack up.
        export = self.export_value(self.bucket.bucket_name)
        self._bucket_name = wanted.bucket or export
        self._key_arn = wanted.kms_key
        if settings.app.on_sagemaker:
            self._add_sagemaker(settings)
        if settings.app.on_lambda:
            self._let_lambda_pull()
        if wanted.deployer_policy:
            self._add_deployer_policy(settings)

    def bucket_in(self, scope: Construct) -> s3.IBucket:
        """Return the bucket as another stack sees it: by its name."""
        from aws_cdk import aws_s3 as s3

        return s3.Bucket.from_bucket_attributes(
            scope,
            "Artifacts",
            bucket_name=self._bucket_name,
            encryption_key=wiring.key(scope, "ArtifactsKey", self._key_arn),
        )

    def _add_sagemaker(self, settings: Config) -> None:
        self.training_role = TrainingRole(
            self,
            "TrainingRole",
            bucket=self.bucket,
            repository=self.repository,
            network=bool(settings.network.subnets),
        )
        self.output("TrainingRoleArn", self.training_role.role_arn, "what a training job runs as")
        self._add_logs(settings)

    def _add_logs(self, settings: Config) -> None:
        """Keep the endpoint's logs here: a deployment that fails leaves them to be read."""
        from aws_cdk import aws_logs as logs

        group = logs.CfnLogGroup(
            self,
            "EndpointLogs",
            log_group_name=f"/aws/sagemaker/Endpoints/{endpoint_name(settings)}",
            retention_in_days=settings.endpoint.log_retention or None,
        )
        # The logs of an endpoint that had another name; those of this name would be in the way of
        # the next foundation.
        group.cfn_options.update_replace_policy = CfnDeletionPolicy.RETAIN
        group.cfn_options.deletion_policy = CfnDeletionPolicy.DELETE

    def _let_lambda_pull(self) -> None:
        """Let Lambda pull for ever: the policy that it adds by itself is lost at an update."""
        from aws_cdk import aws_iam as iam

        self.repository.grant_pull(iam.ServicePrincipal("lambda.amazonaws.com"))

    def _add_deployer_policy(self, settings: Config) -> None:
        from cdk_constructs import DeployerPolicy

        boundary = settings.aws.permissions_boundary
        policy = DeployerPolicy(
            self,
            "DeployerPolicy",
            app=settings.app.name,
            bucket=settings.foundation.bucket or None,
            repository=settings.foundation.repository or None,
            endpoint=settings.endpoint.name or None,
            train_function=settings.function.train_name or None,
            serve_function=settings.function.serve_name or None,
            bootstrapped=settings.aws.bootstrap,
            permissions_boundary=wiring.policy_arn(boundary) if boundary else None,
        )
        for number, part in enumerate(policy.parts, start=1):
            name = f"DeployerPolicyArn{number if number > 1 else ''}"
            self.output(name, part.managed_policy_arn, "for whoever deploys")


class EndpointStack(AppStack):
    """A SageMaker endpoint that serves one image with one model.

    Args:
        scope: The CDK app.
        settings: The app's settings; ``[artifacts]`` names the image and the model.
        place: Where it goes.
        foundation: The stack with the app's bucket.
    """

    def __init__(
        self, scope: Construct, *, settings: Config, place: Place, foundation: FoundationStack
    ) -> None:
        super().__init__(
            scope,
            "endpoint",
            settings=settings,
            place=place,
            meaning="SageMaker endpoint",
        )
        # The log group there must come before the endpoint, which would make one of its own.
        self.add_stack_dependency(foundation)
        wanted = settings.endpoint
        self.endpoint = ModelEndpoint(
            self,
            "Endpoint",
            endpoint_name=endpoint_name(settings),
            image=ModelImage.from_uri(settings.artifacts.image),
            data=wiring.model_data(self, settings),
            environment=container_environment(settings),
            role=wiring.role(self, "Role", wanted.role),
            network=wiring.network(settings),
            network_isolation=wanted.network_isolation,
            variants=[wiring.variant(settings)],
            async_inference=wiring.async_inference(self, settings, foundation.bucket_in),
            data_capture=wiring.data_capture(self, settings, foundation.bucket_in),
            rollout=wiring.rollout(settings),
            alarms=wiring.alarms(self, settings),
            encryption_key=wiring.key(self, "Key", wanted.kms_key),
            dashboard=wanted.dashboard,
        )
        self.output("EndpointName", self.endpoint.endpoint_name, "what is invoked")
        config = self.endpoint.config.endpoint_config_name
        self.output("EndpointConfigName", config, "what it runs after a deployment that went well")


class FunctionStack(AppStack):
    """The Lambda functions of one image: ``train``, and ``serve`` as soon as there is a model.

    The image is that of SageMaker, too, and has no runtime of Lambda's for an entry point.

    Args:
        scope: The CDK app.
        settings: The app's settings, of which ``[function]`` is for this stack.
        place: Where it goes.
        foundation: The stack with the app's bucket.
    """

    RUNTIME = ("python", "-m", "awslambdaric")
    """The entry point of the functions."""

    def __init__(
        self, scope: Construct, *, settings: Config, place: Place, foundation: FoundationStack
    ) -> None:
        super().__init__(
            scope,
            "function",
            settings=settings,
            place=place,
            meaning="Lambda functions",
        )
        bucket = foundation.bucket_in(self)
        self.train = self._function("train", settings, environment=_places(bucket, settings))
        allow_training(self.train.role, bucket)
        self.schedule = self._schedule(settings.function.schedule)
        self.serve = self._serve(settings) if settings.artifacts.model else None

    def _serve(self, settings: Config) -> ContainerFunction:
        wanted = settings.function
        return self._function(
            "serve",
            settings,
            environment=server_environment(settings),
            data=wiring.model_data(self, settings),
            url=wanted.url,
            provisioned_concurrency=wanted.provisioned_concurrency or None,
        )

    def _schedule(self, expression: str) -> RetrainingSchedule | None:
        if not expression:
            return None
        from cdk_constructs import RetrainingSchedule

        made = RetrainingSchedule(self, "Schedule", function=self.train, expression=expression)
        self.output("TrainSchedule", expression, "when it trains by itself")
        return made

    def _function(
        self,
        name: str,
        settings: Config,
        *,
        environment: dict[str, str],
        data: ModelData | None = None,
        url: bool = False,
        provisioned_concurrency: int | None = None,
    ) -> ContainerFunction:
        # The Lambda module of the CDK takes longer to import than all others together.
        from cdk_constructs import ContainerFunction

        wanted = settings.function
        function = ContainerFunction(
            self,
            name.title(),
            function_name=names.function(settings, name),
            image=ModelImage.from_uri(settings.artifacts.image),
            data=data,
            entrypoint=self.RUNTIME,
            command=[f"app.{name}"],
            environment={**environment, **wanted.environment},
            memory_mb=wanted.memory_mb,
            timeout_seconds=wanted.timeout,
            storage_mb=wanted.storage_mb,
            architecture=wanted.architecture,  # type: ignore[arg-type]  # checked as a setting
            log_retention_days=wanted.log_retention,
            url=url,
            provisioned_concurrency=provisioned_concurrency,
            network=wiring.network(settings),
            role=wiring.role(self, f"{name.title()}Role", wanted.role),
        )
        self.output(f"{name.title()}FunctionArn", function.function_arn, "what is invoked")
        if function.url:
            self.output(f"{name.title()}Url", function.url, "for callers with IAM credentials")
        return function


def _places(bucket: s3.IBucket, settings: Config) -> dict[str, str]:
    """Return the variables that say where the function that trains reads data and puts models."""
    # Each of SageMaker's jobs has its data below that of all channels, in a folder for ever.
    apart = FUNCTION_DATA if settings.app.on_sagemaker else ""
    return {
        "DATA_URI": bucket.s3_url_for_object(f"{ArtifactBucket.DATA}{apart}"),
        "MODELS_URI": bucket.s3_url_for_object(ArtifactBucket.MODEL),
    }


def endpoint_name(settings: Config) -> str:
    """Return the name of the app's endpoint."""
    return settings.endpoint.name or names.qualified(settings.app.name, settings.env)
