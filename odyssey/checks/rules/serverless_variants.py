"""Rules for serverless variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import (
    CONFIG,
    VARIANT_LISTS,
    containers,
    is_known,
    is_serverless,
    model_of,
    production,
    variants,
)
from odyssey.checks.limits import number
from odyssey.checks.parts import Part, outside, size
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"
_CONFIG = ("sagemaker", "CreateEndpointConfig", "ProductionVariants", "ServerlessConfig")


def _serverless(found: Template) -> Iterator[Part]:
    for config in found.of(CONFIG):
        yield from (variant for variant in variants(config) if is_serverless(variant))


@rule(
    "SM207",
    Severity.ERROR,
    "template",
    "A serverless variant has 1 to 6 whole gigabytes",
    source=_GUIDE,
    fix="set MemorySizeInMB to 1024, 2048, 3072, 4096, 5120 or 6144",
)
def memory(found: Template) -> Iterator[Fault]:
    """SageMaker refuses other sizes, also those between."""
    for config in found.of(CONFIG):
        limit = limits.of(*_CONFIG, "MemorySizeInMB")
        for name in VARIANT_LISTS:
            yield from outside(config, limit, name, "*", "ServerlessConfig", "MemorySizeInMB")


@rule(
    "SM208",
    Severity.ERROR,
    "template",
    "A serverless variant answers 1 to 200 requests at once, and provides for no more",
    source=_GUIDE,
    fix="set MaxConcurrency to 1 to 200, and ProvisionedConcurrency to no more than that",
)
def concurrency(found: Template) -> Iterator[Fault]:
    """SageMaker refuses other numbers, and more that is provided for than there may be."""
    members = ("MaxConcurrency", "ProvisionedConcurrency")
    for config in found.of(CONFIG):
        for member in members:
            for name in VARIANT_LISTS:
                limit = limits.of(*_CONFIG, member)
                yield from outside(config, limit, name, "*", "ServerlessConfig", member)
    for variant in _serverless(found):
        most, provided = (number(variant.get("ServerlessConfig", member)) for member in members)
        if most is not None and provided is not None and provided > most:
            yield variant.fault(
                f"ProvisionedConcurrency is {provided:g}, more than MaxConcurrency, {most:g}",
                "ServerlessConfig",
                "ProvisionedConcurrency",
                value=provided,
                limit=f"at most {most:g}",
            )


_OF_INSTANCES = (
    "InstanceType",
    "InitialInstanceCount",
    "InstancePools",
    "ManagedInstanceScaling",
    "AcceleratorType",
    "VolumeSizeInGB",
)


@rule(
    "SM209",
    Severity.ERROR,
    "template",
    "A serverless variant has no instances",
    source=_GUIDE,
    fix="remove what is about instances, or ServerlessConfig",
)
def no_instances(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a variant that is both."""
    for variant in _serverless(found):
        for member in _OF_INSTANCES:
            if is_known(variant.get(member)):
                sure = member in _OF_INSTANCES[:3]
                yield variant.fault(
                    f"the variant is serverless and has {member}",
                    member,
                    value=variant.get(member),
                    limit="none",
                    severity=None if sure else Severity.WARNING,
                )


@rule(
    "SM210",
    Severity.ERROR,
    "template",
    "A serverless variant stands alone",
    source=_GUIDE,
    fix="keep one variant, or give them all instances",
)
def alone(found: Template) -> Iterator[Fault]:
    """A serverless endpoint has one variant and no shadow; SageMaker refuses others beside it."""
    for config in found.of(CONFIG):
        serverless = [v for v in variants(config) if is_serverless(v) and v.certain]
        every = [v for v in variants(config) if v.certain]
        if serverless and len(every) > 1:
            yield serverless[0].fault(
                f"a serverless variant is one of {len(every)} variants", limit="the only one"
            )


@rule(
    "SM211",
    Severity.ERROR,
    "template",
    "A serverless endpoint has no network, no isolation, no capture and no queue",
    source=_GUIDE,
    fix="remove it, or give the variant instances",
)
def without_extras(found: Template) -> Iterator[Fault]:
    """SageMaker refuses for a serverless endpoint what needs an instance of one's own."""
    for config in found.of(CONFIG):
        if not any(is_serverless(variant) for variant in production(config)):
            continue
        for member in ("VpcConfig", "DataCaptureConfig", "AsyncInferenceConfig"):
            if isinstance(config.get(member), dict) and _is_on(config, member):
                yield Fault(f"a serverless endpoint has {member}", config, (member,), limit="none")
        if _is_true(config, "EnableNetworkIsolation"):
            yield Fault(
                "a serverless endpoint is isolated", config, ("EnableNetworkIsolation",), True
            )


def _is_on(config: Resource, member: str) -> bool:
    enabled = config.get(member, "EnableCapture") if member == "DataCaptureConfig" else True
    return enabled is None or str(enabled).lower() == "true"


def _is_true(resource: Resource, member: str) -> bool:
    return str(resource.get(member)).lower() == "true"


@rule(
    "SM212",
    Severity.ERROR,
    "template",
    "The model of a serverless endpoint is one container from ECR, without a network",
    source=_GUIDE,
    fix="use a model with a PrimaryContainer, a ModelDataUrl and no VpcConfig, or give instances",
)
def model_of_serverless(found: Template) -> Iterator[Fault]:
    """A serverless endpoint takes no pipeline, no several models, no network and no isolation.

    It takes no private registry and no ModelDataSource either.
    """
    told: set[str] = set()
    for variant in _serverless(found):
        model = model_of(variant)
        if model is None or model.id in told:
            continue
        told.add(model.id)
        for message, path in _excluded(model):
            yield Fault(f"the model of a serverless endpoint {message}", model, path)


def _excluded(model: Resource) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    if isinstance(model.get("VpcConfig"), dict):
        yield "has a network", ("VpcConfig",)
    if _is_true(model, "EnableNetworkIsolation"):
        yield "is isolated", ("EnableNetworkIsolation",)
    counted = size(model.template, model.raw("Containers"))
    if counted and counted[0] > 1:
        yield f"is a pipeline of {counted[0]} containers", ("Containers",)
    for container in containers(model):
        if container.get("Mode") == "MultiModel":
            yield "has several models", (*container.path, "Mode")
        if container.get("ImageConfig", "RepositoryAccessMode") == "Vpc":
            yield "is from a private registry", (*container.path, "ImageConfig")
        if isinstance(container.get("ModelDataSource"), dict):
            yield "has a ModelDataSource", (*container.path, "ModelDataSource")
