"""SIGKILL of a command at several moments, and the same command again.

The moments are shares of the time that the undisturbed command takes, which comes first: what it
makes is what the repeats must make too.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.processes import bearing
from benchmarks.reliability.experiment import KILLS, Experiment, Observed
from benchmarks.reliability.scene import PATIENCE, Done, Scene, SetupError, collect, until

HEAD = ["killed", "was at work on", "left by the kill", "the repeat", "same result", "left at last"]
ORPHANS = 20.0
"""Seconds that processes of a killed command may take to notice it."""

SETTLES = 120.0

ATTEMPTS = 3
"""How often a moment is tried for which the kill comes too late."""


@dataclass(frozen=True)
class Place:
    """Where a command is run, afresh for each moment.

    Attributes:
        cwd: The folder.
        words: The command.
        name: The app's name.
    """

    cwd: Path
    words: tuple[str, ...]
    name: str


@dataclass(frozen=True)
class Moment:
    """Something to wait for: the command is killed as soon as it is so."""

    when: str
    holds: Callable[[Scene, Place], bool]


@dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes:
        prepare: Makes the state before the command, for a name.
        result: What the command has made, comparable across places.
        left: What there is that should not be there, looked at after the kill and at the end.
        moments: Shares of the undisturbed time at which it is killed, or what is waited for.
        codes: Exit codes that the repeat may have.
        settled: Whether what the killed command has begun elsewhere is over.
        after: Looks at a place after its kill, before the repeat; yields faults.
        later: Does what only later runs do, before what is left at last is looked at.
    """

    prepare: Callable[[Scene, str], Place]
    result: Callable[[Scene, Place], Any]
    left: Callable[[Scene, Place], list[str]]
    moments: tuple[float | Moment, ...] = (0.1, 0.35, 0.6, 0.85)
    codes: tuple[int, ...] = (0,)
    settled: Callable[[Scene, Place], bool] = lambda _scene, _place: True
    after: Callable[[Scene, Place], Iterable[str]] = lambda _scene, _place: ()
    later: Callable[[Scene, Place], None] = lambda _scene, _place: None


@dataclass
class Reference:
    """What the undisturbed command did."""

    seconds: float
    result: Any


def experiment(
    name: str, breaks: str, case: Case, *, holds: str = "", remark: str = ""
) -> Experiment:
    """Return the experiment that kills a command at each moment and repeats it.

    Args:
        name: Its name.
        breaks: What is done.
        case: The command.
        holds: What must hold besides what always must.
        remark: What a reader should know.
    """
    always = "the repeat makes what the undisturbed command makes, and nothing is left of either"
    return Experiment(
        name,
        KILLS,
        breaks,
        "; ".join(filter(None, [always, holds])),
        setup=lambda scene: _undisturbed(scene, case),
        injection=lambda scene, reference: [
            _killed(scene, case, reference, number, moment)
            for number, moment in enumerate(case.moments)
        ],
        observation=lambda _, reference, kills: _observed(reference, kills, remark),
    )


def _undisturbed(scene: Scene, case: Case) -> Reference:
    place = case.prepare(scene, "calm")
    done = scene.run(*place.words, cwd=place.cwd)
    if done.code not in case.codes:
        raise SetupError(f"odyssey {' '.join(place.words)} ended with {done.code}: {done.said}")
    return Reference(done.seconds, case.result(scene, place))


@dataclass(frozen=True)
class Killed:
    """What one kill came to."""

    row: list[str]
    faults: list[str]


def _killed(
    scene: Scene, case: Case, reference: Reference, number: int, moment: float | Moment
) -> Killed:
    for attempt in range(ATTEMPTS):
        place = case.prepare(scene, f"kill-{number}-{attempt}")
        mark = f"{scene.folder.name}-{number}-{attempt}"
        cut = _cut_off(scene, place, reference, moment, mark)
        if cut.code == -signal.SIGKILL or isinstance(moment, Moment):
            break
        # It has ended before the kill: the undisturbed one, the first of all, was slower.
        reference.seconds = cut.seconds
    orphans = [] if until(lambda: not bearing(mark), ORPHANS) else [str(p) for p in bearing(mark)]
    for pid in bearing(mark):
        os.kill(pid, signal.SIGKILL)
    until(lambda: case.settled(scene, place), SETTLES, 0.2)
    left = [*case.left(scene, place), *_temporary(scene)]
    faults = [f"a process outlived the kill: {pid}" for pid in orphans]
    faults += case.after(scene, place)
    again = scene.run(*place.words, cwd=place.cwd)
    same = case.result(scene, place) == reference.result
    case.later(scene, place)
    at_last = [*case.left(scene, place), *_temporary(scene)]
    if again.code not in case.codes:
        faults.append(f"the repeat ended with {again.code}: {again.said}")
    if not same:
        faults.append("the repeat's result is another than the undisturbed one's")
    faults += [f"left at last: {each}" for each in at_last]
    when = f"after {cut.seconds:.1f} s" if cut.code == -signal.SIGKILL else "not: it had ended"
    when += f", {moment.when}" if isinstance(moment, Moment) else ""
    row = [when, _last_words(cut), ", ".join(left) or "nothing", f"exit {again.code}"]
    return Killed(
        [*row, "yes" if same else "NO", ", ".join(at_last) or "nothing"],
        [f"{when}: {fault}" for fault in faults],
    )


def _cut_off(
    scene: Scene, place: Place, reference: Reference, moment: float | Moment, mark: str
) -> Done:
    begin = time.monotonic()
    process = scene.start(*place.words, cwd=place.cwd, BENCHMARK_MARK=mark)
    if isinstance(moment, Moment):
        until(lambda: process.poll() is not None or moment.holds(scene, place), PATIENCE, 0.005)
    else:
        seconds = moment * reference.seconds
        until(lambda: process.poll() is not None, seconds - (time.monotonic() - begin), 0.005)
    process.kill()
    killed = time.monotonic() - begin
    return replace(collect(process, begin), seconds=killed)


def _observed(reference: Reference, kills: list[Killed], remark: str) -> Observed:
    if not any(kill.row[0].startswith("after") for kill in kills):
        return Observed(faults=["no kill came before the command had ended"])
    return Observed(
        {"undisturbed, s": reference.seconds},
        [HEAD, *(kill.row for kill in kills)],
        [fault for kill in kills for fault in kill.faults],
        [remark] if remark else [],
    )


def _temporary(scene: Scene) -> list[str]:
    return [f"temporary {path.name}" for path in sorted(scene.temporary.iterdir())]


def _last_words(done: Done) -> str:
    lines = [line.strip() for line in done.err.splitlines() if line.strip()]
    return lines[-1][:60] if lines else "its start"
