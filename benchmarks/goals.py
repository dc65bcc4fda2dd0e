"""The goals: each a ratio of two subjects' medians, and the bound it must keep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.results import Results, Spread
from benchmarks.visits import BATCH_PEAK, BATCH_SECONDS, MEMORY, START, p99, rate

CONCURRENCY = (1, 8, 64)


@dataclass(frozen=True)
class Goal:
    """A bound on ``subject``'s metric divided by ``baseline``'s.

    Attributes:
        row: The group that ``--only`` names.
        subject: Whose metric it is.
        metric: Which metric.
        at_least: Lower bound of the ratio, or None.
        at_most: Upper bound of the ratio, or None.
        baseline: The subject that the ratio is taken against.
    """

    row: str
    subject: str
    metric: str
    at_least: float | None = None
    at_most: float | None = None
    baseline: str = "bare"

    @property
    def bound(self) -> str:
        """The goal in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g} ×"
        return f"at most {self.at_most:g} ×"

    def met_by(self, ratio: Spread) -> bool:
        """Return whether the ratio of the medians keeps the bound."""
        above = self.at_least is None or ratio.median >= self.at_least
        return above and (self.at_most is None or ratio.median <= self.at_most)

    def problem(self, results: Results) -> str:
        """Return why the goal could not be judged, or the empty string."""
        sides = (results.problem(name, self.metric) for name in (self.subject, self.baseline))
        return "; ".join(filter(None, sides))


def _doors() -> Iterator[Goal]:
    yield Goal("fast", "fast", rate(64), at_least=1.8)
    yield Goal("fast", "fast", p99(64), at_most=1.0)
    yield Goal("fast", "fast", rate(1), at_least=1.0)
    yield Goal("fast", "fast", rate(8), at_least=1.0)
    yield Goal("fast-batch", "fast-batch", rate(64), at_least=4.5)
    yield Goal("fast-batch", "fast-batch", p99(64), at_most=1.3)
    for connections in CONCURRENCY:
        yield Goal("flask", "flask", rate(connections), at_least=0.90)


def _first_generation() -> Iterator[Goal]:
    for door in ("fast", "flask"):
        for connections in CONCURRENCY:
            yield Goal(
                "first-generation", door, rate(connections), 1.0, baseline="first-generation"
            )
        slow = f"{door}-slow"
        yield Goal("first-generation", slow, rate(8), 5.0, baseline="first-generation-slow")


def _peers() -> Iterator[Goal]:
    bounds = {"litserve": 4, "bentoml": 4, "mlserver": 5, "mlflow": 5, "multi-model-server": 1.8}
    for peer, bound in bounds.items():
        yield Goal("peers", "fast", rate(64), bound, baseline=peer)


def _batches() -> Iterator[Goal]:
    bounds = {"": 1.05, "-floats": 0.5, "-pyarrow": 0.7, "-pyarrow-floats": 0.3}
    for variant, bound in bounds.items():
        subject, baseline = f"fast{variant}", f"bare{variant}"
        yield Goal("csv", subject, BATCH_SECONDS, at_most=bound, baseline=baseline)
        yield Goal("csv", subject, BATCH_PEAK, at_most=1.1, baseline=baseline)
    yield Goal("csv", "flask", BATCH_SECONDS, at_most=1.05)
    yield Goal("csv", "flask", BATCH_PEAK, at_most=1.1)


def _starts() -> Iterator[Goal]:
    for door in ("fast", "flask"):
        yield Goal("start", door, START, at_most=1.1)
        yield Goal("memory", door, MEMORY, at_most=1.1)


GOALS = [*_doors(), *_first_generation(), *_peers(), *_batches(), *_starts()]
"""Every goal of the serving benchmark, in the order of the report."""

ROWS = list(dict.fromkeys(goal.row for goal in GOALS))
"""What ``--only`` accepts."""
