"""Which resources a request is about, as ARNs.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odyssey.sandbox.calls import Call

ANY = "*"
"""What an action is on that takes no resource, or of which none is known."""


class Known:
    """What is known of resources beyond what a request says of them; here, nothing."""

    def role(self, name: str) -> str:
        """Return the ARN of a role, whose path no request names."""
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    def boundary(self, role: str) -> str | None:
        """Return the ARN of the permissions boundary of a role, by its name."""
        return None

    def key(self, bucket: str) -> str | None:
        """Return the ARN of the key with which a bucket encrypts what is put into it."""
        return None


def named(call: Call, known: Known) -> list[str]:
    """Return the ARNs of what a request is about; ``*`` where it says nothing of it.

    Args:
        call: The request, to any service but S3.
        known: What is known of resources.
    """
    rule = _RULES.get(call.service)
    found = rule(call, known) if rule is not None else _by_members(call)
    return found or [ANY]


def arn(service: str, region: str, resource: str) -> str:
    """Return the ARN of a resource of this account; one that is an ARN already stays as it is.

    Args:
        service: The service, as ARNs name it.
        region: The region; empty for what is in none.
        resource: The resource, as ARNs name it.
    """
    if resource.startswith("arn:"):
        return resource
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


_MEMBERS: Mapping[str, Sequence[tuple[str, str]]] = {
    "application-autoscaling": [
        ("ResourceARN", ""),
        # Its name is AWS's to choose.
        ("ScalableDimension", "scalable-target/*"),
    ],
    "cloudwatch": [
        ("ResourceARN", ""),
        ("AlarmName", "alarm:{}"),
        ("AlarmNames", "alarm:{}"),
    ],
    "ecr": [
        ("resourceArn", ""),
        ("repositoryName", "repository/{}"),
        ("repositoryNames", "repository/{}"),
    ],
    "kms": [("KeyId", "key/{}"), ("TargetKeyId", "key/{}"), ("ResourceArn", "")],
    "lambda": [
        ("FunctionName", "function:{}"),
        ("Resource", ""),
        ("LayerName", "layer:{}"),
    ],
    "sagemaker-runtime": [("EndpointName", "endpoint/{}")],
    "secretsmanager": [("SecretId", "secret:{}"), ("Name", "secret:{}")],
    "sns": [("TopicArn", ""), ("TargetArn", ""), ("ResourceArn", ""), ("Name", "{}")],
    "sqs": [("QueueUrl", "{}"), ("QueueName", "{}")],
    "ssm": [("Name", "parameter/{}"), ("Names", "parameter/{}"), ("Path", "parameter/{}")],
    "stepfunctions": [
        ("stateMachineArn", ""),
        ("executionArn", ""),
        ("resourceArn", ""),
        ("name", "stateMachine:{}"),
    ],
}
"""The members that name a service's resources, the first that is there counts."""

_PREFIXES = {"sagemaker-runtime": "sagemaker", "stepfunctions": "states"}


def prefix(service: str) -> str:
    """Return how actions and ARNs name a service that boto3 calls otherwise."""
    return _PREFIXES.get(service, service)


def _by_members(call: Call) -> list[str]:
    for member, shape in _MEMBERS.get(call.service, ()):
        if said := call.parameters.get(member):
            names = said if isinstance(said, list) else [said]
            return [_shaped(call, shape, str(name)) for name in names]
    return []


def _shaped(call: Call, shape: str, name: str) -> str:
    if name.startswith("arn:"):
        return name
    if call.service == "ssm":
        name = name.lstrip("/")
    if call.service == "sqs":
        name = name.rpartition("/")[2]
    if call.service == "kms" and name.startswith("alias/"):
        shape = "{}"
    if call.service == "lambda" and (qualifier := call.parameters.get("Qualifier")):
        name = f"{name}:{qualifier}"
    return arn(prefix(call.service), call.region, shape.format(name) or name)


_VERB = re.compile(r"[A-Z][a-z]+")
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def _of_sagemaker(call: Call, _: Known) -> list[str]:
    """Return the ARN of what an operation has in its own name, by the member that names it."""
    if said := call.parameters.get("ResourceArn"):
        return [str(said)]
    verb = _VERB.match(call.operation)
    noun = call.operation[verb.end() :] if verb else ""
    of_noun = [
        member
        for member, value in call.parameters.items()
        if member.endswith("Name") and isinstance(value, str) and noun.startswith(member[:-4])
    ]
    if not of_noun:
        return []
    members = [max(of_noun, key=len)]
    if call.operation in ("CreateEndpoint", "UpdateEndpoint"):
        members.append("EndpointConfigName")
    return [
        arn("sagemaker", call.region, f"{_kind(member[:-4])}/{call.parameters[member]}")
        for member in members
        if member in call.parameters
    ]


