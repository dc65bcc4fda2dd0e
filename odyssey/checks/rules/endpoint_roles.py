"""Rules for what the role of an endpoint may do while it serves: write, tell, and use a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks import grants
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import CONFIG, MODEL, model_of, variants
from odyssey.checks.outlines import outlines
from odyssey.checks.parts import Part, parts, told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.rules.execution_roles import ROLE, roles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_ROLES = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"


@rule(
    "SM253",
    Severity.WARNING,
    "template",
    "The role of an asynchronous endpoint may write its answers",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint.html",
    fix="allow s3:PutObject at the path to the role of the model",
)
def role_answers(found: Template) -> Iterator[Fault]:
    """An answer that cannot be written is lost: the caller waits for a file that never comes."""
    attached = grants.attachments(found)
    for config in found.of(CONFIG):
        for output in parts(config, "AsyncInferenceConfig", "OutputConfig"):
            for member in ("S3OutputPath", "S3FailurePath"):
                yield from _unwritten(output, member, attached)


@rule(
    "SM263",
    Severity.WARNING,
    "template",
    "The role of an endpoint may write what it captures",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture.html",
    fix="allow s3:PutObject at the place to the role of the model",
)
def role_captures(found: Template) -> Iterator[Fault]:
    """What cannot be written is not captured, and nobody is told."""
    attached = grants.attachments(found)
    for config in found.of(CONFIG):
        for capture in parts(config, "DataCaptureConfig"):
            yield from _unwritten(capture, "DestinationS3Uri", attached)


def _unwritten(part: Part, member: str, attached: grants.Attachments) -> Iterator[Fault]:
    for text in outlines(part.template, part.raw.get(member)):
        if not text.startswith("s3://"):
            continue
        arn = f"arn:aws:s3:::{text.removeprefix('s3://').rstrip('/')}/x"
        for role in _writers(part.resource):
            if not grants.of(role, attached).allow("s3:PutObject", arn):
                yield part.fault(
                    f"the role {role.id} may not write to {told(text)}",
                    member,
                    value=text,
                    limit="s3:PutObject there",
                )


def _writers(config: Resource) -> Iterator[Resource]:
    seen: set[str] = set()
    for variant in variants(config):
        model = model_of(variant)
        role = model.target("ExecutionRoleArn") if model else None
        if role is not None and role.type == ROLE and role.id not in seen:
            seen.add(role.id)
            yield role


@rule(
    "SM254",
    Severity.WARNING,
    "template",
    "The role of an asynchronous endpoint may publish to its topics",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint.html",
    fix="allow sns:Publish on the topics to the role of the model",
)
def role_publishes(found: Template) -> Iterator[Fault]:
    """Nobody is told of an answer, or of a failure, that the role may not publish."""
    attached = grants.attachments(found)
    path = ("AsyncInferenceConfig", "OutputConfig", "NotificationConfig")
    for config in found.of(CONFIG):
        for topics in parts(config, *path):
            for member in ("SuccessTopic", "ErrorTopic"):
                for text in topics.texts(member):
                    for role in _writers(config):
                        if not grants.of(role, attached).allow("sns:Publish", text):
                            yield topics.fault(
                                f"the role {role.id} may not publish to {told(text)}",
                                member,
                                value=text,
                                limit="sns:Publish on the topic",
                            )


_INTERFACES = ("ec2:CreateNetworkInterface", "ec2:DescribeVpcs", "ec2:DescribeSubnets")


@rule(
    "SM123",
    Severity.WARNING,
    "template",
    "The role of a model in a network may make network interfaces",
    source=_ROLES,
    fix="allow the actions of ec2 on network interfaces, as the page of roles lists them",
)
def role_connects(found: Template) -> Iterator[Fault]:
    """SageMaker makes an interface in the subnets as the model's role; without it it fails."""
    attached = grants.attachments(found)
    for model, role in roles(found):
        if model.type != MODEL or not list(parts(model, "VpcConfig")):
            continue
        allowed = grants.of(role, attached)
        missing = [action for action in _INTERFACES if not allowed.allow(action)]
        if missing:
            yield Fault(
                f"the role of {model.id} may not {' and '.join(missing)}",
                role,
                limit=" and ".join(_INTERFACES),
            )
