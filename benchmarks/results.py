"""The values of all rounds, and what follows from them: medians, ranges and ratios."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from benchmarks.visits import FOREIGN, Visit


@dataclass(frozen=True)
class Spread:
    """A median over the rounds, with the smallest and the largest value."""

    median: float
    low: float
    high: float

    @classmethod
    def over(cls, values: list[float]) -> Spread:
        """Return the spread of ``values`` (at least one)."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass
class Results:
    """What the rounds so far have yielded.

    Attributes:
        rounds: One dictionary per round: subject to its visit.
        unavailable: Subject to the reason why it was not measured.
    """

    rounds: list[dict[str, Visit]] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)

    def values(self, subject: str, metric: str) -> list[float]:
        """Return the metric's value in each round that has one."""
        visits = (visits[subject] for visits in self.rounds if subject in visits)
        return [visit.values[metric] for visit in visits if metric in visit.values]

    def spread(self, subject: str, metric: str) -> Spread | None:
        """Return the metric's spread over the rounds, or None if it was not measured."""
        values = self.values(subject, metric)
        return Spread.over(values) if values else None

    def ratio(self, subject: str, baseline: str, metric: str) -> Spread | None:
        """Return the ratio of the two medians, with the range of the ratios within one round."""
        pairs = [
            (visits[subject].values[metric], visits[baseline].values[metric])
            for visits in self.rounds
            if all(name in visits and metric in visits[name].values for name in (subject, baseline))
        ]
        if not pairs or not all(under for _, under in pairs):
            return None
        ratios = [over / under for over, under in pairs]
        medians = [statistics.median(side) for side in zip(*pairs, strict=True)]
        return Spread(medians[0] / medians[1], min(ratios), max(ratios))

    def noise(self) -> Spread | None:
        """Return the share of the cores that other programs took, over all windows, in percent."""
        visits = (visit for visits in self.rounds for visit in visits.values())
        shares = [
            value
            for visit in visits
            for metric, value in visit.values.items()
            if metric.endswith(FOREIGN)
        ]
        return Spread.over(shares) if shares else None

    def problem(self, subject: str, metric: str) -> str:
        """Return why a metric of a subject does not count, or the empty string."""
        if subject in self.unavailable:
            return f"{subject}: {self.unavailable[subject]}"
        for number, visits in enumerate(self.rounds, 1):
            if subject in visits and metric in visits[subject].invalid:
                return f"{subject}, round {number}: {visits[subject].invalid[metric]}"
        return ""
