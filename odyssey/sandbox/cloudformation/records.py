"""What is known of stacks: their records and their events."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.cloudformation.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odyssey.sandbox.store import Store, Table

Record = dict[str, Any]
"""A stack, a resource or a change set: the members of AWS's that begin with a capital letter, and
what only the sandbox needs, with a small one."""

STACK = "AWS::CloudFormation::Stack"


class Records:
    """The stacks and their events.

    Args:
        store: Where they are kept.
    """

    def __init__(self, store: Store) -> None:
        """Keep the store, whose tables may yet be read from a folder."""
        self.lock = store.lock
        self._store = store

    @property
    def _stacks(self) -> Table:
        return self._store.table("stacks")

    @property
    def _events(self) -> Table:
        return self._store.table("stack_events")

    def create(self, region: str, name: str, members: Mapping[str, Any]) -> Record:
        """Make the record of a new stack.

        Args:
            region: Its region.
            name: Its name.
            members: What is known of it.
        """
        stack_id = arn(region, "stack", name)
        stack: Record = {
            "StackId": stack_id,
            "StackName": name,
            "CreationTime": now(),
            "StackStatus": "",
            "region": region,
            "resources": {},
            "doomed": [],
            "imports": set(),
            **members,
        }
        with self.lock:
            if self.find(region, name) is not None:
                raise ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")
            self._stacks[region, stack_id] = stack
            self._events[region, stack_id] = []
        return stack

    def find(self, region: str, name: str) -> Record | None:
        """Return the stack of a name, or, deleted or not, of an id; None where there is none."""
        with self.lock:
            by_id = self._stacks.get((region, name))
            if by_id is not None:
                return by_id  # type: ignore[no-any-return]
            return next(
                (s for s in self.all(region) if s["StackName"] == name and not is_deleted(s)), None
            )

    def get(self, region: str, name: str) -> Record:
        """Return the stack of a name or an id.

        Raises:
            ServiceError: There is none.
        """
        found = self.find(region, name)
        if found is None:
            raise invalid(f"Stack with id {name} does not exist")
        return found

    def all(self, region: str) -> list[Record]:
        """Return the stacks of a region, deleted ones too, the newest first."""
        with self.lock:
            return [s for (where, _), s in reversed(self._stacks.items()) if where == region]

    def everywhere(self) -> Iterator[Record]:
        """Yield the stacks of all regions."""
        yield from list(self._stacks.values())

    def status(self, stack: Record, status: str, reason: str = "", token: str = "") -> None:
        """Set the status of a stack, and write the event."""
        with self.lock:
            stack["StackStatus"] = status
            stack["StackStatusReason"] = reason
            stack["events_token"] = token
            itself = {
                "LogicalResourceId": stack["StackName"],
                "PhysicalResourceId": stack["StackId"],
                "ResourceType": STACK,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            self.event(stack, itself)

    def event(self, stack: Record, resource: Mapping[str, Any]) -> None:
        """Write an event of a resource as it now stands."""
        named = f"{resource['LogicalResourceId']}-{resource['ResourceStatus']}-{uuid.uuid4()}"
        told = ("LogicalResourceId", "PhysicalResourceId", "ResourceType", "ResourceStatus")
        event = {
            "StackId": stack["StackId"],
            "StackName": stack["StackName"],
            "EventId": str(uuid.uuid4()) if resource["ResourceType"] == STACK else named,
            **{name: resource.get(name, "") for name in told},
        }
        if resource.get("ResourceStatusReason"):
            event["ResourceStatusReason"] = resource["ResourceStatusReason"]
        if stack.get("events_token"):
            event["ClientRequestToken"] = stack["events_token"]
        with self.lock:
            events = self._events[stack["region"], stack["StackId"]]
            # No two of the same time: clients sort them by it.
            after = events[-1]["Timestamp"] + timedelta(milliseconds=1) if events else now()
            events.append({**event, "Timestamp": max(now(), after)})

    def events(self, stack: Record) -> list[Record]:
        """Return a stack's events, the oldest first."""
        with self.lock:
            return list(self._events[stack["region"], stack["StackId"]])

    def exports(self, region: str) -> dict[str, tuple[Record, str]]:
        """Return the stack and the value of each export of a region, by its name."""
        with self.lock:
            return {
                output["ExportName"]: (stack, output["OutputValue"])
                for stack in self.all(region)
                for output in stack.get("Outputs", [])
                if "ExportName" in output and not is_deleted(stack)
            }

    def importers(self, region: str, name: str) -> list[str]:
        """Return the names of the stacks that use an export."""
        with self.lock:
            return sorted(
                stack["StackName"]
                for stack in self.all(region)
                if name in stack["imports"] and not is_deleted(stack)
            )


def arn(region: str, kind: str, name: str) -> str:
    """Return a new ARN of CloudFormation's."""
    return f"arn:aws:cloudformation:{region}:{ACCOUNT}:{kind}/{name}/{uuid.uuid4()}"


def is_deleted(stack: Mapping[str, Any]) -> bool:
    """Return whether a stack is gone."""
    return bool(stack["StackStatus"] == "DELETE_COMPLETE")


def now() -> datetime:
    """Return the time, to the millisecond."""
    time = datetime.now(UTC)
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
