"""The catalogue of causes: each is recognised by what shows it, and by nothing that is like it."""

import pytest

from odyssey.diagnosis.causes import CATALOGUE
from odyssey.diagnosis.verdict import judge
from tests.diagnosis.cases import CASES, PING, UNKNOWN, endpoint, event, raised, stack, training

EVERY = pytest.mark.parametrize("name", [cause.id for cause in CATALOGUE])


def recognised(verdict: object) -> set[str]:
    found = [verdict.cause, *verdict.others] if verdict.cause else []  # type: ignore[attr-defined]
    return {each.cause.id for each in found}


def test_every_cause_has_a_case_and_every_case_a_cause() -> None:
    assert sorted(CASES) == sorted(cause.id for cause in CATALOGUE)
    assert len(CATALOGUE) >= 40


@EVERY
def test_a_cause_is_the_verdict_on_what_shows_it(name: str) -> None:
    verdict = judge(CASES[name].shown)
    assert verdict.cause is not None
    assert verdict.cause.cause.id == name


@EVERY
def test_a_cause_does_not_claim_what_is_only_like_it(name: str) -> None:
    assert name not in recognised(judge(CASES[name].miss))


@EVERY
def test_the_sentences_of_a_cause_name_what_was_seen(name: str) -> None:
    found = judge(CASES[name].shown).cause
    assert found is not None
    for sentence in (found.title, found.fix, found.cause.means):
        assert "(some " not in sentence
        assert "{" not in sentence
    assert found.cause.source.startswith("https://")
    assert found.lines


def test_what_is_not_known_is_not_guessed_at() -> None:
    verdict = judge(UNKNOWN)
    assert verdict.cause is None
    assert "not recognised" in verdict.text()
    assert "The moon was in the wrong place" in verdict.text()
    assert "odyssey sagemaker logs iris" in verdict.text()


def test_a_ping_that_fails_is_a_symptom_of_what_the_log_says() -> None:
    # given
    told = endpoint(*raised("ModuleNotFoundError: No module named 'xgboost'"), reason=PING)
    # when
    verdict = judge(told)
    # then
    assert verdict.cause is not None
    assert verdict.cause.title == 'the Python module "xgboost" is not in the image'
    assert [each.cause.id for each in verdict.others] == ["ping-failed"]


def test_what_aws_says_counts_more_than_a_log_that_may_be_old() -> None:
    access = "Could not access model data at s3://iris/model.tar.gz."
    told = endpoint(*raised("ModuleNotFoundError: No module named 'xgboost'"), reason=access)
    verdict = judge(told)
    assert verdict.cause is not None
    assert verdict.cause.cause.id == "model-data-access"


def test_the_cause_of_a_stack_is_what_failed_and_not_its_state() -> None:
    bucket = event("Bucket", "The bucket you tried to delete is not empty", "ROLLBACK_COMPLETE")
    verdict = judge(bucket.plus(stack("ROLLBACK_COMPLETE").lines))
    assert verdict.cause is not None
    assert verdict.cause.cause.id == "bucket-not-empty"
    assert [each.cause.id for each in verdict.others] == ["never-made"]


def test_the_last_error_of_a_training_is_told_with_the_traceback_before_it() -> None:
    # given
    lines = ("epoch 1", *raised("ValueError: an older one"), "again", *raised("KeyError: 'x'"))
    # when
    verdict = judge(training("AlgorithmError: , exit code: 1", *lines))
    # then
    assert verdict.cause is not None
    assert verdict.cause.title == "the training program ended with KeyError: 'x'"
    assert 'File "/opt/program/serve.py", line 9' in verdict.text()
