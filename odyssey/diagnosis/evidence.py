"""What is known about a thing that may have failed, as lines that each say where they are from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from odyssey.diagnosis.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

STACK, TRAINING, TRANSFORM = "stack", "training job", "transform job"
ENDPOINT, FUNCTION = "endpoint", "function"
KINDS = (STACK, TRAINING, TRANSFORM, ENDPOINT, FUNCTION)
"""What can be asked about, in a reader's words."""

STATUS, EVENT, REASON, LOG, COMPARED = "status", "event", "reason", "log", "compared"
SORTS = (STATUS, EVENT, REASON, LOG, COMPARED)
"""The sorts of lines: a status, a stack's event, AWS's own reason, a log, a comparison."""

_OF_TYPES = {
    "AWS::SageMaker::Endpoint": ENDPOINT,
    "AWS::SageMaker::EndpointConfig": ENDPOINT,
    "AWS::SageMaker::Model": ENDPOINT,
    "AWS::Lambda::Function": FUNCTION,
}


@dataclass(frozen=True)
class Line:
    """One line of evidence.

    Args:
        sort: One of `SORTS`.
        text: What it says; a message of several lines is one.
        origin: Where it is from, in a reader's words, such as ``log AllTraffic/i-0ab1``.
        time: When it was said, as ISO 8601; empty where that is not known.
        about: One of `KINDS`; empty where that is not known, which is then any of them.
    """

    sort: str
    text: str
    origin: str
    time: str = ""
    about: str = ""

    def document(self) -> dict[str, str]:
        """Return it as JSON takes it, without keys and tokens that somebody has logged."""
        return {
            "sort": self.sort,
            "text": masked(self.text),
            "origin": self.origin,
            "time": self.time,
            "about": self.about,
        }


@dataclass(frozen=True)
class Evidence:
    """What is known about one thing.

    Args:
        kind: One of `KINDS`; empty where only lines of some log are known.
        name: Its name.
        status: What AWS calls its status; empty where that is not known.
        lines: What was found, in the order of its time as far as that is known.
        healthy: Whether the status by itself is no failure.
    """

    kind: str
    name: str
    status: str = ""
    lines: tuple[Line, ...] = field(default=())
    healthy: bool = False

    def plus(self, lines: Iterable[Line]) -> Evidence:
        """Return it with further lines."""
        return replace(self, lines=(*self.lines, *lines))

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; `read` is the way back."""
        return {
            "kind": self.kind,
            "name": self.name,
            "status": self.status,
            "healthy": self.healthy,
            "lines": [line.document() for line in self.lines],
        }


def read(document: Mapping[str, Any]) -> Evidence:
    """Return the evidence that a document holds, which `Evidence.document` has made.

    Raises:
        KeyError: A member is missing.
        TypeError: A member is something else.
    """
    lines = tuple(
        Line(**{key: str(line[key]) for key in ("sort", "text", "origin", "time", "about")})
        for line in document["lines"]
    )
    return Evidence(
        str(document["kind"]),
        str(document["name"]),
        str(document["status"]),
        lines,
        bool(document["healthy"]),
    )


def status_line(kind: str, name: str, status: str, time: str = "") -> Line:
    """Return the line that tells a thing's status."""
    return Line(STATUS, status, f"{kind} {name}", time, kind)


def about_type(resource_type: str) -> str:
    """Return which of `KINDS` an event of a stack is about, by the type of its resource."""
    return _OF_TYPES.get(resource_type, STACK)


def is_healthy(kind: str, status: str) -> bool:
    """Return whether a status is none of a failure.

    Args:
        kind: One of `KINDS`.
        status: What AWS calls it.
    """
    if kind == STACK:
        return "FAILED" not in status and "ROLLBACK" not in status
    return not any(word in status for word in ("Failed", "OutOfService", "RollingBack"))
