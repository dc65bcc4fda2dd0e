"""The logs of jobs and endpoints, read as they grow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from odyssey.errors import AwsError, UsageError
from odyssey.jobs import reading
from odyssey.jobs.logs import KEPT, Line, Place, Tail
from tests.functional.jobs import (
    GROUP,
    NAME,
    START,
    FakeClients,
    FakeClock,
    FakeLogs,
    FakeSageMaker,
    completed,
    refusal,
    throttled,
    told,
)

STREAM = f"{NAME}/algo-1-1767323045"
SECOND = f"{NAME}/algo-2-1767323045"
PLACE = Place(GROUP, f"{NAME}/")


def texts(lines: list[Line]) -> list[str]:
    return [line.text for line in lines]


def test_each_look_has_what_is_new_whatever_the_size_of_a_page() -> None:
    # given
    logs = FakeLogs()
    logs.put(STREAM, "one", "two", "three", "four", "five")
    tail = Tail(logs, PLACE)
    # when, then
    assert texts(tail.new()) == ["one", "two", "three", "four", "five"]
    assert tail.new() == []
    logs.put(STREAM, "six")
    assert texts(tail.new()) == ["six"]


def test_a_log_that_is_not_there_yet_is_empty() -> None:
    assert Tail(FakeLogs(), PLACE).new() == []


def test_streams_of_another_job_are_left_alone() -> None:
    logs = FakeLogs()
    logs.put(f"{NAME}0/algo-1-1767323045", "not ours")
    logs.put(STREAM, "ours")
    assert texts(Tail(logs, PLACE).new()) == ["ours"]


def test_the_lines_of_several_containers_stand_in_the_order_of_time_with_their_names() -> None:
    # given
    logs = FakeLogs()
    logs.put(STREAM, "first", at=1)
    logs.put(SECOND, "second", at=2)
    logs.put(STREAM, "third", at=3)
    tail = Tail(logs, PLACE)
    # when
    lines = tail.new()
    # then
    assert [tail.shown(line) for line in lines] == [
        "algo-1 | first",
        "algo-2 | second",
        "algo-1 | third",
    ]


def test_a_container_that_began_again_is_still_one_container() -> None:
    logs = FakeLogs()
    logs.put(STREAM, "interrupted", at=1)
    logs.put(f"{NAME}/algo-1-1767329999", "again", at=2)
    tail = Tail(logs, PLACE)
    assert [tail.shown(line) for line in tail.new()] == ["interrupted", "again"]


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("a line\n", "a line"),
        ("  indented\r\n", "  indented"),
        ("10%\r50%\r100%", "100%"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("", ""),
    ],
)
def test_a_message_is_shown_as_a_line(message: str, text: str) -> None:
    logs = FakeLogs()
    logs.put(STREAM, message)
    tail = Tail(logs, PLACE)
    assert [tail.shown(line) for line in tail.new()] == [text]


def test_the_last_lines_are_kept() -> None:
    logs = FakeLogs()
    logs.put(STREAM, *map(str, range(25)))
    tail = Tail(logs, PLACE)
    tail.new()
    logs.put(STREAM, "last")
    tail.new()
    assert list(tail.last) == [*map(str, range(25 - KEPT + 1, 25)), "last"]


def test_lines_before_a_time_are_left_out() -> None:
    logs = FakeLogs()
    logs.put(STREAM, "old", at=1)
    logs.put(STREAM, "new", at=9)
    tail = Tail(logs, PLACE, since=START + timedelta(seconds=5))
    assert texts(tail.new()) == ["new"]


def test_of_an_endpoint_the_old_streams_are_not_read() -> None:
    # given
    logs = FakeLogs(group="/aws/sagemaker/Endpoints/iris")
    for number in range(20):
        logs.put(f"AllTraffic/i-{number}", "old", at=-86400)
    logs.put("AllTraffic/i-new", "new", at=0)
    # when
    lines = Tail(logs, Place(logs.group), since=START - timedelta(hours=1)).new()
    # then
    assert texts(lines) == ["new"]
    assert logs.calls.count("DescribeLogStreams") == 2


def test_a_refusal_is_an_error() -> None:
    logs = FakeLogs(raises=[refusal("AccessDeniedException", "no logs for you")])
    with pytest.raises(AwsError, match="no logs for you"):
        Tail(logs, PLACE).new()


def test_no_line_is_lost_or_doubled_where_a_later_request_is_refused() -> None:
    # given: the second page of the second stream is refused once
    logs = FakeLogs()
    logs.put(STREAM, "one")
    logs.put(SECOND, "two", "three", "four")
    tail = Tail(logs, PLACE)
    answer, asked = logs.get_log_events, []

    def refuse_once(**request: Any) -> dict[str, Any]:
        asked.append(request)
        if len(asked) == 4:
            raise throttled()
        return answer(**request)

    logs.get_log_events = refuse_once  # type: ignore[method-assign]
    # when
    with pytest.raises(AwsError, match="Rate exceeded"):
        tail.new()
    # then
    assert texts(tail.new()) == ["one", "two", "three", "four"]
    assert tail.new() == []


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield boto3.client("logs", region_name="eu-west-1")


def test_moto_s_cloudwatch_is_read_as_ours(cloudwatch: Any) -> None:
    # given
    now = int(datetime.now(UTC).timestamp() * 1000)
    tail = Tail(cloudwatch, PLACE)
    assert tail.new() == []
    cloudwatch.create_log_group(logGroupName=GROUP)
    cloudwatch.create_log_stream(logGroupName=GROUP, logStreamName=STREAM)

    def put(message: str, at: int) -> None:
        event = {"timestamp": at, "message": message}
        cloudwatch.put_log_events(logGroupName=GROUP, logStreamName=STREAM, logEvents=[event])

    # when, then
    put("one", now)
    assert texts(tail.new()) == ["one"]
    put("two", now + 1)
    assert texts(tail.new()) == ["two"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("30s", START - timedelta(seconds=30)),
        ("10m", START - timedelta(minutes=10)),
        ("1h", START - timedelta(hours=1)),
        ("2d", START - timedelta(days=2)),
        ("2026-01-01T00:00:00+00:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T02:00:00+02:00", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01", datetime(2026, 1, 1).astimezone()),
        ("1960-01-01T00:00:00+00:00", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_is_that_long_ago_or_of_iso_8601(text: str, time: datetime) -> None:
    assert reading.since(text, START) == time


@pytest.mark.parametrize("text", ["", "h", "-1h", "1y", "yesterday", "1h30m", "999999w", "\u0663m"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no time"):
        reading.since(text)


def shown_of(client: FakeSageMaker, logs: FakeLogs, **how: Any) -> list[str]:
    shown: list[str] = []
    clock = FakeClock()
    reading.read(FakeClients(client, logs), NAME, shown.append, sleep=clock.sleep, **how)
    return shown


def test_the_log_of_a_job_is_shown_whole() -> None:
    logs = FakeLogs()
    logs.put(STREAM, "one", "two")
    assert shown_of(FakeSageMaker([told("InProgress")]), logs) == ["one", "two"]


def test_a_log_is_followed_until_the_job_is_over_and_its_last_lines_are_there() -> None:
    # given
    logs = FakeLogs()
    logs.put(STREAM, "one")
    looks: list[dict[str, Any] | Exception] = [told("InProgress"), throttled(), completed()]
    client = FakeSageMaker(
        looks, on_look=lambda number: logs.put(STREAM, f"seen {number}") if number > 1 else None
    )
    # when
    shown = shown_of(client, logs, follow=True)
    # then
    assert shown == ["one", "seen 2", "seen 3"]


def test_lines_that_come_late_are_waited_for_as_long_as_they_come() -> None:
    # given
    logs, clock, shown = FakeLogs(), FakeClock(), list[str]()
    logs.put(STREAM, "one")
    clock.on_sleep = lambda: logs.put(STREAM, "late") if clock.now in {6, 12} else None
    client = FakeSageMaker([completed()])
    # when
    reading.read(FakeClients(client, logs), NAME, shown.append, follow=True, sleep=clock.sleep)
    # then
    assert shown == ["one", "late", "late"]
    assert clock.now == 18


class Endpoints(FakeSageMaker):
    """No jobs, but one endpoint; or none."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names

    def describe_transform_job(self, **_: str) -> None:
        raise refusal("ResourceNotFound", "no such job")

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
        if EndpointName not in self.names:
            raise refusal("ValidationException", 'Could not find endpoint "..."')
        return {"EndpointStatus": "InService", "EndpointConfigName": "c"}


