"""Rules for the policies of autoscaling: what they measure, and how long they wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.hosting import POLICY, config_of, is_async, scaled
from odyssey.checks.limits import number
from odyssey.checks.parts import Part, parts, told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.rules.scaling import CONCURRENCY, COPIES, INSTANCES, of_sagemaker, target_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_API = "https://docs.aws.amazon.com/autoscaling/application/APIReference"
_MONITOR = "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html"
_TRACKING = "TargetTrackingScalingPolicyConfiguration"
_PREDEFINED = (_TRACKING, "PredefinedMetricSpecification")
_CUSTOM = (_TRACKING, "CustomizedMetricSpecification")

_NEVER_ASYNC = (
    "SageMakerVariantInvocationsPerInstance",
    "SageMakerVariantConcurrentRequestsPerModelHighResolution",
)
_OF_DIMENSION = {
    INSTANCES: _NEVER_ASYNC,
    CONCURRENCY: ("SageMakerVariantProvisionedConcurrencyUtilization",),
    COPIES: (
        "SageMakerInferenceComponentInvocationsPerCopy",
        "SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution",
    ),
}


def _dimension(policy: Resource) -> object:
    own = policy.get("ScalableDimension")
    target = target_of(policy)
    return own if own is not None or target is None else target.get("ScalableDimension")


def _scales_async(policy: Resource) -> bool:
    target = target_of(policy)
    for endpoint, _ in scaled(target or policy):
        config = config_of(endpoint)
        if config is not None and is_async(config):
            return True
    return False


@rule(
    "SM410",
    Severity.ERROR,
    "template",
    "An asynchronous endpoint is scaled by its backlog",
    source=_MONITOR,
    fix="use a CustomizedMetricSpecification of ApproximateBacklogSizePerInstance",
)
def by_backlog(found: Template) -> Iterator[Fault]:
    """An asynchronous endpoint publishes no invocations per instance.

    A policy that measures them is accepted, and never scales.
    """
    for policy in found.of(POLICY):
        if not _scales_async(policy):
            continue
        for metric, member in _metrics(policy):
            name = metric.get(member)
            if name in (*_NEVER_ASYNC, "Invocations", "InvocationsPerInstance", "OverheadLatency"):
                yield metric.fault(
                    f"{name} is not published by an asynchronous endpoint",
                    member,
                    value=name,
                    limit="ApproximateBacklogSizePerInstance",
                )


def _metrics(policy: Resource) -> Iterator[tuple[Part, str]]:
    for part in parts(policy, *_PREDEFINED):
        yield part, "PredefinedMetricType"
    for part in parts(policy, *_CUSTOM):
        yield part, "MetricName"


@rule(
    "SM411",
    Severity.ERROR,
    "template",
    "A policy measures what its target scales by",
    source=f"{_API}/API_PredefinedMetricSpecification.html",
    fix="take the metric of the target's dimension",
)
def metric_fits(found: Template) -> Iterator[Fault]:
    """Application Auto Scaling refuses the metric of another dimension, or of another service."""
    for policy in found.of(POLICY):
        by = _dimension(policy)
        fitting = _OF_DIMENSION.get(by) if isinstance(by, str) else None
        if fitting is None:
            continue
        for path, value in policy.each(*_PREDEFINED, "PredefinedMetricType"):
            if value not in fitting:
                known = str(value) in {each for kind in _OF_DIMENSION.values() for each in kind}
                foreign = not str(value).startswith("SageMaker")
                yield Fault(
                    f"PredefinedMetricType is {told(value)} for {by}",
                    policy,
                    path,
                    value,
                    " or ".join(fitting),
                    severity=None if known or foreign else Severity.WARNING,
                )


@rule(
    "SM412",
    Severity.ERROR,
    "template",
    "A policy waits 0 seconds or more, and aims at more than 0",
    source=f"{_API}/API_TargetTrackingScalingPolicyConfiguration.html",
    fix="set the cooldown to 0 or more, and the target value to more than 0",
)
def cooldowns(found: Template) -> Iterator[Fault]:
    """Application Auto Scaling refuses a negative wait, and a target that is never met."""
    members = (
        (_TRACKING, "ScaleInCooldown"),
        (_TRACKING, "ScaleOutCooldown"),
        ("StepScalingPolicyConfiguration", "Cooldown"),
    )
    for policy in found.of(POLICY):
        for path in members:
            value = number(policy.get(*path))
            if value is not None and value < 0:
                yield Fault(f"{path[-1]} is {value:g}", policy, path, value, "0 or more")
        aim = number(policy.get(_TRACKING, "TargetValue"))
        if aim is not None and aim <= 0 and _is_of_sagemaker(policy):
            yield Fault(
                f"TargetValue is {aim:g}",
                policy,
                (_TRACKING, "TargetValue"),
                aim,
                "more than 0",
                severity=Severity.WARNING,
            )


def _is_of_sagemaker(policy: Resource) -> bool:
    target = target_of(policy)
    return of_sagemaker(policy) or (target is not None and of_sagemaker(target))


@rule(
    "SM413",
    Severity.WARNING,
    "template",
    "The utilization of provided concurrency is a share of 1",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-autoscale.html",
    fix="set TargetValue to a share, such as 0.7",
)
def utilization(found: Template) -> Iterator[Fault]:
    """The metric goes from 0 to 1: a target of 70 is never met, and nothing ever scales out."""
    for policy in found.of(POLICY):
        kind = policy.get(*_PREDEFINED, "PredefinedMetricType")
        aim = number(policy.get(_TRACKING, "TargetValue"))
        if kind == "SageMakerVariantProvisionedConcurrencyUtilization" and aim and aim > 1:
            yield Fault(
                f"TargetValue is {aim:g}",
                policy,
                (_TRACKING, "TargetValue"),
                aim,
                "more than 0, up to 1",
            )


@rule(
    "SM414",
    Severity.WARNING,
    "template",
    "The backlog of an endpoint has the endpoint's name as its only dimension",
    source=_MONITOR,
    fix="remove the dimension VariantName",
)
def backlog_dimensions(found: Template) -> Iterator[Fault]:
    """The queue is the endpoint's: by variant there is no such metric, and nothing scales."""
    for policy in found.of(POLICY):
        for metric in parts(policy, *_CUSTOM):
            name = str(metric.get("MetricName"))
            if "Backlog" not in name or metric.get("Namespace") != "AWS/SageMaker":
                continue
            for dimension in parts(policy, *_CUSTOM, "Dimensions", "*"):
                if dimension.get("Name") == "VariantName":
                    yield dimension.fault(
                        f"{name} has no dimension VariantName",
                        "Name",
                        value="VariantName",
                        limit="EndpointName alone",
                    )
