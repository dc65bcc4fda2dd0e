"""Rules for the targets of autoscaling: what is scaled, and how far."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.hosting import (
    ENDPOINT,
    POLICY,
    TARGET,
    are_certain,
    arn_of,
    config_of,
    production,
    scaled,
    targets,
)
from odyssey.checks.limits import number
from odyssey.checks.outlines import has_holes, outlines
from odyssey.checks.parts import told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import references
from odyssey.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_API = "https://docs.aws.amazon.com/autoscaling/application/APIReference"
_GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg"
INSTANCES = "sagemaker:variant:DesiredInstanceCount"
CONCURRENCY = "sagemaker:variant:DesiredProvisionedConcurrency"
COPIES = "sagemaker:inference-component:DesiredCopyCount"


def of_sagemaker(target: Resource) -> bool:
    """Return whether a target, or a policy, is for SageMaker."""
    told = target.get("ServiceNamespace"), target.get("ScalableDimension")
    return any(str(each).startswith("sagemaker") for each in told)


@rule(
    "SM401",
    Severity.ERROR,
    "template",
    "A scalable target is named endpoint/NAME/variant/VARIANT",
    source=f"{_API}/API_RegisterScalableTarget.html",
    fix='use !Sub "endpoint/${ENDPOINT.EndpointName}/variant/VARIANT"',
)
def resource_id(found: Template) -> Iterator[Fault]:
    """Application Auto Scaling refuses any other form, and an ARN within it.

    ``Ref`` of an endpoint is its ARN.
    """
    for target in found.of(TARGET):
        if not of_sagemaker(target):
            continue
        for text in outlines(found, target.raw("ResourceId")):
            form = r"(endpoint/[^/]+/variant/[^/]+|inference-component/[^/]+)"
            arn = _arns_in(found, text)
            if arn or (not has_holes(text) and not re.fullmatch(form, text)) or _is_odd(text):
                what = f"has the ARN of {arn}, not its name" if arn else f"is {told(text)}"
                yield Fault(
                    f"ResourceId {what}",
                    target,
                    ("ResourceId",),
                    text,
                    "endpoint/NAME/variant/VARIANT",
                )


def _arns_in(found: Template, text: str) -> str | None:
    for name in re.findall(r"\$\{(\w+)\}", text):
        if arn_of(found, {"Ref": name}, ENDPOINT):
            return str(name)
    return None


def _is_odd(text: str) -> bool:
    """Return whether an outline with holes lacks what no hole would bring."""
    if not re.fullmatch(r"endpoint/\$\{[^}]*\}.*", text):
        return False
    return not re.fullmatch(r"endpoint/[^/]+(/variant/.+|[^/]*\$\{[^}]*\}.*)", text)


@rule(
    "SM402",
    Severity.ERROR,
    "template",
    "What is scaled is a variant of the endpoint",
    source=f"{_API}/API_RegisterScalableTarget.html",
    fix="name a variant of the endpoint's configuration",
)
def variant_exists(found: Template) -> Iterator[Fault]:
    """Application Auto Scaling refuses a variant that the endpoint does not have."""
    for target in found.of(TARGET):
        for endpoint, name in scaled(target):
            config = config_of(endpoint)
            own = production(config) if config else []
            names = [variant.get("VariantName") for variant in own]
            if config is None or has_holes(name) or not are_certain(config, own):
                continue
            if name not in names and all(isinstance(each, str) for each in names):
                yield Fault(
                    f'the endpoint has no variant "{name}"{did_you_mean(name, names)}',
                    target,
                    ("ResourceId",),
                    name,
                    " or ".join(names),
                )


@rule(
    "SM403",
    Severity.ERROR,
    "template",
    "A variant is scaled by its instances, or by the concurrency that is provided for",
    source=f"{_API}/API_RegisterScalableTarget.html",
    fix=f"set ServiceNamespace to sagemaker and ScalableDimension to {INSTANCES}",
)
def dimension(found: Template) -> Iterator[Fault]:
    """Application Auto Scaling refuses another pair of namespace and dimension for an endpoint."""
    for target in found.of(TARGET):
        texts = list(outlines(found, target.raw("ResourceId")))
        of_endpoint = any(text.startswith("endpoint/") for text in texts)
        if not of_endpoint and not of_sagemaker(target):
            continue
        namespace, by = target.get("ServiceNamespace"), target.get("ScalableDimension")
        if isinstance(namespace, str) and namespace != "sagemaker":
            yield Fault(
                f"ServiceNamespace is {told(namespace)}",
                target,
                ("ServiceNamespace",),
                namespace,
                "sagemaker",
            )
        fitting = (INSTANCES, CONCURRENCY) if of_endpoint else (INSTANCES, CONCURRENCY, COPIES)
        if isinstance(by, str) and by not in fitting:
            yield Fault(
                f"ScalableDimension is {told(by)}",
                target,
                ("ScalableDimension",),
                by,
                " or ".join(fitting),
            )


@rule(
    "SM404",
    Severity.ERROR,
    "template",
    "Scaling goes from a least to a greatest capacity",
    source=f"{_API}/API_RegisterScalableTarget.html",
    fix="set MinCapacity to 0 or more, and to no more than MaxCapacity",
)
def capacities(found: Template) -> Iterator[Fault]:
    """Application Auto Scaling refuses a least capacity above the greatest, and less than 0."""
    for target in found.of(TARGET):
        low, high = number(target.get("MinCapacity")), number(target.get("MaxCapacity"))
        if low is not None and low < 0:
            yield Fault(f"MinCapacity is {low:g}", target, ("MinCapacity",), low, "0 or more")
        if low is not None and high is not None and low > high:
            yield Fault(
                f"MinCapacity is {low:g}, more than MaxCapacity, {high:g}",
                target,
                ("MinCapacity",),
                low,
                f"at most {high:g}",
            )


def target_of(policy: Resource) -> Resource | None:
    """Return the target of a policy, if it is in the template."""
    by_reference = policy.target("ScalingTargetId")
    if by_reference is not None and by_reference.type == TARGET:
        return by_reference
    texts = set(outlines(policy.template, policy.raw("ResourceId")))
    for target in policy.template.of(TARGET):
        same = target.get("ScalableDimension") == policy.get("ScalableDimension")
        if same and texts & set(outlines(policy.template, target.raw("ResourceId"))):
            return target
    return None


@rule(
    "SM415",
    Severity.INFO,
    "template",
    "What may be scaled is scaled by something",
    source=f"{_API}/API_PutScalingPolicy.html",
    fix="add a ScalingPolicy or ScheduledActions",
)
def has_policy(found: Template) -> Iterator[Fault]:
    """A target alone is a range: the number of instances never changes."""
    referred = {name for policy in found.of(POLICY) for name in references(policy.properties)}
    for target, _, _ in targets(found):
        by_id = any(target_of(policy) is target for policy in found.of(POLICY))
        if target.id not in referred and not by_id and not target.raw("ScheduledActions"):
            yield Fault("nothing of the template scales the target", target)
