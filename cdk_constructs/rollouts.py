"""How an update moves the traffic of an endpoint to its new configuration.

SageMaker moves all traffic at once, and without a wait, when an endpoint has Marketplace
containers or Inf1 instances, or when the new configuration names its variants otherwise. A
serverless endpoint takes no rollout.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, ClassVar

from aws_cdk import aws_sagemaker as sagemaker

from cdk_constructs.validation import Problems, is_token
from cdk_constructs.variants import InstanceVariant, ServerlessVariant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cdk_constructs.variants import Variant

_Capacity = sagemaker.CfnEndpoint.CapacitySizeProperty
_Deployment = sagemaker.CfnEndpoint.DeploymentConfigProperty

LONGEST_SECONDS = 28800
MOST_ALARMS = 10


@dataclass(frozen=True, kw_only=True)
class Rollout(ABC):
    """How an update moves traffic: `AllAtOnce`, `Canary`, `Linear` or `Rolling`."""

    shifts_traffic: ClassVar[bool] = True
    """Whether the new fleet serves beside the old one for a while."""

    max_execution_seconds: int | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        problems = Problems(type(self).__name__)
        self._check(problems)
        problems.whole(
            "max_execution_seconds", self.max_execution_seconds, low=600, high=LONGEST_SECONDS
        )
        self._check_waits(problems)
        problems.raise_any()

    @property
    def watched_seconds(self) -> int | None:
        """How long alarms are watched in all, or None if known only at deployment."""
        if any(is_token(value) for value in vars(self).values()):
            return None
        return self._waits_seconds()

    def check(self, problems: Problems, variants: Sequence[Variant]) -> None:
        """Add what keeps this rollout from an endpoint with these variants."""
        serverless = any(isinstance(variant, ServerlessVariant) for variant in variants)
        if serverless and self != AllAtOnce():
            problems.add(f"rollout {self} of a serverless endpoint: must be AllAtOnce() or none")

    def render(self, alarm_names: Sequence[str]) -> _Deployment:
        """Return the rollout as CloudFormation has it, rolled back when an alarm goes off."""
        endpoint = sagemaker.CfnEndpoint
        rollback = None
        if alarm_names:
            alarms = [endpoint.AlarmProperty(alarm_name=name) for name in alarm_names]
            rollback = endpoint.AutoRollbackConfigProperty(alarms=alarms)
        return endpoint.DeploymentConfigProperty(
            **self._policy(), auto_rollback_configuration=rollback
        )

    def _check_waits(self, problems: Problems) -> None:
        given = self.max_execution_seconds
        most = LONGEST_SECONDS if given is None else given
        waits = self.watched_seconds
        if waits is not None and waits >= most:
            problems.add(
                f"waits of {waits} seconds in all: must be less than max_execution_seconds, {most}"
            )

    @abstractmethod
    def _check(self, problems: Problems) -> None: ...

    @abstractmethod
    def _waits_seconds(self) -> int: ...

    @abstractmethod
    def _policy(self) -> dict[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class _BlueGreen(Rollout, ABC):
    """A second, whole fleet takes the traffic over."""

    termination_wait_seconds: int = 0

    def _check(self, problems: Problems) -> None:
        wait = self.termination_wait_seconds
        problems.whole("termination_wait_seconds", wait, low=0, high=3600)

    def _policy(self) -> dict[str, Any]:
        endpoint = sagemaker.CfnEndpoint
        policy = endpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=self._routing(),
            termination_wait_in_seconds=self.termination_wait_seconds,
            maximum_execution_timeout_in_seconds=self.max_execution_seconds,
        )
        return {"blue_green_update_policy": policy}

    @abstractmethod
    def _routing(self) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty: ...


@dataclass(frozen=True, kw_only=True)
class AllAtOnce(_BlueGreen):
    """All traffic moves to the new fleet at once.

    Args:
        termination_wait_seconds: How long the old fleet is kept, with the alarms watched, after
            the traffic has moved, 0 to 3600.
        max_execution_seconds: Limit of the whole update, 600 to 28800, more than the waits.
            Default: SageMaker's.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> AllAtOnce(termination_wait_seconds=600)
    """

    shifts_traffic: ClassVar[bool] = False

    def _waits_seconds(self) -> int:
        return self.termination_wait_seconds

    def _routing(self) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
            type="ALL_AT_ONCE", wait_interval_in_seconds=0
        )


@dataclass(frozen=True, kw_only=True)
class Canary(_BlueGreen):
    """A part of the new fleet serves first, the rest after a wait without alarms.

    Args:
        percent: The part, 1 to 50 percent of the fleet. Default: 10, without `instances`.
        instances: The part as a number of instances, up to half of the fewest that each variant
            may have: its `instance_count`, or the `min_capacity` of its scaling.
        wait_seconds: The wait, 0 to 3600.
        termination_wait_seconds: How long the old fleet is kept afterwards, 0 to 3600.
        max_execution_seconds: Limit of the whole update, 600 to 28800, more than the waits.
            Default: SageMaker's.

    Raises:
        ValueError: A value is out of its range, or both `percent` and `instances` are given.

    Example:
        >>> Canary(percent=10, wait_seconds=600)
    """

    percent: int | None = None
    instances: int | None = None
    wait_seconds: int = 300

    def _check(self, problems: Problems) -> None:
        super()._check(problems)
        if self.percent is not None and self.instances is not None:
            problems.add("both percent and instances: must be one of them")
        problems.whole("percent", self.percent, low=1, high=50)
        problems.whole("instances", self.instances, low=1)
        problems.whole("wait_seconds", self.wait_seconds, low=0, high=3600)

    def check(self, problems: Problems, variants: Sequence[Variant]) -> None:
        """Add what keeps this rollout from an endpoint with these variants."""
        super().check(problems, variants)
        for variant in variants:
            if not isinstance(variant, InstanceVariant) or is_token(variant.fewest_instances):
                continue
            name = f"instances of Canary for variant {variant.name},"
            problems.between(name, self.instances, high=variant.fewest_instances // 2)

    def _waits_seconds(self) -> int:
        return self.wait_seconds + self.termination_wait_seconds

    def _routing(self) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
            type="CANARY", canary_size=self._size(), wait_interval_in_seconds=self.wait_seconds
        )

    def _size(self) -> _Capacity:
        if self.instances is not None:
            return _Capacity(type="INSTANCE_COUNT", value=self.instances)
        return _percent(10 if self.percent is None else self.percent)


@dataclass(frozen=True, kw_only=True)
class Linear(_BlueGreen):
    """The traffic moves to the new fleet in equal steps, with a wait between them.

    Args:
        step_percent: One step, 10 to 50 percent of the fleet.
        wait_seconds: The wait between two steps, 0 to 3600.
        termination_wait_seconds: How long the old fleet is kept afterwards, 0 to 3600.
        max_execution_seconds: Limit of the whole update, 600 to 28800, more than the waits.
            Default: SageMaker's.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> Linear(step_percent=20, wait_seconds=300)
    """

    step_percent: int = 25
    wait_seconds: int = 300

    def _check(self, problems: Problems) -> None:
        super()._check(problems)
        problems.whole("step_percent", self.step_percent, low=10, high=50)
        problems.whole("wait_seconds", self.wait_seconds, low=0, high=3600)

    def _waits_seconds(self) -> int:
        waits = ceil(100 / max(1, self.step_percent)) - 1
        return waits * self.wait_seconds + self.termination_wait_seconds

    def _routing(self) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
            type="LINEAR",
            linear_step_size=_percent(self.step_percent),
            wait_interval_in_seconds=self.wait_seconds,
        )


@dataclass(frozen=True, kw_only=True)
class Rolling(Rollout):
    """Batches of instances are replaced one after the other, without a second fleet.

    For an endpoint with one variant, on instances.

    Args:
        batch_percent: One batch, 5 to 50 percent of the fleet.
        wait_seconds: How long the alarms are watched after each batch, 0 to 3600.
        rollback_batch_percent: One batch on the way back, 5 to 100 percent. Default: the whole
            fleet at once.
        max_execution_seconds: Limit of the whole update, 600 to 28800, more than the waits.
            Default: SageMaker's.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> Rolling(batch_percent=25, wait_seconds=120, rollback_batch_percent=100)
    """

    batch_percent: int = 25
    wait_seconds: int = 300
    rollback_batch_percent: int | None = None

    def _check(self, problems: Problems) -> None:
        problems.whole("batch_percent", self.batch_percent, low=5, high=50)
        problems.whole("wait_seconds", self.wait_seconds, low=0, high=3600)
        problems.whole("rollback_batch_percent", self.rollback_batch_percent, low=5, high=100)

    def check(self, problems: Problems, variants: Sequence[Variant]) -> None:
        """Add what keeps this rollout from an endpoint with these variants."""
        super().check(problems, variants)
        if len(variants) > 1:
            problems.add(f"rollout Rolling with {len(variants)} variants: must be one")

    def _waits_seconds(self) -> int:
        return ceil(100 / max(1, self.batch_percent)) * self.wait_seconds

    def _policy(self) -> dict[str, Any]:
        endpoint = sagemaker.CfnEndpoint
        rollback = self.rollback_batch_percent
        policy = endpoint.RollingUpdatePolicyProperty(
            maximum_batch_size=_percent(self.batch_percent),
            wait_interval_in_seconds=self.wait_seconds,
            rollback_maximum_batch_size=None if rollback is None else _percent(rollback),
            maximum_execution_timeout_in_seconds=self.max_execution_seconds,
        )
        return {"rolling_update_policy": policy}


def _percent(value: int) -> _Capacity:
    return _Capacity(type="CAPACITY_PERCENT", value=value)
