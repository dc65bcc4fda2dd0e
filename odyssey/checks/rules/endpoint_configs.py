"""Rules for endpoint configurations and their variants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import (
    CONFIG,
    MODEL,
    VARIANT_LISTS,
    fixed_names,
    is_arn_of,
    production,
    variants,
)
from odyssey.checks.limits import number
from odyssey.checks.outlines import has_holes
from odyssey.checks.parts import crowded, outside, told
from odyssey.checks.rule import Fault, rule
from odyssey.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
_CREATE = f"{_API}/API_CreateEndpointConfig.html"
_VARIANT = f"{_API}/API_ProductionVariant.html"


def _limit(*path: str) -> limits.Limit:
    return limits.of("sagemaker", "CreateEndpointConfig", *path)


@rule(
    "SM201",
    Severity.ERROR,
    "template",
    "Names of configurations, variants and models are letters, digits and inner hyphens",
    source=_CREATE,
    fix="take 1 to 63 letters, digits and hyphens, without a hyphen at either end",
)
def names(found: Template) -> Iterator[Fault]:
    """SageMaker refuses any other name, also one with an underscore or a dot."""
    for config in found.of(CONFIG):
        yield from outside(config, _limit("EndpointConfigName"), "EndpointConfigName")
        for variant_list in VARIANT_LISTS:
            for member in ("VariantName", "ModelName"):
                limit = _limit("ProductionVariants", member)
                yield from outside(config, limit, variant_list, "*", member)


@rule(
    "SM202",
    Severity.WARNING,
    "template",
    "An endpoint configuration has no name of its own",
    source="https://repost.aws/knowledge-center/cloudformation-custom-name",
    fix="leave EndpointConfigName out, so that CloudFormation makes one up",
)
def fixed_name(found: Template) -> Iterator[Fault]:
    """Every change of a configuration replaces it.

    CloudFormation makes the new one before it deletes the old one, and cannot where both have one
    name. An endpoint is updated only by a configuration of another name.
    """
    for config in found.of(CONFIG):
        for value in fixed_names(config, "EndpointConfigName"):
            if has_holes(value) or _limit("EndpointConfigName").admits(value):
                yield Fault(
                    f'the configuration is named "{value}", so it can never change',
                    config,
                    ("EndpointConfigName",),
                    value,
                    "no name of the template's",
                )


@rule(
    "SM203",
    Severity.ERROR,
    "template",
    "An endpoint configuration has 1 to 10 variants, and at most one beside a shadow",
    source=_CREATE,
    fix="give the variants that there shall be, or an endpoint to some of them",
)
def variant_counts(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a list without variants, and a longer one.

    A shadow variant has a copy of the requests of one variant: there is one of each.
    """
    for config in found.of(CONFIG):
        if config.raw("ProductionVariants") is None:
            yield Fault("the configuration has no ProductionVariants", config, limit="1 to 10")
        for name in VARIANT_LISTS:
            yield from crowded(config, _limit(name), name, what="variants")
        shadows = [v for v in variants(config) if v.path[0] != VARIANT_LISTS[0] and v.certain]
        lives = [v for v in production(config) if v.certain]
        if shadows and (len(shadows) > 1 or len(lives) > 1):
            yield Fault(
                f"there are {len(shadows)} shadow variants of {len(lives)} variants",
                config,
                (VARIANT_LISTS[1],),
                len(shadows),
                "one shadow variant, of one variant",
            )


@rule(
    "SM204",
    Severity.ERROR,
    "template",
    "Variants of one configuration have different names",
    source=_CREATE,
    fix="give each variant a name of its own",
)
def unique_names(found: Template) -> Iterator[Fault]:
    """SageMaker refuses two variants of one name, also where one of them is a shadow."""
    for config in found.of(CONFIG):
        seen: set[str] = set()
        for variant in variants(config):
            name = variant.get("VariantName")
            if not isinstance(name, str) or not variant.certain:
                continue
            if name in seen:
                yield variant.fault(f'two variants are named "{name}"', "VariantName", value=name)
            seen.add(name)


