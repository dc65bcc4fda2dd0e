"""Rules for how an update moves the traffic of an endpoint."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import ENDPOINT, config_of, is_serverless, production
from odyssey.checks.limits import Limit, number
from odyssey.checks.parts import Part, outside, parts
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
_BLUE_GREEN = ("DeploymentConfig", "BlueGreenUpdatePolicy")
_ROUTING = (*_BLUE_GREEN, "TrafficRoutingConfiguration")
_ROLLING = ("DeploymentConfig", "RollingUpdatePolicy")
_SIZES = {
    (*_ROUTING, "CanarySize"): Limit(1, 50, unit="percent"),
    (*_ROUTING, "LinearStepSize"): Limit(10, 50, unit="percent"),
    (*_ROLLING, "MaximumBatchSize"): Limit(5, 50, unit="percent"),
}
"""What the text of the model says, and its limits do not."""


def _limit(*path: str) -> Limit:
    return limits.of("sagemaker", "CreateEndpoint", *path)


@rule(
    "SM304",
    Severity.ERROR,
    "template",
    "An endpoint has one way to update it",
    source=f"{_API}/API_DeploymentConfig.html",
    fix="keep BlueGreenUpdatePolicy or RollingUpdatePolicy",
)
def one_policy(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a rollout with a second fleet and in place at once."""
    for endpoint in found.of(ENDPOINT):
        for config in parts(endpoint, "DeploymentConfig"):
            both = ("BlueGreenUpdatePolicy", "RollingUpdatePolicy")
            if all(isinstance(config.get(policy), dict) for policy in both):
                yield config.fault(
                    "there are both BlueGreenUpdatePolicy and RollingUpdatePolicy",
                    limit="one of them",
                )


@rule(
    "SM305",
    Severity.ERROR,
    "template",
    "A step moves a part of the traffic: canary up to 50 percent, linear 10 to 50, rolling 5 to 50",
    source=f"{_API}/API_TrafficRoutingConfig.html",
    fix="set the size within the limits",
)
def sizes(found: Template) -> Iterator[Fault]:
    """SageMaker refuses smaller and larger steps."""
    for endpoint in found.of(ENDPOINT):
        for path, percent in _SIZES.items():
            for size in parts(endpoint, *path):
                value = number(size.get("Value"))
                kind = size.get("Type")
                limit = percent if kind == "CAPACITY_PERCENT" else Limit(1)
                if value is not None and not limit.admits(value):
                    yield size.fault(
                        f"{path[-1]} is {value:g} {limit.unit}".rstrip(),
                        "Value",
                        value=value,
                        limit=limit.describe(),
                    )
                fleet = _fewest(endpoint) if kind == "INSTANCE_COUNT" else None
                if value is not None and fleet and value > max(1, fleet) / 2:
                    yield size.fault(
                        f"{path[-1]} is {value:g} of {fleet:g} instances",
                        "Value",
                        value=value,
                        limit="at most half of the instances",
                        severity=Severity.WARNING,
                    )


def _fewest(endpoint: Any) -> float | None:
    config = config_of(endpoint)
    counts = [number(v.get("InitialInstanceCount")) for v in production(config)] if config else []
    known = [count for count in counts if count is not None]
    return min(known) if known and len(known) == len(counts) else None


@rule(
    "SM306",
    Severity.ERROR,
    "template",
    "A rollout waits 0 to 3600 seconds at a time, and takes 600 to 28800 in all",
    source=f"{_API}/API_BlueGreenUpdatePolicy.html",
    fix="set the time within the limits",
)
def waits(found: Template) -> Iterator[Fault]:
    """SageMaker refuses other times."""
    for endpoint in found.of(ENDPOINT):
        for path in (
            (*_ROUTING, "WaitIntervalInSeconds"),
            (*_BLUE_GREEN, "TerminationWaitInSeconds"),
            (*_BLUE_GREEN, "MaximumExecutionTimeoutInSeconds"),
            (*_ROLLING, "WaitIntervalInSeconds"),
            (*_ROLLING, "MaximumExecutionTimeoutInSeconds"),
        ):
            yield from outside(endpoint, _limit(*path), *path)


@rule(
    "SM307",
    Severity.ERROR,
    "template",
    "A rollout has more time than its waits",
    source=f"{_API}/API_BlueGreenUpdatePolicy.html",
    fix="raise MaximumExecutionTimeoutInSeconds, or shorten the waits",
)
def time_for_waits(found: Template) -> Iterator[Fault]:
    """SageMaker ends the update, and takes it back, when the time is up."""
    for endpoint in found.of(ENDPOINT):
        for policy in (*parts(endpoint, *_BLUE_GREEN), *parts(endpoint, *_ROLLING)):
            most = number(policy.get("MaximumExecutionTimeoutInSeconds"))
            total = _waits(policy)
            if most is not None and total is not None and total >= most:
                yield policy.fault(
                    f"the waits are {total:g} seconds in all, of {most:g}",
                    "MaximumExecutionTimeoutInSeconds",
                    value=most,
                    limit=f"more than {total:g}",
                )


