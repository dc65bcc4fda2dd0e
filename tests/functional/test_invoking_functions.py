"""Events to functions in AWS, how these stand, and what they print."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from odyssey.client import Body
from odyssey.errors import AwsError, RequestError, TimedOutError, UsageError
from odyssey.functions import invoking, looking
from odyssey.functions.invoking import Answer
from odyssey.functions.looking import Overview, Standing
from odyssey.runtime import Clock
from tests.functional.functions import IMAGE, MODEL, TRAINED, World, refusal

EVENT = b'{"observation": [1, 2]}'
CSV = Body(b"1,2\n3,4\n", "text/csv")


class Time:
    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, None)


def invoke(
    world: World, sent: Body | None = None, name: str | None = None, accept: str | None = None
) -> Answer:
    time = Time()
    clock = Clock(lambda: time.now, time.sleep)
    return invoking.invoke(world.settings(), world.access, name, sent, accept, clock=clock)


def test_json_is_the_event_itself_and_its_answer_is_printed_as_it_is(world: World) -> None:
    world.functions.will_answer(b'{"label": 1.0}')
    answer = invoke(world, Body(EVENT))
    assert world.functions.asked == [{"FunctionName": "iris-serve", "Payload": EVENT}]
    assert answer.body == b'{"label": 1.0}'
    document = answer.document()
    assert (document["function"], document["body"]) == ("iris-serve", {"label": 1.0})


def test_an_event_is_sent_once_and_waited_for_longer_than_a_function_may_take(
    world: World,
) -> None:
    world.functions.will_answer({})
    invoke(world, Body(EVENT))
    options = world.options["lambda"]
    assert options["retries"] == {"total_max_attempts": 1}
    assert options["read_timeout"] > 900


def test_anything_else_is_the_body_of_a_request_and_its_answer_is_taken_out(world: World) -> None:
    world.functions.will_answer(
        {"statusCode": 200, "headers": {"Content-Type": "text/csv"}, "body": "0.5\n"}
    )
    answer = invoke(world, CSV, accept="text/csv")
    (event,) = world.functions.events
    assert (event["version"], event["requestContext"]["http"]["method"]) == ("2.0", "POST")
    assert event["headers"] == {"content-type": "text/csv", "accept": "text/csv"}
    assert (event["body"], event["isBase64Encoded"]) == ("1,2\n3,4\n", False)
    assert (answer.content_type, answer.body) == ("text/csv", b"0.5\n")


def test_json_that_wants_another_type_is_a_request_too(world: World) -> None:
    world.functions.will_answer({"statusCode": 200, "headers": {}, "body": "x"})
    invoke(world, Body(EVENT, "application/json; charset=utf-8"), accept="text/csv")
    assert world.functions.events[0]["body"] == EVENT.decode()


def test_bytes_go_and_come_in_base64(world: World) -> None:
    body = base64.b64encode(b"\xff\x00").decode()
    world.functions.will_answer({"statusCode": 200, "body": body, "isBase64Encoded": True})
    answer = invoke(world, Body(b"\xfe\x01", "application/x-npy"))
    (event,) = world.functions.events
    assert (event["body"], event["isBase64Encoded"]) == ("/gE=", True)
    assert answer.body == b"\xff\x00"


def test_an_answer_that_is_no_response_is_printed_as_it_is(world: World) -> None:
    world.functions.will_answer([1, 2])
    assert invoke(world, CSV).body == b"[1, 2]"


def test_a_response_with_an_error_is_one(world: World) -> None:
    headers = {"content-type": "application/json"}
    told = {"statusCode": 400, "headers": headers, "body": '{"error": "2 columns, not 4"}'}
    world.functions.will_answer(told)
    with pytest.raises(RequestError, match="failed with 400: 2 columns, not 4") as caught:
        invoke(world, CSV)
    assert caught.value.hint == "odyssey lambda logs -n iris-serve --since 10m"


def test_a_function_that_fails_is_said_with_its_error_and_where_its_log_is(world: World) -> None:
    world.functions.will_fail("BadInput", "no \x1b[31mgood")
    with pytest.raises(RequestError) as caught:
        invoke(world, Body(EVENT))
    assert caught.value.message == r"the function iris-serve failed: BadInput: no \x1b[31mgood"
    assert caught.value.exit_code == 1
    assert caught.value.hint == "odyssey lambda logs -n iris-serve --since 10m"


def test_a_function_that_takes_too_long_has_timed_out(world: World) -> None:
    world.functions.will_fail("Sandbox.Timedout", "Error: Task timed out after 3.00 seconds")
    with pytest.raises(TimedOutError, match="after 3.00 seconds") as caught:
        invoke(world, Body(EVENT))
    assert "-t SECONDS" in str(caught.value.hint)


def test_no_answer_in_time_is_not_asked_for_again(world: World) -> None:
    world.functions.answers.append(ReadTimeoutError(endpoint_url="https://lambda"))
    with pytest.raises(TimedOutError, match="gave no answer within 960 s"):
        invoke(world, Body(EVENT))
    assert len(world.functions.asked) == 1


def test_what_lambda_has_not_taken_is_sent_again(world: World) -> None:
    world.functions.answers += [
        refusal("TooManyRequestsException"),
        refusal("ResourceConflictException"),
    ]
    world.functions.will_answer({"label": 1})
    assert invoke(world, Body(EVENT)).body == b'{"label": 1}'


def test_what_lambda_refuses_is_not(world: World) -> None:
    world.functions.answers.append(refusal("ServiceException"))
    with pytest.raises(AwsError, match="ServiceException"):
        invoke(world, Body(EVENT))


def test_a_function_that_is_not_there_is_said_with_what_makes_it(world: World) -> None:
    world.functions.answers.append(refusal("ResourceNotFoundException"))
    with pytest.raises(RequestError, match="there is no function other here") as caught:
        invoke(world, Body(EVENT), "other")
    assert "odyssey lambda serve" in str(caught.value.hint)


def test_what_is_kept_ready_answers_as_soon_as_it_is_there(world: World) -> None:
    # given: the setting is there, and not yet the alias
    world.write("[function]\nurl = true\n")
    world.functions.answers.append(refusal("ResourceNotFoundException"))
    for _ in range(3):
        world.functions.will_answer({})
    # when
    for name in (None, "iris-serve:other", "other"):
        invoke(world, Body(EVENT), name)
    # then
    asked = [(each["FunctionName"], each.get("Qualifier")) for each in world.functions.asked]
    assert asked == [
        ("iris-serve", "live"),
        ("iris-serve", None),
        ("iris-serve:other", None),
        ("other", None),
    ]


@pytest.mark.parametrize(
    ("name", "sent", "message"),
    [
        ("iris.serve", Body(EVENT), "must be 1 to 64 letters, digits, hyphens and underscores"),
        (None, Body(b"1,2"), "the body is no JSON"),
        (None, None, "give one of --data and --file"),
        (None, Body(b'"%s"' % (b"x" * 6_291_456)), "6,291,458 bytes, and a function takes 6,291"),
        (None, Body(b"x" * 6_291_456, "text/csv"), "and a function takes 6,291,456"),
    ],
)
def test_what_would_be_refused_is_not_sent(
    world: World, name: str | None, sent: Body | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        invoke(world, sent, name)
    assert world.functions.asked == []


@pytest.mark.parametrize(
    "name",
    ["iris-train", "iris-train:live", "arn:aws:lambda:eu-west-1:123456789012:function:iris-train"],
)
def test_the_model_of_the_app_s_own_function_is_recorded(
    world: World, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.functions.will_answer({"model": TRAINED, "seconds": 2})
    answer = invoke(world, None, name)
    assert world.functions.events == [{}]
    assert world.recorded["model"] == TRAINED
    assert answer.document()["recorded"] == ".odyssey/artifacts.json"
    assert "odyssey lambda serve deploys it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("others-train", {"model": TRAINED}),
        ("iris-train", {"model": "/opt/ml/model"}),
        ("iris-train", [TRAINED]),
    ],
)
def test_what_is_no_model_of_the_app_s_is_not_recorded(
    world: World, name: str, told: object
) -> None:
    world.functions.will_answer(told)
    invoke(world, Body(b"{}"), name)
    assert world.recorded["model"] == MODEL


class FakeLogs:
    """A log group of one stream, which has one line more each time it is asked."""

    def __init__(self, *lines: str) -> None:
        self.lines = [*lines]
        self.there = bool(lines)

    def describe_log_streams(self, **asked: Any) -> dict[str, Any]:
        assert asked["logGroupName"].startswith("/aws/lambda/")
        if not self.there:
            raise refusal("ResourceNotFoundException", operation="DescribeLogStreams")
        return {"logStreams": [{"logStreamName": "2026/01/02/[$LATEST]0123456789"}]}

    def get_log_events(self, nextToken: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803
        new, self.lines = self.lines[:1], self.lines[1:]
        now = int(datetime.now(UTC).timestamp() * 1000)
        events = [{"timestamp": now, "message": f"{text}\n"} for text in new]
        return {"events": events, "nextForwardToken": nextToken + "x" if new else nextToken}


def read(world: World, logs: FakeLogs, name: str, **how: Any) -> list[str]:
    class Access:
        def client(self, service: str, region: str | None = None) -> Any:
            return logs if service == "logs" else world.client(service)

    shown: list[str] = []
    looking.read(Access(), name, shown.append, **how)
    return shown


def test_the_log_of_a_function_is_read(world: World) -> None:
    assert read(world, FakeLogs("START", "REPORT"), "iris-serve") == ["START", "REPORT"]


def test_an_error_in_one_message_is_read_in_lines(world: World) -> None:
    logs = FakeLogs("[ERROR] BadInput: no\rTraceback:\r\xa0\xa0File x\r")
    assert read(world, logs, "iris-serve") == ["[ERROR] BadInput: no\nTraceback:\n  File x"]


def test_a_log_is_followed_until_ctrl_c(world: World) -> None:
    logs = FakeLogs("START")

    def sleep(_: float) -> None:
        if logs.lines == [] and "END" in seen:
            raise KeyboardInterrupt
        logs.lines.append("END")
        seen.append("END")

    seen: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        read(world, logs, "iris-serve", follow=True, sleep=sleep)


def test_a_function_that_has_not_run_has_no_log_and_one_that_is_not_there_is_said(
    world: World,
) -> None:
    assert read(world, FakeLogs(), "iris-train") == []
    with pytest.raises(UsageError, match='there is no function "other" here'):
        read(world, FakeLogs(), "other")


CONFIGURATION = {
    "State": "Active",
    "LastUpdateStatus": "Successful",
    "LastModified": "2026-01-02T03:04:05.000+0000",
    "MemorySize": 2048,
    "Timeout": 60,
    "EphemeralStorage": {"Size": 512},
    "Architectures": ["x86_64"],
    "Environment": {"Variables": {"MODEL_URI": MODEL}},
}


def test_how_the_functions_stand_is_told_with_url_and_schedule(world: World) -> None:
    # given
    world.functions.functions["iris-serve"] = {
        "Configuration": CONFIGURATION,
        "Code": {"ImageUri": "iris:latest", "ResolvedImageUri": IMAGE},
    }
    del world.functions.functions["iris-train"]
    outputs = {"ServeUrl": "https://url", "TrainSchedule": "rate(1 day)"}
    world.cloudformation.stacks["iris-function"]["Outputs"] = [
        {"OutputKey": key, "OutputValue": value} for key, value in outputs.items()
    ]
    # when
    found = looking.status(world.settings(), world.access)
    one = looking.status(world.settings(), world.access, "iris-serve")
    # then
    assert isinstance(found, Overview)
    assert isinstance(one, Standing)
    (told,) = found.document()["functions"]
    assert told == one.document()
    assert (told["image"], told["model"], told["url"]) == (IMAGE, MODEL, "https://url")
    assert (told["state"], told["last_update"], told["memory_mb"]) == ("Active", "Successful", 2048)
    assert "there is no function iris-train" in found.text()
    assert "stack iris-function  CREATE_COMPLETE" in found.text()
    assert f"  image         {IMAGE}" in found.text()
    with pytest.raises(UsageError, match="no function"):
        looking.status(world.settings(), world.access, "other")


def test_the_schedule_is_that_of_the_function_that_trains(world: World) -> None:
    world.cloudformation.stacks["iris-function"]["Outputs"] = [
        {"OutputKey": "TrainSchedule", "OutputValue": "rate(1 day)"}
    ]
    found = looking.status(world.settings(), world.access)
    (told,) = found.document()["functions"]
    assert (told["function"], told["schedule"], told["url"]) == ("iris-train", "rate(1 day)", None)
