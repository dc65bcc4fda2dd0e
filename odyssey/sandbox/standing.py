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
    from collections.abc import Callable, Mapping, Sequence

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
    parts = [_of_principal(each) for each in told["principals"]]
    if told["forgotten"]:
        parts.append(f"{told['forgotten']} requests of other kinds were too many to be noted")
    return "\n\n".join(parts) or "Nobody has asked for anything yet"


def _of_principal(told: dict[str, Any]) -> str:
    """Return what one has asked for, what was refused, and which rights it never used."""
    kinds = {"used": "used", "denied": "denied", "would_deny": "would be denied"}
    tables = [_by_action(title, told[kind]) for kind, title in kinds.items() if told.get(kind)]
    unused = [
        {"granted, never used": action, "on": _aims(grant)}
        for grant in told["unused"]
        for action in grant["actions"]
    ]
    tables += [console.table(unused)] if unused else []
    return "\n\n".join([told["arn"], *tables])


def _by_action(title: str, asked: Sequence[Mapping[str, Any]]) -> str:
    """Return a line for each action: the resources of one can be hundreds."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in asked:
        found.setdefault(each["action"], []).append(each)
    rows = [
        {
            title: action,
            "times": str(sum(each["count"] for each in alike)),
            "on": _shown([each["resource"] for each in alike]),
        }
        for action, alike in found.items()
    ]
    return console.table(rows)


def _aims(grant: Mapping[str, Any]) -> str:
    """Return what a grant is on, and that it has conditions."""
    aims = grant.get("resource", grant.get("notresource", "*"))
    shown = _shown([aims] if isinstance(aims, str) else aims)
    unless = "all but " if "notresource" in grant else ""
    return f"{unless}{shown}{', on conditions' if 'condition' in grant else ''}"


def _shown(resources: Sequence[str]) -> str:
    # What stands for others, too many to be told apart, is the first of all.
    more = f" and {len(resources) - 1} more" if len(resources) > 1 else ""
    return f"{resources[-1]}{more}" if resources else ""
