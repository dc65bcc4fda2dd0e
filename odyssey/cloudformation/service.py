"""What CloudFormation says of stacks: their states, templates, resources and change sets.

Each function takes a client of boto3 for ``cloudformation`` first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.cloudformation import templates
from odyssey.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

FAILED_CREATION = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"}
"""The states of a stack that was never made, and that can only be deleted."""

STUCK = {"UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "UPDATE_FAILED"}
"""The states that nothing but a person gets a stack out of."""

REVIEW = "REVIEW_IN_PROGRESS"
"""The state of a stack that has a change set and nothing else."""


@dataclass(frozen=True)
class StackState:
    """A stack as it stands.

    Args:
        id: Its ARN.
        name: Its name.
        status: Such as ``UPDATE_COMPLETE``.
        reason: What CloudFormation says about the status, or nothing.
        since: When it was last changed.
        outputs: Its outputs by name.
        tags: Its tags.
        protected: Whether it refuses to be deleted.
    """

    id: str
    name: str
    status: str
    reason: str = ""
    since: datetime | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    protected: bool = False

    @property
    def busy(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEW

    @property
    def exists(self) -> bool:
        """Whether it has, or has had, resources: a stack that awaits its first change set has not.

        A deleted stack is still described, when it is asked for by its ARN.
        """
        return self.status not in {REVIEW, "DELETE_COMPLETE"}

    @property
    def done(self) -> bool:
        """Whether its last operation ended as it was meant to."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}


@dataclass(frozen=True)
class Resource:
    """A resource of a deployed stack.

    Args:
        logical_id: Its name in the template.
        physical_id: Its name or ARN in AWS; empty before it has one.
        type: Such as ``AWS::S3::Bucket``.
        status: Such as ``CREATE_COMPLETE``.
    """

    logical_id: str
    physical_id: str
    type: str
    status: str

    def __str__(self) -> str:
        """The resource for a reader: its type, its name in the template and its name in AWS."""
        physical = f" ({self.physical_id})" if self.physical_id else ""
        return f"{self.type} {self.logical_id}{physical}"

    def document(self) -> dict[str, str]:
        """Return it as JSON takes it."""
        return {
            "logical_id": self.logical_id,
            "physical_id": self.physical_id,
            "type": self.type,
        }


@dataclass(frozen=True)
class Change:
    """One change of a change set.

    Args:
        action: ``Add``, ``Modify``, ``Remove``, ``Import`` or ``Dynamic``.
        logical_id: The resource's name in the template.
        type: Its type.
        replacement: ``True``, ``False`` or ``Conditional``; empty where it cannot be.
    """

    action: str
    logical_id: str
    type: str
    replacement: str


@dataclass(frozen=True)
class ChangeSet:
    """A change set.

    Args:
        name: Its name.
        stack: The name of its stack.
        status: Such as ``CREATE_COMPLETE`` or ``FAILED``.
        execution: Such as ``AVAILABLE``, ``OBSOLETE`` or ``EXECUTE_COMPLETE``.
        reason: What CloudFormation says about it, or nothing.
        changes: What it would change.
    """

    name: str
    stack: str
    status: str
    execution: str
    reason: str
    changes: tuple[Change, ...]


def describe(client: Any, stack: str) -> StackState | None:
    """Return a stack by its name or ARN, or None where there is none.

    Raises:
        AwsError: AWS refuses.
    """
    answer = _unless_absent(client.describe_stacks, StackName=stack)
    return _state(answer["Stacks"][0]) if answer else None


def all_stacks(client: Any) -> Iterator[StackState]:
    """Yield every stack of the region.

    Raises:
        AwsError: AWS refuses.
    """
    for page in _pages(client, "describe_stacks"):
        yield from (_state(stack) for stack in page["Stacks"])


def resources(client: Any, stack: str) -> tuple[Resource, ...]:
    """Return the resources of a stack; none for a stack that is not there.

    Raises:
        AwsError: AWS refuses.
    """
    found: list[Resource] = []
    for page in _pages(client, "list_stack_resources", StackName=stack):
        found += [_resource(summary) for summary in page["StackResourceSummaries"]]
    return tuple(found)


def template(client: Any, stack: str, change_set: str | None = None) -> dict[str, Any]:
    """Return the template of a stack, as it was sent; empty for a stack that is not there.

    Args:
        client: The client.
        stack: The stack's name or ARN.
        change_set: The change set to take the template of, instead of what is deployed.

    Raises:
        AwsError: AWS refuses.
    """
    text, body = template_text(client, stack, change_set)
    return templates.parse(text) if text else body