def test_the_log_of_an_endpoint_is_that_of_the_last_hour() -> None:
    logs = FakeLogs(group=f"/aws/sagemaker/Endpoints/{NAME}")
    now = datetime.now(UTC) - START
    logs.put("AllTraffic/i-1", "two hours ago", at=int(now.total_seconds()) - 7200)
    logs.put("AllTraffic/i-1", "now", at=int(now.total_seconds()))
    assert shown_of(Endpoints(NAME), logs) == ["now"]


def test_the_log_of_an_endpoint_that_is_gone_is_still_there() -> None:
    logs = FakeLogs(group=f"/aws/sagemaker/Endpoints/{NAME}")
    logs.put("AllTraffic/i-1", "why it failed", at=int((datetime.now(UTC) - START).total_seconds()))
    assert shown_of(Endpoints(), logs) == ["why it failed"]


def test_a_name_that_nothing_has_is_refused() -> None:
    with pytest.raises(UsageError, match=f'endpoint "{NAME}" here') as caught:
        shown_of(Endpoints(), FakeLogs())
    assert caught.value.hint == "odyssey sagemaker list"


def test_trouble_that_passes_does_not_end_a_log_that_is_followed() -> None:
    # given
    logs = FakeLogs()
    logs.put(STREAM, "one")

    def on_look(number: int) -> None:
        if number == 2:
            logs.raises = [throttled()]
            logs.put(STREAM, "two")

    client = FakeSageMaker([told("InProgress")] * 3 + [completed()], on_look=on_look)
    # when, then
    assert shown_of(client, logs, follow=True) == ["one", "two"]


