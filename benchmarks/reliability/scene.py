"""Where an experiment takes place: folders of its own, the program under test, and what is left."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import environments
from benchmarks.environments import UnavailableError
from benchmarks.processes import MARKER, bearing

PATIENCE = 180.0
"""Seconds after which a command that has not ended counts as one that hangs."""

LEAVE = 15.0
"""Seconds that processes may take to end once nothing needs them any more."""

LEADING_ASTRAY = ("AWS_", "ODYSSEY_", "MODEL_SERVER", "CDK_", "DOCKER_")
"""What the user's own variables begin with that would lead the experiments elsewhere."""

HUNG = 124


class SetupError(Exception):
    """What an experiment needs first did not work."""


@dataclass(frozen=True)
class Done:
    """A command that has ended: its exit code, or minus the signal that ended it."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def said(self) -> str:
        """The error, without its hint; the first line of whatever there is where there is none."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        starts = [number for number, line in enumerate(lines) if line.startswith("Error:")]
        if not starts:
            return (lines or self.out.splitlines() or [""])[0].strip()
        rest = itertools.takewhile(lambda line: line[0] == " ", lines[starts[0] + 1 :])
        return " ".join(line.strip() for line in [lines[starts[0]], *rest])

    @property
    def breaks_down(self) -> bool:
        """Whether it ends in a traceback; one of the app's own code comes before the error."""
        return "Traceback (most" in self.err.rpartition("\nError:")[2]

    @property
    def is_proper(self) -> bool:
        """Whether it failed as commands may: neither by a bug, a traceback nor a hang."""
        return self.code in {1, 2, 3, 5, 6, 7} and not self.breaks_down


