"""Rules for endpoint configurations and their variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.hosting import (
    COMPONENT,
    CONFIG,
    MODEL,
    VARIANT_LISTS,
    arn_of,
    config_limit,
    fixed_names,
    production,
    variants,
)
from odyssey.checks.outlines import has_holes
from odyssey.checks.parts import crowded, outside, parts
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_CREATE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html"


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
        yield from outside(config, config_limit("EndpointConfigName"), "EndpointConfigName")
        for variant_list in VARIANT_LISTS:
            for member in ("VariantName", "ModelName"):
                limit = config_limit("ProductionVariants", member)
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
            if has_holes(value) or config_limit("EndpointConfigName").admits(value):
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
            yield from crowded(config, config_limit(name), name, what="variants")
        shadows = [v for v in variants(config) if v.path[0] != VARIANT_LISTS[0] and v.certain]
        lives = [v for v in production(config) if v.certain]
        if shadows and (len(shadows) > 1 or len(lives) > 1):
            yield Fault(
                f"{len(lives)} variants have {len(shadows)} in their shadow",
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
    holders = [variant for config in found.of(CONFIG) for variant in variants(config)]
    for component in found.of(COMPONENT):
        holders += parts(component, "Specification")
    for holder in holders:
        for branch in found.branches(holder.raw.get("ModelName")):
            model = arn_of(found, branch, MODEL)
            if model:
                yield holder.fault(
                    f"ModelName is !Ref {model}, which is an ARN",
                    "ModelName",
                    value=f"!Ref {model}",
                    limit="a name",
                    fix=f"use !GetAtt {model}.ModelName",
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
