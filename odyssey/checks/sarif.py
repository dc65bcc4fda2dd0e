"""A report as SARIF 2.1.0, which GitHub's code scanning and editors show beside the files.

Sources: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html and
https://docs.github.com/en/code-security/reference/code-scanning/sarif-support-for-code-scanning
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import odyssey
from odyssey.checks.findings import Severity
from odyssey.checks.rule import catalogue
from odyssey.checks.text import shown

if TYPE_CHECKING:
    from odyssey.checks.findings import Finding
    from odyssey.checks.report import Report

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
FINGERPRINT = "odysseyCheck/v1"


def document(report: Report) -> dict[str, Any]:
    """Return a report as SARIF; what is ignored is there, suppressed, with the reason."""
    rules = _rules(report)
    numbers = {rule["id"]: at for at, rule in enumerate(rules)}
    driver = {"name": "odyssey check", "version": odyssey.__version__, "rules": rules}
    told = [_notification(note) for note in report.notes]
    run: dict[str, Any] = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": told}],
        "results": [],
    }
    seen: Counter[str] = Counter()
    for finding in report.findings:
        print_ = _fingerprint(finding)
        run["results"].append(_result(finding, numbers[finding.rule], f"{print_}:{seen[print_]}"))
        seen[print_] += 1
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def text(report: Report) -> str:
    """Return a report as the text of a SARIF file."""
    return json.dumps(document(report), indent=2) + "\n"


def _notification(note: str) -> dict[str, Any]:
    return {"level": "note", "message": {"text": note}}


def _rules(report: Report) -> list[dict[str, Any]]:
    """Return the rules that have findings, each once, those of the catalogue with their help."""
    known = {rule.id: rule for rule in catalogue()}
    told: dict[str, dict[str, Any]] = {}
    for finding in report.findings:
        rule = known.get(finding.rule)
        title = f"{rule.title}." if rule else f"{finding.rule} of {finding.tool}."
        made: dict[str, Any] = {
            "id": finding.rule,
            "shortDescription": {"text": title},
            "defaultConfiguration": {"level": LEVELS[rule.severity if rule else finding.severity]},
            "properties": {"tags": [rule.subject if rule else "template", finding.tool]},
        }
        if rule:
            made["fullDescription"] = {"text": rule.why or title}
            made["help"] = _help(rule.why, rule.fix, rule.source)
        elif finding.source:
            made["help"] = _help("", "", finding.source)
        if finding.source.startswith("https://") and " " not in finding.source:
            made["helpUri"] = finding.source
        told.setdefault(finding.rule, made)
    return [told[id_] for id_ in sorted(told)]


def _help(why: str, fix: str, source: str) -> dict[str, str]:
    plain = [why, f"Fix: {fix}." if fix else "", f"Source: {source}" if source else ""]
    marked = [why, f"**Fix:** {fix}." if fix else "", f"**Source:** {source}" if source else ""]
    return {
        "text": "\n\n".join(filter(None, plain)),
        "markdown": "\n\n".join(filter(None, marked)),
    }


def _result(finding: Finding, number: int, fingerprint: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": number,
        "level": LEVELS[finding.severity],
        "message": {"text": _message(finding)},
        "locations": [_location(finding)],
        "partialFingerprints": {FINGERPRINT: fingerprint},
        "properties": {"tool": finding.tool, "also": list(finding.also)},
    }
    if finding.ignored is not None:
        made["suppressions"] = [
            {"kind": "inSource", "status": "accepted", "justification": finding.ignored}
        ]
    return made


def _message(finding: Finding) -> str:
    parts = [f"{finding.message[:1].upper()}{finding.message[1:]}."]
    if finding.value is not None:
        parts.append(f"Seen: {shown(finding.value)}.")
    if finding.limit:
        parts.append(f"Must be: {finding.limit.removeprefix('must be ')}.")
    if finding.fix:
        parts.append(f"Fix: {finding.fix}.")
    return " ".join(parts)


def _location(finding: Finding) -> dict[str, Any]:
    place = finding.place
    # GitHub shows no finding without a line.
    physical = {
        "artifactLocation": {"uri": quote(place.file)},
        "region": {"startLine": place.line or 1},
    }
    made: dict[str, Any] = {"physicalLocation": physical}
    if name := place.construct or place.resource:
        where = ".".join(filter(None, [place.stack, name, place.dotted]))
        made["logicalLocations"] = [{"name": name, "fullyQualifiedName": where, "kind": "resource"}]
    return made


def _fingerprint(finding: Finding) -> str:
    """Return what stays the same while lines move: the rule, and where in its file it is broken."""
    place = finding.place
    parts = [finding.rule, place.file, place.resource, place.dotted]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
