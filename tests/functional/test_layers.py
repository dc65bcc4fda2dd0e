"""The layers of a push, as they are told on a terminal and elsewhere."""

from __future__ import annotations

import io
from typing import Any

import pytest

from odyssey.console import Progress
from odyssey.images.layers import Layers


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def event(layer: str, status: str, **detail: int) -> dict[str, Any]:
    return {"id": layer, "status": status, "progressDetail": detail}


def test_a_terminal_has_one_live_line_with_totals() -> None:
    # given
    clock, stream = Clock(), io.StringIO()
    progress = Progress("Pushing", stream=stream, live=True, clock=clock)
    layers = Layers(progress)
    # when
    layers.take(event("a", "Pushing", current=500, total=2000))
    layers.take(event("b", "Pushing", current=1000, total=3000))
    layers.take(event("c", "Layer already exists"))
    clock.now = 65
    progress.tick()
    # then
    assert stream.getvalue().endswith("Pushing... 1 min 05 s  1.5 kB of 5.0 kB, 1 layers done")


def test_a_layer_that_is_done_counts_as_whole_and_once() -> None:
    stream = io.StringIO()
    layers = Layers(Progress("Pushing", stream=stream, live=False))
    for status in ("Pushing", "Pushed", "Pushed"):
        layers.take(
            event("a", status, **({"current": 9, "total": 12} if status == "Pushing" else {}))
        )
    assert stream.getvalue() == "  a pushed, 12 B\n"
    assert (layers.pushed, layers.there) == (1, 0)


def test_more_than_was_announced_is_the_new_total() -> None:
    stream = io.StringIO()
    layers = Layers(Progress("Pushing", stream=stream, live=False))
    layers.take(event("a", "Pushing", current=50, total=12))
    layers.take(event("a", "Pushed"))
    assert "50 B" in stream.getvalue()


def test_the_engine_s_own_retries_are_told() -> None:
    stream = io.StringIO()
    layers = Layers(Progress("Pushing", stream=stream, live=False))
    layers.take(event("a", "Retrying in 5 seconds"))
    assert stream.getvalue() == "  a retrying in 5 seconds\n"


@pytest.mark.parametrize("said", [{}, {"status": "x"}, {"id": "latest", "status": "digest: y"}])
def test_what_is_about_no_layer_changes_nothing(said: dict[str, Any]) -> None:
    stream = io.StringIO()
    layers = Layers(Progress("Pushing", stream=stream, live=False))
    layers.take(said)
    assert (layers.pushed, layers.there, stream.getvalue()) == (0, 0, "")


def test_a_silent_engine_gets_a_heartbeat() -> None:
    clock, stream = Clock(), io.StringIO()
    layers = Layers(Progress("Pushing", stream=stream, live=False, clock=clock), every=0.01)
    with layers:
        clock.now = 31
        while "Pushing... 31 s" not in stream.getvalue():
            pass
