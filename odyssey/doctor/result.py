"""What an examination finds: one result for each thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from odyssey.aws import Access
    from odyssey.config import Config

PASS, WARN, FAIL, SKIP = "pass", "warn", "fail", "skip"
"""It is well; it may bite; it stops work; it was not looked at, or nobody needs it."""

FAILED, REFUSED, MISSING = 1, 5, 7
"""Exit codes of what fails: something, credentials that AWS refuses, a tool that is missing."""


@dataclass(frozen=True)
class Repair:
    """Something that mends a result, safely, and within what is the user's own.

    Args:
        what: What is going to be done, for the question.
        do: Does it, and returns what was done.
    """

    what: str
    do: Callable[[], str]


@dataclass(frozen=True)
class Result:
    """What was found of one thing.

    Args:
        name: The thing, in two words.
        status: ``pass``, ``warn``, ``fail`` or ``skip``.
        reason: Why, with the value that was seen.
        mend: The command or the setting that mends it; None where nothing is to be mended.
        code: The exit code where it fails.
        repair: What ``--fix`` does; None where that is for a person.
    """

    name: str
    status: str
    reason: str
    mend: str | None = None
    code: int = FAILED
    repair: Repair | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "name": self.name,
            "status": self.status,
            "reason": self.reason,
            "mend": self.mend,
            "fixable": self.repair is not None,
        }


@dataclass(frozen=True)
class Place:
    """Where odyssey is examined.

    Args:
        folder: The app's folder, or the current one where there is no app.
        settings: The app's settings; None without an app.
        access: The way to AWS.
        profile: The value of ``--profile``.
    """

    folder: Path
    settings: Config | None
    access: Access
    profile: str | None = None
