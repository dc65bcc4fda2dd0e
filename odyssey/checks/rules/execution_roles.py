"""Rules for the roles that SageMaker takes on: given, trusted, allowed, and there in time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey.checks import grants, limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import CONFIG, MODEL, containers
from odyssey.checks.parts import Part, parts, told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource, Template

_ROLES = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"
_SERVICE = "sagemaker.amazonaws.com"
ROLE = "AWS::IAM::Role"


@rule(
    "SM112",
    Severity.ERROR,
    "template",
    "A model has an execution role",
    source=_ROLES,
    fix="set ExecutionRoleArn to the ARN of a role that sagemaker.amazonaws.com may assume",
)
def role_given(found: Template) -> Iterator[Fault]:
    """Without a role SageMaker can pull no image and read no model."""
    for model in found.of(MODEL):
        if model.raw("ExecutionRoleArn") is None and not _is_whole_function(model):
            yield Fault("the model has no ExecutionRoleArn", model, limit="the ARN of a role")


def _is_whole_function(resource: Resource) -> bool:
    return any(str(key).startswith("Fn::") for key in resource.properties)


@rule(
    "SM113",
    Severity.ERROR,
    "template",
    "An execution role is given by its ARN",
    source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html",
    fix="use !GetAtt ROLE.Arn, or arn:aws:iam::ACCOUNT:role/NAME",
)
def role_by_arn(found: Template) -> Iterator[Fault]:
    """SageMaker refuses the name of a role, which is what ``Ref`` of a role gives."""
    limit = limits.of("sagemaker", "CreateModel", "ExecutionRoleArn")
    for resource in found.of(MODEL, CONFIG):
        for branch in found.branches(resource.raw("ExecutionRoleArn")):
            known, called = found.resolve(branch), function(branch)
            target = found.target(branch) if called and called[0] == "Ref" else None
            named = target is not None and target.type == ROLE
            if named or (isinstance(known, str) and not limit.admits(known)):
                value = f"!Ref {target.id}, a name" if target and named else told(known)
                yield Fault(
                    f"ExecutionRoleArn is {value}",
                    resource,
                    ("ExecutionRoleArn",),
                    known if isinstance(known, str) else value,
                    "arn:aws:iam::ACCOUNT:role/NAME",
                )


def roles(found: Template) -> Iterator[tuple[Resource, Resource]]:
    """Yield each model and endpoint configuration with its role, where the template has it."""
    for resource in found.of(MODEL, CONFIG):
        role = resource.target("ExecutionRoleArn")
        if role is not None and role.type == ROLE:
            yield resource, role


@rule(
    "SM115",
    Severity.WARNING,
    "template",
    "A model waits for the policies of its role",
    source="https://github.com/aws/aws-cdk/issues/10064",
    fix="add the policy to the DependsOn of the model",
)
def role_is_ready(found: Template) -> Iterator[Fault]:
    """CloudFormation makes a model as soon as there is its role, and the policies beside it.

    SageMaker then looks for the model's data and image with a role that may read neither, and the
    stack fails, now and then, with "Could not access model data".
    """
    attached = grants.attachments(found)
    for model, role in roles(found):
        if model.type != MODEL:
            continue
        for policy in grants.policies(role, attached):
            if _reads(policy) and not grants.waits_for(model, policy):
                yield Fault(
                    f"the model may be made before the policy {policy.id} of its role",
                    model,
                    limit=f"DependsOn: {policy.id}",
                )


def _reads(policy: Resource) -> bool:
    """Return whether a policy allows what making a model needs."""
    for document in parts(policy, "PolicyDocument"):
        for statement in grants.statements(document):
            actions = policy.template.resolve(statement.get("Action"))
            each = actions if isinstance(actions, list) else [actions]
            if any(re.match(r"(ecr|s3|kms):|\*$", str(action)) for action in each):
                return True
    return False


@rule(
    "SM116",
    Severity.ERROR,
    "template",
    "SageMaker may assume the role of a model",
    source=_ROLES,
    fix=f'add "Service: {_SERVICE}" with sts:AssumeRole to AssumeRolePolicyDocument',
)
def trust(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a model whose role does not trust it."""
    seen: set[str] = set()
    for resource, role in roles(found):
        if role.id not in seen and not grants.trusts(role, _SERVICE):
            seen.add(role.id)
            yield Fault(
                f"the role of {resource.id} is not for {_SERVICE}",
                role,
                ("AssumeRolePolicyDocument",),
                limit=f"Principal: Service: {_SERVICE}",
            )


_PUBLIC = ("jumpstart-cache-prod-", "sagemaker-sample-files")
"""What the names of AWS's own buckets begin with, which everybody may read."""

_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")


@rule(
    "SM117",
    Severity.WARNING,
    "template",
    "The role of a model may pull its image and read its data",
    source=_ROLES,
    fix="allow ecr:BatchGetImage, ecr:GetDownloadUrlForLayer, ecr:GetAuthorizationToken, and "
    "s3:GetObject of the model",
)
def role_reads(found: Template) -> Iterator[Fault]:
    """SageMaker reads image and model as the model's role.

    Without the right, the model is refused, or the endpoint fails while it is created. What the
    policies of a repository or of a bucket allow is not seen here.
    """
    attached = grants.attachments(found)
    for model, role in roles(found):
        if model.type != MODEL:
            continue
        allowed = grants.of(role, attached)
        for container in containers(model):
            yield from _unread(container, role, allowed)


def _unread(container: Part, role: Resource, allowed: grants.Grants) -> Iterator[Fault]:
    missing: list[str] = []
    if any(True for _ in container.texts("Image")):
        missing += [action for action in _PULL if not allowed.allow(action)]
    if missing:
        yield Fault(
            f"the role of {container.resource.id} may not {' and '.join(missing)}",
            role,
            limit=" and ".join(_PULL),
        )
    for text in container.texts("ModelDataUrl"):
        place = text.removeprefix("s3://") if text.startswith("s3://") else "${?}"
        if not place.startswith(_PUBLIC) and not allowed.allow(
            "s3:GetObject", f"arn:aws:s3:::{place}"
        ):
            yield Fault(
                f"the role of {container.resource.id} may not read {told(text)}",
                role,
                value=text,
                limit="s3:GetObject of the model",
            )
