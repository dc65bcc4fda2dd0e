"""The statements of the policies of a side, each with who holds it.

A statement belongs to its holder, wherever it is written: moved from one policy of a role to
another it is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odyssey.review.values import shown

if TYPE_CHECKING:
    from odyssey.checks.template import Resource
    from odyssey.review.side import Side

POLICIES = {
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::ECR::Repository": ("RepositoryPolicyText", ""),
    "AWS::KMS::Key": ("KeyPolicy", ""),
    "AWS::SecretsManager::ResourcePolicy": ("ResourcePolicy", "SecretId"),
    "AWS::SageMaker::ModelPackageGroup": ("ModelPackageGroupPolicy", ""),
    "AWS::EC2::VPCEndpoint": ("PolicyDocument", ""),
    "AWS::EFS::FileSystem": ("FileSystemPolicy", ""),
    "AWS::S3::AccessPoint": ("Policy", ""),
    "AWS::Logs::ResourcePolicy": ("PolicyDocument", ""),
}
"""Where a policy of a resource is, and which property names the resource; empty is itself."""


@dataclass(frozen=True)
class Held:
    """One statement.

    Args:
        stack: The name of the stack.
        resource: The logical id of what has it in the template.
        holder: Who is allowed, or what is opened, as a reader knows it.
        key: Who that is, as a comparison knows it.
        kind: ``identity``, ``trust``, ``resource`` or ``managed``.
        statement: The statement as the template has it.
    """

    stack: str
    resource: str
    holder: str
    key: str
    kind: str
    statement: Mapping[str, Any]

    def texts(self, member: str) -> tuple[str, ...]:
        """Return the values of a member such as ``Action``, each as a text."""
        found = self.statement.get(member)
        each = found if isinstance(found, list) else [] if found is None else [found]
        return tuple(shown(value) for value in each)

    @cached_property
    def principals(self) -> tuple[tuple[str, str], ...]:
        """The principals, each with its kind; ``("AWS", "*")`` is anybody."""
        found = self.statement.get("Principal")
        if found == "*":
            return (("AWS", "*"),)
        pairs = found.items() if isinstance(found, Mapping) else ()
        return tuple(
            (str(kind), shown(value))
            for kind, values in pairs
            for value in (values if isinstance(values, list) else [values])
        )

    @cached_property
    def conditions(self) -> frozenset[tuple[str, str, tuple[str, ...]]]:
        """The conditions: each an operator, a key and its values."""
        return frozenset(
            (operator, key.lower(), values) for operator, key, values in self.conditions_as_written
        )

    @cached_property
    def conditions_as_written(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """The conditions in the order and the case of the template."""
        found = self.statement.get("Condition")
        return tuple(
            (
                str(operator),
                str(key),
                tuple(sorted(map(shown, values if isinstance(values, list) else [values]))),
            )
            for operator, keys in (found.items() if isinstance(found, Mapping) else ())
            for key, values in (keys.items() if isinstance(keys, Mapping) else ())
        )

    @property
    def allows(self) -> bool:
        """Whether it allows; else it denies."""
        return bool(self.statement.get("Effect", "Allow") == "Allow")

    @cached_property
    def likeness(self) -> str:
        """What it says, whatever the order and the ``Sid`` are."""
        members = {
            member: sorted(self.texts(member))
            for member in ("Effect", "Action", "NotAction", "Resource", "NotResource", "Managed")
        }
        other = [
            sorted(map(str, self.principals)),
            sorted(map(str, self.conditions)),
            shown(self.statement.get("NotPrincipal")),
        ]
        return json.dumps([members, other], sort_keys=True)


def held(side: Side) -> Iterator[Held]:
    """Yield the statements of a side, in the order of its templates."""
    for resource in side.resources.values():
        if resource.type == "AWS::IAM::Role":
            yield from _of_role(resource)
        elif resource.type in {"AWS::IAM::User", "AWS::IAM::Group"}:
            yield from _of_identity(resource, *_itself(resource))
        elif resource.type in {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"}:
            yield from _of_policy(resource)
        elif resource.type == "AWS::Lambda::Permission":
            yield _of_permission(resource)
        elif resource.type in POLICIES:
            yield from _of_resource(resource)


def _of_role(role: Resource) -> Iterator[Held]:
    holder = _itself(role)
    for statement in _statements(role.raw("AssumeRolePolicyDocument")):
        yield _held(role, *holder, "trust", statement)
    yield from _of_identity(role, *holder)


def _of_identity(resource: Resource, holder: str, key: str) -> Iterator[Held]:
    policies = resource.raw("Policies")
    for policy in policies if isinstance(policies, list) else ():
        if isinstance(policy, Mapping):
            for statement in _statements(policy.get("PolicyDocument")):
                yield _held(resource, holder, key, "identity", statement)
    managed = resource.raw("ManagedPolicyArns")
    for arn in managed if isinstance(managed, list) else ():
        yield _held(resource, holder, key, "managed", {"Managed": arn})
    boundary = resource.raw("PermissionsBoundary")
    if boundary is not None:
        yield _held(resource, holder, key, "managed", {"Effect": "Deny", "Managed": boundary})


def _of_policy(policy: Resource) -> Iterator[Held]:
    holders = []
    for member in ("Roles", "Users", "Groups"):
        named = policy.raw(member)
        for name in named if isinstance(named, list) else ():
            target = policy.template.target(name)
            holders.append(_itself(target) if target else (shown(name), shown(name)))
    for holder, key in holders or [(f"who has the policy {_title(policy)}", policy.id)]:
        for statement in _statements(policy.raw("PolicyDocument")):
            yield _held(policy, holder, key, "identity", statement)


def _of_resource(resource: Resource) -> Iterator[Held]:
    document, named = POLICIES[resource.type]
    raw = resource.raw(named) if named else None
    opened = raw if isinstance(raw, list) else [raw]
    for each in opened:
        target = resource.template.target(each) if each is not None else resource
        holder = _itself(target) if target else (shown(each), shown(each))
        for statement in _statements(resource.raw(document)):
            yield _held(resource, *holder, "resource", statement)


def _of_permission(permission: Resource) -> Held:
    """Return a permission of Lambda as the statement that it becomes."""
    raw = permission.raw("FunctionName")
    target = permission.template.target(raw)
    holder = _itself(target) if target else (shown(raw), shown(raw))
    principal = permission.raw("Principal")
    text = principal if isinstance(principal, str) else shown(principal)
    service = text.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    equals = {
        "aws:SourceAccount": permission.raw("SourceAccount"),
        "aws:PrincipalOrgID": permission.raw("PrincipalOrgID"),
        "lambda:FunctionUrlAuthType": permission.raw("FunctionUrlAuthType"),
        "lambda:InvokedViaFunctionUrl": permission.raw("InvokedViaFunctionUrl"),
    }
    conditions: dict[str, Any] = {}
    if given := {name: value for name, value in equals.items() if value is not None}:
        conditions["StringEquals"] = given
    if (source := permission.raw("SourceArn")) is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source}
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": "*" if text == "*" else {"Service" if service else "AWS": principal},
        "Action": permission.raw("Action"),
        "Resource": raw,
    }
    if conditions:
        statement["Condition"] = conditions
    return _held(permission, *holder, "resource", statement)


def _held(
    resource: Resource, holder: str, key: str, kind: str, statement: Mapping[str, Any]
) -> Held:
    stack = resource.template.stack
    return Held(stack, resource.id, holder, f"{stack}/{key}", kind, statement)


def _itself(resource: Resource) -> tuple[str, str]:
    return _title(resource), resource.id


def _title(resource: Resource) -> str:
    return resource.construct or resource.id


def _statements(document: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return
    found = document.get("Statement") if isinstance(document, Mapping) else None
    for statement in found if isinstance(found, list) else [found]:
        if isinstance(statement, Mapping):
            yield statement
