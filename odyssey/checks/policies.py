"""The statements of a template's policies, wherever they stand: who may do what, and on what.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Literal

from odyssey.checks.template import UNKNOWN, function

if TYPE_CHECKING:
    from odyssey.checks.template import Path_, Resource, Template

Kind = Literal["identity", "trust", "resource"]
"""Whose policy it is: of somebody who acts, of a role that is assumed, or of a thing."""

HOLE = "\0"
"""What stands in a text for a part that only a deployment knows."""

_DOCUMENT = ("PolicyDocument",)
_INLINE = ("Policies", "*", "PolicyDocument")

DOCUMENTS: dict[str, tuple[tuple[Kind, tuple[str, ...]], ...]] = {
    "AWS::IAM::Role": (("identity", _INLINE), ("trust", ("AssumeRolePolicyDocument",))),
    "AWS::IAM::User": (("identity", _INLINE),),
    "AWS::IAM::Group": (("identity", _INLINE),),
    "AWS::IAM::Policy": (("identity", _DOCUMENT),),
    "AWS::IAM::ManagedPolicy": (("identity", _DOCUMENT),),
    "AWS::IAM::RolePolicy": (("identity", _DOCUMENT),),
    "AWS::IAM::UserPolicy": (("identity", _DOCUMENT),),
    "AWS::IAM::GroupPolicy": (("identity", _DOCUMENT),),
    "AWS::S3::BucketPolicy": (("resource", _DOCUMENT),),
    "AWS::ECR::Repository": (("resource", ("RepositoryPolicyText",)),),
    "AWS::SQS::QueuePolicy": (("resource", _DOCUMENT),),
    "AWS::SNS::TopicPolicy": (("resource", _DOCUMENT),),
    "AWS::KMS::Key": (("resource", ("KeyPolicy",)),),
}
"""Where the types of resources have their policies, and of which kind they are."""

_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


@dataclass(frozen=True)
class Statement:
    """One statement of a policy.

    Args:
        resource: The resource that has it.
        path: The way to it within the resource's properties.
        kind: Whose policy it is.
        allows: Whether its effect is to allow.
        actions: What is allowed, or denied; what is not known is left out.
        targets: What it is allowed on, each with `HOLE` for what is not known.
        principals: Who, each with the sort of it, such as ``("Service", "lambda.amazonaws.com")``.
        conditions: The conditions' keys in lower case, such as ``aws:sourceaccount``.
        raw: The statement as the template has it.
    """

    resource: Resource
    path: Path_
    kind: Kind
    allows: bool
    actions: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    conditions: frozenset[str] = frozenset()
    raw: Mapping[str, Any] = field(default_factory=dict, compare=False, hash=False)

    def grants(self, action: str) -> bool:
        """Return whether it allows an action, maybe among others."""
        return self.allows and any(
            fnmatchcase(action.lower(), each.lower()) for each in self.actions
        )

    @property
    def open(self) -> bool:
        """Whether everybody is meant, without any condition."""
        anybody = any(name == "*" for sort, name in self.principals if sort == "AWS")
        return self.allows and anybody and not self.conditions


def statements(template: Template, *kinds: Kind) -> Iterator[Statement]:
    """Yield the statements of all policies, in the order of the file.

    Args:
        template: The template.
        kinds: The kinds of policies that are wanted. Default: all.
    """
    for resource in template.resources.values():
        yield from of(resource, *kinds)


def of(resource: Resource, *kinds: Kind) -> Iterator[Statement]:
    """Yield the statements that stand in a resource itself."""
    for kind, pattern in DOCUMENTS.get(resource.type, ()):
        if kinds and kind not in kinds:
            continue
        for path, document in documents(resource, pattern):
            yield from _statements(resource, path, kind, document)


def documents(resource: Resource, pattern: tuple[str, ...]) -> Iterator[tuple[Path_, Any]]:
    """Yield the policy documents at a place of a resource, functions and all."""
    yield from _walk(resource.template, resource.properties, pattern, ())


def attached(role: Resource) -> Iterator[Statement]:
    """Yield what the policies of the template let a role do: its own, and those that name it."""
    yield from of(role, "identity")
    for policy in role.template.of("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        holders = policy.raw("Roles")
        named = [role.template.target(each) for each in holders] if _is_list(holders) else []
        if role in named:
            yield from of(policy, "identity")
    for policy in role.template.of("AWS::IAM::RolePolicy"):
        if policy.target("RoleName") == role:
            yield from of(policy, "identity")


def trusts(role: Resource, service: str) -> bool | None:
    """Return whether a service may assume a role; None where that is not known."""
    asked = list(of(role, "trust"))
    for statement in asked:
        names = {name for sort, name in statement.principals if sort == "Service"}
        if statement.allows and service in names:
            return True
        if any(HOLE in name for name in names) or not statement.principals:
            return None
    return False if asked else None


def text(template: Template, value: Any) -> str:
    """Return a text with `HOLE` for each part of it that only a deployment knows.

    The partition is ``aws``, and the ARN of a bucket of the template looks like one.
    """
    known = template.resolve(value)
    if isinstance(known, str | int | float):
        return str(known)
    called = function(value)
    if called is None:
        return HOLE
    name, argument = called
    if name == "Ref" and argument == "AWS::Partition":
        return "aws"
    if name == "Fn::GetAtt":
        return _attribute(template, argument)
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
        parts = argument[1] if isinstance(argument[1], list) else [argument[1]]
        return str(argument[0]).join(text(template, part) for part in parts)
    if name == "Fn::Sub":
        return _substituted(template, argument)
    return HOLE


def _attribute(template: Template, argument: Any) -> str:
    dotted = ".".join(map(str, argument)) if isinstance(argument, list) else str(argument)
    id_, _, attribute = dotted.partition(".")
    resource = template.resources.get(id_)
    is_bucket = resource is not None and resource.type == "AWS::S3::Bucket"
    return f"arn:aws:s3:::{HOLE}" if is_bucket and attribute == "Arn" else HOLE


def _substituted(template: Template, argument: Any) -> str:
    pattern = argument[0] if isinstance(argument, list) and argument else argument
    told = argument[1] if isinstance(argument, list) and len(argument) == 2 else {}
    given = told if isinstance(told, Mapping) else {}

    def part(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return f"${{{name}}}"
        if name in given:
            return text(template, given[name])
        return text(template, {"Fn::GetAtt": name} if "." in name else {"Ref": name})

    return _VARIABLE.sub(part, str(pattern))


def _statements(resource: Resource, path: Path_, kind: Kind, document: Any) -> Iterator[Statement]:
    template = resource.template
    if isinstance(document, str):
        document = _parsed(document)
    if not isinstance(document, Mapping):
        return
    for branch in template.branches(document.get("Statement")):
        one = isinstance(branch, Mapping) and not function(branch)
        listed = [branch] if one else branch
        for number, entry in enumerate(listed if _is_list(listed) else ()):
            way = (*path, "Statement") if one else (*path, "Statement", number)
            for raw in template.branches(entry):
                if isinstance(raw, Mapping) and not function(raw):
                    yield _statement(resource, way, kind, raw)


def _statement(resource: Resource, path: Path_, kind: Kind, raw: Mapping[str, Any]) -> Statement:
    template = resource.template
    return Statement(
        resource,
        path,
        kind,
        allows=template.resolve(raw.get("Effect")) == "Allow",
        actions=tuple(each for each in _texts(template, raw.get("Action")) if HOLE not in each),
        targets=tuple(_texts(template, raw.get("Resource"))),
        principals=tuple(_principals(template, raw.get("Principal"))),
        conditions=frozenset(_conditions(template, raw.get("Condition"))),
        raw=raw,
    )


def _principals(template: Template, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and not function(value):
        for sort, names in value.items():
            yield from ((str(sort), name) for name in _texts(template, names))
    elif value is not None:
        yield from (("AWS", name) for name in _texts(template, value))


def _conditions(template: Template, value: Any) -> Iterator[str]:
    if function(value):
        yield HOLE
    elif isinstance(value, Mapping):
        for tests in value.values():
            if isinstance(tests, Mapping):
                yield from (str(key).lower() for key in tests)


def _texts(template: Template, value: Any) -> Iterator[str]:
    for branch in template.branches(value):
        for entry in branch if _is_list(branch) else [branch]:
            if entry is not None:
                for each in template.branches(entry):
                    yield text(template, each)


def _walk(
    template: Template, here: Any, pattern: tuple[str, ...], path: Path_
) -> Iterator[tuple[Path_, Any]]:
    for value in template.branches(here):
        if not pattern:
            yield path, value
        elif pattern[0] == "*":
            for number, entry in enumerate(value if _is_list(value) else ()):
                yield from _walk(template, entry, pattern[1:], (*path, number))
        elif isinstance(value, Mapping) and pattern[0] in value:
            yield from _walk(template, value[pattern[0]], pattern[1:], (*path, pattern[0]))


def _parsed(document: str) -> Any:
    try:
        return json.loads(document)
    except ValueError:
        return UNKNOWN


def _is_list(value: Any) -> bool:
    return isinstance(value, list)
