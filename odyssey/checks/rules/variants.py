"""Rules for the variants of an endpoint configuration: instances, times, volumes, weights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Severity
from odyssey.checks.hosting import CONFIG, VARIANT_LISTS, config_limit, production, variants
from odyssey.checks.limits import number
from odyssey.checks.parts import outside, told
from odyssey.checks.rule import Fault, rule
from odyssey.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
_CREATE = f"{_API}/API_CreateEndpointConfig.html"
_VARIANT = f"{_API}/API_ProductionVariant.html"


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
    limit = config_limit("ProductionVariants", "InstanceType")
    for config in found.of(CONFIG):
        for name in VARIANT_LISTS:
            for path, value in config.each(name, "*", "InstanceType"):
                text = str(value)
                if limit.admits(text):
                    continue
                formed = re.fullmatch(r"ml\.[a-z][a-z0-9-]*\.[a-z0-9]+", text)
                near = did_you_mean(text if formed else f"ml.{text}", limit.enum)
                yield Fault(
                    f"InstanceType is {told(text)}{near}",
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
    count = config_limit("ProductionVariants", "InitialInstanceCount")
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
            limit = config_limit("ProductionVariants", member)
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
    limit = config_limit("ProductionVariants", "VolumeSizeInGB")
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
    limit = config_limit("ProductionVariants", "InitialVariantWeight")
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
