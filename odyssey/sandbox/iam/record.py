"""What was asked for, by whom, and which of the rights that they have were never used."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.sandbox.iam.policies import Asked, Decision, Held, Statement

MOST = 20_000
"""Kinds of requests that are told apart."""

ALIKE = 100
"""Resources of one action and one principal that are told apart: of a thousand files of a bucket,
the first hundred tell enough."""

OTHERS = "(others)"


class Record:
    """What was asked for since the start, or since it was last cleared."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget all of it."""
        with self._lock:
            self._asked: Counter[tuple[str, str, str, bool]] = Counter()
            self._alike: Counter[tuple[str, str, bool]] = Counter()
            self._used: set[tuple[str, str, str]] = set()
            self._forgotten = 0

    def note(self, source: str, asked: Asked, decision: Decision) -> None:
        """Note what was asked for.

        Args:
            source: The ARN of the user or the role.
            asked: What it asked for.
            decision: Whether it is allowed.
        """
        kind = (source, asked.action, decision.allowed)
        entry = (source, asked.action, asked.resource, decision.allowed)
        with self._lock:
            if decision.allowed:
                for statement in decision.statements:
                    for pattern in statement.using(asked.action):
                        self._used.add((source, statement.text, pattern))
            if entry not in self._asked:
                if len(self._asked) >= MOST:
                    self._forgotten += 1
                    return
                if self._alike[kind] >= ALIKE:
                    entry = (source, asked.action, OTHERS, decision.allowed)
                self._alike[kind] += 1
            self._asked[entry] += 1

    def report(self, holders: Iterable[tuple[str, Held]], *, refused: str) -> dict[str, Any]:
        """Return what was noted, as JSON takes it.

        Args:
            holders: The policies of every principal there is, by its ARN.
            refused: What to call requests that no policy allows.

        Returns:
            ``principals``, each with its ``arn``, what it ``used``, what was refused, and its
            ``unused`` rights; and ``forgotten``, how many requests were too many to be noted.
        """
        with self._lock:
            asked, used, forgotten = dict(self._asked), set(self._used), self._forgotten
        held = dict(holders)
        principals = [
            {
                "arn": source,
                "used": _told(asked, source, allowed=True),
                refused: _told(asked, source, allowed=False),
                "unused": _unused(source, held[source], used) if source in held else [],
            }
            for source in sorted({*held, *(entry[0] for entry in asked)})
        ]
        return {"principals": principals, "forgotten": forgotten}


def _told(
    asked: dict[tuple[str, str, str, bool], int], source: str, *, allowed: bool
) -> list[dict[str, Any]]:
    return [
        {"action": action, "resource": resource, "count": count}
        for (who, action, resource, was_allowed), count in sorted(asked.items())
        if who == source and was_allowed == allowed
    ]


def _unused(source: str, held: Held, used: set[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Return the actions of each statement that allows something, and never did."""
    statements = [each for policy in held.identity for each in policy.statements]
    found = []
    for statement in statements:
        if statement.denies or "NotAction" in statement.said:
            continue
        actions = [
            pattern
            for pattern in statement.actions
            if (source, statement.text, pattern) not in used
        ]
        if actions:
            found.append({"actions": actions, **_place(statement)})
    return found


def _place(statement: Statement) -> dict[str, Any]:
    names = ("Sid", "Resource", "NotResource", "Condition")
    return {name.lower(): statement.said[name] for name in names if name in statement.said}
