"""The endpoint that callers invoke.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpoint.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from cdk_constructs.endpoint_grants import EndpointGrants
from cdk_constructs.metrics import EndpointMetrics
from cdk_constructs.rollouts import MOST_ALARMS, AllAtOnce
from cdk_constructs.validation import Problems, is_token
from cdk_constructs.variants import InstanceVariant, ServerlessVariant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch

    from cdk_constructs.endpoint_config import SageMakerEndpointConfig
    from cdk_constructs.rollouts import Rollout
    from cdk_constructs.variants import Variant

_FOLLOWS_CONFIG = ("DesiredWeight", "DataCaptureConfig")
"""What is taken from a new configuration even where the scaled instance count is kept."""


def check_endpoint(
    problems: Problems,
    *,
    variants: Sequence[Variant],
    endpoint_name: str | None,
    rollout: Rollout | None,
    alarms: int,
) -> None:
    """Add what is wrong with the arguments of a `SageMakerEndpoint`."""
    problems.name("endpoint_name", endpoint_name)
    if rollout is not None:
        rollout.check(problems, variants)
    if alarms and is_serverless(variants):
        problems.add("alarms that roll back a serverless endpoint: SageMaker watches none")
    if alarms > MOST_ALARMS:
        problems.add(f"{alarms} alarms that roll back: must be at most {MOST_ALARMS}")


def is_serverless(variants: Sequence[Variant]) -> bool:
    """Return whether an endpoint with these variants has no instances."""
    return any(isinstance(variant, ServerlessVariant) for variant in variants)


class Endpoint(EndpointMetrics, Construct):
    """An endpoint, made here or imported.

    Attributes:
        endpoint_arn: The endpoint's ARN.
        grants: What may be granted on it.
    """

    endpoint_arn: str
    grants: EndpointGrants


class SageMakerEndpoint(Endpoint):
    """An ``AWS::SageMaker::Endpoint``, and the scaling of its variants.

    The endpoint keeps its name, and serves all the while, when its configuration changes; only a
    new `endpoint_name` replaces it.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        config: What it serves.
        endpoint_name: 1 to 63 letters, digits and hyphens; a change replaces the endpoint.
            Default: a name by CloudFormation.
        rollout: How an update moves the traffic, watched by `alarms`. Default: at once, to a new
            fleet. A serverless endpoint takes none.
        alarms: Up to 10 alarms that roll an update back, and that the models' roles may then look
            at. An alarm on the whole endpoint watches the old fleet too: one that the old fleet
            sets off takes the repair back. Not for a serverless endpoint.
        retain_variant_properties: Whether an update keeps the instance counts that there are,
            rather than going back to the configuration's. Weights and data capture always
            follow the configuration. Default: only if a variant scales.

    Raises:
        ValueError: An argument is not allowed; the message has all that are not.

    Example:
        >>> endpoint = SageMakerEndpoint(
        ...     stack, "Endpoint", config=config, rollout=Canary(), alarms=[too_many_errors]
        ... )
        >>> endpoint.grants.invoke(function)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        config: SageMakerEndpointConfig,
        endpoint_name: str | None = None,
        rollout: Rollout | None = None,
        alarms: Sequence[cloudwatch.IAlarm] = (),
        retain_variant_properties: bool | None = None,
    ) -> None:
        variants = (*config.variants, *config.shadow_variants)
        problems = Problems.of(scope, construct_id)
        check_endpoint(
            problems,
            variants=variants,
            endpoint_name=endpoint_name,
            rollout=rollout,
            alarms=len(alarms),
        )
        problems.raise_any()
        super().__init__(scope, construct_id)
        self.config = config
        self.variant_names = [variant.name for variant in variants]
        self.production_variant_names = [variant.name for variant in config.variants]
        self.asynchronous = config.async_inference is not None
        retain = retain_variant_properties
        if retain is None:
            retain = any(variant.scaling is not None for variant in variants)
        self.resource = self._make(endpoint_name, self._deployment(rollout, alarms), retain)
        self.endpoint_name = self.resource.attr_endpoint_name
        self.endpoint_arn = self.resource.ref
        actions = _actions(self.asynchronous, streams=not is_serverless(variants))
        self.grants = EndpointGrants(self.endpoint_arn, actions, config.async_inference)
        if alarms:
            self._show(alarms)
        self._warn(rollout, alarms)
        for variant in variants:
            if variant.scaling is not None:
                variant.scaling.bind(self, self.endpoint_name, variant.name)

    @staticmethod
    def from_endpoint_name(
        scope: Construct,
        construct_id: str,
        endpoint_name: str,
        *,
        variant_names: Sequence[str] = ("AllTraffic",),
        asynchronous: bool = False,
    ) -> Endpoint:
        """Return an endpoint of this account and region that is made elsewhere.

        Args:
            scope: The parent construct.
            construct_id: The id in the scope.
            endpoint_name: Its name.
            variant_names: Names of its variants, for its metrics.
            asynchronous: Whether it queues its requests.

        Raises:
            ValueError: The name is not one of an endpoint, or there is no variant.
        """
        problems = Problems.of(scope, construct_id)
        problems.name("endpoint_name", endpoint_name)
        problems.count("variant_names", variant_names, low=1, high=2 * MOST_ALARMS)
        problems.raise_any()
        return _ImportedEndpoint(scope, construct_id, endpoint_name, variant_names, asynchronous)

    def _make(
        self,
        endpoint_name: str | None,
        deployment: sagemaker.CfnEndpoint.DeploymentConfigProperty | None,
        retain: bool,
    ) -> sagemaker.CfnEndpoint:
        excluded = [
            sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=name)
            for name in _FOLLOWS_CONFIG
        ]
        return sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=endpoint_name,
            endpoint_config_name=self.config.endpoint_config_name,
            deployment_config=deployment,
            retain_all_variant_properties=True if retain else None,
            exclude_retained_variant_properties=excluded if retain else None,
        )

    def _deployment(
        self, rollout: Rollout | None, alarms: Sequence[cloudwatch.IAlarm]
    ) -> sagemaker.CfnEndpoint.DeploymentConfigProperty | None:
        if is_serverless(self.config.variants) or (rollout is None and not alarms):
            return None
        names = [alarm.alarm_name for alarm in alarms]
        return (AllAtOnce() if rollout is None else rollout).render(names)

    def _show(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """Let the models' roles look at alarms, which SageMaker does in their name.

        Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-configuration.html
        """
        statement = iam.PolicyStatement(
            actions=["cloudwatch:DescribeAlarms"], resources=[alarm.alarm_arn for alarm in alarms]
        )
        # A policy of its own, so that no model waits for an alarm on the endpoint.
        policy = iam.Policy(self, "RollbackPolicy", statements=[statement])
        for role in self.config.roles:
            role.attach_inline_policy(policy)
        self.resource.node.add_dependency(policy)

    def _warn(self, rollout: Rollout | None, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        moves = AllAtOnce() if rollout is None else rollout
        name = type(moves).__name__
        if moves.shifts_traffic and not alarms:
            self._warn_of(
                "alarms", f"rollout {name} without alarms: nothing would roll an update back"
            )
        if alarms and moves.watched_seconds == 0:
            self._warn_of(
                "waits", f"alarms with rollout {name} without a wait: none could go off in time"
            )
        for variant in self.config.variants:
            falls_back = isinstance(variant, InstanceVariant) and variant.is_inferentia1
            if rollout is not None and falls_back:
                self._warn_of(
                    f"rollout:{variant.name}",
                    f"rollout {name} with Inf1 instances: SageMaker moves all traffic at once, "
                    "without a wait",
                )

    def _warn_of(self, what: str, text: str) -> None:
        Annotations.of(self).add_warning_v2(f"cdk_constructs:{what}", text)


class _ImportedEndpoint(Endpoint):
    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        endpoint_name: str,
        variant_names: Sequence[str],
        asynchronous: bool,
    ) -> None:
        super().__init__(scope, construct_id)
        self.endpoint_name = endpoint_name
        self.variant_names = self.production_variant_names = list(variant_names)
        self.asynchronous = asynchronous
        # SageMaker writes ARNs in lower case, whatever the name's own case.
        name = endpoint_name if is_token(endpoint_name) else endpoint_name.lower()
        self.endpoint_arn = (
            f"arn:{Aws.PARTITION}:sagemaker:{Aws.REGION}:{Aws.ACCOUNT_ID}:endpoint/{name}"
        )
        self.grants = EndpointGrants(self.endpoint_arn, _actions(asynchronous, streams=True))


def _actions(asynchronous: bool, *, streams: bool) -> Sequence[str]:
    if asynchronous:
        return ["sagemaker:InvokeEndpointAsync"]
    if streams:
        return ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"]
    return ["sagemaker:InvokeEndpoint"]
