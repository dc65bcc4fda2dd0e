"""Ignores beside what they are about, each with a reason."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from odyssey.checks.findings import Finding
from odyssey.checks.ignores import applied, unknown
from odyssey.checks.judging import findings_of
from odyssey.checks.template import read

HEAD = "{ignore}Resources:\n"
BUCKET = """
  {id}:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    {metadata}
    Properties:
      AccessControl: PublicRead
"""
IGNORE = "Metadata: {{odyssey: {{ignore: {{{rule}: {reason}}}}}}}"


def found(folder: Path, *, top: str = "", one: str = "") -> dict[str, Finding]:
    """The findings of BKT103 by resource, in a template with two buckets open to all."""
    file = folder / "stack.yaml"
    text = f"{top}\nResources:\n" + "".join(
        BUCKET.format(id=id_, metadata=metadata) for id_, metadata in (("A", one), ("B", ""))
    )
    file.write_text(text)
    return {
        each.place.resource: each
        for each in findings_of([read(file, shown=file.name)])
        if each.rule == "BKT103"
    }


def test_an_ignore_on_a_resource_is_for_this_resource(tmp_path: Path) -> None:
    told = found(tmp_path, one=IGNORE.format(rule="BKT103", reason="a public data set"))

    assert told["A"].ignored == "a public data set"
    assert told["B"].ignored is None


def test_an_ignore_at_the_top_is_for_the_whole_template(tmp_path: Path) -> None:
    told = found(tmp_path, top=IGNORE.format(rule="BKT103", reason="public data sets"))

    assert {each.ignored for each in told.values()} == {"public data sets"}


@pytest.mark.parametrize("reason", ["''", "'  '", "null", "true"])
def test_an_ignore_without_a_reason_ignores_nothing(tmp_path: Path, reason: str) -> None:
    told = found(tmp_path, one=IGNORE.format(rule="BKT103", reason=reason))

    assert told["A"].ignored is None


def test_an_ignore_of_the_settings_is_for_every_finding_and_comes_last(tmp_path: Path) -> None:
    told = found(tmp_path, one=IGNORE.format(rule="BKT103", reason="a public data set"))
    template = read(tmp_path / "stack.yaml", shown="stack.yaml")

    plain = [replace(each, ignored=None) for each in told.values()]
    reasons = [each.ignored for each in applied(plain, [template], {"BKT103": "of the app"})]

    assert reasons == ["a public data set", "of the app"]


def test_a_fault_is_ignored_by_any_id_under_which_it_is_told(tmp_path: Path) -> None:
    finding = replace(found(tmp_path)["A"], also=("E3030",))

    assert applied([finding], (), {"E3030": "cfn-lint is behind"})[0].ignored
    assert applied([finding], (), {"E3031": "another"})[0].ignored is None


@pytest.mark.parametrize("id_", ["SM201", "E3012", "W2001", "AwsSolutions-IAM5"])
def test_a_rule_that_somebody_has_is_known(id_: str) -> None:
    assert unknown(id_) is None


def test_a_rule_that_nobody_has_is_unknown_and_the_nearest_is_named() -> None:
    assert unknown("BTK103") == ", did you mean BKT103?"
    assert unknown("nothing-like-it") == ""
