"""The life of a stack: created, updated, rolled back, deleted."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.cloudformation import deployment, exports
from odyssey.sandbox.cloudformation.deletion import delete, kept
from odyssey.sandbox.cloudformation.deployment import Deployment, attempt
from odyssey.sandbox.cloudformation.evaluation import Evaluation
from odyssey.sandbox.cloudformation.graph import carry_out
from odyssey.sandbox.cloudformation.records import now
from odyssey.sandbox.cloudformation.world import StackWorld

if TYPE_CHECKING:
    from collections.abc import Collection

    from odyssey.sandbox.cloudformation.operation import Operation
    from odyssey.sandbox.cloudformation.records import Record

WANTED = (
    "Capabilities",
    "Description",
    "NotificationARNs",
    "Outputs",
    "Parameters",
    "RoleARN",
    "Tags",
    "document",
    "imports",
    "resolved",
    "template",
    "values",
)
"""What of a stack's record an update changes, and a rollback gives back."""


class Life:
    """What happens to a stack in one operation, in a thread of its own.

    Args:
        operation: The operation.
    """

    def __init__(self, operation: Operation) -> None:
        """Nothing happens yet."""
        self._operation = operation
        self._stack = operation.stack
        self._lock = operation.records.lock

    def create(self, on_failure: str) -> None:
        """Create it.

        Args:
            on_failure: ``ROLLBACK``, ``DELETE`` or ``DO_NOTHING``.
        """
        if "TimeoutInMinutes" in self._stack:
            self._operation.limit(60.0 * self._stack["TimeoutInMinutes"])
        failed = self._deploy("create")
        if self._operation.abandoned:
            return
        if failed is None:
            self._operation.status("CREATE_COMPLETE")
        elif on_failure == "DO_NOTHING":
            self._operation.status("CREATE_FAILED", failed)
        elif on_failure == "DELETE":
            self._operation.status("DELETE_IN_PROGRESS", f"{failed}Delete requested by user.")
            self.delete(rolls_back=True)
        else:
            self.undo_creation(failed)

    def undo_creation(self, reason: str = "") -> None:
        """Delete what a creation that failed has made."""
        told = f"{reason}Rollback requested by user."
        self._operation.status("ROLLBACK_IN_PROGRESS", told)
        left = self._delete_all(rolls_back=True)
        self._operation.status("ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", left)

    def update(self, *, rollback: bool) -> None:
        """Bring it to its new template.

        Args:
            rollback: Whether a failure is undone.
        """
        failed = self._deploy("update")
        if failed is None:
            self._clean_up("UPDATE_COMPLETE")
        elif rollback:
            self.roll_back(failed)
        else:
            self._operation.status("UPDATE_FAILED", failed)

    def roll_back(self, reason: str = "", skip: Collection[str] = ()) -> None:
        """Bring it back to what it was before an update.

        Args:
            reason: Why.
            skip: Logical ids of resources that are left as they are.
        """
        self._operation.take_back_the_cancellation()
        self._operation.status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        stable = self._stack["stable"]

        def restore(logical_id: str) -> bool:
            return logical_id in skip or self._restore(stable["resources"][logical_id])

        needs = {name: each["needs"] for name, each in stable["resources"].items()}
        failed = carry_out(needs, restore, lambda: self._operation.cancelled)
        if failed or self._operation.cancelled:
            self._operation.status("UPDATE_ROLLBACK_FAILED", self._why("update", failed))
            return
        with self._lock:
            made = self._made_since(stable)
            resources = {
                name: self._restored(name, each) for name, each in stable["resources"].items()
            }
            self._stack.update(stable["wanted"], resources=resources, doomed=made)
        self._clean_up("UPDATE_ROLLBACK_COMPLETE")

    def delete(self, retain: Collection[str] = (), *, rolls_back: bool = False) -> None:
        """Delete it.

        Args:
            retain: Logical ids of resources that stay.
            rolls_back: Whether its creation is undone.
        """
        told = attempt(lambda: exports.require(self._operation.records, self._stack, []))
        left = told or self._delete_all(retain, rolls_back=rolls_back)
        if left:
            self._operation.status("DELETE_FAILED", left)
            return
        with self._lock:
            self._stack["DeletionTime"] = now()
            self._operation.status("DELETE_COMPLETE")

    def _deploy(self, verb: str) -> str | None:
        """Make and change the resources, and compute the outputs.

        Returns:
            Why it failed, or None.
        """
        operation, stack = self._operation, self._stack
        world = StackWorld(operation.records, stack, operation.client)
        document, values = stack["document"], stack["resolved"]
        evaluation = Evaluation(document, values, stack, operation.region, world)
        try:
            made = Deployment(operation, evaluation)
        except ServiceError as error:
            return f"{error.message}. "
        failed = made.run()
        if failed or operation.cancelled:
            return self._why(verb, failed)

        def finish() -> None:
            outputs = evaluation.outputs()
            with self._lock:
                exports.require(operation.records, stack, outputs)
                self._remove(made)
                stack.update(Outputs=outputs, imports=world.imports)

        told = attempt(finish)
        return told if told is None else f"{told}. "

    def _remove(self, made: Deployment) -> None:
        """Doom what the template no longer has."""
        for logical_id in [*self._stack["resources"]]:
            if logical_id not in made.definitions:
                gone = self._stack["resources"].pop(logical_id)
                self._stack["doomed"].append({**gone, "keep": kept(gone, rolls_back=False)})

    def _clean_up(self, status: str) -> None:
        """Delete what is no longer part of the stack; what cannot be deleted is left to people."""
        with self._lock:
            self._stack.pop("stable", None)
            self._operation.status(f"{status}_CLEANUP_IN_PROGRESS")
        delete(self._operation, self._stack["doomed"])
        with self._lock:
            if not self._operation.cancelled:
                self._stack["doomed"] = []
            self._operation.status(status)

    def _delete_all(self, retain: Collection[str] = (), *, rolls_back: bool) -> str:
        """Delete all resources, and return why not, or nothing."""
        self._operation.take_back_the_cancellation()
        with self._lock:
            for logical_id, resource in self._stack["resources"].items():
                resource["keep"] = logical_id in retain or self._stays(resource, rolls_back)
            resources = [*self._stack["resources"].values(), *self._stack["doomed"]]
        failed = delete(self._operation, resources)
        return self._why("delete", failed) if failed or self._operation.cancelled else ""

    def _stays(self, resource: Record, rolls_back: bool) -> bool:
        """Return whether a resource is kept when the stack or the operation is undone."""
        if rolls_back and self._stack.get("RetainExceptOnCreate"):
            return False
        return kept(resource, rolls_back=rolls_back)

    def _why(self, verb: str, failed: Collection[str]) -> str:
        """Return why an operation ended too early, with a blank at its end."""
        if failed:
            named = ", ".join(sorted(failed))
            return f"The following resource(s) failed to {verb}: [{named}]. "
        return "It was stopped before its end: by a person, by its timeout, or with the sandbox. "

    def _restore(self, stable: Record) -> bool:
        """Give a resource back what it had, where it is still the same one."""
        current = self._stack["resources"].get(stable["LogicalResourceId"], stable)
        same = current["PhysicalResourceId"] == stable["PhysicalResourceId"]
        touched = (
            current["ResourceStatus"] == "UPDATE_FAILED"
            or current["properties"] != stable["properties"]
        )
        if not same or not touched:
            return True
        self._operation.resource(current, "UPDATE_IN_PROGRESS")
        told = attempt(lambda: deployment.change(self._operation, current, stable["properties"]))
        self._operation.resource(
            current, "UPDATE_FAILED" if told else "UPDATE_COMPLETE", told or ""
        )
        return told is None

    def _restored(self, logical_id: str, stable: Record) -> Record:
        """Return the record of a resource after a rollback."""
        current = self._stack["resources"].get(logical_id, stable)
        told = ("ResourceStatus", "ResourceStatusReason", "Timestamp")
        if current["PhysicalResourceId"] != stable["PhysicalResourceId"]:
            return {**stable, "ResourceStatus": "UPDATE_COMPLETE"}
        return {**stable, **{name: current[name] for name in told if name in current}}

    def _made_since(self, stable: Record) -> list[Record]:
        """Return the resources that were not there before the update, to be deleted."""
        made = []
        # What failed before it was named has left nothing behind.
        for logical_id, resource in self._stack["resources"].items():
            before = stable["resources"].get(logical_id, {}).get("PhysicalResourceId")
            if resource["PhysicalResourceId"] not in ("", before):
                made.append({**resource, "keep": self._stays(resource, rolls_back=True)})
        old = {each["PhysicalResourceId"] for each in stable["resources"].values()}
        made += [each for each in self._stack["doomed"] if each["PhysicalResourceId"] not in old]
        return made


def remember(stack: Record) -> None:
    """Keep a stack as it stands, so that an update can be undone."""
    if "stable" not in stack:
        wanted: dict[str, Any] = {name: stack.get(name) for name in WANTED}
        stack["stable"] = {
            "wanted": copy.deepcopy(wanted),
            "resources": copy.deepcopy(stack["resources"]),
        }
