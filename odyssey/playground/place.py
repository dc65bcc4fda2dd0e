"""What the page is about: a place, and the targets in it that take requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from odyssey.client import Body
    from odyssey.playground.log import Log

STARTING, READY, ENDED = "starting", "ready", "ended"


@dataclass(frozen=True)
class State:
    """How what serves the model stands.

    Args:
        phase: `STARTING`, `READY` or `ENDED`.
        reason: Why it has ended.
    """

    phase: str
    reason: str = ""

    def document(self) -> dict[str, str]:
        """Return it as JSON takes it."""
        return {"phase": self.phase, "reason": self.reason}


@dataclass(frozen=True)
class Reply:
    """What a target answered.

    Args:
        status: The HTTP status; 0 where the model gave none.
        reason: The status in words.
        content_type: The type of the body; empty where none is named.
        body: The bytes.
        milliseconds: From sending the request to having the whole answer.
        failed: Whether it is an error.
        note: What else there is to know of it.
    """

    status: int
    reason: str
    content_type: str
    body: bytes
    milliseconds: float
    failed: bool = False
    note: str = ""

    def head(self) -> dict[str, Any]:
        """Return all but the body, as JSON takes it."""
        return {
            "status": self.status,
            "reason": self.reason,
            "content_type": self.content_type,
            "bytes": len(self.body),
            "milliseconds": round(self.milliseconds, 3),
            "failed": self.failed,
            "note": self.note,
        }


class Target(Protocol):
    """What takes requests: a server on this machine, an endpoint, a function."""

    @property
    def key(self) -> str:
        """What the page calls it."""

    @property
    def limit(self) -> int:
        """Bytes of the largest request."""

    @property
    def log(self) -> Log:
        """What it prints."""

    def document(self) -> dict[str, Any]:
        """Return what the page shows of it: ``name``, ``url``, ``commands`` and so on."""

    def send(self, sent: Body, accept: str | None) -> Reply:
        """Send a request and return its answer, also where that is an error.

        Raises:
            OdysseyError: There was no answer.
        """


class Place(Protocol):
    """Where the targets are.

    Attributes:
        name: Its name, for a reader.
        again: The command that starts it, with its page.
        app: The folder of the app whose samples are shown; None where there is none.
        samples: The name of the folder of the samples, within the app's.
    """

    name: str
    again: str
    app: Path | None
    samples: str

    def targets(self) -> Sequence[Target]:
        """Return what takes requests now, the one to choose first."""

    def state(self) -> State:
        """Return how it stands."""
