"""What machines print, on its way to CloudWatch Logs."""

from __future__ import annotations

import time
from typing import Any

from odyssey.sandbox.logs import LONGEST, WAITING, LogStream
from odyssey.sandbox.sandbox import Sandbox

REGION = "eu-west-1"


def messages(sandbox: Sandbox, stream: str) -> list[str]:
    client = sandbox.clients.client("logs", REGION)
    asked: dict[str, Any] = {"logGroupName": "/group", "logStreamName": stream}
    found: list[str] = []
    while True:
        page = client.get_log_events(**asked, startFromHead=True)
        if not page["events"]:
            return found
        found += [event["message"] for event in page["events"]]
        asked["nextToken"] = page["nextForwardToken"]


def test_output_without_a_line_end_is_written_in_pieces_as_it_comes(shared: Sandbox) -> None:
    # given a machine that prints 5 MB and never ends the line
    begin = time.monotonic()
    with LogStream(shared.clients, REGION, None, "/group", "long") as log:
        # when its output comes in pieces, as a pipe has them
        for _ in range(5 * 64):
            log.write(b"x" * (1 << 14))
    # then all of it is there, and it took no time that grows with the square
    found = messages(shared, "long")
    assert sum(map(len, found)) == 5 << 20
    assert max(map(len, found)) <= LONGEST
    assert time.monotonic() - begin < 10


def test_a_line_that_is_too_long_for_one_event_becomes_several(shared: Sandbox) -> None:
    with LogStream(shared.clients, REGION, None, "/group", "line") as log:
        log.write(b"a" * LONGEST + b"b" * 10 + b"\n\nc\r\n")
    assert messages(shared, "line") == ["a" * LONGEST, "b" * 10, " ", "c"]


def test_a_machine_that_prints_faster_than_is_written_waits_and_loses_nothing(
    shared: Sandbox,
) -> None:
    # given more lines than may wait
    count = 2 * WAITING
    with LogStream(shared.clients, REGION, None, "/group", "flood") as log:
        # when they are printed at once, and so hold up whoever prints more
        log.write(b"".join(b"%d\n" % number for number in range(count)))
        begin = time.monotonic()
    # then all of them are there, in their order, and few were left to be written at the end
    assert messages(shared, "flood") == [str(number) for number in range(count)]
    assert time.monotonic() - begin < 10
