"""A report for a reader."""

from __future__ import annotations

import json
import textwrap
from itertools import groupby
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Severity
from odyssey.checks.report import plain
from odyssey.console import clean, coloured, width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from odyssey.checks.findings import Finding
    from odyssey.checks.report import Report

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "cyan"}
LONGEST_VALUE = 120
_MARGIN = 2
_LABEL = 9


def text(report: Report) -> str:
    """Return a report: the findings by file, those that are ignored, and what they come to."""
    parts = [_file(name, found) for name, found in _by_file(report.counted)]
    if report.ignored:
        parts.append(_ignored(report.ignored))
    if report.notes:
        parts.append("\n".join(_wrapped(f"Note: {clean(note)}", "", "  ") for note in report.notes))
    parts.append(_end(report))
    return "\n\n".join(parts)


def _by_file(findings: Iterable[Finding]) -> Iterator[tuple[str, list[Finding]]]:
    for name, found in groupby(findings, lambda each: each.place.file):
        yield name, list(found)


def _file(name: str, findings: list[Finding]) -> str:
    return "\n\n".join([clean(name), *map(_finding, findings)])


def _finding(finding: Finding) -> str:
    severity = finding.severity
    head = f"{severity.word} {finding.rule}"
    first = _wrapped(f"{head}  {clean(finding.message)}", " " * _MARGIN, " " * (_MARGIN + 2))
    lines = [first.replace(head, coloured(head, COLOURS[severity]), 1)]
    for label, told in _rows(finding):
        start = " " * (_MARGIN + 2) + f"{label}".ljust(_LABEL)
        lines.append(_wrapped(clean(told), start, " " * len(start)))
    return "\n".join(lines)


def _rows(finding: Finding) -> Iterator[tuple[str, str]]:
    place = finding.place
    where = " ".join(filter(None, [place.resource, place.dotted]))
    line = f"line {place.line}" if place.line is not None else ""
    if at := ", ".join(filter(None, [where, line])):
        yield "at", at
    if place.construct and place.construct != place.resource:
        yield "", place.construct
    if finding.value is not None:
        yield "seen", shown(finding.value)
    if finding.limit:
        yield "must be", finding.limit.removeprefix("must be ")
    if finding.fix:
        yield "fix", finding.fix
    if finding.source:
        yield "source", finding.source
    if finding.also:
        yield "also", f"{', '.join(finding.also)} of other tools"


def shown(value: Any) -> str:
    """Return a value in one line, cut where it is long."""
    told = value if isinstance(value, str) else json.dumps(plain(value), default=str)
    line = " ".join(str(told).split()) or '""'
    return line if len(line) <= LONGEST_VALUE else f"{line[: LONGEST_VALUE - 3]}..."


def _ignored(findings: tuple[Finding, ...]) -> str:
    lines = [f"Ignored: {len(findings)}"]
    for each in findings:
        told = f"{each.rule}  {each.place}: {each.ignored}"
        lines.append(_wrapped(clean(told), "  ", "    "))
    return "\n".join(lines)


def _end(report: Report) -> str:
    counts = [
        f"{count} {each.word}{'s' if count != 1 and each is not Severity.INFO else ''}"
        for each in sorted(Severity, reverse=True)
        if (count := report.count(each))
    ]
    if report.ignored:
        counts.append(f"{len(report.ignored)} ignored")
    what = ", ".join(clean(name) for name in report.checked) or "nothing"
    lines = [_wrapped(f"Checked {what}: {', '.join(counts) or 'nothing found'}", "", "  ")]
    if report.counted:
        worst = max(report.counted, key=lambda each: (each.severity, each.tool == "odyssey"))
        lines += _advice(worst)
    return "\n".join(lines)


def _advice(finding: Finding) -> Iterator[str]:
    rule = finding.rule
    if finding.tool in ("odyssey", "cfn-lint"):
        yield f"Why:    odyssey check --explain {rule}"
    yield f'Ignore: {rule} = "the reason" under [check.ignore] in odyssey.toml'
    if finding.place.construct:
        yield "        or, in a CDK app or overrides.py, on the CfnResource:"
        yield f'        add_metadata("odyssey", {{"ignore": {{"{rule}": "the reason"}}}})'
    elif finding.place.resource and finding.place.line is not None:
        yield "        or, in the template, on the resource:"
        yield f"        Metadata: {{odyssey: {{ignore: {{{rule}: the reason}}}}}}"


def _wrapped(told: str, first: str, others: str) -> str:
    # An address, or a value, is not broken: a reader copies it.
    return textwrap.fill(
        told,
        width(),
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