def test_a_refusal_ends_a_log_that_is_followed() -> None:
    logs = FakeLogs()
    logs.put(STREAM, "one")
    expired = refusal("ExpiredTokenException", "the token is expired")
    client = FakeSageMaker([told("InProgress"), expired])
    with pytest.raises(AwsError, match="does not take the credentials"):
        shown_of(client, logs, follow=True)


def test_the_log_of_an_endpoint_is_followed_for_ever() -> None:
    # given
    logs = FakeLogs(group=f"/aws/sagemaker/Endpoints/{NAME}")
    clock = FakeClock()
    shown: list[str] = []

    def on_sleep() -> None:
        now = int((datetime.now(UTC) - START).total_seconds())
        logs.put("AllTraffic/i-1", f"at {clock.now}", at=now)
        if clock.now > 6:
            raise KeyboardInterrupt

    clock.on_sleep = on_sleep
    logs.put("AllTraffic/i-1", "before", at=int((datetime.now(UTC) - START).total_seconds()))
    clients = FakeClients(Endpoints(NAME), logs)
    # when
    with pytest.raises(KeyboardInterrupt):
        reading.read(clients, NAME, shown.append, follow=True, sleep=clock.sleep)
    # then
    assert shown == ["before", "at 3.0", "at 6.0"]


def test_a_document_of_a_log_without_an_end_is_refused() -> None:
    with pytest.raises(UsageError, match="has no end"):
        shown_of(Endpoints(NAME), FakeLogs(), follow=True, endless=False)
