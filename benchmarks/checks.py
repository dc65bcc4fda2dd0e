"""The score of the checks: templates with one fault each, through Odyssey's rules and its peers.

A fault is caught where a linter says something of the failing template, at the faulty resource,
that it does not say of the same template repaired.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import linting, report
from benchmarks.environments import UnavailableError
from benchmarks.linting import LINTERS, Found

if TYPE_CHECKING:
    from tests.checks.pairs import Pair

CAUGHT, ELSEWHERE, MISSED, UNREAD = "yes", "elsewhere", "no", "not read"

AREAS = {
    "SM": "SageMaker",
    "LM": "Lambda",
    "ECR": "repositories",
    "BKT": "buckets",
    "IAM": "permissions",
    "NET": "networks",
    "CFN": "templates",
}
"""What the letters of a rule's id stand for."""

OWN = ("CFN190", "CFN191")
"""Rules of Odyssey's own ignores, which are nothing to another linter."""

NOTE = """\
The corpus is Odyssey's own (`tests/checks/corpus`), a fault or more for each of its rules, so that
its column is complete by construction: the table says what the others miss, not what they find that
it does not. A fault is caught where a linter says something of the failing template, at the faulty
resource, that it does not say of the same template repaired; "elsewhere" is something new at
another resource. "More findings" are those on the repaired templates: most are advice of another
kind, such as a dead letter queue for every function; Odyssey's are of the severity info.\
"""


@dataclass(frozen=True)
class Case:
    """One fault, and what each linter made of it.

    Attributes:
        name: The pair's name.
        area: What it is about.
        verdicts: The linter's name to one of `CAUGHT`, `ELSEWHERE`, `MISSED` and `UNREAD`.
        by: The linter's name to the ids of the rules that caught it.
    """

    name: str
    area: str
    verdicts: dict[str, str]
    by: dict[str, list[str]]


def run() -> list[Case]:
    """Judge every pair and print the table; also in ``results/checks.md`` and ``.json``.

    Raises:
        UnavailableError: A linter cannot be installed, or does not run.
    """
    pairs = _pairs()
    files = [file for pair in pairs for file in (pair.failing, pair.repaired)]
    found: dict[str, dict[Path, Found | str]] = {}
    for name, linter in LINTERS.items():
        print(f"{name}: {len(files)} templates", file=sys.stderr, flush=True)
        found[name] = linter(files)
    cases = [_case(pair, found) for pair in pairs]
    others = {name: _others(pairs, said) for name, said in found.items()}
    facts: dict[str, Any] = {"pairs": len(pairs), **linting.versions(), **report.machine()}
    text = _text(cases, others, facts)
    content = {"facts": facts, "caught": _caught(cases), "more findings": others}
    cases_ = [{"case": c.name, "area": c.area, "verdicts": c.verdicts, "by": c.by} for c in cases]
    report.save("checks", text, {**content, "cases": cases_})
    print(text)
    return cases


def _pairs() -> tuple[Pair, ...]:
    sys.path.insert(0, str(linting.ROOT))
    from tests.checks.pairs import pairs

    judged = tuple(pair for pair in pairs() if pair.rule not in OWN)
    if not judged:
        raise UnavailableError("there is no corpus in tests/checks/corpus")
    return judged


def _case(pair: Pair, found: dict[str, dict[Path, Found | str]]) -> Case:
    letters = pair.rule.rstrip("0123456789")
    verdicts, by = {}, {}
    for name, said in found.items():
        verdicts[name], rules = _verdict(pair, said[pair.failing], said[pair.repaired])
        if rules:
            by[name] = rules
    return Case(pair.name, AREAS.get(letters, letters), verdicts, by)


def _verdict(pair: Pair, failing: Found | str, repaired: Found | str) -> tuple[str, list[str]]:
    """Return what a linter made of a fault, and by which rules.

    A template that a linter cannot read because of the fault is caught, too, in its way.
    """
    if isinstance(failing, str):
        return (UNREAD, []) if isinstance(repaired, str) else (CAUGHT, ["not read"])
    new = failing - repaired if isinstance(repaired, Counter) else failing
    # A finding without a resource is about the whole file, or a line of it.
    here = sorted({rule for rule, resource in new if resource in (pair.resource, "")})
    if here or (new and not pair.resource):
        return CAUGHT, here or sorted({rule for rule, _ in new})
    return (ELSEWHERE, sorted({rule for rule, _ in new})) if new else (MISSED, [])


def _others(pairs: tuple[Pair, ...], said: dict[Path, Found | str]) -> int:
    repaired = (said[pair.repaired] for pair in pairs)
    return sum(found.total() for found in repaired if isinstance(found, Counter))


def _caught(cases: list[Case]) -> dict[str, int]:
    return {
        name: sum(case.verdicts[name] == CAUGHT for case in cases) for name in cases[0].verdicts
    }


def _text(cases: list[Case], others: dict[str, int], facts: dict[str, Any]) -> str:
    lines = ["# Checks, side by side", "", *(f"- {name}: {value}" for name, value in facts.items())]
    lines += ["", NOTE, "", *report.table(_summary(cases, others)), ""]
    rows = [["fault", *cases[0].verdicts]]
    for case in cases:
        cells = (_cell(case, name) for name in case.verdicts)
        rows.append([case.name, *cells])
    return "\n".join([*lines, *report.table(rows)]) + "\n"


def _summary(cases: list[Case], others: dict[str, int]) -> list[list[str]]:
    rows = [["caught", "faults", *others]]
    for area in [area for area in AREAS.values() if any(c.area == area for c in cases)]:
        within = [case for case in cases if case.area == area]
        rows.append([area, str(len(within)), *(str(n) for n in _caught(within).values())])
    rows.append(["all", str(len(cases)), *(str(n) for n in _caught(cases).values())])
    rows.append(["more findings", "–", *(str(n) for n in others.values())])
    return rows


def _cell(case: Case, name: str) -> str:
    rules = ", ".join(case.by.get(name, ()))
    return f"{case.verdicts[name]}: {rules}" if rules else case.verdicts[name]
