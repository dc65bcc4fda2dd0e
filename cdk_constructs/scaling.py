"""How the capacity of a variant follows its load.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-autoscale.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from aws_cdk import aws_applicationautoscaling as autoscaling
from constructs import Construct

from cdk_constructs.validation import Problems, is_token

if TYPE_CHECKING:
    from typing import NotRequired, Self, Unpack

INVOCATIONS = "invocations"
PROVISIONED_CONCURRENCY = "provisioned concurrency"
BACKLOG = "backlog"

_Tracking = autoscaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty
_PREDEFINED = {
    INVOCATIONS: "SageMakerVariantInvocationsPerInstance",
    PROVISIONED_CONCURRENCY: "SageMakerVariantProvisionedConcurrencyUtilization",
}


class _More(TypedDict):
    max_capacity: int
    scale_in_cooldown_seconds: NotRequired[int]
    scale_out_cooldown_seconds: NotRequired[int]


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Bounds of a variant's capacity, and the load to hold each part of it at.

    Made by `on_invocations`, `on_backlog` (instances) and `on_provisioned_concurrency`
    (serverless). While a variant scales, updates keep the count that scaling has reached.

    SageMaker refuses an update that changes the instance type of a variant that scales. Deploy
    three times: without `scaling`, with the new type, and with `scaling` again; in the first two
    with `retain_variant_properties=True` of the endpoint, as the variant would otherwise fall from
    the count that scaling has reached to its `instance_count`. See
    https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html

    Args:
        load: What is measured: ``invocations``, ``backlog`` or ``provisioned concurrency``.
        target: The load that each unit of capacity is held at.
        min_capacity: Fewest instances, or least provisioned concurrency.
        max_capacity: Most instances, or most provisioned concurrency.
        scale_in_cooldown_seconds: Pause after capacity was taken away, 0 or more.
        scale_out_cooldown_seconds: Pause after capacity was added, 0 or more.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> Scaling.on_invocations(600, min_capacity=1, max_capacity=4).max_capacity
        4
    """

    load: str
    target: float
    min_capacity: int
    max_capacity: int
    scale_in_cooldown_seconds: int = 300
    scale_out_cooldown_seconds: int = 300

    def __post_init__(self) -> None:
        """Check every value."""
        problems = Problems("Scaling")
        problems.one_of("load", self.load, (INVOCATIONS, BACKLOG, PROVISIONED_CONCURRENCY))
        if self.target <= 0 and not is_token(self.target):
            problems.add(f"target {self.target}: must be above 0")
        if self.load == PROVISIONED_CONCURRENCY:
            problems.between("utilization", self.target, high=1)
        problems.whole("min_capacity", self.min_capacity, low=0 if self.load == BACKLOG else 1)
        problems.whole("max_capacity", self.max_capacity, low=max(1, self.min_capacity))
        problems.whole("scale_in_cooldown_seconds", self.scale_in_cooldown_seconds, low=0)
        problems.whole("scale_out_cooldown_seconds", self.scale_out_cooldown_seconds, low=0)
        problems.raise_any()

    @classmethod
    def on_invocations(
        cls, per_instance: float, *, min_capacity: int, **more: Unpack[_More]
    ) -> Self:
        """Hold the invocations per minute and instance of a real-time variant at a value.

        The value, `per_instance`, is above 0, and `min_capacity` 1 or more; `max_capacity` and
        the cooldowns are those of the class.

        Raises:
            ValueError: A value is out of its range.
        """
        return cls(load=INVOCATIONS, target=per_instance, min_capacity=min_capacity, **more)

    @classmethod
    def on_provisioned_concurrency(
        cls, utilization: float, *, min_capacity: int, **more: Unpack[_More]
    ) -> Self:
        """Hold the use of a serverless variant's provisioned concurrency at a share.

        The share, `utilization`, is above 0 and up to 1, `min_capacity` 1 or more, and
        `max_capacity` up to the variant's `max_concurrency`; the cooldowns are those of the class.

        Raises:
            ValueError: A value is out of its range.
        """
        return cls(
            load=PROVISIONED_CONCURRENCY, target=utilization, min_capacity=min_capacity, **more
        )

    @classmethod
    def on_backlog(
        cls, per_instance: float, *, min_capacity: int = 0, **more: Unpack[_More]
    ) -> Self:
        """Hold the waiting requests per instance of an asynchronous variant at a value.

        The value, `per_instance`, is above 0; `max_capacity` and the cooldowns are those of the
        class. With a `min_capacity` of 0, an endpoint without requests costs nothing and wakes for
        the first one, which takes minutes; it still starts with the variant's `instance_count`.

        Raises:
            ValueError: A value is out of its range.
        """
        return cls(load=BACKLOG, target=per_instance, min_capacity=min_capacity, **more)

    def check_start(self, problems: Problems, name: str, capacity: int | None) -> None:
        """Check that a variant's capacity at the start is within the bounds; None passes.

        An asynchronous variant that scales to none still starts with an instance.
        """
        low, high = max(1, self.min_capacity), self.max_capacity
        if capacity is None or is_token(capacity) or is_token(high):
            return
        if not low <= capacity <= high:
            problems.add(f"{name} {capacity}: must be within the {low} to {high} of its scaling")

    def bind(self, scope: Construct, endpoint_name: str, variant_name: str) -> Construct:
        """Scale a variant of an endpoint.

        Args:
            scope: Where the resources are made, as children of ``Scaling<variant>``.
            endpoint_name: The endpoint's name by reference, so that the endpoint comes first.
            variant_name: The variant's name.

        Returns:
            The parent of what was made.
        """
        parent = Construct(scope, f"Scaling{variant_name}")
        target = autoscaling.CfnScalableTarget(
            parent,
            "Target",
            service_namespace="sagemaker",
            scalable_dimension=self._dimension,
            resource_id=f"endpoint/{endpoint_name}/variant/{variant_name}",
            min_capacity=self.min_capacity,
            max_capacity=self.max_capacity,
        )
        autoscaling.CfnScalingPolicy(
            parent,
            "Policy",
            # Unique only within the target: a fixed name never collides.
            policy_name="TargetTracking",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=self._tracking(endpoint_name),
        )
        if self.load == BACKLOG and self.min_capacity == 0:
            self._wake(parent, target.ref, endpoint_name)
        return parent

    @property
    def _dimension(self) -> str:
        if self.load == PROVISIONED_CONCURRENCY:
            return "sagemaker:variant:DesiredProvisionedConcurrency"
        return "sagemaker:variant:DesiredInstanceCount"

    def _tracking(self, endpoint_name: str) -> _Tracking:
        policy = autoscaling.CfnScalingPolicy
        predefined = custom = None
        if self.load == BACKLOG:
            # The backlog belongs to the endpoint: SageMaker publishes it without a variant.
            dimension = policy.MetricDimensionProperty(name="EndpointName", value=endpoint_name)
            custom = policy.CustomizedMetricSpecificationProperty(
                namespace="AWS/SageMaker",
                metric_name="ApproximateBacklogSizePerInstance",
                dimensions=[dimension],
                statistic="Average",
            )
        else:
            predefined = policy.PredefinedMetricSpecificationProperty(
                predefined_metric_type=_PREDEFINED[self.load]
            )
        return policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=self.target,
            predefined_metric_specification=predefined,
            customized_metric_specification=custom,
            scale_in_cooldown=self.scale_in_cooldown_seconds,
            scale_out_cooldown=self.scale_out_cooldown_seconds,
        )

    def _wake(self, parent: Construct, target_id: str, endpoint_name: str) -> None:
        """Add the first instance: the backlog per instance is not published without one."""
        policy = autoscaling.CfnScalingPolicy
        step = policy.StepAdjustmentProperty(metric_interval_lower_bound=0, scaling_adjustment=1)
        wake = policy(
            parent,
            "WakePolicy",
            policy_name="Wake",
            policy_type="StepScaling",
            scaling_target_id=target_id,
            step_scaling_policy_configuration=policy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                metric_aggregation_type="Average",
                cooldown=self.scale_out_cooldown_seconds,
                step_adjustments=[step],
            ),
        )
        from aws_cdk import aws_cloudwatch as cloudwatch

        cloudwatch.CfnAlarm(
            parent,
            "WakeAlarm",
            alarm_description="Requests wait while the endpoint has no instance.",
            namespace="AWS/SageMaker",
            metric_name="HasBacklogWithoutCapacity",
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name="EndpointName", value=endpoint_name)
            ],
            statistic="Average",
            period=60,
            evaluation_periods=2,
            datapoints_to_alarm=2,
            threshold=1,
            comparison_operator="GreaterThanOrEqualToThreshold",
            treat_missing_data="missing",
            alarm_actions=[wake.ref],
        )
