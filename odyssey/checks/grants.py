"""What a role of a template allows, as far as the template shows it.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.checks.outlines import HOLE, has_holes, outline, outlines
from odyssey.checks.parts import Part, parts
from odyssey.checks.template import NO_VALUE, UNKNOWN, function, references

if TYPE_CHECKING:
    from odyssey.checks.template import Resource, Template

ATTACHED = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy")
"""The resources that add statements to a role."""

_EVERYTHING = "*"
_NAMES = ("SageMaker", "Sagemaker", "sagemaker")
"""What the policy of SageMaker looks for in the name of a bucket."""

_MANAGED: dict[str, tuple[tuple[str, str], ...]] = {
    "AdministratorAccess": ((_EVERYTHING, "*"),),
    "PowerUserAccess": ((_EVERYTHING, "*"),),
    "AmazonS3FullAccess": (("s3:*", "*"),),
    "AmazonS3ReadOnlyAccess": (("s3:Get*", "*"), ("s3:List*", "*")),
    "AmazonEC2ContainerRegistryFullAccess": (("ecr:*", "*"),),
    "AmazonEC2ContainerRegistryPowerUser": (("ecr:*", "*"),),
    "AmazonEC2ContainerRegistryReadOnly": (("ecr:*", "*"),),
    "AmazonSageMakerFullAccess": (
        ("ecr:*", "*"),
        ("sagemaker:*", "*"),
        ("ec2:*", "*"),
        ("logs:*", "*"),
        ("sns:*", "*"),
        *(("s3:*Object", f"arn:aws:s3:::*{name}*") for name in _NAMES),
    ),
    "CloudWatchLogsFullAccess": (("logs:*", "*"),),
    "CloudWatchFullAccess": (("logs:*", "*"), ("cloudwatch:*", "*")),
}
"""The policies of AWS that serving roles have, as far as it matters here."""


@dataclass(frozen=True)
class Grants:
    """What a role allows.

    Args:
        allowed: Patterns of actions, each with the pattern of a resource.
        complete: Whether this is all; False where a policy is not of the template, or not plain.
    """

    allowed: tuple[tuple[str, str], ...]
    complete: bool

    def allow(self, action: str, resource: str = "") -> bool:
        """Return whether an action is allowed, or may be.

        Args:
            action: The action, such as ``s3:GetObject``.
            resource: The outline of an ARN; one with holes is any.
        """
        if not self.complete:
            return True
        return any(
            _matches(pattern, action, ignore_case=True)
            and (not resource or has_holes(resource) or _matches(where, resource))
            for pattern, where in self.allowed
        )


def of(role: Resource, attached: Attachments) -> Grants:
    """Return what a role of a template allows.

    Args:
        role: The role.
        attached: The template's `attachments`.
    """
    allowed: list[tuple[str, str]] = []
    complete = _is_plain(role.raw("Policies")) and _is_plain(role.raw("ManagedPolicyArns"))
    documents = list(parts(role, "Policies", "*", "PolicyDocument"))
    for policy in policies(role, attached):
        documents += parts(policy, "PolicyDocument")
        complete = complete and bool(list(parts(policy, "PolicyDocument")))
    for document in documents:
        found = list(_statements(document))
        complete = complete and UNKNOWN not in found
        allowed += [each for each in found if isinstance(each, tuple)]
    for name in _managed(role):
        complete = complete and name in _MANAGED
        allowed += _MANAGED.get(name, ())
    return Grants(tuple(allowed), complete)


Attachments = Mapping[str, Sequence["Resource"]]
"""The policies that are attached to roles, by the roles' logical ids, or by their names after a
``=``."""


def attachments(template: Template) -> Attachments:
    """Return which policies of a template are attached to which roles."""
    found: dict[str, list[Resource]] = {}
    for policy in template.of(*ATTACHED):
        where = policy.raw("RoleName" if policy.type == "AWS::IAM::RolePolicy" else "Roles")
        told = template.resolve(where)
        names = told if isinstance(told, list) else [told]
        keys = [*references(where), *(f"={name}" for name in names if isinstance(name, str))]
        for key in keys:
            found.setdefault(key, []).append(policy)
    return found


def policies(role: Resource, attached: Attachments) -> list[Resource]:
    """Return the policies of the template that are attached to a role."""
    own = [*attached.get(role.id, ()), *attached.get(f"={role.get('RoleName')}", ())]
    for name in references(role.raw("ManagedPolicyArns")):
        policy = role.template.resources.get(name)
        if policy is not None and policy.type == "AWS::IAM::ManagedPolicy":
            own.append(policy)
    return list({policy.id: policy for policy in own}.values())


def _managed(role: Resource) -> Iterator[str]:
    """Yield the names of AWS's policies; an unknown one is an empty name."""
    told = role.raw("ManagedPolicyArns")
    for entry in told if isinstance(told, list) else ():
        if entry == NO_VALUE:
            continue
        found = role.template.target(entry)
        if found is not None and found.type == "AWS::IAM::ManagedPolicy":
            continue
        text = outline(role.template, entry) or ""
        yield text.rpartition("/")[2] if ":iam::aws:policy/" in text else ""


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, list)


