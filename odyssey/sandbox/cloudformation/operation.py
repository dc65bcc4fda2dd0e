"""One operation on a stack: who acts, what has happened, and whether it is to end."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from odyssey.sandbox.cloudformation.errors import Cancelled
from odyssey.sandbox.cloudformation.records import now
from odyssey.sandbox.cloudformation.resources.site import Site

if TYPE_CHECKING:
    from odyssey.aws import Keys
    from odyssey.sandbox.cloudformation.records import Record, Records
    from odyssey.sandbox.sandbox import Sandbox


class Operation:
    """Creates, updates or deletes a stack.

    Args:
        sandbox: The sandbox.
        records: The stacks.
        stack: The stack's record.
        keys: The keys with which CloudFormation asks for whoever asked it.
        token: The request's ``ClientRequestToken``, for the events.

    Attributes:
        ended: Set when nothing more happens.
        abandoned: Whether the stack is to be deleted, so that nothing needs to be rolled back.
    """

    def __init__(
        self, sandbox: Sandbox, records: Records, stack: Record, keys: Keys, token: str = ""
    ) -> None:
        """Begin with nothing done."""
        self.stack = stack
        self.records = records
        self.region: str = stack["region"]
        self.stack_name: str = stack["StackName"]
        self.ended = threading.Event()
        self.abandoned = False
        self._sandbox = sandbox
        self._keys = keys
        self._token = token
        self._cancelled = threading.Event()
        self._deadline = math.inf

    @property
    def cancelled(self) -> bool:
        """Whether nothing more is to be begun."""
        stopping = self._sandbox.tasks.stopping.is_set()
        return stopping or self._cancelled.is_set() or time.monotonic() > self._deadline

    def cancel(self) -> None:
        """Let what goes on come to an end."""
        self._cancelled.set()

    def take_back_the_cancellation(self) -> None:
        """Let things be done again: to roll back, or to delete."""
        self._cancelled.clear()
        self._deadline = math.inf

    def limit(self, seconds: float) -> None:
        """Let it come to an end when it takes longer."""
        self._deadline = time.monotonic() + seconds

    def client(self, service: str) -> Any:
        """Return a client that acts as the stack's role, or else as whoever asked."""
        clients, role = self._sandbox.clients, self.stack.get("RoleARN")
        if role:
            return clients.client(service, self.region, role)
        return clients.acting(service, self.region, self._keys)

    def site(self, logical_id: str) -> Site:
        """Return the place of a resource."""
        return Site(logical_id, self)

    def pause(self, seconds: float) -> None:
        """Wait, or raise `Cancelled` as soon as the operation is to end."""
        self._cancelled.wait(seconds)
        if self.cancelled:
            raise Cancelled("Resource creation cancelled")

    def exists(self, bucket: str) -> bool:
        """Return whether there is a bucket of a name.

        CloudFormation knows it without a permission of anybody's.
        """
        try:
            self._sandbox.clients.client("s3", self.region).head_bucket(Bucket=bucket)
        except ClientError:
            return False
        return True

    def begun(self, logical_id: str, physical_id: str) -> None:
        """Note the physical id of a resource, as soon as there is one."""
        with self.records.lock:
            resource = self.stack["resources"][logical_id]
            resource["PhysicalResourceId"] = physical_id
            reason = "Resource creation Initiated"
            self.resource(resource, resource["ResourceStatus"], reason)

    def resource(self, resource: Record, status: str, reason: str = "") -> None:
        """Set the status of a resource, and write the event."""
        with self.records.lock:
            resource.update(
                {"ResourceStatus": status, "ResourceStatusReason": reason, "Timestamp": now()}
            )
            self.records.event(self.stack, resource)

    def status(self, status: str, reason: str = "") -> None:
        """Set the status of the stack, and write the event."""
        self.records.status(self.stack, status, reason, self._token)
