"""The playground's log: lines as they come, errors among them, and who waits for its end."""

from __future__ import annotations

import threading
import time

import pytest

from odyssey.playground.log import KEPT, LONGEST, Log
from odyssey.playground.marks import Marks
from odyssey.playground.place import ENDED, READY, State

TRACEBACK = [
    ("2026-11-27 09:00:00,000 ERROR predict failed", "error"),
    ("Traceback (most recent call last):", "error"),
    ('  File "serve.py", line 3, in predict', "error"),
    ("", "error"),
    ("ValueError: no", "error"),
    ("POST /invocations HTTP/1.1 200 25 bytes 3 ms", ""),
]


def texts(log: Log) -> list[str]:
    return [line["text"] for line in log.wait(0, "", 0)["lines"]]


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("2026-11-27 09:00:00,000 INFO serve.py and its model loaded in 0.01 s", ""),
        ("POST /invocations HTTP/1.1 500 97 bytes 11 ms", "error"),
        ("POST /invocations HTTP/1.1 400 97 bytes 11 ms", "warning"),
        ("POST /invocations HTTP/1.1 200 500 bytes 11 ms", ""),
        ("[ERROR] ValueError: there is no x", "error"),
        ("2026/11/27 09:00:00 [emerg] 7#7: bind() failed", "error"),
        ("serve.py:3: DeprecationWarning: old", "warning"),
        ("REPORT RequestId: 1 Duration: 3 ms Status: error Error Type: ValueError", "error"),
        ("no errors were found", ""),
    ],
)
def test_an_error_is_told_from_what_is_none(text: str, mark: str) -> None:
    assert Marks().of(text) == mark


def test_a_traceback_is_an_error_to_its_last_line() -> None:
    marks = Marks()
    assert [(text, marks.of(text)) for text, _ in TRACEBACK] == TRACEBACK


def test_a_traceback_without_its_end_takes_no_other_line_along() -> None:
    marks = Marks()
    lines = ["Traceback (most recent call last):", "END RequestId: 1", "all is well"]
    assert [marks.of(text) for text in lines] == ["error", "", ""]


def test_what_a_terminal_would_make_of_it_is_seen() -> None:
    # given
    log = Log()
    # when
    log.feed("10 %\r50 %\r100 %\r\n\x1b[31mred\x1b[0m \x1b]0;title\x07é\n".encode())
    log.feed("half é"[:-1].encode() + b"\xc3")
    log.feed(b"\xa9 \x00\xff\n")
    # then
    assert texts(log) == ["100 %", "red é", "half é \\x00�"]


def test_it_keeps_the_newest_lines_and_cuts_long_ones() -> None:
    # given
    log = Log()
    # when
    log.feed(b"".join(b"%d\n" % number for number in range(KEPT + 5)))
    log.feed(b"x" * (LONGEST + 1))
    # then
    found = texts(log)
    assert len(found) == KEPT
    assert found[0] == "7"
    assert found[-3:] == [str(KEPT + 4), "x" * LONGEST, "x"]


def test_the_end_has_the_last_words() -> None:
    log = Log()
    log.feed(b"no newline at the e")
    log.feed(b"nd")
    log.tell(State(ENDED, "It fell."))
    news = log.wait(0, READY, 10)
    assert [line["text"] for line in news["lines"]] == ["no newline at the end"]
    assert (news["phase"], news["reason"]) == (ENDED, "It fell.")


def test_it_does_not_end_before_the_last_answer_is_written() -> None:
    # given somebody who has asked, and to whom the answer is on its way
    log = Log()
    log.wait(0, "", 0)
    log.tell(State(ENDED))
    # when
    ending = threading.Thread(target=log.until_told, args=(30,))
    ending.start()
    ending.join(0.1)
    before = ending.is_alive()
    log.left(ENDED)
    ending.join(10)
    # then
    assert (before, ending.is_alive()) == (True, False)


def test_nobody_is_waited_for_where_nobody_has_asked() -> None:
    log = Log()
    log.tell(State(ENDED))
    start = time.monotonic()
    log.until_told(10)
    assert time.monotonic() - start < 5
