"""Machines that are processes: the app's own rocket, where there is no Docker engine.

Less faithful than containers: whatever image a request names, the rocket of one app runs, with the
app's Python, and reads as this user what this user may read. Several machines of a job all are on
this one, and their host names lead nowhere: the variable ``ROCKET_MASTER`` tells the rocket where
they meet. ``/opt/ml`` is a folder of their own, which the rocket finds by the variable
``ROCKET_ML_ROOT``.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from odyssey import client, config, environment, host, state
from odyssey.functions import emulated
from odyssey.images import layout
from odyssey.images.archive import Packed, Pieces
from odyssey.ports import Ports
from odyssey.sandbox.executors import keeper
from odyssey.sandbox.executors.folders import folder, sweep
from odyssey.sandbox.machines import KILLED, NO_METADATA, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from odyssey.sandbox.machines import Entry, Task

ROOT = PurePosixPath(f"/{layout.ROOT}")

MACHINES = "machines"
"""The folder in ``.odyssey`` where machines have theirs."""

LAST_WORDS = 1.0
"""Seconds of output that are still read once all has ended; more come only without /proc."""

NO_AWS = {
    **NO_METADATA,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""So that the user's code finds no keys of the user's, and never asks the real AWS with them."""


class ProcessExecutor:
    """Runs the ``rocket/train`` and ``rocket/serve`` of one app.

    Where this Python lacks what the app requires, the app's own environment is made first, which
    takes a while.

    Args:
        app: The app's folder.

    Raises:
        OdysseyError: The app's settings are wrong, or its environment cannot be made.
    """

    name = "process"

    def __init__(self, app: Path) -> None:
        """Find the app's Python, and take away what a sandbox that was killed has left."""
        self._settings = config.load(app.resolve())
        self._python = environment.python_for(self._settings)
        self._home = state.folder(self._settings.folder) / MACHINES
        self._home.mkdir(exist_ok=True)
        self._ports = Ports()
        sweep(self._home)

    @contextlib.contextmanager
    def machine(self, task: Task) -> Iterator[ProcessMachine]:
        """Make a machine for the length of a ``with`` block, which leaves nothing of it behind.

        Raises:
            MachineError: The task is not to train and not to serve, or the app cannot do it.
        """
        words = self._words(task)
        with contextlib.ExitStack() as stack:
            try:
                root = stack.enter_context(folder(self._home))
                port = stack.enter_context(self._ports.one())
            except OSError as error:
                raise MachineError(f"no process can be made: {error}") from error
            env = self._variables(task, root, port)
            if task.function is not None:
                # What the function takes for its own memory of files goes with the machine.
                env["TMPDIR"] = str(root.parent / "tmp")
                (root.parent / "tmp").mkdir()
                argv = emulated.command(
                    [str(self._python), *words],
                    timeout=task.function.timeout,
                    python=str(self._python),
                    source=str(emulated.SOURCE),
                    host=client.HOST,
                    port=port,
                )
            else:
                argv = [str(self._python), *words]
            yield stack.enter_context(ProcessMachine(argv, self._settings.folder, env, root, port))

    @contextlib.contextmanager
    def network(self) -> Iterator[str]:
        """Yield an address and a port: all share this machine's network, and can meet there."""
        try:
            with self._ports.one() as port:
                yield f"{client.HOST}:{port}"
        except OSError as error:
            raise MachineError(f"the machines have no port to meet at: {error}") from error

    def _words(self, task: Task) -> list[str]:
        """Return the program of the app that a task is for, and what the program is told."""
        words = [*(task.entrypoint or ()), *task.command]
        if task.function is not None:
            return _runtime(words)
        word = words[0] if words else ""
        if word not in ("train", "serve"):
            raise MachineError(
                f'without Docker, a machine runs train or serve of the app, not "{word}"'
            )
        rocket = self._settings.folder / "rocket" / word
        if not rocket.is_file():
            raise MachineError(f"{rocket} is missing")
        return [str(rocket), *words[1:]]

    def _variables(self, task: Task, root: Path, port: int) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        meeting = {"ROCKET_MASTER": task.network} if task.network else {}
        return {
            **host.variables(self._settings, kept),
            **NO_AWS,
            **task.environment,
            **meeting,
            "ROCKET_ML_ROOT": str(root),
            "MODEL_SERVER_HOST": client.HOST,
            "MODEL_SERVER_PORT": str(port),
        }


