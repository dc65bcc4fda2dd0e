"""What the operations on stacks share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.lives import Life
from odyssey.sandbox.cloudformation.operation import Operation
from odyssey.sandbox.cloudformation.plan import Plan
from odyssey.sandbox.cloudformation.records import Records
from odyssey.sandbox.cloudformation.targets import target

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.aws import Keys
    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.cloudformation.records import Record
    from odyssey.sandbox.sandbox import Sandbox

SERVICE = "cloudformation.amazonaws.com"
"""CloudFormation as a principal."""

NAME = re.compile("[a-zA-Z][-a-zA-Z0-9]*")
LONGEST_NAME = 128
"""What stacks can be called."""

UPDATABLE = {
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "UPDATE_ROLLBACK_COMPLETE",
}
"""The states from which a stack can be updated; the failed ones are of operations that were told
not to roll back."""


class Engine:
    """The stacks, and the operations that go on.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing goes on."""
        self.records = Records(sandbox.store)
        self._sandbox = sandbox
        self._running: dict[str, Operation] = {}

    def client(self, call: Call) -> Callable[[str], Any]:
        """Return what makes clients of boto3's, as whoever asks."""
        keys = self._keys(call)

        def make(service: str) -> Any:
            return self._sandbox.clients.acting(service, call.region, keys)

        return make

    def target(self, call: Call, stack: Record) -> Record:
        """Return what a request wants a stack to be.

        Args:
            call: CreateStack, UpdateStack or CreateChangeSet.
            stack: The stack's record, or a sketch of one.

        Raises:
            ServiceError: It is not in order.
        """
        self._require_role(call)
        port = self._sandbox.server.port
        return target(call.parameters, stack, self.records, self.client(call), port)

    def plan(self, call: Call, stack: Record, wanted: Record) -> Plan:
        """Return what would change.

        Raises:
            ServiceError: The template cannot be evaluated.
        """
        return Plan(self.records, stack, wanted, self.client(call))

    def require_updatable(self, stack: Record) -> None:
        """Return if a stack can be updated now.

        Raises:
            ServiceError: Its state forbids it.
        """
        if stack["StackStatus"] not in UPDATABLE:
            raise invalid(
                f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be "
                "updated."
            )

    def running(self, stack: Record) -> Operation | None:
        """Return the operation that goes on with a stack, or None."""
        with self.records.lock:
            return self._running.get(stack["StackId"])

    def start(
        self, call: Call, stack: Record, status: str, work: Callable[[Life], None]
    ) -> Operation:
        """Begin an operation on a stack.

        Args:
            call: The request.
            stack: The stack's record.
            status: The status with which it begins.
            work: What is done, in a thread of its own.
        """
        token = call.parameters.get("ClientRequestToken", "")
        operation = Operation(self._sandbox, self.records, stack, self._keys(call), token)

        def run() -> None:
            try:
                work(Life(operation))
            except Exception:
                failed = stack["StackStatus"].replace("_IN_PROGRESS", "_FAILED")
                operation.status(failed, "a bug in odyssey's sandbox: see its log")
                raise
            finally:
                with self.records.lock:
                    if self._running.get(stack["StackId"]) is operation:
                        del self._running[stack["StackId"]]
                operation.ended.set()

        with self.records.lock:
            self._running[stack["StackId"]] = operation
            operation.status(status, "User Initiated")
        self._sandbox.tasks.start(f"stack {stack['StackName']}", run)
        return operation

    def _require_role(self, call: Call) -> None:
        """Require that the role of a request is there and may be passed."""
        role = call.parameters.get("RoleARN")
        if not role:
            return
        context = {"iam:PassedToService": SERVICE}
        self._sandbox.guard.require(call.principal, "iam:PassRole", role, context)
        iam = self._sandbox.clients.client("iam", call.region)
        try:
            iam.get_role(RoleName=role.rpartition("/")[2])
            self._sandbox.guard.require_trust(role, SERVICE)
        except (ClientError, ServiceError) as error:
            raise invalid(f"Role {role} is invalid or cannot be assumed") from error

    def _keys(self, call: Call) -> Keys:
        return self._sandbox.identities.via(call.principal, SERVICE)


def sketch(region: str, name: str) -> Record:
    """Return what stands for a stack that is not there yet.

    Raises:
        ServiceError: It cannot be called so, which botocore's model does not say.
    """
    rule = f"satisfy regular expression pattern: {NAME.pattern}"
    if len(name) > LONGEST_NAME:
        rule = f"have length less than or equal to {LONGEST_NAME}"
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise invalid(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            f"constraint: Member must {rule}"
        )
    return {
        "StackId": "",
        "StackName": name,
        "region": region,
        "resources": {},
        "document": {"Resources": {}},
    }