@dataclass
class Workshop:
    """What all experiments of a run share.

    Attributes:
        folder: Holds everything; removed at the end.
        program: The words that start the program under test.
        base: What images are built on; None takes the Dockerfile's own.
        seconds: Length of a window of load.
    """

    folder: Path
    program: list[str]
    base: str | None = None
    seconds: float = 30.0
    made: dict[str, Path] = field(default_factory=dict)
    is_warm: bool = False

    def app(self, service: str = "sagemaker") -> Path:
        """Return a trained app, made on first use; it is not to be changed."""
        if service not in self.made:
            place = self.folder / f"app-{service}"
            place.mkdir()
            own = [sys.executable, "-m", "odyssey"]
            words = ["init", "-p", "aws", "-s", service, "start", "iris"]
            for argv, folder in (
                ([*own, *words], place),
                ([*own, "local", "train"], place / "iris"),
            ):
                done = subprocess.run(
                    argv, cwd=folder, env=self.variables(), capture_output=True, text=True
                )
                if done.returncode:
                    raise SetupError(f"{' '.join(argv[3:])}: {done.stderr.strip()[-300:]}")
            self.made[service] = place / "iris"
        return self.made[service]

    def warm_up(self) -> None:
        """Synthesize once, so that what the CDK unpacks at its first start is there."""
        if not self.is_warm:
            argv = [sys.executable, "-m", "odyssey", "synth"]
            subprocess.run(argv, cwd=self.app(), env=self.variables(), capture_output=True)
            shutil.rmtree(self.app() / ".odyssey", ignore_errors=True)
            self.is_warm = True

    def variables(self) -> dict[str, str]:
        """Return the variables of programs, which lead to nothing of the user's."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        kept = {
            name: value
            for name, value in environments.clean_variables().items()
            if not name.startswith(LEADING_ASTRAY) and name != "XDG_STATE_HOME"
        }
        own = str(Path(sys.executable).parent)
        return {
            **kept,
            "PATH": f"{own}:{kept.get('PATH', os.defpath)}",
            "HOME": str(home),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "PYTHONWARNINGS": "ignore",
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "COLUMNS": "200",
        }


@dataclass
class Scene:
    """One round of one experiment.

    Attributes:
        workshop: What all experiments share.
        folder: The experiment's own; removed afterwards.
        stack: Takes what has to be undone.
        variables: Variables on top of the clean ones, such as those that lead into a sandbox.
        kept: What an experiment makes once and uses again.
    """

    workshop: Workshop
    folder: Path
    stack: contextlib.ExitStack
    variables: dict[str, str] = field(default_factory=dict)
    kept: dict[str, object] = field(default_factory=dict)

    @property
    def temporary(self) -> Path:
        """The folder for temporary files of every program that is started here."""
        place = self.folder / "tmp"
        place.mkdir(exist_ok=True)
        return place

    @property
    def apart(self) -> Path:
        """The same for a sandbox, which has temporary files for as long as it runs."""
        place = self.folder / "tmp-sandbox"
        place.mkdir(exist_ok=True)
        return place

    def environment(self, **more: str) -> dict[str, str]:
        """Return a program's variables."""
        own = {
            "TMPDIR": str(self.temporary),
            "XDG_STATE_HOME": str(self.folder / "state"),
            MARKER: self.folder.name,
        }
        return {**self.workshop.variables(), **own, **self.variables, **more}

    def app(self, name: str = "iris", service: str = "sagemaker") -> Path:
        """Return a trained app of the experiment's own, of that name."""
        place = self.folder / "apps" / name
        place.parent.mkdir(exist_ok=True)
        shutil.copytree(self.workshop.app(service), place)
        settings = place / "odyssey.toml"
        text = settings.read_text(encoding="utf-8")
        settings.write_text(text.replace('name = "iris"', f'name = "{name}"'), encoding="utf-8")
        return place

    def start(
        self, *words: str, cwd: Path, under: tuple[str, ...] = (), **variables: str
    ) -> subprocess.Popen[str]:
        """Start the program under test; it is killed with the scene if it still runs then."""
        process = subprocess.Popen(
            [*under, *self.workshop.program, *words],
            cwd=cwd,
            env=self.environment(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.stack.callback(_put_away, process)
        return process

    def run(self, *words: str, cwd: Path, timeout: float = PATIENCE, **variables: str) -> Done:
        """Run the program under test to its end."""
        begin = time.monotonic()
        process = self.start(*words, cwd=cwd, **variables)
        return collect(process, begin, timeout)

    def must(self, *words: str, cwd: Path, **variables: str) -> Any:
        """Return what a command prints with ``--output json``; it belongs to the setup.

        Raises:
            SetupError: It fails.
        """
        done = self.run(*words, "--output", "json", cwd=cwd, **variables)
        if done.code:
            raise SetupError(f"odyssey {' '.join(words)} ended with {done.code}: {done.said}")
        return json.loads(done.out or "null")

    def processes(self) -> list[int]:
        """Return the ids of the processes that were started here and run."""
        return bearing(self.folder.name)

    def left(self) -> list[str]:
        """Return what the experiment has left: processes, containers and temporary files.

        The processes and the containers are taken away.
        """
        until(lambda: not self.processes(), LEAVE)
        found = [f"process {pid}: {_command(pid)}" for pid in self.processes()]
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for folder in (self.temporary, self.apart):
            found += [f"temporary {path.name}" for path in sorted(folder.iterdir())]
        return found


def collect(process: subprocess.Popen[str], begin: float, timeout: float = PATIENCE) -> Done:
    """Wait for the end of a program; one that does not end is killed, and ends with `HUNG`."""
    try:
        out, err = process.communicate(timeout=timeout)
        code = process.returncode
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        code = HUNG
    return Done(code, out, err, time.monotonic() - begin)


def until(holds: Callable[[], object], seconds: float, pause: float = 0.02) -> bool:
    """Wait until something holds, and return whether it does before so many seconds are over."""
    end = time.monotonic() + seconds
    while not (held := bool(holds())) and time.monotonic() < end:
        time.sleep(pause)
    return held


def require(program: str, package: str) -> None:
    """Return if a program is on PATH.

    Raises:
        UnavailableError: It is not.
    """
    if shutil.which(program) is None:
        raise UnavailableError(f"{program} is not installed (apt-get install {package})")


@contextlib.contextmanager
def scene(workshop: Workshop, name: str) -> Iterator[Scene]:
    """Make a scene for the length of a ``with`` block; its folder goes at the end."""
    folder = workshop.folder / f"{name}-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir()
    try:
        with contextlib.ExitStack() as stack:
            yield Scene(workshop, folder, stack)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put_away(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b" ".join(words).decode(errors="replace")[:120]
    return "ended"