def _waits(policy: Part) -> float | None:
    """Return the seconds that a rollout waits in all; None where they are not known."""
    if policy.path[-1] == "RollingUpdatePolicy":
        batch = policy.get("MaximumBatchSize", "Value")
        return _steps(policy.get("MaximumBatchSize", "Type"), batch, policy, whole=True)
    routing = ("TrafficRoutingConfiguration",)
    kind = policy.get(*routing, "Type")
    end = policy.get("TerminationWaitInSeconds")
    last = 0 if end is None else number(end)
    wait = number(policy.get(*routing, "WaitIntervalInSeconds"))
    if last is None or kind == "ALL_AT_ONCE":
        return last
    if kind == "CANARY" and wait is not None:
        return wait + last
    size = (*routing, "LinearStepSize")
    steps = _steps(policy.get(*size, "Type"), policy.get(*size, "Value"), policy, whole=False)
    return steps + last if steps is not None and kind == "LINEAR" else None


def _steps(kind: Any, value: Any, policy: Part, *, whole: bool) -> float | None:
    path = () if whole else ("TrafficRoutingConfiguration",)
    wait, size = number(policy.get(*path, "WaitIntervalInSeconds")), number(value)
    if kind != "CAPACITY_PERCENT" or wait is None or not size or size < 0:
        return None
    return (ceil(100 / size) - (0 if whole else 1)) * wait


@rule(
    "SM309",
    Severity.INFO,
    "template",
    "A rollout in steps is watched by alarms",
    source=f"{_GUIDE}/deployment-guardrails-configuration.html",
    fix="add AutoRollbackConfiguration with alarms on Invocation5XXErrors and ModelLatency",
)
def watched(found: Template) -> Iterator[Fault]:
    """Without an alarm, a step waits and goes on whatever happened meanwhile."""
    for endpoint in found.of(ENDPOINT):
        for config in parts(endpoint, "DeploymentConfig"):
            kind = config.get(*_ROUTING[1:], "Type")
            in_steps = kind in ("CANARY", "LINEAR") or config.has("RollingUpdatePolicy")
            if in_steps and not config.has("AutoRollbackConfiguration"):
                yield config.fault("the rollout is in steps, and no alarm watches them")


@rule(
    "SM313",
    Severity.ERROR,
    "template",
    "A rollout fits the variants of its endpoint",
    source=f"{_GUIDE}/deployment-guardrails-exclusions.html",
    fix="remove DeploymentConfig for a serverless endpoint; take a BlueGreenUpdatePolicy for "
    "several variants",
)
def fits_variants(found: Template) -> Iterator[Fault]:
    """A rolling update takes one variant on instances.

    A serverless endpoint takes no rollout in steps: it has no fleet to move.
    """
    for endpoint in found.of(ENDPOINT):
        config = config_of(endpoint)
        own = [variant for variant in production(config) if variant.certain] if config else []
        serverless = any(is_serverless(variant) for variant in own)
        for policy in parts(endpoint, *_ROLLING):
            if serverless or len(own) > 1:
                what = "serverless" if serverless else f"of {len(own)} variants"
                yield policy.fault(
                    f"a rolling update of an endpoint that is {what}", limit="one variant"
                )
        for routing in parts(endpoint, *_ROUTING):
            if serverless and routing.get("Type") in ("CANARY", "LINEAR"):
                yield routing.fault(
                    "a rollout in steps of a serverless endpoint",
                    "Type",
                    value=routing.get("Type"),
                    limit="none",
                    severity=Severity.WARNING,
                )


@rule(
    "SM314",
    Severity.ERROR,
    "template",
    "A rollout in steps says how large they are",
    source=f"{_API}/API_TrafficRoutingConfig.html",
    fix="give CanarySize for CANARY and LinearStepSize for LINEAR",
)
def size_is_given(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a canary or linear rollout without its size, and another kind's size."""
    needed = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
    kinds = _limit(*_ROUTING, "Type")
    for endpoint in found.of(ENDPOINT):
        yield from outside(endpoint, kinds, *_ROUTING, "Type")
        for routing in parts(endpoint, *_ROUTING):
            kind = routing.get("Type")
            size = needed.get(kind) if isinstance(kind, str) else None
            if size and not routing.has(size):
                yield routing.fault(f"a {kind} rollout has no {size}", limit=size)
