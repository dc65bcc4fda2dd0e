"""Rules of roles and policies: who can do more than is meant, and who can do less.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits, policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.policies import Statement
    from odyssey.checks.template import Resource, Template

_BEST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"
_PASS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"
_DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
_QUOTAS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_ACTIONS = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
_S3 = f"{_ACTIONS}list_amazons3.html"

_UNSCOPED = (
    "autoscaling:*",
    "application-autoscaling:*",
    "cloudwatch:PutMetricData",
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:UnassignPrivateIpAddresses",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:PutResourcePolicy",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
    "xray:UpdateSamplingRule",
    "sts:GetCallerIdentity",
)
"""Actions that are granted on all resources, because AWS knows no narrower ones, or because what
they are for is made by AWS under names that nobody knows before."""

_READS = ("Describe", "List", "Head", "View", "Search", "Lookup", "BatchCheck", "Estimate")
_HARMLESS_GETS = ("Get", "BatchGet", "Query", "Scan")
_GUARDED_READS = (
    "s3:getobject*",
    "secretsmanager:getsecretvalue",
    "ssm:getparameter*",
    "dynamodb:getitem",
    "dynamodb:batchgetitem",
    "dynamodb:query",
    "dynamodb:scan",
)
"""Reads that are of data, not of settings."""

_CLIENTS = {
    "bedrock-agent-runtime": "bedrock",
    "bedrock-runtime": "bedrock",
    "sagemaker-a2i-runtime": "sagemaker",
    "sagemaker-edge": "sagemaker",
    "sagemaker-featurestore-runtime": "sagemaker",
    "sagemaker-metrics": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "application-auto-scaling": "application-autoscaling",
    "eventbridge": "events",
    "stepfunctions": "states",
    "step-functions": "states",
    "cognito": "cognito-idp",
    "efs": "elasticfilesystem",
}
"""Names of SDK clients and of products that are no prefix of an action, and the prefix."""


def _identity(found: Template) -> Iterator[Statement]:
    return (each for each in policies.statements(found, "identity") if each.allows)


@rule(
    "IAM101",
    Severity.WARNING,
    "template",
    "A policy names the actions that it allows",
    source=_BEST,
    fix="name the actions that the code calls",
)
def all_actions(found: Template) -> Iterator[Fault]:
    """A container that is broken into can do what its role may do, all of it.

    A wildcard over a whole service allows to delete what the code only reads.
    """
    for each in _identity(found):
        for action in each.actions:
            if action == "*" or action.endswith(":*"):
                path = (*each.path, "Action")
                yield Fault(f"{action} is allowed", each.resource, path, action, "named actions")


@rule(
    "IAM102",
    Severity.WARNING,
    "template",
    "What changes something, or reads data, is allowed on named resources",
    source=_BEST,
    fix="name the ARNs, or a prefix of them; or add a condition that narrows them",
)
def all_resources(found: Template) -> Iterator[Fault]:
    """On ``*`` the role reaches the data, queues and endpoints of every other app in the account.

    Actions for which AWS knows no resource are left out, and those with a condition.
    """
    for each in _identity(found):
        if "*" not in each.targets or each.conditions:
            continue
        wide = [action for action in each.actions if _matters(action)]
        if wide:
            said = wide[0] if len(wide) == 1 else f"{wide[0]} and {len(wide) - 1} more"
            path = (*each.path, "Resource")
            yield Fault(f"{said} on all resources", each.resource, path, "*", "named resources")


def _matters(action: str) -> bool:
    service, _, verb = action.partition(":")
    if not verb or verb == "*" or action == "iam:PassRole":
        return False  # Other rules tell these.
    if any(fnmatchcase(action.lower(), pattern.lower()) for pattern in _UNSCOPED):
        return False
    if any(fnmatchcase(action.lower(), pattern) for pattern in _GUARDED_READS):
        return True
    return not verb.startswith((*_READS, *_HARMLESS_GETS)) and service != "tag"


@rule(
    "IAM103",
    Severity.WARNING,
    "template",
    "A role is passed to a named service, and it is a named role",
    source=_PASS,
    fix="name the role's ARN, with the condition iam:PassedToService",
)
def pass_role(found: Template) -> Iterator[Fault]:
    """Whoever may pass any role can give a job or a function the rights of an administrator."""
    for each in _identity(found):
        if not any(action.lower() == "iam:passrole" for action in each.actions):
            continue
        path = (*each.path, "Resource")
        if "*" in each.targets:
            yield Fault("any role may be passed", each.resource, path, "*", "named roles")
        elif not any(key in each.conditions for key in ("iam:passedtoservice", policies.HOLE)):
            yield Fault(
                "the role may be passed to any service",
                each.resource,
                (*each.path, "Condition"),
                None,
                "iam:PassedToService",
                severity=Severity.INFO,
            )


@rule(
    "IAM104",
    Severity.WARNING,
    "template",
    "A role has no policy of full access",
    source=f"{_BEST}, https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html",
    fix="allow what is needed: the image, the model's prefix, its logs and metrics",
)
def full_access(found: Template) -> Iterator[Fault]:
    """AmazonSageMakerFullAccess lets a model's container make and delete endpoints, and more."""
    for each in found.of("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
        arns = each.raw("ManagedPolicyArns")
        for number, raw in enumerate(arns if isinstance(arns, list) else ()):
            policy = policies.text(found, raw).rpartition("/")[2]
            if policy.endswith("FullAccess") or policy in (
                "AdministratorAccess",
                "PowerUserAccess",
            ):
                path = ("ManagedPolicyArns", number)
                yield Fault(f"the policy {policy}", each, path, policy, "a policy of its own")


@rule(
    "IAM105",
    Severity.WARNING,
    "template",
    "A role is assumed by whom it names",
    source=_DEPUTY,
    fix="name the service or the role; for another account add the condition sts:ExternalId",
)
def open_trust(found: Template) -> Iterator[Fault]:
    """With ``*`` everybody with an account of AWS can take the role.

    With the root of another account, whoever that account lets; a condition makes sure that it is
    who was meant.
    """
    for each in policies.statements(found, "trust"):
        if not each.allows or each.conditions:
            continue
        path = (*each.path, "Principal")
        for sort, name in each.principals:
            if sort == "AWS" and name == "*":
                yield Fault("everybody may assume it", each.resource, path, name, "named roles")
            elif sort == "AWS" and re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:root|\d{12}", name):
                yield Fault(
                    f"whoever {name} lets may assume it",
                    each.resource,
                    path,
                    name,
                    "named roles, or the condition sts:ExternalId",
                )


@rule(
    "IAM106",
    Severity.INFO,
    "template",
    "SageMaker and the Scheduler take a role for this account alone",
    source=_DEPUTY,
    fix="add the condition aws:SourceAccount, or aws:SourceArn",
)
def deputy(found: Template) -> Iterator[Fault]:
    """A service that can be told by another account to use the role is a confused deputy."""
    for each in policies.statements(found, "trust"):
        if not each.allows or each.conditions:
            continue
        for sort, name in each.principals:
            if sort == "Service" and name.startswith(("sagemaker.", "scheduler.")):
                path = (*each.path, "Condition")
                yield Fault(f"{name} for any account", each.resource, path, None, "a condition")


@rule(
    "IAM107",
    Severity.WARNING,
    "template",
    "What is allowed is named, not what is left out",
    source=_ELEMENTS,
    fix="take Action, Resource and Principal; to forbid something, use Effect: Deny",
)
def all_but(found: Template) -> Iterator[Fault]:
    """NotAction allows everything else, also what AWS adds next year."""
    for each in policies.statements(found):
        if not each.allows:
            continue
        for element in ("NotAction", "NotResource", "NotPrincipal"):
            if element in each.raw:
                yield Fault(
                    f"{element} in a statement that allows",
                    each.resource,
                    (*each.path, element),
                    None,
                    element.removeprefix("Not"),
                )


@rule(
    "IAM108",
    Severity.ERROR,
    "template",
    "A policy is short enough for IAM",
    source=_QUOTAS,
    fix="name a prefix of ARNs instead of each, or part it into managed policies",
)
def size(found: Template) -> Iterator[Fault]:
    """IAM refuses a longer one.

    White space aside, a managed policy has 6,144 characters at most, and all inline policies of a
    role together have 10,240. What only a deployment knows is not counted, so that the real policy is longer.
    """
    for each in found.of("AWS::IAM::ManagedPolicy"):
        yield from _too_long(each, _length(each.values.get("PolicyDocument")), 6144)
    for role in found.of("AWS::IAM::Role"):
        documents: dict[str, Any] = {}
        for statement in policies.attached(role):
            holder = statement.resource
            if holder.type != "AWS::IAM::ManagedPolicy":
                key = f"{holder.id}{statement.path[:-2]}"
                documents.setdefault(key, []).append(found.resolve(statement.raw))
        yield from _too_long(role, sum(map(_length, documents.values())), 10240)


def _too_long(found: Resource, length: int, most: int) -> Iterator[Fault]:
    if length > most:
        message = f"at least {length} characters of policies"
        yield Fault(message, found, (), length, f"at most {most} characters")


def _length(document: Any) -> int:
    known = json.dumps(document, separators=(",", ":"), default=lambda _: "")
    return len(re.sub(r"\s", "", known))


@rule(
    "IAM109",
    Severity.ERROR,
    "template",
    "The name of a role or a policy is one that IAM takes",
    source=_QUOTAS,
    fix="leave the name to CloudFormation, or shorten it; take letters, digits and +=,.@_-",
)
def names(found: Template) -> Iterator[Fault]:
    """IAM refuses other names: a role's has 64 characters at most, a policy's 128."""
    for type_, property_, operation in (
        ("AWS::IAM::Role", "RoleName", "CreateRole"),
        ("AWS::IAM::Policy", "PolicyName", "PutRolePolicy"),
        ("AWS::IAM::ManagedPolicy", "ManagedPolicyName", "CreatePolicy"),
    ):
        member = "PolicyName" if property_ == "ManagedPolicyName" else property_
        limit = limits.of("iam", operation, member)
        for each in found.of(type_):
            for path, value in each.each(property_):
                if not limit.admits(value):
                    yield Fault(f'the name "{value}"', each, path, value, limit.describe())


@rule(
    "IAM110",
    Severity.WARNING,
    "template",
    "An action has the prefix that IAM knows",
    source=_ACTIONS,
    fix="take the prefix of the service authorization reference",
)
def prefix(found: Template) -> Iterator[Fault]:
    """IAM takes any prefix, so that a wrong one deploys, and grants nothing.

    An endpoint is invoked by the client ``sagemaker-runtime``; the action is
    ``sagemaker:InvokeEndpoint``.
    """
    for each in policies.statements(found):
        for action in each.actions:
            service, _, verb = action.partition(":")
            if service in _CLIENTS:
                right = f"{_CLIENTS[service]}:{verb}"
                path = (*each.path, "Action")
                yield Fault(
                    f"{action} is no action", each.resource, path, action, right, f"write {right}"
                )


@rule(
    "IAM111",
    Severity.WARNING,
    "template",
    "An action of S3 is allowed on what it is of: a bucket, or objects",
    source=_S3,
    fix="add BUCKET for what is of a bucket, BUCKET/PREFIX/* for what is of objects",
)
def bucket_or_objects(found: Template) -> Iterator[Fault]:
    """It deploys, and grants nothing: s3:GetObject is of objects, s3:ListBucket of a bucket.

    SageMaker then says that it could not access the model's data.
    """
    for each in policies.statements(found, "identity", "resource"):
        if not each.allows or not each.targets:
            continue
        kinds = {_kind(target) for target in each.targets}
        if len(kinds) != 1 or "" in kinds:
            continue
        (there,) = kinds
        for action in each.actions:
            wanted = _OF.get(action.lower())
            if wanted and wanted != there:
                yield Fault(
                    f"{action} on a {there}, which is of a {wanted}",
                    each.resource,
                    (*each.path, "Resource"),
                    None,
                    f"the ARN of a {wanted}",
                )


_OF = {
    **dict.fromkeys(("s3:getobject", "s3:putobject", "s3:deleteobject"), "object"),
    **dict.fromkeys(("s3:abortmultipartupload", "s3:getobjectversion"), "object"),
    **dict.fromkeys(("s3:listbucket", "s3:getbucketlocation"), "bucket"),
}


def _kind(target: str) -> str:
    """Return what an ARN is of: a bucket, or objects; empty where nobody knows."""
    match = re.fullmatch(r"arn:aws[a-z-]*:s3:::([^/]*)(/.*)?", target, re.DOTALL)
    if match is None:
        return "object" if re.fullmatch(rf"{policies.HOLE}/.*", target, re.DOTALL) else ""
    if match[2] is not None:
        return "object"
    # A wildcard, or what nobody knows, may go on into the objects.
    bare = match[1] != policies.HOLE and ("*" in match[1] or policies.HOLE in match[1])
    return "" if bare else "bucket"
