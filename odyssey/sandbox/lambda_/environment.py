"""One execution environment: a machine in which a version of a function stays ready."""

from __future__ import annotations

import secrets
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.errors import RequestError
from odyssey.functions.emulated import Emulated, Outcome
from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.lambda_ import functions
from odyssey.sandbox.lambda_.tail import Tail
from odyssey.sandbox.logs import LogStream
from odyssey.sandbox.machines import Function, MachineError, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.machines import Machine
    from odyssey.sandbox.sandbox import Sandbox

    Record = Mapping[str, Any]

IDLE = 300.0
"""Seconds that an environment is kept which has nothing to do."""

STARTUP = 60.0
"""Seconds in which the machine must answer; a start of the function's own ends after ten."""

LOOK = 0.2
"""Seconds between two looks at whether it is still wanted."""

GRACE = 2.0
"""Seconds from SIGTERM to SIGKILL."""

PORTS = (8080, 8081)
"""The port that the emulator listens on, and another one where the sandbox itself has that."""


class Environment:
    """An environment, which lives in a task of its own.

    Args:
        sandbox: The sandbox.
        function: The function's record.
        version: The version that runs.
        changed: Held to look at its attributes, and told when one changes.

    Attributes:
        revision: What the version was when it began.
        busy: Whether it works.
        used: When it last did, by the monotonic clock.
        leaving: Whether it takes no more events.
        has_ended: Whether it has left nothing behind.
    """

    def __init__(
        self, sandbox: Sandbox, function: Record, version: Record, changed: threading.Condition
    ) -> None:
        """It does not live yet."""
        self.number: str = version["Version"]
        self.revision: str = version["RevisionId"]
        self.busy = True
        self.used = time.monotonic()
        self.leaving = False
        self.has_ended = False
        self._sandbox = sandbox
        self._region: str = function["Region"]
        self._name: str = function["FunctionName"]
        self._version = dict(version)
        self._changed = changed
        self._emulated: Emulated | None = None
        self._failure = ""
        self._tail = Tail()

    def start(self) -> None:
        """Begin to live."""
        self._sandbox.tasks.start(f"function {self._name}", self._live)

    def invoke(self, payload: bytes, request_id: str) -> Outcome:
        """Run the function on an event, as soon as it can.

        Raises:
            ServiceError: It cannot run at all.
        """
        with self._changed:
            while self._emulated is None and not self.has_ended:
                self._changed.wait(LOOK)
            emulated = self._emulated
        if emulated is None:
            told = self._failure or "The sandbox was stopped."
            raise ServiceError("CodeArtifactUserFailedException", told, 409)
        self._tail.begin(request_id)
        try:
            return emulated.invoke(payload, self._version["Timeout"], request_id)
        except RequestError:
            self.leave()
            return Outcome(_exit_error(request_id), error=True, report={})

    def tail(self) -> bytes:
        """Return the end of what the last invocation has printed."""
        return self._tail.end()

    def leave(self) -> None:
        """Take no more events, and end when there is nothing to do."""
        with self._changed:
            self.leaving = True
            self._changed.notify_all()

    def _live(self) -> None:
        try:
            self._run()
        except MachineError as error:
            self._failure = str(error)
        except OSError as error:  # The disk is full.
            self._failure = f"the sandbox's folder: {error.strerror}"
        finally:
            with self._changed:
                self._emulated, self.has_ended, self.leaving = None, True, True
                self._changed.notify_all()

    def _run(self) -> None:
        role = self._version["Role"]
        group = functions.logging(self._name, self._version)["LogGroup"]
        day = datetime.now(UTC).strftime("%Y/%m/%d")
        stream = f"{day}/[{self.number}]{secrets.token_hex(16)}"
        clients = self._sandbox.clients
        with (
            LogStream(clients, self._region, role, group, stream) as log,
            self._sandbox.executor.machine(self._task(group, stream)) as machine,
        ):

            def on_output(output: bytes) -> None:
                log.write(output)
                self._tail.write(output)

            machine.start(on_output)
            try:
                self._serve(machine)
            finally:
                machine.stop(GRACE)

    def _serve(self, machine: Machine) -> None:
        """Serve with a machine until it ends or is no longer wanted."""
        emulated = Emulated(machine.address)

        def is_alive() -> bool:
            return machine.wait(0) is None and not self._is_stopping()

        try:
            emulated.await_ready(STARTUP, is_alive)
        except RequestError as error:
            self._failure = f"the function's machine cannot start: {error.message}"
            return
        with self._changed:
            self._emulated = emulated
            self._changed.notify_all()
        while not self._is_unwanted() and machine.wait(LOOK) is None:
            pass

    def _task(self, group: str, stream: str) -> Task:
        version = self._version
        config = version["ImageConfig"]
        port = self._sandbox.server.port
        return Task(
            image=version["Image"]["uri"],
            command=config.get("Command", ()),
            environment=self._variables(group, stream),
            entrypoint=config.get("EntryPoint") or None,
            hostname="function",
            port=next(each for each in PORTS if each != port),
            region=self._region,
            function=Function(
                timeout=version["Timeout"],
                memory_mb=version["MemorySize"],
                storage_mb=version["EphemeralStorage"]["Size"],
                sandbox=port,
            ),
        )

    def _variables(self, group: str, stream: str) -> dict[str, str]:
        """Return the variables of the function's own, and those that are Lambda's."""
        version = self._version
        number = self.number if self.number != functions.LATEST else None
        keys = self._sandbox.identities.keys(version["Role"], self._name)
        return {
            **(version["Environment"] or {}).get("Variables", {}),
            "AWS_LAMBDA_FUNCTION_NAME": self._name,
            "AWS_LAMBDA_FUNCTION_VERSION": self.number,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(version["MemorySize"]),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": group,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream,
            "AWS_REGION": self._region,
            "AWS_DEFAULT_REGION": self._region,
            "AWS_ACCESS_KEY_ID": keys.access,
            "AWS_SECRET_ACCESS_KEY": keys.secret,
            "AWS_SESSION_TOKEN": keys.token or "",
            "AWS_ENDPOINT_URL": self._sandbox.url,
            # What the function's context tells.
            "ODYSSEY_FUNCTION_ARN": functions.arn(self._region, self._name, number),
        }

    def _is_stopping(self) -> bool:
        return self._sandbox.tasks.stopping.is_set()

    def _is_unwanted(self) -> bool:
        if self._is_stopping():
            return True
        with self._changed:
            if self.busy:
                return False
            self.leaving |= time.monotonic() - self.used > IDLE
            return self.leaving


def _exit_error(request_id: str) -> bytes:
    """Return Lambda's document of a machine that has ended in the middle."""
    return (
        b'{"errorType":"Runtime.ExitError","errorMessage":"RequestId: %b Error: Runtime exited '
        b'without providing a reason"}' % request_id.encode()
    )
