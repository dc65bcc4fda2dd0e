"""How a sandbox that runs stands, as it tells itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import console
from odyssey.errors import OdysseyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.sandbox.records import Record

LIMIT = 30
"""Seconds that it may take to answer."""


@dataclass(frozen=True)
class Told:
    """What a sandbox told.

    Args:
        document: As JSON has it.
        text: Makes it what a reader sees.
    """

    document: dict[str, Any]
    text: Callable[[], str]


def standing(record: Record) -> Told:
    """Ask a sandbox how it stands.

    Raises:
        OdysseyError: It does not answer.
    """
    document = _ask(record, "status")
    return Told(document, lambda: _status(document))


def permissions(record: Record) -> Told:
    """Ask a sandbox what was asked of it, and what IAM says of that.

    Raises:
        OdysseyError: It does not answer.
    """
    document = _ask(record, "permissions")
    return Told(document, lambda: _permissions(document))


def _ask(record: Record, what: str) -> dict[str, Any]:
    url = f"{record.url}/_sandbox/{what}"
    try:
        # The record is ours, and the URL in it one of this machine.
        with urllib.request.urlopen(url, timeout=LIMIT) as answer:  # noqa: S310
            return dict(json.load(answer))
    except (OSError, ValueError) as error:
        raise OdysseyError(
            f"the sandbox at {record.url} does not answer: {error}",
            "odyssey sandbox stop, then odyssey sandbox start",
        ) from error


def _status(told: dict[str, Any]) -> str:
    facts = {
        "url": told["url"],
        "jobs run": {"docker": "in containers", "process": "as processes"}[told["executor"]],
        "iam": "enforced" if told["enforce_iam"] else "recorded",
        "faults ordered": str(told["faults"]),
    }
    lines = [f"{name:<16}{value}" for name, value in facts.items()]
    return "\n".join([*lines, *(["", console.table(told["runs"])] if told["runs"] else [])])


def _permissions(told: dict[str, Any]) -> str:
    return json.dumps(told, indent=2)
