"""Rules for models, and for what describes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import CONFIG, MODEL, fixed_names, is_known
from odyssey.checks.outlines import has_holes
from odyssey.checks.parts import Part, crowded, outside, parts, size
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import NO_VALUE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
_CFN = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"
_CUSTOM = "https://repost.aws/knowledge-center/cloudformation-custom-name"


@rule(
    "SM101",
    Severity.ERROR,
    "template",
    "A model's name is letters, digits and inner hyphens",
    source=f"{_API}/API_CreateModel.html",
    fix="leave ModelName out, so that CloudFormation makes one up",
)
def name(found: Template) -> Iterator[Fault]:
    """SageMaker refuses any other name, also one with an underscore or a dot."""
    for model in found.of(MODEL):
        yield from outside(model, limits.of("sagemaker", "CreateModel", "ModelName"), "ModelName")


@rule(
    "SM102",
    Severity.WARNING,
    "template",
    "A model has no name of its own",
    source=_CUSTOM,
    fix="leave ModelName out, so that CloudFormation makes one up",
)
def fixed_name(found: Template) -> Iterator[Fault]:
    """Every change of a model, such as a new image, replaces it.

    CloudFormation makes the new one before it deletes the old one, and cannot where both have one
    name: the stack's first update fails.
    """
    for model in found.of(MODEL):
        for value in fixed_names(model, "ModelName"):
            if has_holes(value) or limits.of("sagemaker", "CreateModel", "ModelName").admits(value):
                yield Fault(
                    f'the model is named "{value}", so it can never change',
                    model,
                    ("ModelName",),
                    value,
                    "no name of the template's",
                )


@rule(
    "SM103",
    Severity.ERROR,
    "template",
    "A model has one primary container, or 1 to 15 containers",
    source=f"{_API}/API_CreateModel.html",
    fix="give PrimaryContainer for one container, or Containers for a pipeline of several",
)
def container_lists(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a model with both, with neither, and with more containers."""
    limit = limits.of("sagemaker", "CreateModel", "Containers")
    for model in found.of(MODEL):
        both = [model.raw("PrimaryContainer"), model.raw("Containers")]
        there = [each for each in both if each not in (None, NO_VALUE)]
        if not there and not _is_packaged(model.properties):
            yield Fault("the model has no container", model, limit="a container")
        if len(there) == 2 and all(_is_plain(each) for each in there):
            yield Fault(
                "the model has both PrimaryContainer and Containers", model, ("Containers",)
            )
        yield from crowded(model, limit, "Containers", what="entries")


def _is_plain(value: object) -> bool:
    return isinstance(value, list) or (isinstance(value, Mapping) and "Fn::If" not in value)


def _is_packaged(properties: Mapping[str, object]) -> bool:
    return any(str(each).startswith("Fn::") for each in properties)


@rule(
    "SM114",
    Severity.ERROR,
    "template",
    "A network has 1 to 16 subnets and 1 to 5 security groups",
    source=f"{_API}/API_VpcConfig.html",
    fix="give both lists, within the limits",
)
def network(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a network without one of the lists, or with a longer one."""
    for resource in found.of(MODEL, CONFIG):
        for part in parts(resource, "VpcConfig"):
            for member in ("Subnets", "SecurityGroupIds"):
                if not part.has(member):
                    yield part.fault(f"VpcConfig has no {member}", limit="at least 1")
        for member in ("Subnets", "SecurityGroupIds"):
            limit = limits.of("sagemaker", "CreateModel", "VpcConfig", member)
            yield from crowded(resource, limit, "VpcConfig", member, what="entries")


@rule(
    "SM119",
    Severity.ERROR,
    "template",
    "A resource of SageMaker has at most 50 tags, and none of AWS's own",
    source=f"{_API}/API_Tag.html",
    fix='remove tags, or take another prefix than "aws:"',
)
def tags(found: Template) -> Iterator[Fault]:
    """SageMaker refuses more tags, and names that begin with ``aws:``, which are AWS's."""
    limit = limits.of("sagemaker", "CreateModel", "Tags")
    for resource in found.resources.values():
        if not resource.type.startswith("AWS::SageMaker::"):
            continue
        yield from crowded(resource, limit, "Tags", what="entries")
        for path, key in resource.each("Tags", "*", "Key"):
            if str(key).lower().startswith("aws:"):
                yield Fault(f'a tag is named "{key}"', resource, path, key, 'no "aws:" before it')


@rule(
    "SM118",
    Severity.ERROR,
    "template",
    "A container has its model from one place",
    source=f"{_API}/API_ContainerDefinition.html",
    fix="keep ModelDataUrl for a .tar.gz, or ModelDataSource for files as they are",
)
def one_source(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a container with both, since each would fill the folder of the model."""
    for model in found.of(MODEL):
        for part in [*parts(model, "PrimaryContainer"), *parts(model, "Containers", "*")]:
            if _is_given(part, "ModelDataUrl") and _is_given(part, "ModelDataSource"):
                yield part.fault("there are both ModelDataUrl and ModelDataSource", "ModelDataUrl")


def _is_given(part: Part, member: str) -> bool:
    value = part.raw.get(member)
    return part.has(member) and not (isinstance(value, Mapping) and "Fn::If" in value)


@rule(
    "SM120",
    Severity.INFO,
    "template",
    "The description of a model package group is for ever",
    source=f"{_CFN}/aws-resource-sagemaker-modelpackagegroup.html",
    fix="leave ModelPackageGroupDescription out, or do not edit it",
)
def group_description(found: Template) -> Iterator[Fault]:
    """An edit of the description replaces the group, whose name is taken already.

    The update fails, or the group and its versions are made anew.
    """
    for group in found.of("AWS::SageMaker::ModelPackageGroup"):
        if is_known(group.get("ModelPackageGroupDescription")):
            yield Fault(
                "an edit of the description replaces the group",
                group,
                ("ModelPackageGroupDescription",),
            )


_JOBS = tuple(
    f"AWS::SageMaker::{kind}JobDefinition"
    for kind in ("DataQuality", "ModelQuality", "ModelBias", "ModelExplainability")
)


@rule(
    "SM121",
    Severity.INFO,
    "template",
    "The tags of a monitoring job's definition are for ever",
    source=f"{_CFN}/aws-resource-sagemaker-dataqualityjobdefinition.html",
    fix="leave Tags out of the definition, and the type out of the app's tags",
)
def job_tags(found: Template) -> Iterator[Fault]:
    """A change of the tags, also one of the whole app, replaces the definition."""
    for job in found.of(*_JOBS):
        counted = size(found, job.raw("Tags"))
        if counted and counted[0]:
            yield Fault("a change of the tags replaces the definition", job, ("Tags",))
