"""Stacks: created, updated, deleted, described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import operation
from odyssey.sandbox.cloudformation.engine import sketch
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.lives import remember
from odyssey.sandbox.cloudformation.pages import page
from odyssey.sandbox.cloudformation.records import is_deleted, now

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.cloudformation.engine import Engine
    from odyssey.sandbox.cloudformation.lives import Life
    from odyssey.sandbox.cloudformation.records import Record

OPTIONS = (
    "DisableRollback",
    "RetainExceptOnCreate",
    "RollbackConfiguration",
    "TimeoutInMinutes",
)
"""Members of a request that a stack keeps as they are."""

TOLD = (
    "StackId",
    "StackName",
    "ChangeSetId",
    "Description",
    "Parameters",
    "CreationTime",
    "DeletionTime",
    "LastUpdatedTime",
    "RollbackConfiguration",
    "StackStatus",
    "StackStatusReason",
    "DisableRollback",
    "NotificationARNs",
    "TimeoutInMinutes",
    "Capabilities",
    "Outputs",
    "RoleARN",
    "Tags",
    "EnableTerminationProtection",
    "RetainExceptOnCreate",
)
"""What DescribeStacks tells of a stack's record."""

BUSY = {
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
}
"""The states in which a stack cannot be deleted."""

NOT_TESTED = {"DriftInformation": {"StackDriftStatus": "NOT_CHECKED"}}


