"""One machine that serves a model, from its files' download to its last answer.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.machines import MachineError, Task
from odyssey.sandbox.sagemaker.connections import Answer, Connections, NoAnswerError
from odyssey.sandbox.sagemaker.model_data import ModelDataError, container, fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from odyssey.sandbox.logs import LogStream
    from odyssey.sandbox.machines import Machine
    from odyssey.sandbox.sandbox import Sandbox

PORT = 8080
MODEL = "/opt/ml/model"
PING = 2.0
"""Seconds in which ``/ping`` must be answered."""

PAUSE = 0.05
"""Seconds between two pings."""

GRACE = 30.0
"""Seconds from SIGTERM to SIGKILL."""

SHORT = 5.0
"""The same where nothing is left to answer: it was never healthy, or the sandbox stops."""

UNHEALTHY = (
    "The primary container did not pass the ping health check. Please check CloudWatch logs."
)


class HostingError(Exception):
    """A model cannot be served; the text is AWS's."""


class UnhealthyError(HostingError):
    """The container ended, or never answered ``/ping`` as it must."""


class Host:
    """A machine that is healthy and serves a model.

    Args:
        machine: The machine, which has started.
    """

    def __init__(self, machine: Machine) -> None:
        """No connection is made yet."""
        self._machine = machine
        self._connections = Connections(machine.address)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> Answer:
        """Send a request; see `connections.Connections.send`.

        Raises:
            NoAnswerError: There is no answer.
        """
        return self._connections.send(method, path, body, headers or {}, timeout)

    def exit_code(self) -> int | None:
        """Return how the machine ended; None while it runs."""
        return self.wait(0)

    def wait(self, seconds: float) -> int | None:
        """Return the exit code as soon as it has ended; None when it still runs after that."""
        return self._machine.wait(seconds)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()


@contextmanager
def hosted(
    sandbox: Sandbox,
    model: Mapping[str, Any],
    *,
    region: str,
    environment: Mapping[str, str] | None = None,
    log: LogStream,
    startup_seconds: float,
    download_seconds: float,
    cancelled: Callable[[], bool],
    name: str = "",
) -> Iterator[Host]:
    """Serve a model for the length of a ``with`` block.

    Args:
        sandbox: The sandbox.
        model: The record of the model.
        region: Where it is.
        environment: Variables besides those of the model.
        log: Takes what the container prints.
        startup_seconds: How long the container may take until it is healthy.
        download_seconds: How long the download of the model's files may take.
        cancelled: Whether nobody wants it any more.
        name: For what it is, such as the name of an endpoint: for the faults.

    Yields:
        The host, which is healthy. At the end it is asked to stop, and has 30 seconds to; 5 where
        the sandbox stops.

    Raises:
        HostingError: The model cannot be served, or was cancelled before it could.
    """
    with ExitStack() as stack:
        try:
            task = _task(model, region, environment or {})
            machine = stack.enter_context(sandbox.executor.machine(task))
            with fetched(sandbox, model, region, download_seconds, cancelled) as files:
                machine.put(MODEL, files)
            machine.start(log.write)
        except (MachineError, ModelDataError) as error:
            raise HostingError(str(error)) from error
        except OSError as error:  # The disk is full.
            told = f"InternalServerError: the sandbox's folder: {error.strerror}"
            raise HostingError(told) from error
        grace = SHORT

        def stop() -> None:
            machine.stop(SHORT if sandbox.tasks.stopping.is_set() else grace)

        stack.callback(stop)
        if sandbox.faults.strike("unhealthy", name):
            raise UnhealthyError(UNHEALTHY)
        host = Host(machine)
        stack.callback(host.close)
        _await_health(host, startup_seconds, cancelled)
        grace = GRACE
        yield host


def _task(model: Mapping[str, Any], region: str, environment: Mapping[str, str]) -> Task:
    found = container(model)
    return Task(
        image=found["Image"],
        command=("serve",),
        environment={"AWS_REGION": region, **found.get("Environment", {}), **environment},
        hostname="model",
        port=PORT,
        region=region,
        role=model["ExecutionRoleArn"],
    )


def _await_health(host: Host, seconds: float, cancelled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not _is_healthy(host):
        if host.exit_code() is not None or time.monotonic() > deadline:
            raise UnhealthyError(UNHEALTHY)
        if cancelled():
            raise HostingError("it was given up before it was healthy")
        time.sleep(PAUSE)


def _is_healthy(host: Host) -> bool:
    try:
        with host.send("GET", "/ping", timeout=PING) as answer:
            answer.read()
            return answer.status == 200
    except NoAnswerError:
        return False
