"""Change sets: what an update would change, kept until somebody says that it shall be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError, operation
from odyssey.sandbox.cloudformation.engine import sketch
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.pages import page
from odyssey.sandbox.cloudformation.records import arn, is_deleted, now

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.cloudformation.engine import Engine
    from odyssey.sandbox.cloudformation.records import Record
    from odyssey.sandbox.cloudformation.stacks import Stacks
    from odyssey.sandbox.store import Store, Table

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)

TOLD = (
    "ChangeSetId",
    "ChangeSetName",
    "StackId",
    "StackName",
    "Description",
    "CreationTime",
    "ExecutionStatus",
    "Status",
    "StatusReason",
    "OnStackFailure",
)
"""What is told of a change set's record."""

OF_TARGET = ("Capabilities", "NotificationARNs", "Parameters", "Tags")
"""What is told of what the stack would be."""

VALUES = ("BeforeContext", "AfterContext")
VALUES_OF_TARGETS = ("AttributeChangeType", "Path", "BeforeValue", "AfterValue")
"""What is told of a change only where IncludePropertyValues is set."""


class ChangeSets:
    """Answers what is asked of change sets.

    Args:
        engine: The stacks, and what goes on with them.
        stacks: What updates a stack.
        store: Where the change sets are kept.
    """

    def __init__(self, engine: Engine, stacks: Stacks, store: Store) -> None:
        """Nothing was asked for yet."""
        self._engine = engine
        self._records = engine.records
        self._stacks = stacks
        self._store = store

    @property
    def _table(self) -> Table:
        return self._store.table("change_sets")

    @operation("cloudformation", "CreateChangeSet")
    def create(self, call: Call) -> dict[str, Any]:
        """Find out what would change, and keep it."""
        request = call.parameters
        # ImportExistingResources is let be, as `cdk bootstrap` sets it: what exists fails later.
        if request.get("ChangeSetType") == "IMPORT":
            raise invalid("odyssey's sandbox imports no resources into stacks")
        if "DeploymentMode" in request:
            raise invalid("odyssey's sandbox finds no drift, and reverts none")
        stack = self._stack_of(call)
        wanted = self._engine.target(call, stack)
        with self._records.lock:
            stack = self._kept(call, stack, wanted)
            if self._find(call.region, request["ChangeSetName"], stack) is not None:
                told = f"ChangeSet {request['ChangeSetName']} already exists"
                raise ServiceError("AlreadyExistsException", told)
        change_set = self._planned(call, stack, wanted)
        with self._records.lock:
            self._table[call.region, change_set["ChangeSetId"]] = change_set
        return {"Id": change_set["ChangeSetId"], "StackId": stack["StackId"]}

    @operation("cloudformation", "DescribeChangeSet")
    def describe(self, call: Call) -> dict[str, Any]:
        """Return a change set with a page of its changes."""
        change_set = self._get(call)
        with_values = call.parameters.get("IncludePropertyValues", False)
        changes = [_change(each, with_values=with_values) for each in change_set["changes"]]
        told = {name: change_set["wanted"][name] for name in OF_TARGET}
        return {**_told(change_set), **told, **page("Changes", changes, call.parameters)}

    @operation("cloudformation", "ListChangeSets")
    def summaries(self, call: Call) -> dict[str, Any]:
        """Return the change sets of a stack."""
        stack = self._existing(call.region, call.parameters["StackName"])
        with self._records.lock:
            told = [_told(each) for each in self._of(stack)]
        return page("Summaries", told, call.parameters)

    @operation("cloudformation", "DeleteChangeSet")
    def delete(self, call: Call) -> dict[str, Any]:
        """Delete a change set; one that is not there is deleted already."""
        request = call.parameters
        with self._records.lock:
            name = request.get("StackName")
            stack = self._existing(call.region, name) if name else None
            found = self._find(call.region, request["ChangeSetName"], stack)
            if found is not None:
                self._require_idle(found)
                del self._table[call.region, found["ChangeSetId"]]
        return {}

    @operation("cloudformation", "ExecuteChangeSet")
    def execute(self, call: Call) -> dict[str, Any]:
        """Begin to do what a change set says."""
        with self._records.lock:
            change_set = self._get(call)
            if change_set["ExecutionStatus"] != "AVAILABLE":
                # A change set that failed, or was executed, says in which of its states it is.
                status = change_set["ExecutionStatus"]
                if status == "UNAVAILABLE":
                    status = change_set["Status"]
                raise ServiceError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{change_set['ChangeSetId']}] cannot be executed in its current "
                    f"status of [{status}]",
                )
            stack = self._records.get(call.region, change_set["StackId"])
            self._begin(call, stack, change_set)
            change_set["ExecutionStatus"] = "EXECUTE_COMPLETE"
            for other in self._of(stack):
                # They were compared with a stack that is no more.
                if other is not change_set:
                    del self._table[call.region, other["ChangeSetId"]]
        return {}

    def target_of(self, call: Call) -> Record:
        """Return what the change set that a request names would make of its stack.

        Raises:
            ServiceError: There is none.
        """
        wanted: Record = self._get(call)["wanted"]
        return wanted

    def _begin(self, call: Call, stack: Record, change_set: Record) -> None:
        disable = call.parameters.get("DisableRollback", False)
        chosen = {
            "ChangeSetId": change_set["ChangeSetId"],
            "DisableRollback": disable,
            "RetainExceptOnCreate": call.parameters.get("RetainExceptOnCreate", False),
        }
        wanted = {**change_set["wanted"], **chosen}
        if stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            self._stacks.begin_update(call, stack, wanted)
            return
        stack.update(wanted)
        default = "DO_NOTHING" if disable else "ROLLBACK"
        on_failure = change_set.get("OnStackFailure", default)
        self._engine.start(call, stack, "CREATE_IN_PROGRESS", lambda life: life.create(on_failure))

    def _stack_of(self, call: Call) -> Record:
        """Return the stack that a change set is for, or a sketch of a new one."""
        name, request = call.parameters["StackName"], call.parameters
        stack = self._records.find(call.region, name)
        if stack is not None and is_deleted(stack):
            stack = None
        if request.get("ChangeSetType", "UPDATE") == "CREATE":
            if stack is None:
                return sketch(call.region, name)
            if stack["StackStatus"] != "REVIEW_IN_PROGRESS":
                raise invalid(
                    f"Stack [{name}] already exists and cannot be created again with the "
                    f"changeSet [{request['ChangeSetName']}]."
                )
            return stack
        if stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        self._engine.require_updatable(stack)
        return stack

    def _kept(self, call: Call, stack: Record, wanted: Record) -> Record:
        """Return a stack's record, made where there is only a sketch."""
        if stack["StackId"]:
            return stack
        told = {name: wanted[name] for name in ("Tags", "Description")}
        members = {**told, "document": {"Resources": {}}}
        made = self._records.create(call.region, stack["StackName"], members)
        self._records.status(made, "REVIEW_IN_PROGRESS", "User Initiated")
        return made

    def _planned(self, call: Call, stack: Record, wanted: Record) -> Record:
        """Return the record of a change set; it has failed where nothing would change."""
        request = call.parameters
        change_set: Record = {
            "ChangeSetId": arn(call.region, "changeSet", request["ChangeSetName"]),
            "ChangeSetName": request["ChangeSetName"],
            "StackId": stack["StackId"],
            "StackName": stack["StackName"],
            "Description": request.get("Description", ""),
            "CreationTime": now(),
            "Status": "CREATE_COMPLETE",
            "StatusReason": "",
            "ExecutionStatus": "AVAILABLE",
            "changes": [],
            "wanted": wanted,
        }
        if "OnStackFailure" in request:
            change_set["OnStackFailure"] = request["OnStackFailure"]
        failed = ""
        try:
            plan = self._engine.plan(call, stack, wanted)
        except ServiceError as error:
            failed = error.message
        else:
            change_set["changes"] = [*plan.changes.values()]
            failed = NO_CHANGES if plan.is_empty else ""
        if failed:
            change_set.update(Status="FAILED", StatusReason=failed, ExecutionStatus="UNAVAILABLE")
        return change_set

    def _get(self, call: Call) -> Record:
        """Return the change set that a request names.

        Raises:
            ServiceError: There is none.
        """
        name, stack_name = call.parameters["ChangeSetName"], call.parameters.get("StackName")
        with self._records.lock:
            stack = self._existing(call.region, stack_name) if stack_name else None
            found = self._find(call.region, name, stack)
        if found is None:
            raise ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
        return found

    def _existing(self, region: str, name: str) -> Record:
        stack = self._records.find(region, name)
        if stack is None:
            raise invalid(f"Stack [{name}] does not exist")
        return stack

    def _find(self, region: str, name: str, stack: Record | None) -> Record | None:
        by_id: Record | None = self._table.get((region, name))
        if by_id is not None or stack is None:
            return by_id
        return next((each for each in self._of(stack) if each["ChangeSetName"] == name), None)

    def _of(self, stack: Record) -> list[Record]:
        return [each for each in self._table.values() if each["StackId"] == stack["StackId"]]

    def _require_idle(self, change_set: Record) -> None:
        stack = self._records.find(change_set["StackId"].split(":")[3], change_set["StackId"])
        executed = change_set["ExecutionStatus"] == "EXECUTE_COMPLETE"
        if executed and stack is not None and self._engine.running(stack) is not None:
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{change_set['ChangeSetId']}] cannot be deleted while it is executed",
            )


def _told(change_set: Record) -> dict[str, Any]:
    return {name: change_set[name] for name in TOLD if change_set.get(name)}


def _change(change: dict[str, Any], *, with_values: bool) -> dict[str, Any]:
    if not with_values:
        change = {name: value for name, value in change.items() if name not in VALUES}
        details = [
            {
                **detail,
                "Target": {
                    name: value
                    for name, value in detail["Target"].items()
                    if name not in VALUES_OF_TARGETS
                },
            }
            for detail in change["Details"]
        ]
        change = {**change, "Details": details}
    return {"Type": "Resource", "ResourceChange": change}
