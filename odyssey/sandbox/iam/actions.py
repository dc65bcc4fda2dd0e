"""Which actions of IAM's a request takes, and on which resources.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.iam import s3_actions
from odyssey.sandbox.iam.policies import Asked
from odyssey.sandbox.iam.resources import ANY, Known, arn, named, prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.iam.patterns import Values

_ACTIONS = {
    "lambda:Invoke": "InvokeFunction",
    "lambda:InvokeWithResponseStream": "InvokeFunction",
    "sns:PublishBatch": "Publish",
    "sqs:ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "DeleteMessage",
    "sqs:SendMessageBatch": "SendMessage",
}
"""Operations whose actions have another name."""
_FREE = {
    # Whoever has credentials may ask whose they are; the others prove who they are otherwise.
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:GetCallerIdentity",
    "sts:GetSessionToken",
}
"""Operations that nobody needs a right for."""
_TAGGING = {"sagemaker": "AddTags", "sqs": "TagQueue", "ssm": "AddTagsToResource"}
"""The actions that tags in a request to make something take, where not ``TagResource``."""
_UNTAGGED = {"cloudformation", "sts"}
"""Services that ask for no such action."""
_NO_ROLES = {"iam", "sts"}
"""Services to which the ARN of a role names what the request is about."""
_OF_THE_USER = ("Environment", "HyperParameters", "Tags", "tags")
"""Members whose names are not AWS's."""


def needed(call: Call, known: Known | None = None) -> list[Asked]:
    """Return what a request takes: its own action, and those that come with what it says.

    Args:
        call: The request.
        known: What is known of resources; default nothing.

    Example:
        >>> needed(Call("sts", "GetCallerIdentity", "eu-west-1", {}, ROOT))
        []
    """
    known = known or Known()
    if call.action in _FREE:
        return []
    if call.service == "s3":
        return s3_actions.needed(call, known)
    service = prefix(call.service)
    action = f"{service}:{_ACTIONS.get(call.action, call.operation)}"
    context = _context(call, known)
    resources = named(call, known)
    found = [Asked(action, resource, context) for resource in resources]
    found += [Asked(tagging, resources[0], context) for tagging in _taggings(call)]
    found += [_passed(role, service, resources[0]) for role in sorted(set(_roles(call)))]
    return found + list(_implied(call))


def _taggings(call: Call) -> Iterator[str]:
    """Return the action that tags in a request take, if it is not the request itself."""
    if not _tags(call) or call.service in _UNTAGGED or "Tag" in call.operation:
        return
    if call.service == "iam":
        yield f"iam:{re.sub('^[A-Z][a-z]+', 'Tag', call.operation)}"
    else:
        yield f"{prefix(call.service)}:{_TAGGING.get(call.service, 'TagResource')}"


def _tags(call: Call) -> dict[str, str]:
    """Return the tags in a request, which services write in several ways."""
    said = call.parameters.get("Tags") or call.parameters.get("tags") or ()
    if isinstance(said, dict):
        return {str(key): str(value) for key, value in said.items()}
    tags = [
        {name.lower(): value for name, value in each.items()}
        for each in said
        if isinstance(each, dict)
    ]
    return {
        str(tag.get("key", tag.get("tagkey"))): str(tag.get("value", tag.get("tagvalue", "")))
        for tag in tags
    }


def _roles(call: Call) -> Iterator[str]:
    """Return the roles that a request hands over to the service, wherever it names them."""
    if call.service in _NO_ROLES:
        return
    waiting: list[Any] = [call.parameters]
    while waiting:
        said = waiting.pop()
        if isinstance(said, list):
            waiting += said
        elif isinstance(said, dict):
            waiting += [value for name, value in said.items() if name not in _OF_THE_USER]
            for name, value in said.items():
                if _names_a_role(name) and isinstance(value, str) and ":role/" in value:
                    yield value


def _names_a_role(member: str) -> bool:
    return member == "Role" or member.lower().endswith("rolearn")


def _passed(role: str, service: str, to: str) -> Asked:
    context = {
        "iam:passedtoservice": f"{service}.amazonaws.com",
        "iam:associatedresourcearn": to,
    }
    return Asked("iam:PassRole", role, context)


def _context(call: Call, known: Known) -> dict[str, Values]:
    """Return the condition keys that a request's own members fill."""
    context: dict[str, Values] = {}
    if tags := _tags(call):
        context["aws:tagkeys"] = tuple(tags)
        context |= {f"aws:requesttag/{key.lower()}": value for key, value in tags.items()}
    for member, key in _KEYS.get(call.service, {}).items():
        if (said := call.parameters.get(member)) is not None:
            context[key] = tuple(map(str, said)) if isinstance(said, list) else str(said)
    role = call.parameters.get("RoleName")
    if call.service == "iam" and role and (boundary := known.boundary(str(role))):
        context.setdefault("iam:permissionsboundary", boundary)
    return context


_KEYS = {
    "application-autoscaling": {
        "ScalableDimension": "application-autoscaling:scalable-dimension",
        "ServiceNamespace": "application-autoscaling:service-namespace",
    },
    "cloudformation": {
        "ChangeSetName": "cloudformation:changesetname",
        "ResourceTypes": "cloudformation:resourcetypes",
        "RoleARN": "cloudformation:rolearn",
        "TemplateURL": "cloudformation:templateurl",
    },
    "cloudwatch": {"Namespace": "cloudwatch:namespace"},
    "iam": {
        "AWSServiceName": "iam:awsservicename",
        "PermissionsBoundary": "iam:permissionsboundary",
        "PolicyArn": "iam:policyarn",
    },
    "sagemaker-runtime": {"TargetModel": "sagemaker:targetmodel"},
    "sts": {"ExternalId": "sts:externalid", "RoleSessionName": "sts:rolesessionname"},
}
"""The condition keys that members of requests fill, by service."""


def _implied(call: Call) -> Iterator[Asked]:
    """Return what a service does with the rights of whoever asks it."""
    said = call.parameters
    if call.action == "cloudformation:DescribeStacks" and "StackName" not in said:
        yield Asked("cloudformation:ListStacks", ANY)
    if call.action == "sts:AssumeRole" and said.get("Tags"):
        yield Asked("sts:TagSession", str(said.get("RoleArn")))
    if call.action == "ecr:CreateRepository":
        yield from _encrypted(call)
    if call.action in ("lambda:CreateFunction", "lambda:UpdateFunctionCode"):
        yield from _read_image(call)


def _encrypted(call: Call) -> Iterator[Asked]:
    """Return what ECR does with the key of a repository."""
    key = call.parameters.get("encryptionConfiguration", {}).get("kmsKey")
    context = {"kms:viaservice": f"ecr.{call.region}.amazonaws.com"}
    for action in ("CreateGrant", "DescribeKey", "RetireGrant") if key else ():
        yield Asked(f"kms:{action}", key, context)


def _read_image(call: Call) -> Iterator[Asked]:
    """Return what Lambda does with the repository of a function's image."""
    said = call.parameters
    image = said.get("ImageUri") or said.get("Code", {}).get("ImageUri") or ""
    name = image.partition("/")[2].partition("@")[0].partition(":")[0]
    for action in ("BatchGetImage", "GetDownloadUrlForLayer") if name else ():
        yield Asked(f"ecr:{action}", arn("ecr", call.region, f"repository/{name}"))
