"""The rules run over what is there: what a finding is made of, and a rule that fails itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odyssey.checks import linters, running
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, Rule
from odyssey.checks.subjects import Subjects
from odyssey.checks.template import Template, read
from odyssey.errors import BugError

TEXT = """
Parameters:
  Memory: {Type: Number, Default: 64}
Resources:
  Serve:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://code/a.zip
      Handler: a.b
      Runtime: python3.99
      MemorySize: 1024
"""


@pytest.fixture
def template(tmp_path: Path) -> Template:
    path = tmp_path / "stack.yaml"
    path.write_text(TEXT)
    return read(path, shown="stack.yaml")


def rule(check: object, subject: str = "template") -> Rule:
    return Rule("XY100", Severity.ERROR, subject, "t", "s", "the rule's fix", "w", check)  # type: ignore[arg-type]


def test_a_finding_has_the_place_and_the_rule_s_words(template: Template) -> None:
    def check(found: Template) -> Iterator[Fault]:
        serve = found.resources["Serve"]
        yield Fault("wrong", serve, ("MemorySize",), 1024, "less")
        yield Fault("so so", serve, severity=Severity.INFO, fix="another")
        yield Fault("at the top", path=("Parameters", "Memory", "Default"))

    one, two, three = running.findings(Subjects((template,)), [rule(check)])

    assert (str(one.place), one.fix) == ("stack.yaml:11 Serve MemorySize", "the rule's fix")
    assert (one.severity, two.severity) == (Severity.ERROR, Severity.INFO)
    assert (two.place.line, two.fix) == (7, "another")
    assert (three.place.resource, three.place.line) == ("", 3)


def test_a_rule_over_an_assembly_gets_all_templates_and_names_the_right_file(
    template: Template,
) -> None:
    other = Template("other.yaml", template.body)

    def check(found: tuple[Template, ...]) -> Iterator[Fault]:
        yield Fault("wrong", found[-1].resources["Serve"])

    (only,) = running.findings(Subjects((template, other)), [rule(check, "assembly")])

    assert only.place.file == "other.yaml"


def test_a_rule_that_fails_itself_is_a_bug_with_its_id(template: Template) -> None:
    def check(found: Template) -> Iterator[Fault]:
        yield Fault("wrong")
        raise KeyError("oops")

    with pytest.raises(BugError, match=r"the rule XY100 fails on stack\.yaml: KeyError: 'oops'"):
        list(running.findings(Subjects((template,)), [rule(check)]))


def test_a_rule_over_what_is_not_there_is_not_asked() -> None:
    def check(found: object) -> Iterator[Fault]:
        raise AssertionError("asked")

    for subject in ("settings", "image", "model", "template", "assembly"):
        assert list(running.findings(Subjects(), [rule(check, subject)])) == []


def test_cfn_lint_carries_out_a_transform_beside_the_template(tmp_path: Path) -> None:
    path = tmp_path / "sam.yaml"
    text = TEXT.replace("1024", "64").replace("{Type: Number, Default: 64}", "{Type: String}")
    path.write_text("Transform: AWS::Serverless-2016-10-31\n" + text)
    template = read(path, shown="sam.yaml")

    found = list(linters.cfn_lint(template))

    assert template.resources["Serve"].type == "AWS::Serverless::Function"
    assert "E3034" in {each.rule for each in found if each.place.path == ("MemorySize",)}
    assert {each.place.file for each in found} == {"sam.yaml"}


def test_cfn_lint_tells_where_a_parameter_is_used_and_not_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "stack.yaml"
    function = TEXT.replace("AWS::Serverless::", "AWS::Lambda::").replace("1024", "!Ref Memory")
    path.write_text(function)

    found = {each.rule: each.place for each in linters.cfn_lint(read(path, shown="stack.yaml"))}

    assert str(found["W1030"]) == "stack.yaml:11 Serve MemorySize"
