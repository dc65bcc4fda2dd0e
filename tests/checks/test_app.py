"""A check of an app: what is synthesized, and what the CDK and cdk-nag say of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from odyssey import config
from odyssey.checks import service
from odyssey.checks.findings import Finding, Severity
from odyssey.checks.report import Report
from odyssey.errors import ConfigError, MissingToolError
from odyssey.infra import synthesis

GOLDEN = Path(__file__).parents[1] / "template" / "golden" / "real-time" / "odyssey.toml"
BAD = """
[env.bad.server]
timeout = 90
[env.bad.check.ignore]
AwsSolutions-S1 = "nobody reads access logs"
"""
OVERRIDES = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3

def override(stacks):
    if stacks.env != "bad":
        return
    bucket = s3.CfnBucket(stacks.foundation, "Worse")
    bucket.add_property_override("BucketEncryption.ServerSideEncryptionConfiguration", "x")
    kept = {"BKT105": "made again from the source"}
    bucket.add_metadata("odyssey", {"ignore": kept})
    cdk.Annotations.of(bucket).add_warning_v2("iris:worse", "worse than it looks")
"""


@contextmanager
def nowhere() -> Iterator[Any]:
    raise MissingToolError("no Docker engine answers")
    yield


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("iris")
    (folder / "odyssey.toml").write_text(GOLDEN.read_text() + BAD)
    (folder / "overrides.py").write_text(OVERRIDES)
    (folder / "Dockerfile").touch()
    return folder


def checked(app: Path, env: str | None = None) -> Report:
    before = Path.cwd()
    os.chdir(app)
    try:
        return service.check_app(config.load(app, env=env, environ={}), connect=nowhere)
    finally:
        os.chdir(before)


@pytest.fixture(scope="module")
def good(app: Path) -> Report:
    return checked(app)


@pytest.fixture(scope="module")
def bad(app: Path) -> Report:
    return checked(app, "bad")


def of(report: Report, rule: str) -> Finding:
    (found,) = [each for each in report.findings if each.rule == rule]
    return found


def test_an_app_that_is_made_by_the_constructs_has_no_fault(good: Report) -> None:
    assert [each for each in good.findings if each.severity >= Severity.WARNING] == []
    assert good.checked == (
        "odyssey.toml",
        "cdk.out/iris-foundation.template.json",
        "cdk.out/iris-endpoint.template.json",
    )
    assert good.notes == (
        "the image is not checked: no Docker engine answers",
        "no model is checked: model/ has none; odyssey local train makes it",
    )


def test_one_fault_that_the_cdk_and_cfn_lint_find_is_told_once(bad: Report) -> None:
    found = of(bad, "E3012")

    assert (found.tool, found.also) == ("cfn-lint", ("F3012",))
    assert (found.place.resource, found.place.construct) == ("Worse", "Worse")
    assert found.place.dotted == "BucketEncryption.ServerSideEncryptionConfiguration"
    assert "F3012" not in {each.rule for each in bad.findings}


def test_cdk_nag_is_asked_and_its_findings_have_a_place(bad: Report) -> None:
    found = of(bad, "AwsSolutions-S1")

    assert (found.tool, found.severity) == ("cdk-nag", Severity.WARNING)
    assert found.place.file == "cdk.out/iris-bad-foundation.template.json"
    assert found.place.stack == "iris-bad-foundation"
    assert found.place.line is not None
    assert found.ignored == "nobody reads access logs"


def test_what_cdk_nag_says_again_is_told_by_our_rule(bad: Report) -> None:
    assert of(bad, "BKT107").also == ("AwsSolutions-S10",)


def test_an_ignore_of_a_construct_s_metadata_counts(bad: Report) -> None:
    assert of(bad, "BKT105").ignored == "made again from the source"


def test_what_a_construct_warns_of_is_a_finding(bad: Report) -> None:
    found = of(bad, "iris:worse")

    assert (found.message, found.place.resource) == ("worse than it looks", "Worse")


def test_a_rule_of_settings_is_told_with_the_line_of_its_environment(bad: Report) -> None:
    found = of(bad, "APP111")
    line = (GOLDEN.read_text() + BAD).splitlines().index("timeout = 90") + 1

    assert (found.place.file, found.place.line) == ("odyssey.toml", line)


def test_no_report_has_a_path_of_this_machine(app: Path, bad: Report) -> None:
    assert str(app) not in json.dumps(bad.document())


def test_the_same_is_told_again_from_the_assembly_of_the_last_time(app: Path, bad: Report) -> None:
    before = (app / ".odyssey" / synthesis.RECORD).stat().st_mtime_ns

    assert checked(app, "bad") == bad
    assert (app / ".odyssey" / synthesis.RECORD).stat().st_mtime_ns == before


def test_cdk_out_is_the_same_for_everybody_else(app: Path, bad: Report) -> None:
    settings = config.load(app, environ={})
    looked = {path.name: path.read_bytes() for path in (app / "cdk.out").iterdir()}

    assert synthesis.REPORT not in looked
    assert synthesis.synthesize(settings).cached
    plain = synthesis.synthesize(settings, fresh=True)

    assert {path.name: path.read_bytes() for path in plain.folder.iterdir()} == looked
    assert plain.reports == ()


def test_settings_that_no_stack_can_be_made_of_are_told_in_their_lines(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path)
    toml = tmp_path / "odyssey.toml"
    toml.write_text(toml.read_text() + '[aws]\nregion = "us-east-1"\n')

    report = checked(tmp_path)

    assert of(report, "APP102").place.line is not None
    assert any(note.startswith("no stack is checked: ") for note in report.notes)


def test_settings_that_only_the_constructs_refuse_are_an_error(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path)
    toml = tmp_path / "odyssey.toml"
    toml.write_text(toml.read_text() + '[rollout]\nkind = "linear"\npercent = 5\n')

    with pytest.raises(ConfigError, match="percent"):
        checked(tmp_path)
