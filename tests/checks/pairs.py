"""The corpus: pairs of templates that differ by one fault, and what the rules say of them.

``RULE-some-words.fail.yaml`` has the fault, ``RULE-some-words.pass.yaml`` is it repaired. The first
line of the failing one tells where a rule finds it: ``# RULE [LogicalId [Property.Path]]``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.checks.findings import Place, Severity
from odyssey.checks.rule import catalogue
from odyssey.checks.template import Template, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from odyssey.checks.rule import Fault, Rule

FOLDER = Path(__file__).parent / "corpus"


@dataclass(frozen=True)
class Pair:
    """One fault of the corpus.

    Args:
        name: The name of both files, without what tells them apart.
        rule: The id of the rule that is broken.
        resource: The logical id of the resource that breaks it; empty where it is the template.
        path: The way to the value within its properties, as a reader writes it, or empty.
    """

    name: str
    rule: str
    resource: str
    path: str

    @property
    def failing(self) -> Path:
        return FOLDER / f"{self.name}.fail.yaml"

    @property
    def repaired(self) -> Path:
        return FOLDER / f"{self.name}.pass.yaml"


@dataclass(frozen=True)
class Found:
    """One fault that a rule found."""

    rule: str
    severity: Severity
    resource: str
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule} {self.severity.word} {self.resource} {self.path}: {self.message}"


@cache
def pairs() -> tuple[Pair, ...]:
    """Return the pairs of the corpus by name."""
    return tuple(_pair(path) for path in sorted(FOLDER.glob("*.fail.yaml")))


def _pair(path: Path) -> Pair:
    with path.open(encoding="utf-8") as file:
        rule, resource, where, *_ = [*file.readline().strip("# \n").split(), "", ""]
    return Pair(path.name.removesuffix(".fail.yaml"), rule, resource, where)


def found(*templates: Template) -> list[Found]:
    """Return what the rules of templates and of assemblies find, in the order of the catalogue."""
    return [
        _found(rule, fault)
        for rule in catalogue()
        if rule.subject in ("template", "assembly")
        for fault in _faults(rule, templates)
    ]


def _faults(rule: Rule, templates: tuple[Template, ...]) -> Iterator[Fault]:
    subjects: Iterable[object] = [templates] if rule.subject == "assembly" else templates
    for subject in subjects:
        yield from rule.check(subject)


def _found(rule: Rule, fault: Fault) -> Found:
    severity = rule.severity if fault.severity is None else fault.severity
    resource = fault.resource.id if fault.resource else ""
    where = Place("", path=tuple(fault.path)).dotted
    return Found(rule.id, severity, resource, where, fault.message)


def alarms(*files: Path) -> list[str]:
    """Return what counts of what the rules find in templates: warnings and errors."""
    those = found(*(read(file, shown=file.name) for file in files))
    return [str(each) for each in those if each.severity >= Severity.WARNING]
