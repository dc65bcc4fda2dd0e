"""The tour itself: step by step, and at its end nothing is left, whatever has happened."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.errors import FolderNotEmptyError, OdysseyError, UsageError
from odyssey.interruption import as_ctrl_c
from odyssey.ports import Ports
from odyssey.sandbox import launch, records
from odyssey.tour import looks, table
from odyssey.tour.executor import choose
from odyssey.tour.leftovers import Leftovers
from odyssey.tour.looks import NOTHING
from odyssey.tour.narrator import Narrator
from odyssey.tour.outcome import Outcome, Taken
from odyssey.tour.patterns import APP
from odyssey.tour.shell import FailedError, Shell
from odyssey.workplace import workplace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from odyssey.tour.step import Step

NAME = "tour"
"""The sandbox's name; another one while a tour of before still has it."""


class Journey:
    """Takes the tour.

    Args:
        wanted: What runs the jobs: ``docker``, ``process`` or ``auto``.
        by_step: Whether to wait for Enter before each step.
        keep: The folder in which the app is made and stays, and the sandbox with it; None leaves
            nothing.

    Raises:
        OdysseyError: It cannot begin: something that it needs is missing, or in its way.
    """

    def __init__(self, wanted: str, *, by_step: bool = False, keep: Path | None = None) -> None:
        """Look at what there is; nothing is made yet."""
        launch.require_moto()
        if keep is not None and (keep / APP).exists():
            raise FolderNotEmptyError(
                f"{(keep / APP).resolve()} is there already",
                "name another folder with --keep DIR, or remove that one",
            )
        self._by_step, self._keep = by_step, keep
        self._executor = choose(wanted)
        taken = records.is_running(NAME)
        self._name = f"{NAME}-{os.getpid()}" if taken else NAME

    @as_ctrl_c()
    def take(self) -> Taken:
        """Take it, and leave nothing behind unless it is to be kept."""
        in_docker = self._executor.name == "docker"
        with _folder(self._keep) as folder, Ports().one() as port:
            leftovers = Leftovers(folder / APP, self._name, in_docker=in_docker)
            steps = table.steps(self._executor.name, self._name, port, keep=self._keeps)
            log = folder / f"{APP}.log"
            with leftovers.marking(), log.open("w", encoding="utf-8") as transcript:
                narrator = Narrator(transcript)
                shell = Shell(folder, narrator, outlives=self._keeps)
                self._introduce(narrator, folder, len(steps))
                return self._take(steps, shell, narrator, leftovers)

    @property
    def _keeps(self) -> bool:
        return self._keep is not None

    def _take(
        self, steps: Sequence[Step], shell: Shell, narrator: Narrator, leftovers: Leftovers
    ) -> Taken:
        taken, home = Taken(self._executor), shell.folder
        try:
            for step in steps:
                if self._by_step:
                    narrator.wait()
                narrator.step(len(taken.steps) + 1, len(steps), step)
                taken.steps.append(outcome := Outcome(step))
                _walk(outcome, shell, narrator, leftovers)
                if step.look == "account" and outcome.found["left"] != NOTHING:
                    taken.left.append(outcome.found["left"])
        except FailedError as error:
            taken.failed = error.done
            narrator.fail(f"{error.done.line}: exit code {error.done.code}")
        finally:
            with _undisturbed():
                shell.settle()
                if self._keeps:
                    self._tell_how_to_go_on(narrator, shell, home, failed=taken.failed is not None)
                else:
                    if len(taken.steps) < len(steps) or taken.failed:
                        narrator.say("  Taking away what was made...")
                    leftovers.remove()
        if self._keeps:
            taken.kept = {"folder": str(home / APP), "sandbox": self._name}
        else:
            taken.left += leftovers.find()
            _tell_what_is_left(narrator, taken)
        return taken

    def _introduce(self, narrator: Narrator, folder: Path, count: int) -> None:
        narrator.title("odyssey tour: a model of irises goes to AWS, and comes back")
        narrator.tell(
            f"{count} steps. What stands behind a $ is what you would type, word for word; what it "
            "prints follows, shortened where it is long. The AWS of this tour is a sandbox on this "
            "machine: no account is needed, and nothing costs anything."
        )
        machines = "in containers" if self._executor.name == "docker" else "as processes"
        narrator.say()
        narrator.tell(f"Jobs run {machines}: {self._executor.reason}.")
        if self._executor.name == "process":
            narrator.tell("So no image is built, tested and pushed; the rest is the same.")
        stays = "stays, and the sandbox too" if self._keeps else "is removed at the end"
        narrator.tell(f"The app's folder {stays}: {folder / APP}")

    def _tell_how_to_go_on(
        self, narrator: Narrator, shell: Shell, folder: Path, *, failed: bool
    ) -> None:
        ending = table.ending(self._name, in_docker=self._executor.name == "docker")
        entering = [
            f'eval "$(odyssey sandbox env --name {self._name})"',
            "odyssey why" if failed else "odyssey sagemaker status",
        ]
        if shell.sandbox is None:
            entering, ending = [], ["cd ..", f"rm -r {APP}"]
        ending = [f"{line} {APP}.log" if line.startswith("rm ") else line for line in ending]
        narrator.say()
        narrator.tell("To go on, in this terminal:")
        for line in (f"cd {shlex.quote(str(folder / APP))}", *entering):
            narrator.say(f"    {line}")
        narrator.tell("And to end it:")
        for line in ending:
            narrator.say(f"    {line}")
        narrator.tell(f"All that the commands have printed is in {folder / APP}.log")
        narrator.say()


