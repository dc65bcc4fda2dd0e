"""The catalogue of causes: each is recognised by what shows it, and by nothing that is like it."""

import pytest

from odyssey.diagnosis.causes import CATALOGUE
from odyssey.diagnosis.verdict import judge
from tests.diagnosis.cases import (
    CASES,
    PING,
    UNKNOWN,
    endpoint,
    event,
    function,
    raised,
    stack,
    training,
    transform,
)

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


WELL = {
    "endpoint": endpoint(
        "[2026-01-02 03:04:05 +0000] [7] [INFO] Starting gunicorn 27.0.0",
        "[2026-01-02 03:04:05 +0000] [7] [INFO] Listening at: unix:/tmp/gunicorn.sock (7)",
        "[2026-01-02 03:04:05 +0000] [7] [INFO] Booting worker with pid: 137",
        '169.254.178.2 - - [02/Jan/2026:03:04:05 +0000] "GET /ping HTTP/1.1" 200 2 "-" "AHC/2.0"',
        '169.254.178.2 - - [02/Jan/2026:03:04:05 +0000] "POST /invocations HTTP/1.1" 200 413 "-"',
        "UserWarning: X does not have valid feature names",
        "error rate 0.01, memory 512 MB, 0 timeouts, permission granted",
        reason="",
    ),
    "training": training(
        "",
        "2026-01-02 03:04:05 Starting - Starting the training job...",
        "2026-01-02 03:04:06 Downloading - Downloading input data...",
        "epoch 137: loss=0.139 error=0.5 val_error=0.413",
        "/usr/lib/python3/site-packages/x.py:9: FutureWarning: the default of n_init will change",
        "2026-01-02 03:04:07 Uploading - Uploading generated training model",
        "2026-01-02 03:04:08 Completed - Training job completed",
        steps=("Starting", "Downloading", "Training", "Uploading", "Completed"),
    ),
    "transform": transform(
        "", '"POST /invocations HTTP/1.1" 200 500', '"GET /execution-parameters HTTP/1.1" 404 9'
    ),
    "function": function(
        "INIT_START Runtime Version: python:3.12.v1",
        "START RequestId: 1 Version: $LATEST",
        "[INFO]\t2026-01-02T03:04:05.006Z\t1\terrors: 0",
        "END RequestId: 1",
        "REPORT RequestId: 1\tDuration: 3.01 ms\tBilled Duration: 4 ms\tMemory Size: 1024 MB\t"
        "Max Memory Used: 256 MB\tInit Duration: 900.00 ms",
    ),
}


@pytest.mark.parametrize("kind", WELL)
def test_the_log_of_what_is_well_shows_no_cause(kind: str) -> None:
    assert recognised(judge(WELL[kind])) == set()
