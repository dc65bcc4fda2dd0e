"""Rules for alarms on endpoints, and for those that take an update back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import ALARM, ENDPOINT, config_of, endpoint_named, is_async
from odyssey.checks.parts import crowded, parts
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"


@rule(
    "SM310",
    Severity.WARNING,
    "template",
    "An alarm that takes an update back is there",
    source=f"{_GUIDE}/deployment-guardrails-configuration.html",
    fix="use !Ref ALARM for an alarm of the template, or correct the name",
)
def alarms_exist(found: Template) -> Iterator[Fault]:
    """SageMaker refuses an update that an unknown alarm shall watch, and wants names, not ARNs.

    An alarm of the template that is only named may be made later than the endpoint.
    """
    named = {str(each.get("AlarmName")): each for each in found.of(ALARM)}
    pattern = ("DeploymentConfig", "AutoRollbackConfiguration", "Alarms", "*")
    for endpoint in found.of(ENDPOINT):
        for alarm in parts(endpoint, *pattern):
            raw, value = alarm.raw.get("AlarmName"), alarm.get("AlarmName")
            called = function(raw)
            if called and called[0] == "Fn::GetAtt" and alarm.target("AlarmName"):
                yield alarm.fault("AlarmName is an ARN", "AlarmName", limit="a name")
            if not isinstance(value, str) or called:
                continue
            if value.startswith("arn:"):
                yield alarm.fault("AlarmName is an ARN", "AlarmName", value=value, limit="a name")
            elif value in named:
                yield alarm.fault(
                    f'AlarmName is "{value}", the written name of {named[value].id}',
                    "AlarmName",
                    value=value,
                    limit=f"!Ref {named[value].id}",
                )
            else:
                there = any(True for _ in found.of(ALARM))
                yield alarm.fault(
                    f'no alarm of the template is named "{value}"',
                    "AlarmName",
                    value=value,
                    severity=None if there else Severity.INFO,
                )


_NEVER = ("Invocations", "InvocationsPerInstance", "OverheadLatency")

_BACKLOG = (
    "ApproximateBacklogSize",
    "ApproximateBacklogSizePerInstance",
    "HasBacklogWithoutCapacity",
)


@rule(
    "SM316",
    Severity.WARNING,
    "template",
    "An alarm watches what its endpoint publishes",
    source=f"{_GUIDE}/async-inference-monitor.html",
    fix="watch ApproximateBacklogSize of an asynchronous endpoint, by its EndpointName alone",
)
def alarm_can_ring(found: Template) -> Iterator[Fault]:
    """An asynchronous endpoint publishes no number of invocations; such an alarm is silent.

    What it publishes of its queue has the name of the endpoint and no variant.
    """
    for alarm in found.of(ALARM):
        metric = alarm.get("MetricName")
        dimensions = list(parts(alarm, "Dimensions", "*"))
        if alarm.get("Namespace") != "AWS/SageMaker" or not _is_of_async(found, dimensions):
            continue
        if metric in _NEVER:
            yield Fault(
                f"an asynchronous endpoint does not publish {metric}",
                alarm,
                ("MetricName",),
                metric,
            )
        if metric in _BACKLOG and any(d.get("Name") == "VariantName" for d in dimensions):
            yield Fault(f"{metric} has no dimension VariantName", alarm, ("Dimensions",), metric)


def _is_of_async(found: Template, dimensions: list[Any]) -> bool:
    for dimension in dimensions:
        if dimension.get("Name") == "EndpointName":
            endpoint = endpoint_named(found, dimension.raw.get("Value"))
            config = config_of(endpoint) if endpoint else None
            return config is not None and is_async(config)
    return False


@rule(
    "SM308",
    Severity.ERROR,
    "template",
    "Up to 10 alarms take an update back",
    source=f"{_API}/API_AutoRollbackConfig.html",
    fix="name 1 to 10 alarms, or a composite alarm over more",
)
def alarm_count(found: Template) -> Iterator[Fault]:
    """SageMaker refuses more alarms, and a list without one."""
    limit = limits.of(
        "sagemaker", "CreateEndpoint", "DeploymentConfig", "AutoRollbackConfiguration", "Alarms"
    )
    for endpoint in found.of(ENDPOINT):
        pattern = ("DeploymentConfig", "AutoRollbackConfiguration", "Alarms")
        yield from crowded(endpoint, limit, *pattern, what="alarms")
        for rollback in parts(endpoint, *pattern[:-1]):
            if not rollback.has("Alarms"):
                yield rollback.fault(
                    "AutoRollbackConfiguration has no alarm",
                    "Alarms",
                    limit=limit.describe(),
                    severity=Severity.WARNING,
                )