class ProcessMachine:
    """A program in a folder of its own, for the length of a ``with`` block.

    Args:
        argv: The program and its arguments.
        cwd: Its working directory.
        env: All of its variables.
        root: What is ``/opt/ml`` for it.
        port: The port that it is told to listen on.
    """

    def __init__(
        self, argv: list[str], cwd: Path, env: Mapping[str, str], root: Path, port: int
    ) -> None:
        """Note what to run."""
        self.address = (client.HOST, port)
        self._order = {"argv": argv, "cwd": str(cwd), "env": dict(env)}
        self._root = root
        self._keeper: subprocess.Popen[bytes] | None = None
        self._code: int | None = None
        self._killed_before = _killed_for_memory()
        self._is_unwanted = False
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> ProcessMachine:
        """Nothing runs yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what still runs."""
        if self._keeper is not None:
            self._kill()
            self._ended.wait()

    def put(self, folder: str, entries: Iterable[Entry]) -> None:
        """Copy files into the machine's folder."""
        if folder != "/":  # Where all that is put is below /opt/ml, as it must be.
            self._place(PurePosixPath(folder)).mkdir(parents=True, exist_ok=True)
        for name, content in entries:
            place = self._place(PurePosixPath(folder, name))
            if content is None:
                place.mkdir(parents=True, exist_ok=True)
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                place.write_bytes(content)
            else:
                shutil.copy(content, place)

    def start(self, on_output: Callable[[bytes], None]) -> None:
        """Start the program."""
        try:
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", "-m", keeper.__name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                bufsize=0,
            )
        except OSError as error:
            raise MachineError(f"no process can be started: {error}") from error
        threading.Thread(
            target=self._attend, args=(self._keeper, on_output), daemon=True, name="output"
        ).start()
        self._tell(json.dumps(self._order).encode() + b"\n")

    def wait(self, seconds: float) -> int | None:
        """Return the exit code as soon as it has ended; None when it still runs after that."""
        self._ended.wait(seconds)
        return self._code

    def stop(self, grace: float) -> None:
        """Ask it to end, kill it if it has not after so many seconds."""
        if self._keeper is None:
            return
        self._tell(keeper.STOP)
        if not self._ended.wait(grace):
            self._kill()
            self._ended.wait()

    @contextlib.contextmanager
    def take(self, path: str) -> Iterator[tarfile.TarFile | None]:
        """Yield the archive of a folder or file of the machine's folder."""
        place = self._place(PurePosixPath(path))
        if not place.exists():
            yield None
            return
        with (
            Packed(lambda tar: tar.add(place, place.name, filter=self._as_outside)) as packed,
            tarfile.open(fileobj=Pieces(iter(packed)), mode="r|") as archive,
        ):
            yield archive

    @property
    def was_out_of_memory(self) -> bool:
        """Whether it was killed, not by us, and the kernel has killed for memory since."""
        by_others = self._code == KILLED and not self._is_unwanted
        return by_others and _killed_for_memory() > self._killed_before

    def _place(self, path: PurePosixPath) -> Path:
        """Return where a path of a container's is here."""
        if ".." in path.parts or not path.is_relative_to(ROOT):
            raise MachineError(f"without Docker, a machine has no {path}: only {ROOT} is its own")
        return self._root / path.relative_to(ROOT)

    def _as_outside(self, member: tarfile.TarInfo) -> tarfile.TarInfo:
        aim = Path(member.linkname)
        if member.issym() and aim.is_relative_to(self._root):
            member.linkname = str(ROOT / aim.relative_to(self._root))
        return member

    def _attend(self, process: subprocess.Popen[bytes], on_output: Callable[[bytes], None]) -> None:
        """Pass on what the program prints, and collect it at its end."""
        try:
            _pass_on(process, on_output)
        finally:
            code = process.wait()
            self._code = code if code >= 0 else 128 - code
            self._ended.set()

    def _tell(self, words: bytes) -> None:
        with self._lock, contextlib.suppress(BrokenPipeError, ValueError):
            self._keeper.stdin.write(words)  # type: ignore[union-attr]

    def _kill(self) -> None:
        self._is_unwanted = True
        with self._lock:
            self._keeper.stdin.close()  # type: ignore[union-attr]


def _runtime(words: list[str]) -> list[str]:
    """Return what Python is told to run a function, as its image's entry point would have it."""
    if len(words) == 1:
        return [*emulated.RUNTIME, *words]
    if tuple(words[1:3]) == emulated.RUNTIME and len(words) == 4:
        return words[1:]
    raise MachineError(
        "without Docker, a function runs python -m awslambdaric HANDLER of the app, not "
        f'"{" ".join(words)}"'
    )


def _killed_for_memory() -> int:
    """Return how many processes the kernel has killed for want of memory; 0 without Linux."""
    try:
        counts = Path("/proc/vmstat").read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in counts.splitlines() if line.startswith("oom_kill "))


def _pass_on(process: subprocess.Popen[bytes], on_output: Callable[[bytes], None]) -> None:
    assert process.stdout  # noqa: S101 - it is a pipe
    with process.stdout as pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if selector.select(LAST_WORDS):
                chunk = os.read(pipe.fileno(), 1 << 16)
                if not chunk:
                    return
                on_output(chunk)
            elif process.poll() is not None:
                return  # Where the keeper cannot find all, one of them may hold the pipe open.
