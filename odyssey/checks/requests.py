"""The requests that CloudFormation would make of a resource, and what AWS's models say of them.

The properties of a resource are the members of the request that creates it, but for a few. What is
not known is left out of the judgement, and so is what other rules judge with more words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.limits import number
from odyssey.checks.template import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Path_, Resource
    from odyssey.shapes import Problem


@dataclass(frozen=True)
class Request:
    """How the properties of a type are a request.

    Args:
        service: The service as boto3 calls it.
        operation: The operation.
        told: Where other rules tell what is wrong, as a regular expression over dotted paths
            without the numbers of entries.
        only_here: Members that CloudFormation has, and the request has not.
        lower: Whether the request's members begin with a lower-case letter.
    """

    service: str
    operation: str
    told: str = ""
    only_here: tuple[str, ...] = ()
    lower: bool = False


_NETWORK = r"VpcConfig(\..*)?"
_TAGS = r"Tags(\.Key)?"
_JOBS = ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
_SIZE = r"(ServerlessConfig\.\w+|ManagedInstanceScaling\.M\w+Count|InitialInstanceCount"

REQUESTS: dict[str, Request] = {
    "AWS::SageMaker::Model": Request(
        "sagemaker",
        "CreateModel",
        rf"ModelName|ExecutionRoleArn|Containers|{_NETWORK}|{_TAGS}"
        r"|(PrimaryContainer|Containers)\.(Image|ModelDataUrl|Environment(\..*)?)",
    ),
    "AWS::SageMaker::EndpointConfig": Request(
        "sagemaker",
        "CreateEndpointConfig",
        rf"EndpointConfigName|ExecutionRoleArn|{_NETWORK}|{_TAGS}|(Shadow)?ProductionVariants"
        rf"|(Shadow)?ProductionVariants\.{_SIZE}|InitialVariantWeight|VariantName|ModelName"
        r"|InstanceType|VolumeSizeInGB|\w+TimeoutInSeconds)"
        r"|AsyncInferenceConfig\.(OutputConfig|OutputConfig\.S3\w+Path|ClientConfig\.\w+)"
        r"|DataCaptureConfig\.(InitialSamplingPercentage|DestinationS3Uri|CaptureOptions"
        r"|CaptureOptions\.CaptureMode)",
    ),
    "AWS::SageMaker::Endpoint": Request(
        "sagemaker",
        "CreateEndpoint",
        rf"EndpointName|EndpointConfigName|{_TAGS}|DeploymentConfig\..*(Seconds|Type|Alarms"
        r"|AlarmName|Value)",
        (
            "ExcludeRetainedVariantProperties",
            "RetainAllVariantProperties",
            "RetainDeploymentConfig",
        ),
    ),
    "AWS::SageMaker::InferenceComponent": Request(
        "sagemaker",
        "CreateInferenceComponent",
        _TAGS,
        ("DeploymentConfig", "DesiredCopyCount", "CurrentCopyCount"),
    ),
    "AWS::SageMaker::MonitoringSchedule": Request(
        "sagemaker", "CreateMonitoringSchedule", _TAGS, ("EndpointName", "MonitoringScheduleStatus")
    ),
    "AWS::SageMaker::ModelPackageGroup": Request(
        "sagemaker", "CreateModelPackageGroup", _TAGS, ("ModelPackageGroupPolicy",)
    ),
    "AWS::SageMaker::NotebookInstance": Request("sagemaker", "CreateNotebookInstance", _TAGS),
    "AWS::SageMaker::FeatureGroup": Request("sagemaker", "CreateFeatureGroup", _TAGS),
    "AWS::SageMaker::Project": Request("sagemaker", "CreateProject", _TAGS),
    **{
        f"AWS::SageMaker::{kind}JobDefinition": Request(
            "sagemaker", f"Create{kind}JobDefinition", _TAGS, ("EndpointName",)
        )
        for kind in _JOBS
    },
    "AWS::Lambda::Function": Request(
        "lambda",
        "CreateFunction",
        r"FunctionName|MemorySize|Timeout|EphemeralStorage\.Size|Architectures|Tags|Layers"
        r"|Runtime|Handler|Code(\..*)?",
        ("ReservedConcurrentExecutions", "RecursiveLoop", "RuntimeManagementConfig"),
    ),
    "AWS::ECR::Repository": Request("ecr", "CreateRepository", "RepositoryName|Tags", lower=True),
}
"""The types whose properties are, name for name, members of a request."""

KINDS = {"missing": "is missing", "unknown": "is not known to AWS", "type": "must be of the type"}


def kind_of(problem: Problem) -> str:
    """Return what kind of problem it is: one of `KINDS`, or ``limit``."""
    return next((kind for kind, text in KINDS.items() if problem.rule.startswith(text)), "limit")


def problems(resource: Resource) -> Iterator[tuple[Path_, Problem]]:
    """Yield what AWS's model says of a resource, with the way to each place in its properties.

    Args:
        resource: A resource of one of the types of `REQUESTS`; another has no problems.
    """
    from odyssey import shapes

    request = REQUESTS.get(resource.type)
    shape = _shape(resource.type)
    values = resource.values
    if request is None or shape is None or not isinstance(values, Mapping):
        return
    given = coerced(shape, lowered(values) if request.lower else values)
    for problem in shapes.problems(request.service, request.operation, given):
        path = _way(problem.path)
        if request.lower:
            path = tuple(p[:1].upper() + p[1:] if isinstance(p, str) else p for p in path)
        dotted = ".".join(str(step) for step in path if isinstance(step, str))
        top_name = kind_of(problem) == "missing" and len(path) == 1
        whole = _holds_unknown(problem.value) or any(str(p).startswith("Fn::") for p in path)
        elsewhere = re.fullmatch(request.told, dotted) or set(path[-1:]) & set(request.only_here)
        if not top_name and not whole and not elsewhere and problem.value is not UNKNOWN:
            yield path, problem


@cache
def _shape(type_: str) -> Any:
    request = REQUESTS.get(type_)
    if request is None:
        return None
    return limits.model(request.service).operation_model(request.operation).input_shape


def lowered(value: Any) -> Any:
    """Return a value whose members begin with lower-case letters."""
    if isinstance(value, Mapping):
        return {k[:1].lower() + k[1:]: lowered(v) for k, v in value.items()}
    return [lowered(each) for each in value] if isinstance(value, list) else value


def coerced(shape: Any, value: Any) -> Any:
    """Return a value as CloudFormation sends it: numbers and truth of texts, texts of numbers."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        return {
            k: coerced(shape.members[k], v) if k in shape.members else v for k, v in value.items()
        }
    if kind == "map" and isinstance(value, Mapping):
        return {str(k): coerced(shape.value, v) for k, v in value.items()}
    if kind == "list" and isinstance(value, list):
        return [coerced(shape.member, each) for each in value]
    if kind in ("integer", "long") and number(value) is not None:
        counted = float(number(value) or 0)
        return int(counted) if counted.is_integer() else value
    if kind in ("float", "double") and number(value) is not None:
        return float(number(value) or 0)
    if kind == "boolean" and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    if kind == "string" and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


def _way(path: str) -> Path_:
    steps = re.findall(r"\[(\d+)\]|([^.\[\]]+)", path.partition(", a name")[0])
    return tuple(int(entry) if entry else name for entry, name in steps)


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_unknown(each) for each in value.values())
    return value is UNKNOWN or (isinstance(value, list) and any(map(_holds_unknown, value)))
