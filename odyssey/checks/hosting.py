"""How the resources of hosting belong together: endpoint, configuration, variants, models."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.outlines import outline, outlines
from odyssey.checks.parts import Part, parts
from odyssey.checks.template import Unknown, function, references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

MODEL = "AWS::SageMaker::Model"
CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"
COMPONENT = "AWS::SageMaker::InferenceComponent"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
ALARM = "AWS::CloudWatch::Alarm"

VARIANT_LISTS = ("ProductionVariants", "ShadowProductionVariants")


def config_limit(*path: str) -> limits.Limit:
    """Return what SageMaker takes at a place of an endpoint configuration.

    Args:
        path: The names on the way there, such as ``ProductionVariants``, ``InstanceType``.
    """
    return limits.of("sagemaker", "CreateEndpointConfig", *path)


def variants(config: Resource) -> Iterator[Part]:
    """Yield the variants of an endpoint configuration, then its shadow variants."""
    for name in VARIANT_LISTS:
        yield from parts(config, name, "*")


def production(config: Resource) -> list[Part]:
    """Return the variants that answer requests."""
    return list(parts(config, "ProductionVariants", "*"))


def are_certain(config: Resource, found: list[Part]) -> bool:
    """Return whether the variants found are all that there are, whatever the conditions."""
    declared = config.raw("ProductionVariants")
    return isinstance(declared, list) and len(declared) == len(found) and _all_certain(found)


def _all_certain(found: list[Part]) -> bool:
    return all(part.certain for part in found)


def is_serverless(variant: Part) -> bool:
    """Return whether a variant is serverless for sure."""
    return variant.has("ServerlessConfig") and not function(variant.raw["ServerlessConfig"])


def is_async(config: Resource) -> bool:
    """Return whether a configuration answers asynchronously for sure."""
    return any(part.certain for part in parts(config, "AsyncInferenceConfig"))


def containers(model: Resource) -> Iterator[Part]:
    """Yield the containers of a model."""
    yield from parts(model, "PrimaryContainer")
    yield from parts(model, "Containers", "*")


def model_of(variant: Part) -> Resource | None:
    """Return the model of a variant, if it is in the template."""
    return _named(variant.template, variant.raw.get("ModelName"), MODEL, "ModelName")


def config_of(endpoint: Resource) -> Resource | None:
    """Return the configuration of an endpoint, if it is in the template."""
    raw = endpoint.raw("EndpointConfigName")
    return _named(endpoint.template, raw, CONFIG, "EndpointConfigName")


def endpoint_named(template: Template, value: Any) -> Resource | None:
    """Return the endpoint that a value names, if it is in the template."""
    return _named(template, value, ENDPOINT, "EndpointName")


def _named(template: Template, value: Any, type_: str, name: str) -> Resource | None:
    found = template.target(value)
    if found is not None:
        return found if found.type == type_ else None
    text = outline(template, value)
    return next((each for each in template.of(type_) if text in own_names(each, name)), None)


def own_names(resource: Resource, member: str) -> list[str]:
    """Return the outlines of a resource's name; one that is not known at all is none."""
    found = outlines(resource.template, resource.raw(member))
    return [text for text in found if text and "${?}" not in text]


def arn_of(template: Template, value: Any, type_: str) -> str | None:
    """Return the logical id of the resource of a type whose ARN a value is by ``Ref``, or None.

    ``Ref`` of what SageMaker hosts is its ARN, the primary identifier of its schema.
    """
    text = outline(template, value) or ""
    name = _REF.fullmatch(text)
    found = template.resources.get(name[1]) if name else None
    return found.id if found is not None and found.type == type_ else None


_REF = re.compile(r"\$\{(\w+)\}")
_RESOURCE_ID = re.compile(r"endpoint/(?P<endpoint>.+)/variant/(?P<variant>[^/]+)")
_LOGICAL = re.compile(r"\$\{(\w+)\.EndpointName\}")


def scaled(target: Resource) -> Iterator[tuple[Resource, str]]:
    """Yield the endpoint of this template that a target scales, with the variant's name."""
    for text in outlines(target.template, target.raw("ResourceId")):
        seen = _RESOURCE_ID.fullmatch(text)
        endpoint = seen and _endpoint(target.template, seen["endpoint"])
        if seen and endpoint:
            yield endpoint, seen["variant"]


def _endpoint(template: Template, name: str) -> Resource | None:
    logical = _LOGICAL.fullmatch(name)
    if logical:
        found = template.resources.get(logical[1])
        return found if found is not None and found.type == ENDPOINT else None
    return next((e for e in template.of(ENDPOINT) if name in own_names(e, "EndpointName")), None)


def targets(template: Template) -> Iterator[tuple[Resource, Resource, Part | None]]:
    """Yield the targets of a template with their endpoint, and the variant where it is known."""
    for target in template.of(TARGET):
        for endpoint, name in scaled(target):
            config = config_of(endpoint)
            own = production(config) if config else []
            found = [variant for variant in own if name in variant.texts("VariantName")]
            yield target, endpoint, found[0] if len(found) == 1 else None


def is_known(value: Any) -> bool:
    """Return whether a value is there and known."""
    return value is not None and not isinstance(value, Unknown)


def fixed_names(resource: Resource, member: str) -> Iterator[str]:
    """Yield the names that a template gives a resource, whatever its parameters are."""
    for branch in resource.template.branches(resource.raw(member)):
        text = outline(resource.template, branch)
        fixed = all(name.startswith("AWS::") for name in references(branch))
        if text is not None and fixed and "${?}" not in text:
            yield text
