"""Rules for endpoints: their names, and what an update of them does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import (
    ALARM,
    CONFIG,
    ENDPOINT,
    config_of,
    endpoint_named,
    is_arn_of,
    is_async,
    targets,
)
from odyssey.checks.parts import crowded, outside, parts
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"


@rule(
    "SM301",
    Severity.ERROR,
    "template",
    "An endpoint's name is letters, digits and inner hyphens",
    source=f"{_API}/API_CreateEndpoint.html",
    fix="take 1 to 63 letters, digits and hyphens, without a hyphen at either end",
)
def name(found: Template) -> Iterator[Fault]:
    """SageMaker refuses any other name, also one with an underscore or a dot."""
    for endpoint in found.of(ENDPOINT):
        for member in ("EndpointName", "EndpointConfigName"):
            limit = limits.of("sagemaker", "CreateEndpoint", member)
            for fault in outside(endpoint, limit, member):
                if not str(fault.value).startswith("arn:"):
                    yield fault


@rule(
    "SM302",
    Severity.ERROR,
    "template",
    "An endpoint names its configuration, and Ref of a configuration is an ARN",
    source=f"{_CFN}/aws-resource-sagemaker-endpointconfig.html",
    fix="use !GetAtt CONFIG.EndpointConfigName",
)
def config_by_name(found: Template) -> Iterator[Fault]:
    """SageMaker looks for a configuration of this name, and an ARN is none.

    It is refused only while the stack is deployed.
    """
    for endpoint in found.of(ENDPOINT):
        for branch in found.branches(endpoint.raw("EndpointConfigName")):
            value = None
            if is_arn_of(found, branch, CONFIG):
                value = f"!Ref {branch['Ref']}"
            elif str(found.resolve(branch)).startswith("arn:"):
                value = str(found.resolve(branch))
            if value:
                yield Fault(
                    f"EndpointConfigName is {value}, which is an ARN",
                    endpoint,
                    ("EndpointConfigName",),
                    value,
                    "a name",
                )


@rule(
    "SM303",
    Severity.WARNING,
    "template",
    "An endpoint refers to the configuration of its own template",
    source="https://github.com/hashicorp/terraform-provider-aws/issues/40048",
    fix="use !GetAtt CONFIG.EndpointConfigName",
)
def config_by_reference(found: Template) -> Iterator[Fault]:
    """Without a reference nothing tells CloudFormation which of them comes first.

    An endpoint is updated by a configuration of another name alone, so a name that is written out
    is a second place to edit, too.
    """
    for endpoint in found.of(ENDPOINT):
        value, config = endpoint.get("EndpointConfigName"), config_of(endpoint)
        if not isinstance(value, str) or value.startswith("arn:"):
            continue
        if config is None:
            yield Fault(
                f'the configuration "{value}" is not of this template, which cannot update it',
                endpoint,
                ("EndpointConfigName",),
                value,
                severity=Severity.INFO,
            )
        elif found.target(endpoint.raw("EndpointConfigName")) is not config:
            yield Fault(
                f'EndpointConfigName is "{value}", the written name of {config.id}',
                endpoint,
                ("EndpointConfigName",),
                value,
                f"!GetAtt {config.id}.EndpointConfigName",
            )


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


@rule(
    "SM311",
    Severity.WARNING,
    "template",
    "An update keeps what autoscaling has decided",
    source="https://github.com/aws/aws-cdk/issues/23151",
    fix="set RetainAllVariantProperties to true, and exclude DesiredWeight and DataCaptureConfig",
)
def scaled_count_is_kept(found: Template) -> Iterator[Fault]:
    """An update sets each variant back to the instances that its configuration begins with.

    An endpoint that has scaled out to eight instances has one again, under the same load.
    """
    seen: set[str] = set()
    for _, endpoint, _ in targets(found):
        if endpoint.id in seen:
            continue
        seen.add(endpoint.id)
        retained = endpoint.get("RetainAllVariantProperties")
        if retained is None or str(retained).lower() == "false":
            yield Fault(
                "the endpoint is scaled, and an update resets its instances",
                endpoint,
                ("RetainAllVariantProperties",),
                retained,
                "true",
            )


@rule(
    "SM312",
    Severity.WARNING,
    "template",
    "An endpoint's rollout is the template's",
    source=f"{_API}/API_UpdateEndpoint.html",
    fix="remove RetainDeploymentConfig",
)
def rollout_is_explicit(found: Template) -> Iterator[Fault]:
    """RetainDeploymentConfig takes the rollout of the last update again.

    A DeploymentConfig that is edited in the template is then not looked at.
    """
    for endpoint in found.of(ENDPOINT):
        if str(endpoint.get("RetainDeploymentConfig")).lower() == "true":
            yield Fault(
                "RetainDeploymentConfig hides the template's DeploymentConfig",
                endpoint,
                ("RetainDeploymentConfig",),
                True,
                "false",
            )


@rule(
    "SM315",
    Severity.ERROR,
    "template",
    "An endpoint is named by its name, and Ref of an endpoint is an ARN",
    source=f"{_CFN}/aws-resource-sagemaker-endpoint.html",
    fix="use !GetAtt ENDPOINT.EndpointName",
)
def endpoint_by_name(found: Template) -> Iterator[Fault]:
    """An alarm over an ARN is silent for ever, a component or a schedule for one is refused."""
    for resource in found.resources.values():
        for path, raw in _named(resource):
            if is_arn_of(found, raw, ENDPOINT):
                yield Fault(
                    f"the name is !Ref {raw['Ref']}, which is an ARN",
                    resource,
                    path,
                    f"!Ref {raw['Ref']}",
                    "a name",
                    f"use !GetAtt {raw['Ref']}.EndpointName",
                )


_METRICS = "TargetTrackingScalingPolicyConfiguration", "CustomizedMetricSpecification"
_NAMED = {
    "AWS::SageMaker::InferenceComponent": ("EndpointName",),
    "AWS::SageMaker::DataQualityJobDefinition": (
        "DataQualityJobInput",
        "EndpointInput",
        "EndpointName",
    ),
    "AWS::SageMaker::ModelQualityJobDefinition": (
        "ModelQualityJobInput",
        "EndpointInput",
        "EndpointName",
    ),
}
_DIMENSIONS = {
    ALARM: ("Dimensions", "*"),
    "AWS::ApplicationAutoScaling::ScalingPolicy": (*_METRICS, "Dimensions", "*"),
}


def _named(resource: Resource) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield each place that has the name of an endpoint."""
    pattern = _NAMED.get(resource.type)
    if pattern:
        for part in parts(resource, *pattern[:-1]):
            yield (*part.path, pattern[-1]), part.raw.get(pattern[-1])
    for part in parts(resource, *_DIMENSIONS.get(resource.type, ("",))):
        if part.get("Name") == "EndpointName":
            yield (*part.path, "Value"), part.raw.get("Value")


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
