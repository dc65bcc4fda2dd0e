"""What is printed, and where."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey import console


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def progress(clock: Clock, *, live: bool) -> tuple[console.Progress, io.TextIOWrapper]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    return console.Progress("Training", stream=stream, live=live, clock=clock), stream


def written(stream: io.TextIOWrapper) -> str:
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()


@given(st.text())
def test_clean_text_has_no_control_character_left(text: str) -> None:
    shown = console.clean(text)
    assert all(char.isprintable() or char in "\n\t" for char in shown)


def test_clean_text_shows_what_was_there() -> None:
    assert console.clean("a\x1b[31mb\u202e") == "a\\x1b[31mb\\u202e"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59.9, "59 s"), (65, "1 min 05 s"), (3725, "1 h 02 min")],
)
def test_a_time_is_said_as_a_reader_says_it(seconds: float, said: str) -> None:
    assert console.elapsed(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_960, "1.0 MB"),
        (1_234_567_890, "1.2 GB"),
        (5 * 10**12, "5.0 TB"),
    ],
)
def test_a_size_is_said_as_a_reader_says_it(count: int, said: str) -> None:
    assert console.size(count) == said


def test_a_table_is_lined_up_under_its_headings() -> None:
    rows = [{"key": "a", "value": "1"}, {"key": "long", "value": "2"}]
    assert console.table(rows) == "key   value\na     1\nlong  2"


def test_a_silent_child_is_covered_by_a_line_every_half_minute() -> None:
    # given
    clock = Clock()
    work, stream = progress(clock, live=False)
    # when
    for clock.now in range(0, 100, 5):
        work.tick()
    # then
    assert written(stream).splitlines() == [
        "Training... 30 s",
        "Training... 1 min 00 s",
        "Training... 1 min 30 s",
    ]


def test_a_talking_child_is_not_interrupted() -> None:
    clock = Clock()
    work, stream = progress(clock, live=False)
    for clock.now in range(0, 100, 5):
        work.feed(b"epoch\n")
        work.tick()
    assert set(written(stream).splitlines()) == {"epoch"}


def test_a_heartbeat_begins_a_line_of_its_own() -> None:
    clock = Clock()
    work, stream = progress(clock, live=False)
    work.feed(b"loss 0.1")
    clock.now = 30
    work.tick()
    assert written(stream) == "loss 0.1\nTraining... 30 s\n"


def test_the_live_line_gives_way_to_the_child() -> None:
    # given
    clock = Clock()
    work, stream = progress(clock, live=True)
    # when
    clock.now = 3
    work.tick()
    work.feed(b"epoch 1\n")
    work.tick()
    clock.now = 6
    work.step("saving")
    work.tick()
    work.end()
    # then
    assert written(stream) == (
        "\r\x1b[KTraining... 3 s  \r\x1b[Kepoch 1\n\r\x1b[KTraining... 6 s  saving\r\x1b[K"
    )


def test_a_child_s_open_line_is_ended_at_the_end() -> None:
    work, stream = progress(Clock(), live=True)
    work.feed(b"100 %")
    work.end()
    work.end()
    assert written(stream) == "100 %\n"
