"""The costs of both sides beside each other, line by line."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.review.money import dollars, signed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from odyssey.review.report import Cost, CostLine, Review

UNKNOWN = "unknown"
BY_USE = "by use"
NOTHING = "–"


@dataclass(frozen=True)
class Row:
    """One line of a bill.

    Args:
        before: What it is on the base's side; None where it is not there.
        after: The same on the head's side.
    """

    before: CostLine | None
    after: CostLine | None

    @property
    def either(self) -> CostLine:
        """The line of the head, or that of the base where there is none."""
        line = self.after or self.before
        if line is None:
            raise ValueError("a row has at least one side")
        return line

    @property
    def what(self) -> str:
        """What is paid for, and what was where that is something else."""
        if self.before and self.after and self.before.what != self.after.what:
            return f"{self.before.what} → {self.after.what}"
        return self.either.what

    @property
    def changes(self) -> bool:
        """Whether the sides differ."""
        return self.before != self.after

    @property
    def by_use(self) -> bool:
        """Whether only use decides what it costs."""
        lines = [line for line in (self.before, self.after) if line]
        return all(
            line.known and line.monthly is line.per_1000 is line.once is None for line in lines
        )

    @property
    def monthly(self) -> tuple[str, str, str]:
        """A month before and after, and the difference."""
        return self._sides(lambda line: line.monthly)

    @property
    def per_1000(self) -> tuple[str, str, str]:
        """1,000 requests before and after, and the difference."""
        return self._sides(lambda line: line.per_1000)

    @property
    def once(self) -> tuple[str, str, str]:
        """One run before and after, and the difference."""
        return self._sides(lambda line: line.once)

    @property
    def amounts(self) -> list[tuple[str, str, str, str]]:
        """What the row tells: each unit of which a side has an amount, with its three texts."""
        lines = [line for line in (self.before, self.after) if line]
        told = [
            (unit, *texts)
            for unit, texts, amount in (
                ("a month", self.monthly, "monthly"),
                ("1,000 requests", self.per_1000, "per_1000"),
                ("one run", self.once, "once"),
            )
            if any(getattr(line, amount) is not None for line in lines)
        ]
        return told or [("a month", *self.monthly)]

    def _sides(self, amount: Callable[[CostLine], float | None]) -> tuple[str, str, str]:
        before, after = (_told(line, amount) for line in (self.before, self.after))
        if UNKNOWN in (before, after):
            return before, after, UNKNOWN if self.changes else ""
        if {before, after} <= {NOTHING, BY_USE}:
            return before, after, ""
        old = amount(self.before) if self.before else None
        new = amount(self.after) if self.after else None
        difference = (new or 0.0) - (old or 0.0)
        return before, after, signed(difference) if round(difference, 9) else ""


def rows(review: Review) -> tuple[Row, ...]:
    """Return the lines of both sides: what changes first, in the order of the templates."""
    old, new = _by_resource(review.before), _by_resource(review.after)
    found: list[Row] = []
    for key in dict.fromkeys([*new, *old]):
        found += _paired(old.get(key, []), new.get(key, []))
    return tuple(sorted(found, key=lambda row: not row.changes))


def _paired(before: list[CostLine], after: list[CostLine]) -> Iterable[Row]:
    """Pair the lines of one resource: those that say the same, then the others in their order."""
    same = [line for line in after if line.what in {each.what for each in before}]
    told = {line.what for line in same}
    others = [line for line in before if line.what not in told]
    rest = iter(others)
    for line in after:
        if line.what in told:
            yield Row(next(each for each in before if each.what == line.what), line)
        else:
            yield Row(next(rest, None), line)
    for line in rest:
        yield Row(line, None)


def _by_resource(cost: Cost) -> dict[tuple[str, str], list[CostLine]]:
    found: dict[tuple[str, str], list[CostLine]] = defaultdict(list)
    for line in cost.lines:
        found[line.stack, line.resource].append(line)
    return found


def _told(line: CostLine | None, amount: Callable[[CostLine], float | None]) -> str:
    if line is None:
        return NOTHING
    asked = amount(line)
    if asked is not None:
        return dollars(asked)
    if not line.known:
        return UNKNOWN
    anything = (line.monthly, line.per_1000, line.once) != (None, None, None)
    return NOTHING if anything else BY_USE
