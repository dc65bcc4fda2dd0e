"""A job that is watched until it is over."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from odyssey.console import Progress
from odyssey.errors import AwsError, InterruptedByUserError, JobError
from odyssey.jobs import following
from odyssey.jobs.following import TRAINING, TRANSFORM, Ended, Job
from odyssey.jobs.watch import PATIENCE
from tests.functional.conftest import until
from tests.functional.jobs import (
    NAME,
    START,
    FakeClock,
    FakeLogs,
    FakeSageMaker,
    app,
    completed,
    refusal,
    step,
    throttled,
    told,
)

JOB = Job(TRAINING, NAME)
STREAM = f"{NAME}/algo-1-1767323045"
NO_NETWORK = EndpointConnectionError(endpoint_url="https://sagemaker")


def follow(
    client: Any, logs: FakeLogs | None = None, clock: FakeClock | None = None, **how: Any
) -> Ended:
    clock = clock or FakeClock()
    return following.follow(
        client,
        logs or FakeLogs(),
        how.pop("job", JOB),
        progress=Progress(JOB.name, live=False, clock=clock),
        clock=clock,
        sleep=clock.sleep,
        **how,
    )


def test_each_state_is_shown_once_with_its_message(capsys: pytest.CaptureFixture[str]) -> None:
    # given
    starting = step("Starting", "Launching requested ML instances")
    training = step("Training", "Training image download completed", 9)
    looks: list[dict[str, Any] | Exception] = [
        told("InProgress", starting),
        told("InProgress", starting),
        told("InProgress", starting, training),
        completed(),
    ]
    # when
    ended = follow(FakeSageMaker(looks))
    # then
    assert ended.status == "Completed"
    seen = capsys.readouterr()
    assert seen.out == ""
    assert seen.err.splitlines() == [
        "  Starting      Launching requested ML instances",
        "  Training      Training image download completed",
        "  Completed     Training job completed",
    ]


def test_the_log_is_shown_as_it_grows(capsys: pytest.CaptureFixture[str]) -> None:
    # given
    logs = FakeLogs()
    client = FakeSageMaker(
        [told("InProgress"), told("InProgress"), completed()],
        on_look=lambda number: logs.put(STREAM, f"epoch {number}\n"),
    )
    # when
    ended = follow(client, logs)
    # then
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "epoch" in line] == ["epoch 1", "epoch 2", "epoch 3"]
    assert ended.tail == ("epoch 1", "epoch 2", "epoch 3")


def test_lines_that_come_after_the_end_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    # given
    logs, clock = FakeLogs(), FakeClock()
    late = iter(["late", "later"])

    def on_sleep() -> None:
        for line in late:
            logs.put(STREAM, line)
            break

    clock.on_sleep = on_sleep
    # when
    ended = follow(FakeSageMaker([completed()]), logs, clock)
    # then
    assert ended.tail == ("late", "later")
    assert capsys.readouterr().err.splitlines()[-2:] == ["late", "later"]


def test_something_is_said_every_30_seconds_at_least(capsys: pytest.CaptureFixture[str]) -> None:
    follow(FakeSageMaker([*[told("InProgress")] * 14, completed()]))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "  InProgress",
        f"{NAME}... 30 s",
        f"{NAME}... 1 min 00 s",
        "  Completed     Training job completed",
    ]


def test_something_is_said_while_aws_lets_us_wait(capsys: pytest.CaptureFixture[str]) -> None:
    client = FakeSageMaker([completed()], on_look=lambda _: time.sleep(1.6))
    progress = Progress(NAME, live=False, every=0.5)
    following.follow(client, FakeLogs(), JOB, interval=0.01, progress=progress)
    assert capsys.readouterr().err.startswith(f"{NAME}... 1 s\n")


@pytest.mark.parametrize(
    "trouble",
    [
        throttled(),
        NO_NETWORK,
        refusal("InternalFailure", "oops", status=500),
        refusal("ServiceUnavailable", "later", status=503),
    ],
)
def test_trouble_that_passes_is_waited_out(trouble: Exception) -> None:
    clock = FakeClock()
    minutes = int(5 * 60 / following.INTERVAL)
    looks: list[dict[str, Any] | Exception] = [told("InProgress"), *[trouble] * minutes]
    ended = follow(FakeSageMaker([*looks, completed()]), clock=clock)
    assert ended.status == "Completed"
    assert clock.now >= 300


def test_trouble_that_does_not_pass_ends_the_watching_and_says_that_the_job_goes_on() -> None:
    clock = FakeClock()
    with pytest.raises(AwsError) as caught:
        follow(FakeSageMaker([told("InProgress"), NO_NETWORK]), clock=clock)
    assert clock.now >= PATIENCE
    assert f"the training job {NAME} goes on unwatched" in caught.value.message
    assert str(caught.value.hint).endswith(f"odyssey sagemaker status {NAME} --follow")


def test_trouble_that_lasts_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    follow(FakeSageMaker([told("InProgress"), *[NO_NETWORK] * 20, completed()]))
    said = [line for line in capsys.readouterr().err.splitlines() if "does not answer" in line]
    assert said == [
        "  AWS does not answer; still trying: Could not connect to the endpoint URL: "
        '"https://sagemaker"'
    ]


def test_trouble_now_and_then_is_not_added_up() -> None:
    now_and_then = [throttled(), told("InProgress")] * 200
    assert follow(FakeSageMaker([*now_and_then, completed()])).status == "Completed"


def test_credentials_that_have_expired_end_the_watching_at_once() -> None:
    expired = refusal("ExpiredTokenException", "The security token included is expired")
    client = FakeSageMaker([told("InProgress"), expired])
    with pytest.raises(AwsError, match="goes on unwatched: AWS does not take the credentials"):
        follow(client)
    assert client.described == 2


def test_a_job_that_was_just_made_may_be_unknown_for_a_while() -> None:
    unknown = refusal("ValidationException", "Requested resource not found.")
    assert follow(FakeSageMaker([unknown, unknown, completed()])).status == "Completed"


def test_a_job_that_is_gone_ends_the_watching_at_once() -> None:
    unknown = refusal("ValidationException", "Requested resource not found.")
    client = FakeSageMaker([told("InProgress"), unknown, completed()])
    with pytest.raises(AwsError, match="Requested resource not found"):
        follow(client)


def test_a_job_that_is_not_there_is_an_error() -> None:
    with pytest.raises(AwsError, match="Requested resource not found"):
        follow(FakeSageMaker())


def test_a_log_that_may_not_be_read_is_said_once_and_the_job_is_watched_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    refused = refusal("AccessDeniedException", "not authorized to perform: logs")
    logs = FakeLogs(raises=[refused, refused])
    ended = follow(FakeSageMaker([told("InProgress"), completed()]), logs)
    assert ended.status == "Completed"
    assert capsys.readouterr().err.count("The log cannot be read: ") == 1


def test_a_log_that_is_throttled_is_read_at_the_next_look() -> None:
    logs = FakeLogs(raises=[throttled()])
    logs.put(STREAM, "a line")
    ended = follow(FakeSageMaker([told("InProgress"), completed()]), logs)
    assert ended.tail == ("a line",)


def test_each_look_is_told_the_last_too() -> None:
    seen: list[str] = []
    client = FakeSageMaker([told("InProgress"), completed()])
    follow(client, on_look=lambda each: seen.append(each["TrainingJobStatus"]))
    assert seen == ["InProgress", "Completed"]


def test_a_transform_job_is_watched_in_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    # given
    class Transforms:
        looks = ["InProgress", "InProgress", "Failed"]

        def describe_transform_job(self, TransformJobName: str) -> dict[str, str]:  # noqa: N803
            assert TransformJobName == "batch"
            return {"TransformJobStatus": self.looks.pop(0), "FailureReason": "no input"}

    logs = FakeLogs(group="/aws/sagemaker/TransformJobs")
    logs.put("batch/i-1-1767323045", "asked for nothing")
    # when
    ended = follow(Transforms(), logs, job=Job(TRANSFORM, "batch"))
    # then
    assert (ended.status, ended.reason) == ("Failed", "no input")
    assert capsys.readouterr().err.splitlines() == [
        "  InProgress",
        "asked for nothing",
        "  Failed",
    ]


@pytest.mark.parametrize("wait", ["between looks", "while AWS is asked"])
def test_ctrl_c_stops_watching_and_says_how_to_watch_again_and_how_to_stop(wait: str) -> None:
    # given
    asked = threading.Event()
    held = threading.Event()

    def on_look(_: int) -> None:
        asked.set()
        if wait == "while AWS is asked":
            held.wait(30)

    client = FakeSageMaker([told("InProgress")], on_look=on_look)

    def press() -> None:
        until(asked.is_set)
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    # when
    presser.start()
    with pytest.raises(InterruptedByUserError) as caught:
        following.follow(client, FakeLogs(), Job(TRAINING, NAME, "--env prod"), interval=30)
    presser.join()
    held.set()
    # then
    assert caught.value.message == f"stopped watching; the training job {NAME} goes on"
    assert caught.value.hint == (
        f"odyssey sagemaker status {NAME} --follow --env prod watches it again; "
        f"odyssey sagemaker stop {NAME} --env prod stops it"
    )


def test_a_job_that_is_completed_is_no_error() -> None:
    following.require_completed(Ended(JOB, completed()))


def test_a_job_that_failed_is_an_error_with_the_reason_and_the_last_lines() -> None:
    failed = told("Failed", FailureReason="AlgorithmError: \x1b[31mno data")
    with pytest.raises(JobError) as caught:
        following.require_completed(Ended(JOB, failed, ("Traceback", "KeyError: 'x'")))
    assert caught.value.message == (
        f"the training job {NAME} failed: AlgorithmError: \\x1b[31mno data\n"
        "  Traceback\n  KeyError: 'x'"
    )
    assert caught.value.hint == f"odyssey sagemaker logs {NAME}"


def test_commands_of_hints_lead_to_the_same_place(tmp_path: Any) -> None:
    plain = app(tmp_path / "plain")
    there = app(tmp_path / "there", "[env.prod.local]\nport = 1", flags={"aws.region": "eu-west-1"})
    assert following.again(plain) == ""
    assert following.again(there, "work") == "--profile work --region eu-west-1"


def test_the_time_of_the_oldest_line_can_be_chosen() -> None:
    logs = FakeLogs()
    logs.put(STREAM, "old", at=0)
    logs.put(STREAM, "new", at=30)
    ended = follow(FakeSageMaker([completed()]), logs, since=START.replace(second=20))
    assert ended.tail == ("new",)
