"""Rules of whole templates, and of the stacks of an app beside each other.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import UNKNOWN, function

if TYPE_CHECKING:
    from odyssey.checks.template import Template

_LIMITS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html"
)
_NAMES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html"
_NAMED = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html"
_TAGS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-properties-resource-tags.html"
)
_EXPORTS = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html"
)

_INLINE, _LARGEST = 51_200, 1_000_000
"""Bytes of a template that is sent with the call, and of one that lies in S3."""

_NEARLY = 0.8
"""Share of a limit from which on there is little left."""

_COUNTS = (("Resources", 500), ("Parameters", 200), ("Outputs", 200), ("Mappings", 200))

_MOST_TAGS = 50

_TIME = re.compile(r"20\d\d-?[01]\d-?[0-3]\d[-T_]?[0-2]\d-?[0-5]\d")
"""A date with a time, as programs write it into a name."""

_CREATED_ANEW = (
    "AWS::SageMaker::DataQualityJobDefinition",
    "AWS::SageMaker::ModelQualityJobDefinition",
    "AWS::SageMaker::ModelBiasJobDefinition",
    "AWS::SageMaker::ModelExplainabilityJobDefinition",
)
"""Types each of whose changes, also one of the app's tags, makes another resource."""

NAMES = {
    "AWS::SageMaker::Endpoint": "EndpointName",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::Model": "ModelName",
    "AWS::SageMaker::Pipeline": "PipelineName",
    "AWS::SageMaker::ModelPackageGroup": "ModelPackageGroupName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::CloudWatch::Alarm": "AlarmName",
}
"""The property that names a resource of a type, once in an account and region."""


@rule(
    "CFN101",
    Severity.ERROR,
    "template",
    "A template has 1 MB at most",
    source=_LIMITS,
    fix="part the stack, or keep long texts in files of S3",
)
def size(found: Template) -> Iterator[Fault]:
    """CloudFormation refuses a larger one.

    Above 51,200 bytes it must come from S3, where the CDK and odyssey put it by themselves.
    """
    size_ = len(found.text.encode())
    if size_ <= _INLINE:
        return
    severity, limit = Severity.INFO, f"{_INLINE:,} bytes, or by S3"
    if size_ > _LARGEST * _NEARLY:
        limit = f"at most {_LARGEST:,} bytes"
        severity = Severity.ERROR if size_ > _LARGEST else Severity.WARNING
    yield Fault(f"the template has {size_:,} bytes", None, (), size_, limit, severity=severity)


@rule(
    "CFN102",
    Severity.ERROR,
    "template",
    "A template has 500 resources at most, and 200 parameters, outputs and mappings",
    source=_LIMITS,
    fix="part the stack",
)
def counts(found: Template) -> Iterator[Fault]:
    """CloudFormation refuses a template with more; from four fifths on it is time to part it."""
    for section, most in _COUNTS:
        declared = found.body.get(section)
        count = len(declared) if isinstance(declared, Mapping) else 0
        if count > most * _NEARLY:
            severity = Severity.ERROR if count > most else Severity.WARNING
            message = f"{count} {section.lower()}"
            yield Fault(message, None, (section,), count, f"at most {most}", severity=severity)


@rule(
    "CFN103",
    Severity.ERROR,
    "template",
    "A stack's name has letters, digits and hyphens",
    source=_NAMES,
    fix="begin with a letter, and have 128 characters at most",
)
def stack_name(found: Template) -> Iterator[Fault]:
    """CloudFormation refuses other names, such as one with an underscore."""
    limit = limits.of("cloudformation", "CreateStack", "StackName")
    if found.stack and not limit.admits(found.stack):
        yield Fault(f'the stack "{found.stack}"', None, (), found.stack, limit.describe())


@rule(
    "CFN104",
    Severity.WARNING,
    "template",
    "What every change makes anew has no name of its own",
    source=f"{_NAMED}, https://repost.aws/knowledge-center/cloudformation-custom-name",
    fix="leave the name out, so that CloudFormation makes one",
)
def fixed_names(found: Template) -> Iterator[Fault]:
    """CloudFormation makes the new resource before it deletes the old one.

    Both would have one name, so that the update fails. A tag of the whole app is a change, too.
    """
    for each in found.of(*_CREATED_ANEW):
        for path, name in each.each("JobDefinitionName"):
            yield Fault(f'the name "{name}"', each, path, name, "none")


