"""Every rule over templates, on a template that breaks it and on the same one repaired."""

from __future__ import annotations

import re

import pytest

from odyssey.checks.findings import Severity
from odyssey.checks.rule import Rule, catalogue
from odyssey.checks.template import read
from tests.checks.pairs import FOLDER, Pair, alarms, found, pairs

EVERY = pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair.name)
WHOLE = {"CFN101", "CFN102", "CFN103"}
"""Rules of what no small template has; test_stacks.py makes large ones."""

TEMPLATE_RULES = [r for r in catalogue() if r.subject == "template" and r.id not in WHOLE]


@EVERY
def test_the_fault_is_found_where_it_is_and_nothing_else(pair: Pair) -> None:
    said = found(read(pair.failing))
    mine = [each for each in said if each.rule == pair.rule]
    others = [str(e) for e in said if e.rule != pair.rule and e.severity >= Severity.WARNING]

    assert mine, f"{pair.rule} says nothing"
    assert {each.resource for each in mine} == {pair.resource}, [str(each) for each in mine]
    if pair.path:
        assert pair.path in {each.path for each in mine}, [str(each) for each in mine]
    assert others == []


@EVERY
def test_the_repaired_template_is_clean(pair: Pair) -> None:
    repaired = read(pair.repaired)

    assert [str(each) for each in found(repaired) if each.rule == pair.rule] == []
    assert alarms(pair.repaired) == []


@EVERY
def test_a_pair_differs_by_little_and_is_named_after_its_rule(pair: Pair) -> None:
    failing = pair.failing.read_text().splitlines()[1:]
    repaired = pair.repaired.read_text().splitlines()

    assert pair.name.startswith(f"{pair.rule}-")
    assert len(set(failing) ^ set(repaired)) <= 12


@pytest.mark.parametrize("rule", TEMPLATE_RULES, ids=lambda rule: rule.id)
def test_a_rule_over_templates_has_a_pair(rule: Rule) -> None:
    assert rule.id in {pair.rule for pair in pairs()}


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.id)
def test_a_rule_tells_its_source_its_fix_and_why(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z0-9]{2,4}\d{3}", rule.id)
    assert rule.source
    assert rule.fix
    assert rule.why.endswith(".")
    assert not rule.title.endswith(".")


def test_the_corpus_has_sixty_faults_and_each_is_a_pair() -> None:
    files = {path.name for path in FOLDER.iterdir()}

    assert len(pairs()) >= 60
    assert files == {path.name for pair in pairs() for path in (pair.failing, pair.repaired)}
