"""Starting a sandbox, running a command in one, and stopping it.

The sandbox is a process of its own, so that it outlives the command that started it, and so that
the command line stays as quick as click.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from odyssey.console import Progress
from odyssey.errors import MissingToolError, OdysseyError, TimedOutError, UsageError
from odyssey.sandbox import records, variables
from odyssey.sandbox.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

INSTALL = "pip install 'moto[server]>=5.2,<5.3'"
"""The extra ``sandbox``, by its parts: on PyPI, the name odyssey is another project's."""

STOP_PATIENCE = 60.0
"""Seconds that a sandbox may take to stop: its containers have 30 of them."""

PREFIX = "odyssey-sandbox-"
"""The beginning of the names of folders that are thrown away."""


@dataclass(frozen=True)
class Wanted:
    """What a sandbox is to be.

    Args:
        name: Its name.
        port: The port of 127.0.0.1; 0 takes a free one.
        executor: ``docker``, ``process`` or ``auto``.
        app: The folder of the app whose rocket runs the jobs without Docker; "" for none.
        folder: Where its state is kept; "" throws it away.
        enforce_iam: Whether what no policy allows is refused.
        keep: Whether the state outlives it.
        parent: The process whose end is its end; 0 for none.
    """

    name: str = records.DEFAULT
    port: int = 0
    executor: str = "auto"
    app: str = ""
    folder: str = ""
    enforce_iam: bool = False
    keep: bool = False
    parent: int = 0

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """Return what a document says, as `asdict` has written it."""
        return cls(**document)


def start(wanted: Wanted) -> Record:
    """Start a sandbox, and return when it answers.

    Raises:
        OdysseyError: One of that name runs already, or it cannot start.
        MissingToolError: moto is not installed, or there is no Docker engine.
    """
    require_moto()
    running = records.find(wanted.name)
    if running is not None:
        raise OdysseyError(
            f'the sandbox "{wanted.name}" runs already, at {running.url}',
            "odyssey sandbox stop, or another one beside it: --name NAME",
        )
    _clear(records.last(wanted.name))
    wanted = replace(wanted, folder=_folder(wanted), keep=bool(wanted.folder))
    return _spawn(wanted)


def _clear(left: Record | None) -> None:
    """Take away the files of a sandbox that was killed."""
    if left is not None and not left.keeps and Path(left.folder).name.startswith(PREFIX):
        shutil.rmtree(left.folder, ignore_errors=True)


def require_moto() -> None:
    """Check that what the sandbox stands on is installed.

    Raises:
        MissingToolError: It is not.
    """
    if find_spec("moto") is None or find_spec("flask_cors") is None:
        raise MissingToolError(
            "the sandbox stands on moto, which is not installed",
            INSTALL,
        )


def _folder(wanted: Wanted) -> str:
    """Return the sandbox's folder, made when it is missing."""
    if not wanted.folder:
        return tempfile.mkdtemp(prefix=PREFIX)
    folder = Path(wanted.folder).absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}") from error
    return str(folder)


def _spawn(wanted: Wanted) -> Record:
    """Start the process and wait for the line that it answers with."""
    progress = Progress("Starting the sandbox")
    log = records.log_file(wanted.name)
    with log.open("wb") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "odyssey.sandbox", json.dumps(asdict(wanted))],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd="/",
            start_new_session=True,
        )
    try:
        line = _first_line(child, progress)
    except BaseException:
        child.terminate()
        child.wait()
        _throw_away(wanted)
        raise
    progress.end()
    told = json.loads(line) if line.startswith(b"{") else {}
    if "record" in told:
        return Record(**told["record"])
    child.wait()
    _throw_away(wanted)
    raise _failure(told, log)


def _throw_away(wanted: Wanted) -> None:
    """Take away the folder of a sandbox that has ended, unless it is to be kept."""
    if not wanted.keep:
        shutil.rmtree(wanted.folder, ignore_errors=True)


def _first_line(child: subprocess.Popen[bytes], progress: Progress) -> bytes:
    import selectors

    pipe = child.stdout
    if pipe is None:
        raise ValueError("the child has no pipe")
    with pipe, selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while not selector.select(progress.tick()):
            pass
        return pipe.readline()


def _failure(told: Mapping[str, Any], log: Path) -> OdysseyError:
    if "error" not in told:
        words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        why = f": {words[-1]}" if words else ""
        return OdysseyError(f"the sandbox has ended while it started{why}", f"less {log}")
    error = OdysseyError(told["error"], told.get("hint"))
    for kind in (UsageError, MissingToolError):
        if told.get("code") == kind.exit_code:
            error = kind(told["error"], told.get("hint"))
    return error


def stop(record: Record) -> None:
    """Stop a sandbox: its jobs and endpoints end, and its containers go.

    Raises:
        TimedOutError: It does not end.
    """
    progress = Progress("Stopping the sandbox")
    _signal(record, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE
    while records.is_running(record.name):
        if time.monotonic() > deadline:
            progress.end()
            raise TimedOutError(
                f'the sandbox "{record.name}" has not ended in {STOP_PATIENCE:.0f} s',
                f"kill -9 {record.pid}; the next odyssey takes its containers away",
            )
        progress.tick()
        time.sleep(0.1)
    progress.end()


def _signal(record: Record, number: int) -> None:
    try:
        os.kill(record.pid, number)
    except ProcessLookupError:
        return
    except PermissionError as error:
        raise OdysseyError(
            f'the sandbox "{record.name}" is another user\'s (process {record.pid})'
        ) from error


def run(wanted: Wanted, command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Start a sandbox, run a command in it, and stop it.

    Args:
        wanted: What the sandbox is to be.
        command: The program and its arguments.
        environ: The variables of this process.

    Returns:
        The command's exit code; 128 and a signal's number when that ended it.

    Raises:
        UsageError: There is no such program.
        OdysseyError: The sandbox cannot start.
    """
    program = shutil.which(command[0], path=environ.get("PATH"))
    if program is None:
        raise UsageError(f'there is no program "{command[0]}" on PATH')
    record = start(replace(wanted, parent=os.getpid()))
    try:
        return _run([program, *command[1:]], variables.child_environment(record, environ))
    finally:
        stop(record)


def _run(argv: list[str], env: Mapping[str, str]) -> int:
    # It has our terminal, and so hears Ctrl-C by itself; we wait for what it makes of it.
    with subprocess.Popen(argv, env=dict(env)) as child, _passed_on(child):
        code = child.wait()
    return code if code >= 0 else 128 - code


@contextmanager
def _passed_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass on the signals that ask to stop; Ctrl-C has reached the child already."""
    before = {signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None)}
    for number in (signal.SIGTERM, signal.SIGHUP):
        before[number] = signal.signal(number, lambda number, _: child.send_signal(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
