"""The shell that the tour types into: a folder, its variables, and what runs in it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from odyssey import artifacts, client
from odyssey.errors import InterruptedByUserError
from odyssey.process import Child, die_with_parent
from odyssey.sandbox import launch, records, variables
from odyssey.tour.narrator import Output
from odyssey.tour.outcome import Done
from odyssey.tour.step import Edit

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.sandbox.records import Record
    from odyssey.tour.narrator import Narrator
    from odyssey.tour.step import Typed

GRACE = 30.0
"""Seconds that a command may take to stop when it is asked to."""

START_PATIENCE = 120.0
"""Seconds until the local server must answer."""

PAUSE = 0.1

ENTER, LEAVE = 'eval "$(odyssey sandbox env --name', 'eval "$(odyssey sandbox env --leave'


class FailedError(Exception):
    """A line has failed.

    Args:
        done: The line.
    """

    def __init__(self, done: Done) -> None:
        """Keep the line."""
        super().__init__(done.line)
        self.done = done


class Shell:
    """Types lines, one after another.

    Args:
        folder: Where it begins.
        narrator: Who shows what is typed, and what is printed.
        outlives: Whether the sandbox goes on when this process ends.
    """

    def __init__(self, folder: Path, narrator: Narrator, *, outlives: bool) -> None:
        """Begin outside of any sandbox."""
        self.folder = folder
        self.sandbox: Record | None = None
        ours = (variables.IMAGE, artifacts.SANDBOX)
        self.outside = {name: value for name, value in os.environ.items() if name not in ours}
        self.environ = self.outside
        self._narrator = narrator
        self._outlives = outlives
        self._server: Server | None = None

    def do(self, act: Typed | Edit) -> Done:
        """Show a line and type it.

        Raises:
            FailedError: It has failed.
            InterruptedByUserError: It was interrupted.
        """
        self._narrator.act(act)
        done = Done(act.shown if isinstance(act, Edit) else act.line)
        started = time.monotonic()
        output = Output(self._narrator, getattr(act, "shows", ""), "working")
        try:
            if isinstance(act, Edit):
                with (self.folder / act.file).open("a", encoding="utf-8") as file:
                    file.write(act.added)
            else:
                done.code = self._type(act, output)
        finally:
            done.seconds = time.monotonic() - started
            output.end(failed=done.code != 0)
            if self._server is not None:
                self._server.show()
        if done.code:
            raise FailedError(done)
        done.found.update(self._found(act, output.text))
        return done

    def run(self, argv: list[str], output: Output) -> int:
        """Run a program in the folder and its variables, and return its exit code."""
        with Child(argv, cwd=self.folder, env=self.environ, grace=GRACE) as child:
            code = child.run(output.feed, output.tick)
            if child.stopped_by is not None:
                raise InterruptedByUserError("interrupted")
        return code if code >= 0 else 128 - code

    def settle(self) -> None:
        """Stop what a step has left running in a terminal of its own."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _type(self, typed: Typed, output: Output) -> int:
        line = typed.line
        words = shlex.split(line)
        if words[0] == "cd":
            self.folder = (self.folder / words[1]).resolve()
        elif line.startswith(ENTER):
            self.environ = variables.child_environment(self._running(), self.outside)
        elif line.startswith(LEAVE):
            self.environ = self.outside
        elif words[:3] == ["odyssey", "sandbox", "start"]:
            self._start_sandbox(_option(words, "--name"), _option(words, "--executor"))
        elif typed.serves:
            argv = [sys.executable, "-m", *words]
            self._server = Server(argv, self, output, int(_option(words, "--port")))
            return self._server.start()
        elif words[0] == "odyssey":
            return self.run([sys.executable, "-m", *words], output)
        else:
            return self.run(["sh", "-c", line], output)
        return 0

    def _start_sandbox(self, name: str, executor: str) -> None:
        """Do what the command does, and let the sandbox end when this process is killed."""
        parent = 0 if self._outlives else os.getpid()
        self.sandbox = launch.start(
            launch.Wanted(name=name, executor=executor, app=str(self.folder), parent=parent)
        )
        self._narrator.say(self._narrator.printed(self.sandbox.url))

    def _running(self) -> Record:
        if self.sandbox is None:
            raise ValueError("no sandbox was started")
        return records.require(self.sandbox.name)

    def _found(self, act: Typed | Edit, text: str) -> dict[str, str]:
        if isinstance(act, Edit):
            return {}
        if self.sandbox is not None and act.line.startswith("odyssey sandbox start"):
            return {"url": self.sandbox.url}
        found = re.search(act.finds, text) if act.finds else None
        return found.groupdict() if found else {}


class Server:
    """A program that serves in a terminal of its own, until it is stopped.

    Args:
        argv: The program and its arguments.
        shell: Whose folder and variables it has.
        output: Where what it prints at its start is shown.
        port: Where it will answer.
    """

    def __init__(self, argv: list[str], shell: Shell, output: Output, port: int) -> None:
        """Nothing runs yet."""
        self._argv, self._shell, self._output, self._port = argv, shell, output, port
        self._log = shell.folder / ".odyssey" / "tour-serve.log"
        self._read = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Return 0 as soon as it answers; else the exit code with which it has ended."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._argv,
                cwd=self._shell.folder,
                env=self._shell.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(),
            )
        deadline = time.monotonic() + START_PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            self.show()
            self._output.tick()
            if client.ping(self._port)[0]:
                return 0
            time.sleep(PAUSE)
        self.show()
        return self._process.poll() or 1

    def show(self) -> None:
        """Show what it has printed since the last time."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            chunk = log.read()
        self._read += len(chunk)
        self._output.feed(chunk)

    def stop(self) -> None:
        """Stop it as Ctrl-C does."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        process.kill()
        process.wait()


def _option(words: list[str], name: str) -> str:
    return words[words.index(name) + 1]