class Stacks:
    """Answers what is asked of stacks.

    Args:
        engine: The stacks, and what goes on with them.
    """

    def __init__(self, engine: Engine) -> None:
        """Nothing was asked for yet."""
        self._engine = engine
        self._records = engine.records

    def resume(self) -> None:
        """Tell the stacks that were at work when the sandbox stopped."""
        reason = "the sandbox stopped while the stack was at work"
        for stack in self._records.everywhere():
            status = stack["StackStatus"]
            if status.endswith("_COMPLETE_CLEANUP_IN_PROGRESS"):
                done = status.removesuffix("_CLEANUP_IN_PROGRESS")
                self._records.status(stack, done, reason)
            elif status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
                failed = status.replace("_IN_PROGRESS", "_FAILED")
                self._records.status(stack, failed, reason)

    @operation("cloudformation", "CreateStack")
    def create(self, call: Call) -> dict[str, Any]:
        """Begin to create a stack."""
        request, name = call.parameters, call.parameters["StackName"]
        wanted = self._engine.target(call, sketch(call.region, name))
        options = {key: request[key] for key in OPTIONS if key in request}
        protected = bool(request.get("EnableTerminationProtection", False))
        members = {**wanted, **options, "EnableTerminationProtection": protected}
        stack = self._records.create(call.region, name, members)
        undone = "DO_NOTHING" if request.get("DisableRollback") else "ROLLBACK"
        on_failure = request.get("OnFailure", undone)
        self._engine.start(call, stack, "CREATE_IN_PROGRESS", lambda life: life.create(on_failure))
        return {"StackId": stack["StackId"]}

    @operation("cloudformation", "UpdateStack")
    def update(self, call: Call) -> dict[str, Any]:
        """Begin to update a stack."""
        stack = self._existing(call)
        self._engine.require_updatable(stack)
        wanted = self._engine.target(call, stack)
        if self._engine.plan(call, stack, wanted).is_empty and _is_whole(stack):
            raise invalid("No updates are to be performed.")
        options = {key: call.parameters[key] for key in OPTIONS if key in call.parameters}
        self.begin_update(call, stack, {**wanted, **options})
        return {"StackId": stack["StackId"]}

    def begin_update(self, call: Call, stack: Record, wanted: Record) -> None:
        """Begin to bring a stack to what it is to be.

        Args:
            call: The request.
            stack: The stack's record.
            wanted: What it is to be.

        Raises:
            ServiceError: Its state forbids it.
        """
        rollback = not call.parameters.get("DisableRollback", False)
        with self._records.lock:
            self._engine.require_updatable(stack)
            remember(stack)
            stack.update(wanted, LastUpdatedTime=now())
            self._engine.start(
                call, stack, "UPDATE_IN_PROGRESS", lambda life: life.update(rollback=rollback)
            )

    @operation("cloudformation", "DeleteStack")
    def delete(self, call: Call) -> dict[str, Any]:
        """Begin to delete a stack; one that is not there is deleted already."""
        stack = self._records.find(call.region, call.parameters["StackName"])
        if stack is None or is_deleted(stack) or stack["StackStatus"] == "DELETE_IN_PROGRESS":
            return {}
        with self._records.lock:
            self._require_deletable(stack, call.parameters.get("RetainResources", []))
            stack["RoleARN"] = call.parameters.get("RoleARN") or stack.get("RoleARN", "")
            creation = self._engine.running(stack)
            if creation is not None:
                creation.abandoned = True
                creation.cancel()

            def work(life: Life) -> None:
                if creation is not None:
                    creation.ended.wait()
                life.delete(call.parameters.get("RetainResources", []))

            self._engine.start(call, stack, "DELETE_IN_PROGRESS", work)
        return {}

    @operation("cloudformation", "DescribeStacks")
    def describe(self, call: Call) -> dict[str, Any]:
        """Return a stack, or all that are not deleted."""
        name = call.parameters.get("StackName")
        with self._records.lock:
            found = (
                [self._records.get(call.region, name)] if name else self._records.all(call.region)
            )
            told = [_told(stack) for stack in found if name or not is_deleted(stack)]
        return page("Stacks", told, call.parameters)

    @operation("cloudformation", "ListStacks")
    def summaries(self, call: Call) -> dict[str, Any]:
        """Return stacks, deleted ones too, in the states that are asked for."""
        states = call.parameters.get("StackStatusFilter")
        with self._records.lock:
            told = [
                {**_told(stack), "TemplateDescription": stack.get("Description", "")}
                for stack in self._records.all(call.region)
                if not states or stack["StackStatus"] in states
            ]
        return page("StackSummaries", told, call.parameters)

    @operation("cloudformation", "UpdateTerminationProtection")
    def protect(self, call: Call) -> dict[str, Any]:
        """Protect a stack from being deleted, or let it be."""
        stack = self._existing(call)
        with self._records.lock:
            enabled = call.parameters["EnableTerminationProtection"]
            stack["EnableTerminationProtection"] = enabled
        return {"StackId": stack["StackId"]}

    @operation("cloudformation", "CancelUpdateStack")
    def cancel(self, call: Call) -> dict[str, Any]:
        """Let an update roll back."""
        stack = self._existing(call)
        running = self._engine.running(stack)
        if stack["StackStatus"] != "UPDATE_IN_PROGRESS" or running is None:
            raise invalid("CancelUpdateStack cannot be called from current stack status")
        running.cancel()
        return {}

    @operation("cloudformation", "ContinueUpdateRollback")
    def continue_rollback(self, call: Call) -> dict[str, Any]:
        """Begin once more to roll an update back."""
        stack = self._existing(call)
        skip = call.parameters.get("ResourcesToSkip", [])
        with self._records.lock:
            self._require_status(stack, "UPDATE_ROLLBACK_FAILED")
            self._roll_back(call, stack, skip)
        return {}

    @operation("cloudformation", "RollbackStack")
    def roll_back(self, call: Call) -> dict[str, Any]:
        """Begin to undo an operation that failed and was told not to roll back."""
        stack = self._existing(call)
        with self._records.lock:
            self._require_status(stack, "CREATE_FAILED", "UPDATE_FAILED")
            if stack["StackStatus"] == "UPDATE_FAILED" or "stable" in stack:
                self._roll_back(call, stack, [])
            else:
                self._engine.start(
                    call, stack, "ROLLBACK_IN_PROGRESS", lambda life: life.undo_creation()
                )
        return {"StackId": stack["StackId"]}

    def _roll_back(self, call: Call, stack: Record, skip: list[str]) -> None:
        self._engine.start(
            call, stack, "UPDATE_ROLLBACK_IN_PROGRESS", lambda life: life.roll_back(skip=skip)
        )

    def _existing(self, call: Call) -> Record:
        name = call.parameters["StackName"]
        stack = self._records.find(call.region, name)
        if stack is None or is_deleted(stack):
            raise invalid(f"Stack [{name}] does not exist")
        return stack

    def _require_status(self, stack: Record, *allowed: str) -> None:
        if stack["StackStatus"] not in allowed:
            raise invalid(
                f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be "
                "rolled back."
            )

    def _require_deletable(self, stack: Record, retain: list[str]) -> None:
        if stack.get("EnableTerminationProtection"):
            raise invalid(
                f"Stack [{stack['StackName']}] cannot be deleted while TerminationProtection is "
                "enabled"
            )
        if stack["StackStatus"] in BUSY:
            status = stack["StackStatus"]
            raise invalid(f"Stack [{stack['StackId']}] cannot be deleted while in status {status}")
        if retain and stack["StackStatus"] != "DELETE_FAILED":
            raise invalid(
                "Invalid operation on stack. Specify RetainResources only when the stack is in the "
                "DELETE_FAILED state."
            )


def _is_whole(stack: Record) -> bool:
    """Return whether nothing is left of an operation that failed and was not rolled back."""
    return not stack["StackStatus"].endswith("_FAILED")


def _told(stack: Record) -> dict[str, Any]:
    told = {name: stack[name] for name in TOLD if stack.get(name) not in (None, "")}
    return {**told, **NOT_TESTED}
