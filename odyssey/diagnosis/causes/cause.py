"""A known cause: how it is recognised, what it means, and what mends it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from odyssey.diagnosis.evidence import (
    COMPARED,
    ENDPOINT,
    EVENT,
    FUNCTION,
    LOG,
    REASON,
    STATUS,
    TRAINING,
    TRANSFORM,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odyssey.diagnosis.evidence import Evidence, Line

SYMPTOM, TRACE, ROOT, REFUSAL = 1, 2, 3, 4
"""How near to the root a cause is.

A symptom has a cause of its own (the ping failed); a trace is an error of the container's program;
a root is a known reason in its log; a refusal is AWS's own word that something was never begun,
which no line of a log, that may be of an earlier time, says better.
"""

CONTAINERS = frozenset({TRAINING, TRANSFORM, ENDPOINT})
"""What runs containers on SageMaker."""

JOBS = frozenset({TRAINING, TRANSFORM})
ANY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Sign:
    """A pattern that lines of evidence may have.

    Args:
        pattern: The pattern; its named groups go into the cause's sentences.
        sorts: The sorts of lines that are looked at.
        about: The kinds of things whose lines are looked at; empty is all.
    """

    pattern: re.Pattern[str]
    sorts: frozenset[str]
    about: frozenset[str] = ANY

    def find(self, line: Line) -> re.Match[str] | None:
        """Return where the pattern is in a line; None where it is not, or not to be looked for."""
        if line.sort not in self.sorts:
            return None
        if self.about and line.about and line.about not in self.about:
            return None
        return self.pattern.search(line.text)


@dataclass(frozen=True)
class Found:
    """A cause that was recognised.

    Args:
        cause: The cause.
        lines: The lines that show it, in their order.
        words: What the patterns' groups caught, for the cause's sentences.
        first: The place of the first of the lines in all of the evidence.
        last: The place of the last of them.
    """

    cause: Cause
    lines: tuple[Line, ...]
    words: Mapping[str, str]
    first: int
    last: int

    @property
    def rank(self) -> tuple[int, int]:
        """What causes are sorted by, the nearest to the root first.

        Of AWS's refusals the first is the cause of the others; of what programs have logged the
        last is, for what is before it may be of an attempt that was mended.
        """
        depth = self.cause.depth
        return (-depth, self.first if depth >= REFUSAL else -self.last)

    @property
    def title(self) -> str:
        """What is wrong, in a sentence with the values that were seen."""
        return self.cause.title.format_map(self.words)

    @property
    def fix(self) -> str:
        """What mends it."""
        return self.cause.fix.format_map(self.words)

    def is_like(self, other: Found) -> bool:
        """Return whether another is the same cause, by the same last line."""
        mine, theirs = self.lines[-1], other.lines[-1]
        return self.cause is other.cause and (mine.text, mine.time) == (theirs.text, theirs.time)

    def document(self) -> dict[str, object]:
        """Return it as JSON takes it."""
        return {
            "id": self.cause.id,
            "title": self.title,
            "means": self.cause.means,
            "fix": self.fix,
            "source": self.cause.source,
            "evidence": [line.document() for line in self.lines],
        }


@dataclass(frozen=True)
class Cause:
    """A known cause.

    Args:
        id: Its name, which stays.
        title: What is wrong, in a sentence; ``{group}`` is what a sign's group caught.
        means: Why that is so.
        fix: The command or the setting that mends it, with groups as the title has them.
        source: Where AWS, or whose rule it is, says so.
        depth: How near to the root it is.
        signs: Any of these shows it.
        needs: Each of these must be there, too.
        unless: With any of these it is something else.
        otherwise: Words for groups that caught nothing.
    """

    id: str
    title: str
    means: str
    fix: str
    source: str
    depth: int
    signs: tuple[Sign, ...]
    needs: tuple[Sign, ...] = ()
    unless: tuple[Sign, ...] = ()
    otherwise: Mapping[str, str] = field(default_factory=dict)

    def recognise(self, evidence: Evidence) -> Found | None:
        """Return where the evidence shows this cause, or None."""
        lines = evidence.lines
        shown = _all(self.signs, lines)
        if not shown or _all(self.unless, lines):
            return None
        needed = [_all((sign,), lines) for sign in self.needs]
        if not all(needed):
            return None
        if self.depth == TRACE:  # The last error is the one that ended it.
            shown, needed = shown[-1:], []
        words = _Words({"name": evidence.name, "kind": evidence.kind, **self.otherwise})
        for _, match in sorted(
            (each for group in (*needed, shown) for each in group), key=lambda each: each[0]
        ):
            caught = {key: value for key, value in match.groupdict().items() if value}
            words.update({key: value.strip().rstrip('".') for key, value in caught.items()})
        places = sorted({place for group in (*needed, shown) for place, _ in group})
        return Found(
            self, tuple(lines[place] for place in places), words, shown[0][0], shown[-1][0]
        )


class _Words(dict[str, str]):
    """What a sentence's groups stand for; one that caught nothing is told as such."""

    def __missing__(self, key: str) -> str:
        return f"(some {key})"


def _all(signs: Sequence[Sign], lines: Sequence[Line]) -> list[tuple[int, re.Match[str]]]:
    return [
        (place, match)
        for place, line in enumerate(lines)
        for sign in signs
        if (match := sign.find(line))
    ]


def refused(pattern: str, about: frozenset[str] = ANY) -> Sign:
    """Return a sign in what AWS itself says: events, reasons, and its errors in logs aside."""
    return Sign(_compiled(pattern), frozenset({EVENT, REASON}), about)


def logged(pattern: str, about: frozenset[str] = CONTAINERS) -> Sign:
    """Return a sign in a container's log."""
    return Sign(_compiled(pattern), frozenset({LOG}), about)


def told(pattern: str, about: frozenset[str] = CONTAINERS) -> Sign:
    """Return a sign in a log, or in a reason, which has the end of the log or failure file."""
    return Sign(_compiled(pattern), frozenset({LOG, REASON, EVENT}), about)


def ran(pattern: str) -> Sign:
    """Return a sign in a function's log, its state's reason or its answer."""
    return Sign(_compiled(pattern), frozenset({LOG, REASON, EVENT}), frozenset({FUNCTION}))


def stands(pattern: str) -> Sign:
    """Return a sign in a status or in a comparison of what is with what should be."""
    return Sign(_compiled(pattern), frozenset({STATUS, COMPARED}))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.MULTILINE)
