"""Rules of policies that IAM refuses, and of those that it takes although they grant nothing.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits, policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_QUOTAS = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
_ACTIONS = "https://docs.aws.amazon.com/service-authorization/latest/reference/"
_S3 = f"{_ACTIONS}list_amazons3.html"

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

_OF = {
    **dict.fromkeys(("s3:getobject", "s3:putobject", "s3:deleteobject"), "object"),
    **dict.fromkeys(("s3:abortmultipartupload", "s3:getobjectversion"), "object"),
    **dict.fromkeys(("s3:listbucket", "s3:getbucketlocation"), "bucket"),
}
"""What actions of S3 are of."""

_A = {"object": "objects", "bucket": "a bucket"}


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
    role together have 10,240. What only a deployment knows is not counted, so that the real
    policy is longer.
    """
    for each in found.of("AWS::IAM::ManagedPolicy"):
        yield from _too_long(each, _length(each.get("PolicyDocument")), 6144)
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
                if value and not limit.admits(value):
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
                    f"{action} on {_A[there]}, and it is of {_A[wanted]}",
                    each.resource,
                    (*each.path, "Resource"),
                    None,
                    f"the ARN of {_A[wanted]}",
                )


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
