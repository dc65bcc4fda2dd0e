"""The policy of whoever runs an app's commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from cdk_constructs import permissions
from cdk_constructs.acknowledgments import acknowledge, acknowledge_wildcards

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.interfaces import aws_iam as interfaces
    from constructs import Construct

# Documents are divided by their length, which must not depend on how the CDK writes a token: the
# longest value of each stands in for it.
_STAND_INS = {
    "partition-": Aws.PARTITION,
    "region--------": Aws.REGION,
    "account-----": Aws.ACCOUNT_ID,
}
_LATER = "The resources of the app that bear its name are made later"
_ANYWHERE = "These actions take no resource"


class DeployerPolicy(iam.ManagedPolicy):
    """What a person or a pipeline may do to run an app's commands, and no more.

    Where that is longer than the 6,144 characters of a managed policy, this is the first of
    several `parts`; ``attach_to_role``, ``attach_to_user`` and ``attach_to_group`` attach them
    all, while ``role.add_managed_policy`` would add this one alone.

    It lets nobody make or change managed policies, nor itself, therefore: an administrator deploys
    the stack that it is in. `cdk_constructs.permissions.policy` says what a boundary limits.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        app: The app's name, with which its stacks, jobs and endpoints begin.
        commands: The commands, of `cdk_constructs.permissions.COMMANDS`; default all.
        bucket: The name of the bucket of data and models, if it does not begin with the app's.
        repository: The name of the repository, if it does not begin with the app's.
        endpoint: The name of the endpoint, if it does not begin with the app's.
        train_function: The name of the function that trains, if it does not begin with the app's.
        serve_function: The name of the function that serves, likewise.
        bootstrapped: Whether the account is bootstrapped, so that the bootstrap's roles deploy;
            default False. Those are an administrator's, unless ``cdk bootstrap`` was told
            otherwise.
        permissions_boundary: The ARN of the boundary that each role that is made must have; it
            has no effect when `bootstrapped`. Without one, who may deploy may give a role any
            right, and use it. Default none.

    Raises:
        ValueError: There is no such command, or a name is none.

    Example:
        >>> policy = DeployerPolicy(stack, "Deployer", app="churn", commands=["sagemaker invoke"])
        >>> policy.attach_to_role(role)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        app: str,
        commands: Sequence[str] = permissions.COMMANDS,
        bucket: str | None = None,
        repository: str | None = None,
        endpoint: str | None = None,
        train_function: str | None = None,
        serve_function: str | None = None,
        bootstrapped: bool = False,
        permissions_boundary: str | None = None,
    ) -> None:
        options: dict[str, Any] = {
            "app": app,
            "bucket": bucket,
            "repository": repository,
            "endpoint": endpoint,
            "train_function": train_function,
            "serve_function": serve_function,
            "bootstrapped": bootstrapped,
            "permissions_boundary": permissions_boundary,
        }
        partition, region, account = _STAND_INS
        first, *others = permissions.policies(
            commands, partition=partition, region=region, account=account, **options
        )
        description = f"What the commands of {app} need"
        super().__init__(scope, construct_id, description=description, document=_made(first))
        self._document = permissions.policy(commands, **options)
        self._others = [
            iam.ManagedPolicy(self, f"Part{number}", description=description, document=_made(more))
            for number, more in enumerate(others, start=2)
        ]
        for part, document in zip(self.parts, [first, *others], strict=True):
            _explain(part, document)

    @property
    def parts(self) -> tuple[iam.ManagedPolicy, ...]:
        """The managed policies that make up this one, itself the first."""
        return (self, *self._others)

    @property
    def policy_document(self) -> dict[str, Any]:
        """The policy in one, for any account and region, to be printed."""
        return self._document

    def attach_to_role(self, role: iam.IRole) -> None:
        """Attach all parts to a role."""
        super().attach_to_role(role)
        for part in self._others:
            part.attach_to_role(role)

    def attach_to_user(self, user: interfaces.IUserRef) -> None:
        """Attach all parts to a user."""
        super().attach_to_user(user)
        for part in self._others:
            part.attach_to_user(user)

    def attach_to_group(self, group: interfaces.IGroupRef) -> None:
        """Attach all parts to a group."""
        super().attach_to_group(group)
        for part in self._others:
            part.attach_to_group(group)


def _filled(text: str) -> str:
    for stand_in, token in _STAND_INS.items():
        text = text.replace(stand_in, token)
    return text


def _made(document: dict[str, Any]) -> iam.PolicyDocument:
    return iam.PolicyDocument.from_json(json.loads(_filled(json.dumps(document))))


def _explain(part: iam.ManagedPolicy, document: dict[str, Any]) -> None:
    """Acknowledge the wildcards of a part."""
    statements = document["Statement"]
    resources = {arn for statement in statements for arn in _each(statement["Resource"])}
    actions = {name for statement in statements for name in _each(statement["Action"])}
    acknowledge_wildcards(
        part,
        {
            _filled(arn): _ANYWHERE if arn == "*" else _LATER
            for arn in sorted(resources)
            if "*" in arn
        },
    )
    for name in sorted(actions):
        if "*" in name:
            reason = "CloudFormation reads all settings of a resource, which grow in number"
            acknowledge(part, f"AwsSolutions-IAM5[Action::{name}]", reason)


def _each(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values
