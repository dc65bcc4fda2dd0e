"""Rules of roles and policies: who can do more than is meant, and who can do less.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from odyssey.checks import policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.policies import Statement
    from odyssey.checks.template import Template

_BEST = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
_ELEMENTS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html"
_PASSING = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html"
_DEPUTY = "https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html"
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
    source=_PASSING,
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
