"""Rules for asynchronous endpoints, for what endpoints capture, and for managed scaling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.hosting import (
    CONFIG,
    VARIANT_LISTS,
    config_limit,
    is_async,
    production,
    variants,
)
from odyssey.checks.limits import number
from odyssey.checks.outlines import outlines
from odyssey.checks.parts import Part, crowded, outside, parts, told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
_ASYNC = "https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint.html"


@rule(
    "SM250",
    Severity.ERROR,
    "template",
    "An asynchronous endpoint says where in S3 its answers go",
    source=_ASYNC,
    fix="set AsyncInferenceConfig.OutputConfig.S3OutputPath to s3://BUCKET/PREFIX",
)
def output(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a configuration without a place for answers."""
    for config in found.of(CONFIG):
        for part in parts(config, "AsyncInferenceConfig"):
            if not part.has("OutputConfig"):
                yield part.fault("AsyncInferenceConfig has no OutputConfig")
        for part in parts(config, "AsyncInferenceConfig", "OutputConfig"):
            if not part.has("S3OutputPath"):
                yield part.fault("OutputConfig has no S3OutputPath", severity=Severity.WARNING)
            for member in ("S3OutputPath", "S3FailurePath"):
                yield from _not_in_s3(part, member, most=512)


def _not_in_s3(part: Part, member: str, most: int) -> Iterator[Fault]:
    for text in outlines(part.template, part.raw.get(member)):
        if not text.startswith(("s3://", "https://", "${")) or len(text) > most:
            yield part.fault(
                f"{member} is {told(text)}",
                member,
                value=text,
                limit=f"s3://BUCKET/PREFIX of at most {most} characters",
            )


@rule(
    "SM251",
    Severity.ERROR,
    "template",
    "An asynchronous endpoint has one variant, on instances",
    source="https://github.com/aws/aws-cdk-rfcs/blob/main/text/0431-sagemaker-l2-endpoint.md",
    fix="keep one variant with instances and no shadow, or remove AsyncInferenceConfig",
)
def one_instance_variant(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a second variant, a shadow and a serverless variant beside a queue."""
    for config in found.of(CONFIG):
        if not is_async(config):
            continue
        sure = [variant for variant in variants(config) if variant.certain]
        if len(sure) > 1:
            yield Fault(
                f"an asynchronous endpoint has {len(sure)} variants",
                config,
                sure[1].path[:1],
                len(sure),
                "one variant, and no shadow",
            )


@rule(
    "SM252",
    Severity.ERROR,
    "template",
    "An instance of an asynchronous endpoint answers 1 to 1000 requests at once",
    source=f"{_API}/API_AsyncInferenceClientConfig.html",
    fix="set MaxConcurrentInvocationsPerInstance within the limits, or leave it out",
)
def at_once(found: Template) -> Iterator[Fault]:
    """SageMaker refuses another number; without one it chooses."""
    path = ("AsyncInferenceConfig", "ClientConfig", "MaxConcurrentInvocationsPerInstance")
    for config in found.of(CONFIG):
        yield from outside(config, config_limit(*path), *path)


@rule(
    "SM260",
    Severity.ERROR,
    "template",
    "A share of 0 to 100 percent is captured",
    source=f"{_API}/API_DataCaptureConfig.html",
    fix="set InitialSamplingPercentage to 1 to 100",
)
def sampling(found: Template) -> Iterator[Fault]:
    """SageMaker refuses another share, and 0 captures nothing."""
    path = ("DataCaptureConfig", "InitialSamplingPercentage")
    for config in found.of(CONFIG):
        yield from outside(config, config_limit(*path), *path)
        if config.get(*path) == 0 and str(config.get("DataCaptureConfig", "EnableCapture")) in (
            "True",
            "true",
        ):
            yield Fault("capture is on, with 0 percent", config, path, 0, severity=Severity.WARNING)


@rule(
    "SM261",
    Severity.ERROR,
    "template",
    "What is captured is the input, the output, or both",
    source=f"{_API}/API_DataCaptureConfig.html",
    fix="give CaptureOptions of CaptureMode Input and Output",
)
def capture_options(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a capture of nothing, and modes that it does not know."""
    mode = config_limit("DataCaptureConfig", "CaptureOptions", "CaptureMode")
    for config in found.of(CONFIG):
        for capture in parts(config, "DataCaptureConfig"):
            if not capture.has("CaptureOptions"):
                yield capture.fault("DataCaptureConfig has no CaptureOptions", limit="at least 1")
        limit = config_limit("DataCaptureConfig", "CaptureOptions")
        yield from crowded(config, limit, "DataCaptureConfig", "CaptureOptions", what="entries")
        yield from outside(config, mode, "DataCaptureConfig", "CaptureOptions", "*", "CaptureMode")


@rule(
    "SM262",
    Severity.ERROR,
    "template",
    "What is captured goes to S3",
    source=f"{_API}/API_DataCaptureConfig.html",
    fix="set DestinationS3Uri to s3://BUCKET/PREFIX",
)
def capture_place(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a capture without a place, and one of more than 512 characters."""
    for config in found.of(CONFIG):
        for capture in parts(config, "DataCaptureConfig"):
            if not capture.has("DestinationS3Uri"):
                yield capture.fault("DataCaptureConfig has no DestinationS3Uri")
            yield from _not_in_s3(capture, "DestinationS3Uri", most=512)


_MANAGED = "ManagedInstanceScaling"


@rule(
    "SM230",
    Severity.ERROR,
    "template",
    "Managed scaling goes from a least to a greatest number of instances",
    source=f"{_API}/API_ProductionVariantManagedInstanceScaling.html",
    fix="set MinInstanceCount to no more than MaxInstanceCount",
)
def managed_scaling(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a least number above the greatest, and numbers below its limits."""
    members = ("MinInstanceCount", "MaxInstanceCount")
    for config in found.of(CONFIG):
        for member in members:
            limit = config_limit("ProductionVariants", _MANAGED, member)
            for name in VARIANT_LISTS:
                yield from outside(config, limit, name, "*", _MANAGED, member)
        for variant in production(config):
            low, high = (number(variant.get(_MANAGED, member)) for member in members)
            if low is not None and high is not None and low > high:
                yield variant.fault(
                    f"MinInstanceCount is {low:g}, more than MaxInstanceCount, {high:g}",
                    _MANAGED,
                    "MinInstanceCount",
                    value=low,
                    limit=f"at most {high:g}",
                )


@rule(
    "SM231",
    Severity.ERROR,
    "template",
    "Only a variant of inference components is managed down to no instance",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-zero-instances.html",
    fix="leave ModelName out and deploy the model as an inference component, or keep an instance",
)
def managed_to_zero(found: Template) -> Iterator[Fault]:
    """An instance of a variant with a model cannot go: only copies of components can."""
    for config in found.of(CONFIG):
        for variant in production(config):
            named = variant.has("ModelName") and function(variant.raw["ModelName"]) is None
            named = named or variant.target("ModelName") is not None
            if named and number(variant.get(_MANAGED, "MinInstanceCount")) == 0:
                yield variant.fault(
                    "MinInstanceCount is 0 for a variant with a model",
                    _MANAGED,
                    "MinInstanceCount",
                    value=0,
                    limit="at least 1",
                )
