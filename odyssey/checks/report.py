"""The result of a check, and what machines read of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Severity

if TYPE_CHECKING:
    from odyssey.checks.findings import Finding, Place

VERSION = 1
"""The version of the JSON document; it grows when a member changes its meaning or goes."""


@dataclass(frozen=True)
class Report:
    """What a check found.

    Args:
        findings: All of them, in order of files and lines; those that are ignored, too.
        checked: What was looked at, in words, such as ``template.yaml``.
        notes: What was not looked at, and why, and what the app itself remarks.
    """

    findings: tuple[Finding, ...] = ()
    checked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple[Finding, ...]:
        """The findings that count: all but those that are ignored."""
        return tuple(each for each in self.findings if each.ignored is None)

    @property
    def ignored(self) -> tuple[Finding, ...]:
        """The findings that are ignored, each with the reason."""
        return tuple(each for each in self.findings if each.ignored is not None)

    def count(self, severity: Severity) -> int:
        """Return how many findings of a severity count."""
        return sum(each.severity == severity for each in self.counted)

    def fails(self, at: Severity) -> bool:
        """Return whether a finding that counts is as severe as this, or more."""
        return any(each.severity >= at for each in self.counted)

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it.

        ``version``: of this shape, 1. ``summary``: how many findings count of each severity, and
        how many are ignored. ``findings``: each with ``rule``, ``severity``, ``message``,
        ``place`` (``file``, ``line``, ``stack``, ``resource``, ``construct``, ``path``),
        ``value``, ``limit``, ``fix``, ``source``, ``tool``, ``also`` and ``ignored``, which is the
        reason or null. ``checked``: what was looked at. ``notes``: what was not, and what the app
        remarks.
        """
        counts = {each.word: self.count(each) for each in sorted(Severity, reverse=True)}
        return {
            "version": VERSION,
            "summary": {**counts, "ignored": len(self.ignored)},
            "findings": [finding_document(each) for each in self.findings],
            "checked": list(self.checked),
            "notes": list(self.notes),
        }


def finding_document(finding: Finding) -> dict[str, Any]:
    """Return a finding as JSON takes it; see `Report.document`."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.word,
        "message": finding.message,
        "place": _place(finding.place),
        "value": plain(finding.value),
        "limit": finding.limit,
        "fix": finding.fix,
        "source": finding.source,
        "tool": finding.tool,
        "also": list(finding.also),
        "ignored": finding.ignored,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "file": place.file,
        "line": place.line,
        "stack": place.stack,
        "resource": place.resource,
        "construct": place.construct,
        "path": place.dotted,
    }


def plain(value: Any) -> Any:
    """Return a value of a template, whose nodes know their lines, as JSON takes it."""
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value
    return str(value)
