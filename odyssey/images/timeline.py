"""The pings of a server that starts, drawn on one line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odyssey.images.probe import Answer

WIDTH = 60
NOTHING, SLOW, OTHER, OK = ".", "t", "x", "o"


@dataclass(frozen=True)
class Ping:
    """A ping and what came of it.

    Args:
        at: Seconds since the server was started.
        answer: What came.
    """

    at: float
    answer: Answer

    @property
    def sign(self) -> str:
        """The sign that it is drawn by."""
        if self.answer.status is None:
            return SLOW if self.answer.timed_out else NOTHING
        return OK if self.answer.status == 200 else OTHER


@dataclass
class Timeline:
    """Every ping, from the start on.

    Args:
        pings: The pings.
    """

    pings: list[Ping] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Seconds until the last ping."""
        return self.pings[-1].at if self.pings else 0.0

    @property
    def ready(self) -> Ping | None:
        """The first ping that was answered with 200."""
        return next((ping for ping in self.pings if ping.sign == OK), None)

    def draw(self) -> str:
        """Return the pings as a line, such as ``0s ....xxxxoooo 4.2s``, and what its signs mean.

        More pings than fit on the line share a column with those of the same time; the last is
        drawn.
        """
        if not self.pings:
            return "no ping was sent"
        signs = [ping.sign for ping in self.pings]
        if len(signs) > WIDTH:
            signs = self._columns()
        return f"0s {''.join(signs)} {self.seconds:.1f}s\n{self._legend()}"

    def document(self) -> list[dict[str, Any]]:
        """Return the pings as JSON takes them."""
        return [
            {
                "at": round(ping.at, 3),
                "status": ping.answer.status,
                "seconds": round(ping.answer.seconds, 3),
                "problem": ping.answer.problem or None,
            }
            for ping in self.pings
        ]

    def _columns(self) -> list[str]:
        span = max(self.seconds, 1e-9)
        columns: dict[int, str] = {}
        for ping in self.pings:
            columns[min(int(ping.at / span * WIDTH), WIDTH - 1)] = ping.sign
        drawn: list[str] = []
        for column in range(WIDTH):
            # A column without a ping of its own shows that things are as they were.
            drawn.append(columns.get(column, drawn[-1] if drawn else self.pings[0].sign))
        return drawn

    def _legend(self) -> str:
        others = {ping.answer.status for ping in self.pings if ping.sign == OTHER}
        words = {
            NOTHING: "no answer",
            SLOW: "over 2 s",
            OTHER: ", ".join(str(status) for status in sorted(filter(None, others))),
            OK: "200",
        }
        seen = {ping.sign for ping in self.pings}
        return "   ".join(f"{sign} {word}" for sign, word in words.items() if sign in seen)