def _kind(noun: str) -> str:
    return _WORD.sub("-", noun).lower()


def _of_cloudformation(call: Call, _: Known) -> list[str]:
    # Of a name IAM knows no more than the beginning of the ARN.
    if said := call.parameters.get("StackName"):
        return [arn("cloudformation", call.region, said if ":" in said else f"stack/{said}/*")]
    said = call.parameters.get("ChangeSetName", "")
    return [said] if said.startswith("arn:") else []


def _of_logs(call: Call, _: Known) -> list[str]:
    if said := call.parameters.get("resourceArn"):
        return [str(said)]
    # Of a group IAM is asked with an empty stream behind it.
    group = call.parameters.get("logGroupName") or call.parameters.get("logGroupIdentifier", "")
    stream = call.parameters.get("logStreamName", "")
    if group.startswith("arn:"):
        return [f"{group}:log-stream:{stream}"]
    return [arn("logs", call.region, f"log-group:{group}:log-stream:{stream}")]


def _of_cloudwatch(call: Call, _: Known) -> list[str]:
    dashboards = call.parameters.get("DashboardNames") or [call.parameters.get("DashboardName")]
    found = [arn("cloudwatch", "", f"dashboard/{name}") for name in dashboards if name]
    return found or _by_members(call)


def _of_events(call: Call, _: Known) -> list[str]:
    if said := call.parameters.get("ResourceARN"):
        return [str(said)]
    name = call.parameters.get("Rule") or call.parameters.get("Name")
    bus = call.parameters.get("EventBusName", "default")
    place = "" if bus == "default" else f"{bus.rpartition('/')[2]}/"
    return [arn("events", call.region, f"rule/{place}{name}")] if name else []


def _of_scheduler(call: Call, _: Known) -> list[str]:
    if said := call.parameters.get("ResourceArn"):
        return [str(said)]
    name, group = call.parameters.get("Name"), call.parameters.get("GroupName", "default")
    if "ScheduleGroup" in call.operation:
        return [arn("scheduler", call.region, f"schedule-group/{name}")] if name else []
    return [arn("scheduler", call.region, f"schedule/{group}/{name}")] if name else []


def _of_iam(call: Call, known: Known) -> list[str]:
    said = call.parameters
    # A policy is a condition of what it is attached to.
    if "PolicyArn" in said and not {"RoleName", "UserName", "GroupName"} & set(said):
        return [str(said["PolicyArn"])]
    if service := said.get("AWSServiceName"):
        # AWS chooses the rest of the name.
        return [arn("iam", "", f"role/aws-service-role/{service}/AWSServiceRoleFor*")]
    if profile := said.get("InstanceProfileName"):
        return [_with_path(said, "instance-profile", profile)]
    if role := said.get("RoleName"):
        made = call.operation == "CreateRole"
        return [_with_path(said, "role", role) if made else known.role(role)]
    for kind in ("Group", "User", "Policy"):
        if name := said.get(f"{kind}Name"):
            return [_with_path(said, kind.lower(), name)]
    if source := said.get("PolicySourceArn"):
        return [str(source)]
    # Without a name it is one's own.
    own = call.operation in _OF_ONESELF and call.principal.user
    return [call.principal.arn] if own else []


_OF_ONESELF = ("CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "UpdateAccessKey")


def _with_path(said: Mapping[str, Any], kind: str, name: str) -> str:
    return arn("iam", "", f"{kind}{said.get('Path', '/')}{name}")


def _of_sts(call: Call, _: Known) -> list[str]:
    role = call.parameters.get("RoleArn")
    return [str(role)] if role else []


_RULES: Mapping[str, Callable[[Call, Known], list[str]]] = {
    "cloudformation": _of_cloudformation,
    "cloudwatch": _of_cloudwatch,
    "events": _of_events,
    "iam": _of_iam,
    "logs": _of_logs,
    "sagemaker": _of_sagemaker,
    "scheduler": _of_scheduler,
    "sts": _of_sts,
}