@rule(
    "CFN105",
    Severity.ERROR,
    "template",
    "A resource has 50 tags at most, each once, and none of AWS's own",
    source=_TAGS,
    fix="take another key; aws: is AWS's own",
)
def tags(found: Template) -> Iterator[Fault]:
    """CloudFormation, or the service, refuses other tags."""
    for each in found.resources.values():
        listed = each.get("Tags")
        # SageMaker's own rules tell of its resources.
        if not isinstance(listed, list) or each.type.startswith("AWS::SageMaker::"):
            continue
        keys = [tag.get("Key") for tag in listed if isinstance(tag, Mapping)]
        known = [key for key in keys if isinstance(key, str)]
        if len(listed) > _MOST_TAGS:
            yield Fault(
                f"{len(listed)} tags", each, ("Tags",), len(listed), f"at most {_MOST_TAGS}"
            )
        for key, count in Counter(known).items():
            if key.lower().startswith("aws:"):
                yield Fault(
                    f'the tag "{key}"', each, ("Tags",), key, "no key that begins with aws:"
                )
            elif count > 1:
                yield Fault(f'the tag "{key}" {count} times', each, ("Tags",), key, "once")


@rule(
    "CFN106",
    Severity.WARNING,
    "template",
    "A name stays the same from one synthesis to the next",
    source="https://docs.aws.amazon.com/cdk/v2/guide/best-practices.html",
    fix="leave the name out, or take one without a time",
)
def times(found: Template) -> Iterator[Fault]:
    """With the time in a name each synthesis is another deployment, which replaces the resource.

    What would change cannot be seen before, because everything does.
    """
    for each in found.of(*NAMES):
        for path, name in each.each(NAMES[each.type]):
            if _TIME.search(str(name)):
                yield Fault(f'the name "{name}" has a time in it', each, path, name, "no time")


@rule(
    "CFN111",
    Severity.WARNING,
    "assembly",
    "What is replaced is not exported to another stack that uses it",
    source=_EXPORTS,
    fix="keep both in one stack, or export a name that stays, such as the endpoint's",
)
def exported(found: Sequence[Template]) -> Iterator[Fault]:
    """An export in use cannot change.

    Every change of a model or of an endpoint's configuration makes another one with another name,
    so that the update fails until nothing imports it.
    """
    imported = {name for each in found for name in _imports(each.body)}
    for each in found:
        for output, name, value in _exports(each):
            resource = each.target(value)
            changes = resource is not None and resource.type in (
                "AWS::SageMaker::Model",
                "AWS::SageMaker::EndpointConfig",
                *_CREATED_ANEW,
            )
            if changes and resource is not None and name in imported:
                yield Fault(
                    f'the export "{name}" of {output} is in use, and changes with {resource.id}',
                    resource,
                    (),
                    name,
                    "no export that another stack imports",
                )


@rule(
    "CFN112",
    Severity.ERROR,
    "assembly",
    "A stack imports from a stack of its own region and account",
    source=_EXPORTS,
    fix="pass the value in another way, such as by a parameter, or move the stack",
)
def elsewhere(found: Sequence[Template]) -> Iterator[Fault]:
    """Exports are of one account and region; from another one the import finds nothing."""
    exports = {name: each for each in found for _, name, _ in _exports(each)}
    for each in found:
        for name in sorted(set(_imports(each.body)) & set(exports)):
            origin = exports[name]
            for mine, theirs in ((each.region, origin.region), (each.account, origin.account)):
                if mine and theirs and mine != theirs:
                    resource = next(
                        (r for r in each.resources.values() if name in _imports(r.definition)), None
                    )
                    message = f'"{name}" is exported in {theirs}, and imported in {mine}'
                    yield Fault(message, resource, (), name, theirs)


@rule(
    "CFN113",
    Severity.ERROR,
    "assembly",
    "Two stacks of an app make no two resources of one name",
    source=_NAMED,
    fix="give them different names, such as one with the stack's, or none",
)
def same_name(found: Sequence[Template]) -> Iterator[Fault]:
    """The stack that is deployed second fails, because there is one of this name already."""
    seen: dict[tuple[Any, ...], str] = {}
    for each in found:
        for resource in each.of(*NAMES):
            for path, name in resource.each(NAMES[resource.type]):
                key = (resource.type, str(name), each.region, each.account)
                first = seen.setdefault(key, each.file)
                if first != each.file:
                    message = f'the name "{name}" is that of one in {first}, too'
                    yield Fault(message, resource, path, name, "another name")


def _exports(found: Template) -> Iterator[tuple[str, str, Any]]:
    """Yield the known exports: the output's name, the export's, and its value."""
    outputs = found.body.get("Outputs")
    for output, told in outputs.items() if isinstance(outputs, Mapping) else ():
        export = told.get("Export") if isinstance(told, Mapping) else None
        name = found.resolve(export.get("Name")) if isinstance(export, Mapping) else UNKNOWN
        if isinstance(name, str):
            yield str(output), name, told.get("Value")


def _imports(value: Any) -> Iterator[str]:
    """Yield the names that a part of a template imports."""
    called = function(value)
    if called and called[0] == "Fn::ImportValue" and isinstance(called[1], str):
        yield called[1]
    elif isinstance(value, Mapping):
        for below in value.values():
            yield from _imports(below)
    elif isinstance(value, list):
        for below in value:
            yield from _imports(below)
