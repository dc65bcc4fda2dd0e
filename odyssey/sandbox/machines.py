"""What a job runs on: containers or processes, whichever the executor makes.

`docker` and `process` have the two executors.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

Entry = tuple[str, "Path | bytes | None"]
"""A name below a folder, with a file, a content, or None for a folder."""

KILLED = 128 + signal.SIGKILL
"""The exit code of what was killed."""

NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}
"""So that the user's code on a machine of AWS does not find that machine's own keys."""


class MachineError(Exception):
    """A machine cannot be made or started: the engine refuses, or the image is not there."""


@dataclass(frozen=True)
class Function:
    """What a machine is that runs a function of Lambda's: beside it runs `functions.emulator`.

    Nothing can be written but ``/tmp``, and the user has no rights. The task's entry point and its
    command each are the image's own where they are empty; its port is the emulator's.

    Args:
        timeout: Seconds that an invocation may take.
        memory_mb: Megabytes of memory.
        storage_mb: Megabytes of ``/tmp``.
        sandbox: The port by which the machine reaches the sandbox, on its own loopback.
    """

    timeout: int
    memory_mb: int
    storage_mb: int
    sandbox: int


@dataclass(frozen=True)
class Task:
    """What a machine is to run.

    Args:
        image: The image, as the request names it.
        command: The words after the image's name: ``train`` or ``serve``.
        environment: Variables.
        entrypoint: What stands in the place of the image's own entry point; then `command` is
            what follows it.
        hostname: Its name among the machines of its network.
        network: A network of `Executor.network`; without one it meets no other machine.
        port: The port that it listens on; 0 for none.
        region: The region that the image is pulled in.
        role: The ARN of the role that pulls the image.
        function: What it is where it is no job but a function of Lambda's.
    """

    image: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    entrypoint: Sequence[str] | None = None
    hostname: str = "algo-1"
    network: str | None = None
    port: int = 0
    region: str = "us-east-1"
    role: str | None = None
    function: Function | None = None


class Machine(Protocol):
    """A container or a process: made, but not started.

    All of it may be called from any thread; `stop` and `kill` while another thread is in `wait`.
    """

    def put(self, folder: str, entries: Iterable[Entry]) -> None:
        """Put files below a folder such as ``/opt/ml``, made where it is missing, before it starts.

        Files are read piece by piece, so they may be larger than the memory.
        """

    def start(self, on_output: Callable[[bytes], None]) -> None:
        """Start it.

        Args:
            on_output: Takes what it prints, in a thread of its own, until it has ended.

        Raises:
            MachineError: It cannot start.
        """

    def wait(self, seconds: float) -> int | None:
        """Return the exit code as soon as it has ended and all its output was passed on.

        128 and a signal's number when that ended it; None when it still runs after that time.
        """

    def stop(self, grace: float) -> None:
        """Ask it to end (SIGTERM), kill it if it has not after so many seconds; return then."""

    def take(self, path: str) -> AbstractContextManager[tarfile.TarFile | None]:
        """Yield the archive, a stream, of a folder or file such as ``/opt/ml/model``.

        The path's last word is the archive's first folder; None where there is no such path.
        """

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of this machine that lead to the task's port, once it has started."""

    @property
    def was_out_of_memory(self) -> bool:
        """Whether it was killed because it took more memory than there is."""


class Executor(Protocol):
    """Makes machines.

    Attributes:
        name: ``docker`` or ``process``.
    """

    name: str

    def machine(self, task: Task) -> AbstractContextManager[Machine]:
        """Make a machine for the length of a ``with`` block, which leaves nothing of it behind.

        Raises:
            MachineError: The image is not there, or the engine refuses.
        """

    def network(self) -> AbstractContextManager[str]:
        """Make a network in which machines find each other by host name, and yield its name."""
