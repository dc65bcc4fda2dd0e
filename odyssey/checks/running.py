"""The rules of the catalogue, run over what is there to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Finding
from odyssey.checks.rule import catalogue
from odyssey.checks.subjects import place
from odyssey.errors import BugError, OdysseyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from odyssey.checks.rule import Fault, Rule
    from odyssey.checks.subjects import Subjects


def findings(subjects: Subjects, rules: Sequence[Rule] | None = None) -> Iterator[Finding]:
    """Yield what rules find, in the order of the catalogue.

    Args:
        subjects: What is checked.
        rules: The rules. Default: all of the catalogue.

    Raises:
        BugError: A rule fails itself; the message has its id.
    """
    for rule in catalogue() if rules is None else rules:
        for subject in subjects.of(rule.subject):
            for fault in _faults(rule, subject):
                yield _finding(rule, fault, subject)


def _faults(rule: Rule, subject: Any) -> tuple[Fault, ...]:
    try:
        return tuple(rule.check(subject))
    except OdysseyError:
        raise
    except Exception as error:
        where = getattr(subject, "file", f"the {rule.subject}")
        raise BugError(
            f"this is a bug in odyssey: the rule {rule.id} fails on {where}: "
            f"{type(error).__name__}: {error}",
        ) from error


def _finding(rule: Rule, fault: Fault, subject: Any) -> Finding:
    return Finding(
        rule=rule.id,
        severity=rule.severity if fault.severity is None else fault.severity,
        message=fault.message,
        place=place(fault, subject),
        value=fault.value,
        limit=fault.limit,
        source=rule.source,
        fix=fault.fix or rule.fix,
    )
