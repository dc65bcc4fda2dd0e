"""What an experiment is, and what comes of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.reliability.scene import Scene

LOAD, FAULTS, KILLS, INPUTS = "load", "faults", "kills", "inputs"
CHAPTERS = {
    LOAD: "Load held",
    FAULTS: "Faults injected",
    KILLS: "SIGKILL, and the same command again",
    INPUTS: "Bad inputs",
}
"""The chapters of the page, in their order."""


@dataclass
class Observed:
    """What was seen after something was broken.

    Attributes:
        figures: What was counted or timed, by what it is.
        table: Rows of cells, the first of them the head; empty for none.
        faults: What was seen that speaks against the product, whatever the figures say.
        remarks: What a reader should know and is no fault.
    """

    figures: dict[str, float | int | str] = field(default_factory=dict)
    table: list[list[str]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def nothing_more(_: Observed) -> Iterator[str]:
    """Judge by `Observed.faults` alone."""
    return iter(())


@dataclass(frozen=True)
class Experiment:
    """Something that is broken on purpose, and what must hold all the same.

    The runner calls the four in turn, and after them looks for what was left behind: processes,
    containers and temporary files are a fault of every experiment.

    Attributes:
        name: What ``--only`` calls it.
        chapter: One of `CHAPTERS`.
        breaks: What is done, in a sentence without its full stop.
        holds: What must hold.
        setup: Makes what is to be broken; its cleaning up goes to the scene's ``stack``.
        injection: Breaks it; what it returns is for the observation.
        observation: Looks at what became of it.
        verdict: Yields what does not hold, nothing where all does.
    """

    name: str
    chapter: str
    breaks: str
    holds: str
    setup: Callable[[Scene], Any]
    injection: Callable[[Scene, Any], Any]
    observation: Callable[[Scene, Any, Any], Observed]
    verdict: Callable[[Observed], Iterator[str]] = nothing_more


SURVIVED, FAILED, NOT_RUN = "held", "FAILED", "not run"


@dataclass
class Outcome:
    """What came of one experiment, over all of its rounds.

    Attributes:
        name: The experiment's.
        date: When it was begun.
        seconds: How long all rounds took, with setup and cleaning up.
        load: The machine's load in its last minute.
        rounds: What was seen in each round.
        problems: What does not hold; empty where all does.
        unavailable: Why it could not be run here; empty where it was.
    """

    name: str
    date: str = ""
    seconds: float = 0.0
    load: float = 0.0
    rounds: list[Observed] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    unavailable: str = ""

    @property
    def status(self) -> str:
        """Whether it held."""
        if self.problems:
            return FAILED
        return NOT_RUN if self.unavailable else SURVIVED