def _tell_what_is_left(narrator: Narrator, taken: Taken) -> None:
    narrator.say()
    if taken.left:
        narrator.fail(f"left behind: {', '.join(taken.left)}")
    else:
        narrator.tell("All that was made is gone again. To keep it and look around, to go slowly:")
        narrator.say("    odyssey tour --keep")
        narrator.say("    odyssey tour --step")
    narrator.say()


def _walk(outcome: Outcome, shell: Shell, narrator: Narrator, leftovers: Leftovers) -> None:
    """Take a step."""
    step, started = outcome.step, time.monotonic()
    try:
        for act in step.acts:
            done = shell.do(act)
            outcome.lines.append(done)
            outcome.found.update(done.found)
        shell.settle()
        outcome.found.update(_looked(outcome, shell, leftovers))
    except FailedError as error:
        outcome.lines.append(error.done)
        raise
    finally:
        outcome.seconds = time.monotonic() - started
    narrator.done(outcome.result, outcome.seconds)
    narrator.aside("see", outcome.filled(step.see))
    narrator.aside("on AWS", step.on_aws)


def _looked(outcome: Outcome, shell: Shell, leftovers: Leftovers) -> dict[str, str]:
    """Return what is seen by looking at what has come of a step.

    Raises:
        OdysseyError: It is not there.
    """
    look = outcome.step.look
    if not look:
        return {}
    if look == "machine":
        left = leftovers.find()
        return {"left": ", ".join(left) or NOTHING, "places": leftovers.places()}
    argv = [sys.executable, "-m", looks.__name__, look, outcome.found.get("answers", APP)]
    done = subprocess.run(
        argv, cwd=shell.folder, env=shell.environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        why = done.stderr.strip().splitlines()
        raise OdysseyError(f"{outcome.step.title}: {why[-1] if why else 'nothing was found'}")
    return dict(json.loads(done.stdout))


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Yield the folder that the app's is made in."""
    if keep is not None:
        try:
            keep.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{keep} cannot be made: {error.strerror}") from error
        yield keep.resolve()
        return
    with workplace("odyssey-tour-") as folder:
        yield folder.resolve()


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Do what has to be done, however often Ctrl-C is pressed meanwhile."""
    before = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
