"""A model behind an endpoint, with what keeps it in view: the pattern over the other constructs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk_constructs.alarms import EndpointAlarms
from cdk_constructs.dashboard import endpoint_dashboard
from cdk_constructs.endpoint import SageMakerEndpoint, is_serverless
from cdk_constructs.metrics import EndpointMetrics
from cdk_constructs.own_config import OwnConfig
from cdk_constructs.own_model import OwnModel
from cdk_constructs.rollback import Rollback
from cdk_constructs.validation import RETENTIONS, Problems
from cdk_constructs.variants import InstanceVariant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms

    from cdk_constructs.data import ModelData
    from cdk_constructs.endpoint_config import SageMakerEndpointConfig
    from cdk_constructs.images import ModelImage
    from cdk_constructs.inference import AsyncInference, DataCapture
    from cdk_constructs.model import ModelContainer, SageMakerModel
    from cdk_constructs.network import Network
    from cdk_constructs.rollouts import Rollout
    from cdk_constructs.variants import Variant

__all__ = ["EndpointAlarms", "ModelEndpoint"]

_ONE_INSTANCE = (InstanceVariant(),)


class ModelEndpoint(EndpointMetrics, Construct):
    """A model, its endpoint configuration and its endpoint, ready to be invoked.

    Its children are ``Model``, ``Config`` and ``Endpoint``, and, where they are asked for,
    ``Alarm…``, ``Logs`` and ``Dashboard``. A new image, model archive or setting makes a new model
    and configuration, and updates the endpoint, which serves all the while.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        image: The image of the only container; exactly one of `image`, `pipeline` and `model`,
            unless every variant brings its own model.
        data: What SageMaker unpacks below ``/opt/ml/model``. Default: nothing.
        environment: Variables of the container. Default: none.
        pipeline: Containers that each request passes in turn.
        role: The role of the containers. Default: a `HostingRole`.
        network: Their place in a VPC. Default: none.
        network_isolation: Whether they have no network at all.
        model: A model made elsewhere, in place of all of the above.
        variants: What serves the model. Default: one `InstanceVariant`.
        shadow_variants: At most one variant that gets copies of the requests.
        async_inference: Queues requests. Default: requests are answered at once.
        data_capture: Keeps requests and responses. Default: nothing is kept.
        encryption_key: The key of the instances' storage volumes. Default: SageMaker's own.
        endpoint_name: 1 to 63 letters, digits and hyphens; a change replaces the endpoint.
            Default: a name by CloudFormation.
        rollout: How an update moves the traffic; with `alarms`, one of them rolls it back, which
            needs an `endpoint_name` and waits as long as the alarms take. Default: at once, to a
            new fleet, and `alarms` roll nothing back.
        alarms: What is too many errors, or too slow. Default: an alarm on the first answer with a
            5xx status where `rollout` is a `Canary`, `Linear` or `Rolling`, and else none.
        rollback_alarms: Alarms made elsewhere that roll an update back too, up to 10 with those
            of `alarms` that do.
        retain_variant_properties: Whether an update keeps the instance counts that there are.
            Default: only if a variant scales; `Scaling` says when else it is of use.
        dashboard: Whether there is a dashboard.
        log_retention_days: How long CloudWatch keeps the containers' logs. They are deleted with
            the endpoint, also where its creation fails: save what says why first. The
            `endpoint_name` that it needs must have no logs yet, as those of an endpoint that once
            ran under this name are in the way. Default: for ever, in a log group that SageMaker
            makes and that stays.

    Attributes:
        model: The model of the first variant.
        config: The configuration.
        endpoint: The endpoint.
        role: The role of the model.
        alarms: The alarms that it made, in the order of the variants.
        dashboard: The dashboard, or None.
        log_group: The log group, or None.
        grants: What may be granted on the endpoint.

    Raises:
        ValueError: An argument is not allowed; the message has all that are not.

    Example:
        >>> endpoint = ModelEndpoint(stack, "Churn", image=image, data=bucket.model_data(key))
        >>> endpoint.grants.invoke(function)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ModelImage | None = None,
        data: ModelData | None = None,
        environment: Mapping[str, str] | None = None,
        pipeline: Sequence[ModelContainer] | None = None,
        role: iam.IRole | None = None,
        network: Network | None = None,
        network_isolation: bool = False,
        model: SageMakerModel | None = None,
        variants: Sequence[Variant] = _ONE_INSTANCE,
        shadow_variants: Sequence[Variant] = (),
        async_inference: AsyncInference | None = None,
        data_capture: DataCapture | None = None,
        encryption_key: kms.IKey | None = None,
        endpoint_name: str | None = None,
        rollout: Rollout | None = None,
        alarms: EndpointAlarms | None = None,
        rollback_alarms: Sequence[cloudwatch.IAlarm] = (),
        retain_variant_properties: bool | None = None,
        dashboard: bool = False,
        log_retention_days: int | None = None,
    ) -> None:
        own = OwnModel(image, data, environment, pipeline, role, network, network_isolation)
        shape = OwnConfig(variants, shadow_variants, async_inference, data_capture, encryption_key)
        rollback = Rollback.of(rollout, alarms, rollback_alarms)
        problems = Problems.of(scope, construct_id)
        shape.check(problems, scope, own, model)
        rollback.check(problems, shape, endpoint_name)
        _check_logs(problems, endpoint_name, log_retention_days)
        problems.raise_any()

        super().__init__(scope, construct_id)
        if model is None and own.names():
            model = own.make(self)
        self.config = shape.make(self, model)
        names = [variant.name for variant in variants]
        self.alarms = rollback.make_before(self, endpoint_name, names)
        self.endpoint = SageMakerEndpoint(
            self,
            "Endpoint",
            config=self.config,
            endpoint_name=endpoint_name,
            rollout=rollout,
            alarms=[*self.alarms, *rollback_alarms],
            retain_variant_properties=retain_variant_properties,
        )
        self.alarms += rollback.make_after(self, self.endpoint.endpoint_name, names)
        self.model = _model(self.config)
        self.role = self.model.role
        self.endpoint_name = self.endpoint.endpoint_name
        self.endpoint_arn = self.endpoint.endpoint_arn
        self.variant_names = self.endpoint.variant_names
        self.production_variant_names = self.endpoint.production_variant_names
        self.asynchronous = self.endpoint.asynchronous
        self.grants = self.endpoint.grants
        self.log_group = self._log_group(endpoint_name, log_retention_days)
        self.dashboard = self._dashboard() if dashboard else None

    @property
    def connections(self) -> ec2.Connections:
        """What opens and closes the network to the model's containers.

        Raises:
            ValueError: The model is in no VPC.
        """
        return self.model.connections

    def _log_group(self, endpoint_name: str | None, days: int | None) -> logs.CfnLogGroup | None:
        if days is None:
            return None
        group = logs.CfnLogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/sagemaker/Endpoints/{endpoint_name}",
            retention_in_days=days,
        )
        # One that stayed would be in the way of the next endpoint of this name.
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        # SageMaker makes the log group itself if it is not there first.
        self.endpoint.resource.node.add_dependency(group)
        return group

    def _dashboard(self) -> cloudwatch.CfnDashboard:
        return endpoint_dashboard(
            self,
            "Dashboard",
            endpoint_name=self.endpoint_name,
            variant_names=self.variant_names,
            asynchronous=self.asynchronous,
            serverless=is_serverless(self.config.variants),
        )


def _check_logs(
    problems: Problems, endpoint_name: str | None, log_retention_days: int | None
) -> None:
    problems.one_of("log_retention_days", log_retention_days, RETENTIONS)
    if log_retention_days is not None and endpoint_name is None:
        problems.add(
            "log_retention_days without endpoint_name: the log group must be there before the "
            "endpoint, with its name"
        )


def _model(config: SageMakerEndpointConfig) -> SageMakerModel:
    model = config.variants[0].model
    assert model is not None  # noqa: S101 - the configuration has checked it
    return model