def template_text(
    client: Any, stack: str, change_set: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the template of a stack as text, or, where botocore has read it already, as data.

    Args:
        client: The client.
        stack: The stack's name or ARN.
        change_set: The change set to take the template of, instead of what is deployed.

    Returns:
        The text, which is empty for JSON, and the data, which is empty for YAML.

    Raises:
        AwsError: AWS refuses.
    """
    chosen = {"ChangeSetName": change_set} if change_set else {}
    answer = _unless_absent(
        client.get_template, StackName=stack, TemplateStage="Original", **chosen
    )
    body = answer["TemplateBody"] if answer else {}
    return (body, {}) if isinstance(body, str) else ("", dict(body))


def change_set(client: Any, stack: str, name: str) -> ChangeSet | None:
    """Return a change set, or None where there is none of this name.

    Raises:
        AwsError: AWS refuses.
    """
    found: ChangeSet | None = None
    asked = {"StackName": stack, "ChangeSetName": name}
    while answer := _unless_absent(client.describe_change_set, **asked):
        changes = (*(found.changes if found else ()), *map(_change, answer.get("Changes", ())))
        found = ChangeSet(
            name=answer["ChangeSetName"],
            stack=answer["StackName"],
            status=answer["Status"],
            execution=answer.get("ExecutionStatus", ""),
            reason=answer.get("StatusReason", ""),
            changes=changes,
        )
        if not answer.get("NextToken"):
            break
        asked["NextToken"] = answer["NextToken"]
    return found


def execute(client: Any, stack: str, name: str) -> None:
    """Start a change set.

    Raises:
        AwsError: AWS refuses.
    """
    with aws.explained():
        client.execute_change_set(StackName=stack, ChangeSetName=name)


def delete(client: Any, stack: str) -> None:
    """Start the deletion of a stack.

    Raises:
        AwsError: AWS refuses.
    """
    with aws.explained():
        client.delete_stack(StackName=stack)


def request_token(client: Any, stack: str) -> str:
    """Return the token of the request that a stack's newest event belongs to, or nothing.

    Tools and the console begin it with their own names.

    Raises:
        AwsError: AWS refuses.
    """
    answer = _unless_absent(client.describe_stack_events, StackName=stack)
    events: list[dict[str, Any]] = answer["StackEvents"] if answer else []
    return str(events[0].get("ClientRequestToken", "")) if events else ""


def is_absent(error: Exception) -> bool:
    """Return whether an exception of botocore says that the stack or change set is not there."""
    # An error of the network has a response, too: None.
    told = (getattr(error, "response", None) or {}).get("Error", {})
    message = str(told.get("Message", ""))
    missing = "does not exist" in message or "not found" in message.lower()
    return told.get("Code") == "ChangeSetNotFound" or (
        told.get("Code") == "ValidationError" and missing
    )


def _unless_absent(call: Any, **asked: Any) -> dict[str, Any] | None:
    """Return an answer of AWS, or None where what was asked for is not there."""
    try:
        with aws.explained():
            answer: dict[str, Any] = call(**asked)
            return answer
    except AwsError as error:
        if isinstance(error.__cause__, Exception) and is_absent(error.__cause__):
            return None
        raise


def _pages(client: Any, operation: str, **asked: Any) -> Iterator[dict[str, Any]]:
    while True:
        answer = _unless_absent(getattr(client, operation), **asked)
        if answer is None:
            return
        yield answer
        if not answer.get("NextToken"):
            return
        asked["NextToken"] = answer["NextToken"]


def _state(stack: Mapping[str, Any]) -> StackState:
    return StackState(
        id=stack["StackId"],
        name=stack["StackName"],
        status=stack["StackStatus"],
        reason=stack.get("StackStatusReason", ""),
        since=stack.get("LastUpdatedTime") or stack.get("CreationTime"),
        outputs={o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())},
        tags={tag["Key"]: tag["Value"] for tag in stack.get("Tags", ())},
        protected=bool(stack.get("EnableTerminationProtection")),
    )


def _resource(summary: Mapping[str, Any]) -> Resource:
    return Resource(
        logical_id=summary["LogicalResourceId"],
        physical_id=summary.get("PhysicalResourceId", ""),
        type=summary["ResourceType"],
        status=summary["ResourceStatus"],
    )


def _change(change: Mapping[str, Any]) -> Change:
    resource = change.get("ResourceChange", {})
    return Change(
        action=resource.get("Action", ""),
        logical_id=resource.get("LogicalResourceId", ""),
        type=resource.get("ResourceType", ""),
        replacement=resource.get("Replacement", ""),
    )
