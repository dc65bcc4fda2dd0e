"""What happens to a stack, as it is collected and shown."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from odyssey.cloudformation.events import STACK, Event, StackProgress, Watcher
from odyssey.console import Progress
from tests.functional.conftest import until
from tests.functional.stacks import START, FakeCloudFormation, absent, event, refusal


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Shown:
    """A display whose text can be read."""

    def __init__(self, *, live: bool, **paths: str) -> None:
        self.clock = Clock()
        self.stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        progress = Progress("Deploying", stream=self.stream, live=live, clock=self.clock)
        self.display = StackProgress("Deploying", paths=paths, progress=progress)

    @property
    def text(self) -> str:
        buffer = self.stream.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode()


def happened(
    number: int, logical_id: str, status: str, reason: str = "", type_: str = "AWS::S3::Bucket"
) -> Event:
    time = START + timedelta(seconds=number)
    return Event(str(number), logical_id, "", type_, status, reason, time)


def ids(events: Iterator[Event]) -> list[str]:
    return [event.id for event in events]


def collected(looks: list[Any], count: int) -> list[str]:
    """The ids of the events that a watcher finds, of which there are `count`."""
    found: list[str] = []
    cloudformation = FakeCloudFormation(looks=looks)
    with Watcher(cloudformation, "app", interval=0.01) as watcher:
        until(lambda: found.extend(ids(watcher.new())) or len(found) >= count)
    return found + ids(watcher.new())


def test_events_of_before_are_not_told_and_new_ones_come_in_their_order() -> None:
    before = [event(1, "A", "CREATE_COMPLETE"), event(2, "B", "CREATE_COMPLETE")]
    during = [event(3, "A", "UPDATE_IN_PROGRESS"), event(4, "A", "UPDATE_COMPLETE")]
    assert collected([before, during, [], [event(5, "B", "DELETE_COMPLETE")]], 3) == ["3", "4", "5"]


def test_a_stack_that_is_not_there_yet_has_no_events() -> None:
    assert collected([absent("app"), absent("app"), [event(1, "A", "X_COMPLETE")]], 1) == ["1"]


def test_events_between_the_last_look_and_the_end_are_not_lost() -> None:
    cloudformation = FakeCloudFormation(looks=[[], [event(1, "A", "CREATE_COMPLETE")]])
    with Watcher(cloudformation, "app", interval=60) as watcher:
        assert ids(watcher.new()) == []
    assert ids(watcher.new()) == ["1"]


def test_throttling_is_waited_out() -> None:
    slow = refusal("Throttling", "Rate exceeded")
    assert collected([[], slow, slow, [event(1, "A", "CREATE_COMPLETE")]], 1) == ["1"]


def test_a_first_look_that_fails_does_not_turn_the_past_into_news() -> None:
    slow = refusal("Throttling", "Rate exceeded")
    past, now = [event(1, "A", "CREATE_COMPLETE")], [event(2, "A", "UPDATE_COMPLETE")]
    assert collected([slow, past, now], 1) == ["2"]


def test_a_refusal_is_remembered_while_it_lasts() -> None:
    denied = refusal("AccessDenied", "not authorized to perform: DescribeStackEvents")
    cloudformation = FakeCloudFormation(looks=[[], denied])
    with Watcher(cloudformation, "app", interval=0.01) as watcher:
        until(lambda: watcher.problem)
        assert "not authorized" in str(watcher.problem)
        until(lambda: watcher.problem is None)


class Pages:
    """A client whose events come in pages."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pages = {"": ([4, 3], "next"), "next": ([2, 1], "")}

    def describe_stack_events(
        self,
        StackName: str,  # noqa: N803
        NextToken: str = "",  # noqa: N803
    ) -> dict[str, Any]:
        self.asked.append(NextToken)
        numbers, token = self.pages[NextToken]
        told = [event(number, "A", "CREATE_COMPLETE") for number in numbers]
        return {"StackEvents": told, "NextToken": token}


def test_the_past_is_read_one_page_deep() -> None:
    pages = Pages()
    with Watcher(pages, "app", interval=60) as watcher:
        assert pages.asked == [""]
        pages.pages = {"": ([8, 7], "next"), "next": ([6, 5], "last"), "last": ([4, 3], "more")}
    assert ids(watcher.new()) == ["5", "6", "7", "8"]


def test_elsewhere_than_on_a_terminal_each_change_has_a_line() -> None:
    shown = Shown(live=False, Bucket1="Store")
    shown.display.show(
        [
            happened(0, "Bucket1", "CREATE_IN_PROGRESS"),
            happened(1, "Bucket1", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
            happened(65, "Bucket1", "CREATE_COMPLETE"),
        ]
    )
    assert shown.text.splitlines() == [
        "  CREATE_IN_PROGRESS    AWS::S3::Bucket  Store (Bucket1)",
        "  CREATE_COMPLETE       AWS::S3::Bucket  Store (Bucket1)  1 min 05 s",
    ]


def test_on_a_terminal_what_is_done_has_a_line_and_what_is_under_way_the_live_line() -> None:
    # given
    shown = Shown(live=True, Bucket1="Store")
    shown.display.show(
        [
            happened(0, "app", "CREATE_IN_PROGRESS", type_=STACK),
            happened(0, "Role1", "CREATE_IN_PROGRESS"),
            happened(0, "Bucket1", "CREATE_IN_PROGRESS"),
            happened(2, "Role1", "CREATE_COMPLETE"),
        ]
    )
    # when
    shown.clock.now = 95
    shown.display.show([])
    shown.display.progress.tick()
    # then
    assert shown.text == (
        "  CREATE_COMPLETE       AWS::S3::Bucket  Role1  2 s\n"
        "\r\x1b[KDeploying... 1 min 35 s  1 done, under way: Store 1 min 35 s"
    )


def test_a_reason_is_told_where_something_failed_and_cannot_steer_the_terminal() -> None:
    shown = Shown(live=False)
    shown.display.show([happened(0, "B", "CREATE_FAILED", "no \x1b[31mroom")])
    assert shown.text.splitlines()[1] == "    no \\x1b[31mroom"


def test_the_first_failure_is_no_cancellation_and_not_the_stack_s_own() -> None:
    shown = Shown(live=False)
    events = [
        happened(1, "A", "CREATE_FAILED", "Resource creation cancelled"),
        happened(2, "app", "ROLLBACK_FAILED", "it failed", STACK),
        happened(3, "B", "CREATE_FAILED", "no room"),
        happened(4, "C", "CREATE_FAILED", "no room either"),
    ]
    shown.display.show(events)
    assert shown.display.first_failure == events[2]


@pytest.mark.parametrize(
    ("status", "ended", "failed"),
    [
        ("CREATE_IN_PROGRESS", False, False),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", False, False),
        ("DELETE_SKIPPED", True, False),
        ("UPDATE_FAILED", True, True),
    ],
)
def test_a_status_tells_whether_it_is_over(status: str, ended: bool, failed: bool) -> None:
    one = happened(1, "A", status)
    assert (one.ended, one.failed) == (ended, failed)
