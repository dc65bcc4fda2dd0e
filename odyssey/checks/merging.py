"""One list out of several tools' findings, in which each fault is told once."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from odyssey.checks.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

TOOLS = ("odyssey", "cfn-lint", "cdk", "cdk-nag")
"""Whose words are taken, where several say the same of one place; the first goes first."""

SAME = {"AwsSolutions-S10": "BKT107", "AwsSolutions-S2": "BKT102"}
"""Rules of cdk-nag, which tells no property, that say of a resource what one of ours says."""

_NUMBERED = re.compile(r"[EFWI](\d{4})")


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings in order of files and lines, each fault once.

    What another tool says of the same resource and property as one of ours is the same fault; so
    is what the CDK says and cfn-lint too. Ours then has their ids in `Finding.also`, and is at
    least as severe; what cdk-nag thinks of it changes nothing.
    """
    kept: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(findings, key=lambda each: TOOLS.index(each.tool)):
        here = kept[finding.place.file, finding.place.resource]
        if finding in here:
            continue
        at = next((at for at, known in enumerate(here) if _is_same(known, finding)), None)
        if at is None:
            here.append(finding)
        else:
            here[at] = _joined(here[at], finding)
    return tuple(sorted((each for some in kept.values() for each in some), key=_order))


def _is_same(known: Finding, other: Finding) -> bool:
    """Return whether a finding says again what one of a tool that goes first says."""
    if known.tool == other.tool:
        return False
    if known.tool != "odyssey":
        if known.place.path != other.place.path:
            return False
        return _number(known.rule) == _number(other.rule)
    if other.tool == "cdk-nag":
        return SAME.get(other.rule) == known.rule
    if not other.place.path and not known.place.path:
        return False
    # What is good to know is not what is refused.
    if known.severity == Severity.INFO and other.severity > Severity.INFO:
        return False
    ours, theirs = known.place.path, other.place.path
    if ours == theirs:
        return True
    if not ours:
        return False
    # That something is missing, or too much, one tool says of it, another of what it is in.
    if ours[:-1] == theirs:
        return f"'{ours[-1]}'" in other.message
    # Of a wrong entry one says it, another of the whole list.
    named = isinstance(known.value, str) and f"'{known.value}'" in other.message
    return named and theirs[: len(ours)] == ours


def _joined(known: Finding, other: Finding) -> Finding:
    also = known.also if other.rule in known.also else (*known.also, other.rule)
    if other.tool == "cdk-nag":  # Whose severity is an opinion.
        return replace(known, also=also)
    return replace(known, also=also, severity=max(known.severity, other.severity))


def _number(rule: str) -> str:
    found = _NUMBERED.fullmatch(rule)
    return found[1] if found else rule


def _order(finding: Finding) -> tuple[str, int, str, str, str, str]:
    place = finding.place
    return (
        place.file,
        place.line or 0,
        place.resource,
        place.dotted,
        finding.rule,
        finding.message,
    )