def statements(document: Part) -> Iterator[Mapping[str, Any]]:
    """Yield the raw statements of a policy document; one that is not plain is left out."""
    told = document.raw.get("Statement")
    for each in told if isinstance(told, list) else [told]:
        if isinstance(each, Mapping) and not function(each):
            yield each


def _statements(document: Part) -> Iterator[Any]:
    told = document.raw.get("Statement")
    entries = told if isinstance(told, list) else [told]
    for each in entries:
        if not isinstance(each, Mapping) or function(each):
            yield UNKNOWN
            continue
        if each.get("Effect") != "Allow":
            continue
        actions = document.template.resolve(each.get("Action"))
        actions = [actions] if isinstance(actions, str) else actions
        if not isinstance(actions, list) or not all(isinstance(a, str) for a in actions):
            yield UNKNOWN
            continue
        for where in _resources(document.template, each.get("Resource")):
            yield from ((action, where) for action in actions)


def _resources(template: Template, value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        found = list(outlines(template, each))
        yield from found or ["*"]


def _matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Return whether a pattern of a policy means a text; a hole of it may be anything."""
    out = ""
    for piece in re.split(r"(\$\{[^}]*\}|\*|\?)", pattern):
        if piece == "*" or HOLE.fullmatch(piece):
            out += ".*"
        elif piece == "?":
            out += "."
        else:
            out += re.escape(piece)
    return bool(re.fullmatch(out, text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)))


def trusts(role: Resource, service: str) -> bool:
    """Return whether a service may assume a role, or may for all that the template tells.

    Args:
        role: The role.
        service: The service's principal, such as ``sagemaker.amazonaws.com``.
    """
    documents = list(parts(role, "AssumeRolePolicyDocument"))
    if not documents:
        return True
    for document in documents:
        for told in _principals(document):
            if told == "*" or has_holes(told) or told == service:
                return True
    return False


def _principals(document: Part) -> Iterator[str]:
    told = document.raw.get("Statement")
    for statement in told if isinstance(told, list) else [told]:
        if not isinstance(statement, Mapping) or function(statement):
            yield "*"
            continue
        if statement.get("Effect") == "Deny":
            continue
        principal = statement.get("Principal")
        if not isinstance(principal, Mapping) or function(principal):
            yield "*"
            continue
        services = principal.get("Service", [])
        for each in services if isinstance(services, list) else [services]:
            text = outline(document.template, each)
            yield "*" if text is None or function(each) and text.startswith("$") else text


def waits_for(resource: Resource, other: Resource) -> bool:
    """Return whether CloudFormation makes a resource after another one."""
    seen: set[str] = set()
    ahead = [resource.id]
    while ahead:
        here = resource.template.resources.get(ahead.pop())
        if here is None or here.id in seen:
            continue
        seen.add(here.id)
        ahead += [*here.depends_on, *references(here.properties)]
    return other.id in seen