@rule(
    "SM205",
    Severity.ERROR,
    "template",
    "An instance type is one that hosts endpoints",
    source=_VARIANT,
    fix="take a type of hosting, such as ml.m5.large, or update botocore if it is new",
)
def instance_type(found: Template) -> Iterator[Fault]:
    """SageMaker's types begin with ``ml.``, and hosting has others than training.

    One of the right form that the installed botocore does not know may be newer than it.
    """
    limit = _limit("ProductionVariants", "InstanceType")
    for config in found.of(CONFIG):
        for name in VARIANT_LISTS:
            for path, value in config.each(name, "*", "InstanceType"):
                text = str(value)
                if limit.admits(text):
                    continue
                formed = re.fullmatch(r"ml\.[a-z][a-z0-9-]*\.[a-z0-9]+", text)
                yield Fault(
                    f"InstanceType is {told(text)}{did_you_mean(text, limit.enum)}",
                    config,
                    path,
                    value,
                    limit.describe() if formed else "ml.FAMILY.SIZE",
                    severity=Severity.WARNING if formed else None,
                )


@rule(
    "SM206",
    Severity.ERROR,
    "template",
    "A variant has instances, or is serverless",
    source=_VARIANT,
    fix="give InstanceType and InitialInstanceCount of at least 1, or ServerlessConfig",
)
def instances(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a variant that says neither how many instances there are nor of what.

    None to begin with is no choice; scaling brings the number down later.
    """
    count = _limit("ProductionVariants", "InitialInstanceCount")
    for config in found.of(CONFIG):
        for variant in variants(config):
            if variant.has("ServerlessConfig") or variant.has("InstancePools"):
                continue
            if any(str(key).startswith("Fn::") for key in variant.raw):
                continue
            if not variant.has("InstanceType"):
                yield variant.fault("the variant has neither InstanceType nor ServerlessConfig")
            elif not variant.has("InitialInstanceCount") and not variant.has(
                "ManagedInstanceScaling"
            ):
                yield variant.fault(
                    "the variant has no InitialInstanceCount",
                    limit=count.describe(),
                    severity=Severity.WARNING,
                )
        for name in VARIANT_LISTS:
            yield from outside(config, count, name, "*", "InitialInstanceCount")


@rule(
    "SM213",
    Severity.ERROR,
    "template",
    "A container has 60 to 3600 seconds to load its model and to start",
    source=_VARIANT,
    fix="set the timeout within the limits",
)
def timeouts(found: Template) -> Iterator[Fault]:
    """SageMaker refuses another timeout; without one, a start may take 8 minutes."""
    for config in found.of(CONFIG):
        for member in (
            "ModelDataDownloadTimeoutInSeconds",
            "ContainerStartupHealthCheckTimeoutInSeconds",
            "VariantInstanceProvisionTimeoutInSeconds",
        ):
            limit = _limit("ProductionVariants", member)
            for name in VARIANT_LISTS:
                yield from outside(config, limit, name, "*", member)


@rule(
    "SM214",
    Severity.ERROR,
    "template",
    "An instance's volume has 1 to 512 GB",
    source=_VARIANT,
    fix="set VolumeSizeInGB within the limits, or leave it out",
)
def volume(found: Template) -> Iterator[Fault]:
    """SageMaker refuses another size."""
    limit = _limit("ProductionVariants", "VolumeSizeInGB")
    for config in found.of(CONFIG):
        for name in VARIANT_LISTS:
            yield from outside(config, limit, name, "*", "VolumeSizeInGB")


_LOCAL_DISKS = re.compile(r"ml\.((g|p|trn|inf)\d|i\d|[cmrx]\d+[a-z]*d)[a-z]*\..+")
_NO_DISKS = re.compile(r"ml\.(inf[12]|p2|p3|g3s?)\..+")


def _has_local_disk(instance_type: Any) -> bool:
    text = str(instance_type)
    return bool(_LOCAL_DISKS.fullmatch(text)) and not _NO_DISKS.fullmatch(text)


@rule(
    "SM215",
    Severity.WARNING,
    "template",
    "An instance with a disk of its own takes no volume",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/host-instance-storage.html",
    fix="leave VolumeSizeInGB out, or take an instance type without a local disk",
)
def volume_and_disk(found: Template) -> Iterator[Fault]:
    """Types with NVMe disks keep models there; SageMaker may refuse a volume beside them."""
    for config in found.of(CONFIG):
        for variant in variants(config):
            type_ = variant.get("InstanceType")
            if _has_local_disk(type_) and variant.has("VolumeSizeInGB"):
                yield variant.fault(
                    f"VolumeSizeInGB is given for {type_}, which has a disk of its own",
                    "VolumeSizeInGB",
                    value=variant.get("VolumeSizeInGB"),
                    limit="none",
                )


@rule(
    "SM216",
    Severity.WARNING,
    "template",
    "A key does not encrypt the disk of an instance that has one",
    source=_CREATE,
    fix="leave KmsKeyId out, or take an instance type without a local disk",
)
def key_and_disk(found: Template) -> Iterator[Fault]:
    """An instance's own NVMe disk is encrypted by its hardware, not by the key.

    SageMaker has refused such configurations, too.
    """
    for config in found.of(CONFIG):
        if config.raw("KmsKeyId") is None:
            continue
        for variant in variants(config):
            type_ = variant.get("InstanceType")
            if _has_local_disk(type_):
                yield variant.fault(
                    f"InstanceType is {told(type_)}, whose disk KmsKeyId does not encrypt",
                    "InstanceType",
                    value=type_,
                    limit="an instance type without a local disk",
                )


@rule(
    "SM217",
    Severity.ERROR,
    "template",
    "Variants have weights of 0 and more, and not all of them 0",
    source=_VARIANT,
    fix="give each variant its share, such as 9 and 1",
)
def weights(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a weight below 0.

    A variant's share of the requests is its weight over the sum of all. With a sum of 0 no variant
    has one.
    """
    limit = _limit("ProductionVariants", "InitialVariantWeight")
    for config in found.of(CONFIG):
        for name in VARIANT_LISTS:
            yield from outside(config, limit, name, "*", "InitialVariantWeight")
        own = production(config)
        values = [number(variant.get("InitialVariantWeight")) for variant in own]
        if own and all(value == 0 for value in values):
            yield own[0].fault(
                "all weights are 0",
                "InitialVariantWeight",
                value=0,
                limit="more than 0 for one variant",
                severity=Severity.WARNING,
            )


@rule(
    "SM218",
    Severity.ERROR,
    "template",
    "A variant names its model, and Ref of a model is an ARN",
    source="https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-resource-sagemaker-model.html",
    fix="use !GetAtt MODEL.ModelName",
)
def model_by_name(found: Template) -> Iterator[Fault]:
    """SageMaker looks for a model of this name, and an ARN is none.

    It is refused only while the stack is deployed.
    """
    for config in found.of(CONFIG):
        for variant in variants(config):
            for branch in found.branches(variant.raw.get("ModelName")):
                if is_arn_of(found, branch, MODEL):
                    yield variant.fault(
                        f"ModelName is !Ref {branch['Ref']}, which is an ARN",
                        "ModelName",
                        value=f"!Ref {branch['Ref']}",
                        limit="a name",
                        fix=f"use !GetAtt {branch['Ref']}.ModelName",
                    )


@rule(
    "SM219",
    Severity.ERROR,
    "template",
    "A variant without a model hosts inference components, with a role of its configuration's",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints-deploy-models.html",
    fix="give the variant a ModelName, or the configuration an ExecutionRoleArn",
)
def components_have_a_role(found: Template) -> Iterator[Fault]:
    """Without a model there is no role to pull images with, but for the configuration's."""
    for config in found.of(CONFIG):
        if config.raw("ExecutionRoleArn") is not None:
            continue
        for variant in variants(config):
            whole = any(str(key).startswith("Fn::") for key in variant.raw)
            if not variant.has("ModelName") and not variant.has("InstancePools") and not whole:
                yield variant.fault(
                    "the variant has no ModelName, and the configuration no ExecutionRoleArn",
                    limit="one of them",
                )
