"""Rules for the variants that autoscaling scales."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.hosting import POLICY, config_of, is_async, is_serverless, targets
from odyssey.checks.limits import number
from odyssey.checks.parts import told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.rules.scaling import CONCURRENCY, INSTANCES, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"


@rule(
    "SM405",
    Severity.WARNING,
    "template",
    "A variant begins with a number of instances that scaling allows",
    source="https://docs.aws.amazon.com/autoscaling/application/userguide/"
    "application-auto-scaling-target-tracking.html",
    fix="set InitialInstanceCount between MinCapacity and MaxCapacity",
)
def initial_count(found: Template) -> Iterator[Fault]:
    """Each deployment begins outside of the range, and scaling changes the fleet right after it."""
    for target, _, variant in targets(found):
        count = number(variant.get("InitialInstanceCount")) if variant else None
        low, high = number(target.get("MinCapacity")), number(target.get("MaxCapacity"))
        if variant is None or count is None or low is None or high is None or low > high:
            continue
        if not low <= count <= high:
            yield variant.fault(
                f"InitialInstanceCount is {count:g}, and scaling goes from {low:g} to {high:g}",
                "InitialInstanceCount",
                value=count,
                limit=f"{low:g} to {high:g}",
            )


@rule(
    "SM406",
    Severity.ERROR,
    "template",
    "Only an asynchronous endpoint, or one of inference components, scales to no instance",
    source=f"{_GUIDE}/endpoint-auto-scaling-zero-instances.html",
    fix="set MinCapacity to 1 or more",
)
def to_zero(found: Template) -> Iterator[Fault]:
    """A request to a real-time variant without an instance would have nowhere to wait."""
    for target, endpoint, variant in targets(found):
        config = config_of(endpoint)
        if config is None or variant is None or number(target.get("MinCapacity")) != 0:
            continue
        waits = config.raw("AsyncInferenceConfig") is not None
        if not waits and variant.has("ModelName") and not is_serverless(variant):
            yield Fault(
                "MinCapacity is 0 for an endpoint in real time",
                target,
                ("MinCapacity",),
                0,
                "at least 1",
            )


@rule(
    "SM407",
    Severity.WARNING,
    "template",
    "An asynchronous endpoint without an instance is woken by a policy of its own",
    source="https://github.com/aws/aws-cdk/issues/28776",
    fix="add a StepScaling policy, and an alarm on HasBacklogWithoutCapacity that runs it",
)
def wakes_up(found: Template) -> Iterator[Fault]:
    """The backlog per instance is not published while there is no instance.

    Scaling by it goes down to none and never comes back; requests wait for it until they expire.
    """
    for target, endpoint, _ in targets(found):
        config = config_of(endpoint)
        if config is None or not is_async(config) or number(target.get("MinCapacity")) != 0:
            continue
        policies = [policy for policy in found.of(POLICY) if target_of(policy) is target]
        kinds = [policy.get("PolicyType") for policy in policies]
        if policies and all(kind == "TargetTrackingScaling" for kind in kinds):
            yield Fault(
                "MinCapacity is 0, and no policy wakes the endpoint",
                target,
                ("MinCapacity",),
                0,
                "a StepScaling policy, or at least 1",
            )


@rule(
    "SM408",
    Severity.ERROR,
    "template",
    "An autoscaled variant needs instances that do not burst",
    source=f"{_GUIDE}/endpoint-auto-scaling.html",
    fix="take another instance type, such as ml.m5.large, or leave the scaling out",
)
def burstable(found: Template) -> Iterator[Fault]:
    """SageMaker does not scale ``ml.t`` types: their load does not tell what they could take."""
    for _, _, variant in targets(found):
        type_ = variant.get("InstanceType") if variant else None
        if variant and isinstance(type_, str) and re.match(r"ml\.t\d", type_):
            yield variant.fault(
                f"InstanceType is {told(type_)}, and the variant is scaled",
                "InstanceType",
                value=type_,
                limit="no ml.t type",
            )


@rule(
    "SM409",
    Severity.ERROR,
    "template",
    "A serverless variant is scaled by the concurrency that it provides for",
    source=f"{_GUIDE}/serverless-endpoints-autoscale.html",
    fix=f"set ScalableDimension to {CONCURRENCY}, and ProvisionedConcurrency on the variant",
)
def serverless(found: Template) -> Iterator[Fault]:
    """A serverless variant has no instances to scale, and one with instances no concurrency."""
    for target, _, variant in targets(found):
        by = target.get("ScalableDimension")
        if variant is None or by not in (INSTANCES, CONCURRENCY):
            continue
        is_server = is_serverless(variant)
        if not is_server and variant.has("ServerlessConfig"):
            continue
        fitting = CONCURRENCY if is_server else INSTANCES
        if by != fitting:
            what = "serverless" if is_server else "on instances"
            yield Fault(
                f"ScalableDimension is {by} of a variant that is {what}",
                target,
                ("ScalableDimension",),
                by,
                fitting,
            )
        elif is_server and variant.get("ServerlessConfig", "ProvisionedConcurrency") is None:
            yield variant.fault(
                "the variant is scaled and has no ProvisionedConcurrency",
                "ServerlessConfig",
                limit="ProvisionedConcurrency of at least 1",
            )
