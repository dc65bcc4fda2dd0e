"""``odyssey check``: exit codes, forms of output, and what is said of mistakes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from odyssey.checks.rule import catalogue
from tests.functional.conftest import Done

Run = Callable[..., Done]

CORPUS = Path(__file__).parents[1] / "checks" / "corpus"
STACK = """
Resources:
  Images:
    Type: AWS::ECR::Repository
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      ImageTagMutability: %s
      ImageScanningConfiguration: {ScanOnPush: true}
"""


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    """A template with one finding, good to know, and none that is worse."""
    path = tmp_path / "stack.yaml"
    path.write_text(STACK % "IMMUTABLE")
    return path


def test_a_template_without_a_warning_is_fine(odyssey: Run, stack: Path) -> None:
    done = odyssey("check", "--template", "stack.yaml")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("stack.yaml\n\n  info ECR106  ")
    assert "\nChecked stack.yaml: 1 info\n" in done.out


@pytest.mark.parametrize(("fail_on", "code"), [("error", 0), ("warning", 0), ("info", 3)])
def test_a_finding_as_severe_as_asked_fails(
    odyssey: Run, stack: Path, fail_on: str, code: int
) -> None:
    assert odyssey("check", "--template", "stack.yaml", "--fail-on", fail_on).code == code


def test_what_cfn_lint_finds_fails_too(odyssey: Run, stack: Path) -> None:
    stack.write_text(STACK % "SOMETIMES")
    done = odyssey("check", "--template", "stack.yaml", "--output", "json")

    assert done.code == 3
    wrong = [each for each in done.document["findings"] if each["severity"] == "error"]
    assert [each["place"]["path"] for each in wrong] == ["ImageTagMutability"]
    assert "E3030" in [wrong[0]["rule"], *wrong[0]["also"]]


def test_one_fault_that_cfn_lint_finds_as_well_is_told_once(odyssey: Run, tmp_path: Path) -> None:
    shutil.copy(CORPUS / "LM101-memory-beyond-a-function.fail.yaml", tmp_path / "stack.yaml")
    done = odyssey("check", "--template", "stack.yaml", "--output", "json")

    places = [
        (each["place"]["resource"], each["place"]["path"]) for each in done.document["findings"]
    ]
    assert len(places) == len(set(places))


def test_sarif_is_on_stdout_alone(odyssey: Run, stack: Path) -> None:
    done = odyssey("check", "--template", "stack.yaml", "--output", "sarif")

    assert (done.code, done.err) == (0, "")
    (run,) = json.loads(done.out)["runs"]
    assert [each["ruleId"] for each in run["results"]] == ["ECR106"]


def test_sarif_is_no_form_of_other_commands(odyssey: Run) -> None:
    done = odyssey("config", "show", "--output", "sarif")

    assert done.code == 2
    assert "sarif" in done.err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Resources:\n  A: [\n", "stack.yaml is no template: line 3: "),
        ("Resources:\n  A: {}\n  A: {}\n", "stack.yaml is no template: line 2: Duplicate"),
        ('{"Resources": {\n"A" "B"}}', "stack.yaml is no template: line 2: "),
        ("hello: world\n", "stack.yaml is no template: it has no Resources"),
    ],
)
def test_what_is_no_template_is_an_error_of_usage_with_its_line(
    odyssey: Run, stack: Path, text: str, told: str
) -> None:
    stack.write_text(text)
    done = odyssey("check", "--template", "stack.yaml")

    assert (done.code, done.out) == (2, "")
    assert f"Error: {told}" in done.err


def test_a_model_is_checked_beside_a_template(odyssey: Run, stack: Path) -> None:
    (stack.parent / "model.tar.gz").write_bytes(b"")
    done = odyssey("check", "--template", "stack.yaml", "--model", "model.tar.gz")

    assert done.code == 3
    assert "\n  error MDL101  the archive is no whole .tar.gz: " in done.out
    assert "Checked stack.yaml, model.tar.gz: 1 error, 1 info" in done.out


def test_a_template_and_an_app_are_two_questions(odyssey: Run, stack: Path) -> None:
    done = odyssey("check", "--template", "stack.yaml", "--env", "prod")

    assert done.code == 2
    assert "--template is about files" in done.err


def test_a_rule_is_explained(odyssey: Run) -> None:
    done = odyssey("check", "--explain", "ecr106")
    document = odyssey("check", "--explain", "ECR106", "--output", "json").document

    assert done.code == 0
    assert done.out.startswith("ECR106  ")
    assert sorted(document) == ["fix", "id", "severity", "source", "subject", "title", "why"]


def test_a_rule_of_cfn_lint_is_explained_too(odyssey: Run) -> None:
    done = odyssey("check", "--explain", "E3012")

    assert (done.code, done.out.splitlines()[0][:5]) == (0, "E3012")


def test_for_a_rule_that_is_none_the_nearest_is_named(odyssey: Run) -> None:
    done = odyssey("check", "--explain", "ERC106")

    assert done.code == 2
    assert 'no rule "ERC106", did you mean ECR106?' in done.err


def test_all_rules_are_listed(odyssey: Run) -> None:
    rules = odyssey("check", "--list", "--output", "json").document["rules"]
    lines = odyssey("check", "--list").out.splitlines()

    assert [each["id"] for each in rules] == [rule.id for rule in catalogue()]
    assert [line.split()[0] for line in lines if line[0] != " "] == [each["id"] for each in rules]
