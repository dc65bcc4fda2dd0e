"""Rules for endpoints: their names, and what an update of them does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.grants import waits_for
from odyssey.checks.hosting import (
    ALARM,
    COMPONENT,
    CONFIG,
    ENDPOINT,
    arn_of,
    config_of,
    endpoint_named,
    targets,
)
from odyssey.checks.parts import outside, parts
from odyssey.checks.rule import Fault, rule

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
            config = arn_of(found, branch, CONFIG)
            if config:
                value = f"!Ref {config}"
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
            endpoint = arn_of(found, raw, ENDPOINT)
            if endpoint:
                yield Fault(
                    f"the name is !Ref {endpoint}, which is an ARN",
                    resource,
                    path,
                    f"!Ref {endpoint}",
                    "a name",
                    f"use !GetAtt {endpoint}.EndpointName",
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


@rule(
    "SM317",
    Severity.WARNING,
    "template",
    "An inference component refers to the endpoint of its own template",
    source="https://github.com/aws/amazon-sagemaker-feedback/issues/49",
    fix="use !GetAtt ENDPOINT.EndpointName",
)
def component_by_reference(found: Template) -> Iterator[Fault]:
    """An endpoint cannot be deleted while it has components.

    Without a reference CloudFormation may make the component before its endpoint, and delete it
    after.
    """
    for component in found.of(COMPONENT):
        raw = component.raw("EndpointName")
        endpoint = endpoint_named(found, raw)
        if endpoint and not waits_for(component, endpoint):
            yield Fault(
                f"EndpointName is the written name of {endpoint.id}",
                component,
                ("EndpointName",),
                component.get("EndpointName"),
                f"!GetAtt {endpoint.id}.EndpointName",
            )


_DEFINITIONS = tuple(
    f"AWS::SageMaker::{kind}JobDefinition"
    for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
)


@rule(
    "SM318",
    Severity.WARNING,
    "template",
    "A monitoring schedule names its job, and Ref of a job's definition is an ARN",
    source=f"{_CFN}/aws-resource-sagemaker-dataqualityjobdefinition.html",
    fix="give the definition a JobDefinitionName, and use !GetAtt JOB.JobDefinitionName",
)
def job_by_name(found: Template) -> Iterator[Fault]:
    """SageMaker looks for a definition of this name, and an ARN is none."""
    for schedule in found.of("AWS::SageMaker::MonitoringSchedule"):
        for config in parts(schedule, "MonitoringScheduleConfig"):
            raw = config.raw.get("MonitoringJobDefinitionName")
            for type_ in _DEFINITIONS:
                job = arn_of(found, raw, type_)
                if job:
                    yield config.fault(
                        f"MonitoringJobDefinitionName is !Ref {job}, which is an ARN",
                        "MonitoringJobDefinitionName",
                        value=f"!Ref {job}",
                        limit="a name",
                    )
