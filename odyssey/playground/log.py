"""The log of what serves a model: the lines of the terminal, for those who wait for them."""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from odyssey.console import clean
from odyssey.playground.marks import Marks
from odyssey.playground.place import ENDED, STARTING, State

KEPT = 2000
"""Lines that are kept for a page that is opened later."""

LONGEST = 8000
"""Characters of a line; what is longer is cut into several."""

QUIET = 0.5
"""Seconds after which a page that has asked before is taken to be closed."""

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)")


@dataclass(frozen=True)
class Line:
    """One line.

    Args:
        number: Its number, from 1.
        text: What it says.
        mark: ``error``, ``warning`` or nothing.
    """

    number: int
    text: str
    mark: str


class Log:
    """Takes what a program prints, and gives it to whoever waits for more."""

    def __init__(self) -> None:
        """Nothing was printed yet."""
        self._lines: deque[Line] = deque(maxlen=KEPT)
        self._state = State(STARTING)
        self._changed = threading.Condition()
        self._marks = Marks()
        self._rest = b""
        self._number = 0
        self._waiting = 0
        self._told = False
        self._asked = float("-inf")

    @property
    def state(self) -> State:
        """How what prints it stands."""
        return self._state

    def feed(self, chunk: bytes) -> None:
        """Take what the program printed."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        # A program that never ends its line is not to fill the memory.
        if len(self._rest) > LONGEST:
            whole.append(self._rest)
            self._rest = b""
        self.add(line.decode(errors="replace") for line in whole)

    def add(self, lines: Any) -> None:
        """Take lines of text."""
        with self._changed:
            for line in lines:
                self._add(line)
            self._changed.notify_all()

    def _add(self, line: str) -> None:
        # Of a progress bar, which returns to the line's beginning, the last state is seen.
        text = clean(_COLOURS.sub("", line.rstrip("\r").rpartition("\r")[2]))
        for at in range(0, max(len(text), 1), LONGEST):
            part = text[at : at + LONGEST]
            self._number += 1
            self._lines.append(Line(self._number, part, self._marks.of(part)))

    def tell(self, state: State) -> None:
        """Note how what prints stands, and tell those who wait."""
        if state.phase == ENDED and self._rest:
            self.feed(b"\n")
        with self._changed:
            self._state = state
            self._changed.notify_all()

    def wait(self, after: int, phase: str, seconds: float) -> dict[str, Any]:
        """Return the lines after a number as soon as there are any, and the state.

        Args:
            after: The number of the last line that is known already; 0 for none.
            phase: The phase that is known already; another is news, too.
            seconds: How long to wait.
        """
        with self._changed:
            self._waiting += 1
        self._until_news(after, phase, seconds)
        with self._changed:
            lines = [asdict(line) for line in self._lines if line.number > after]
            return {"lines": lines, "last": self._number, **self._state.document()}

    def _until_news(self, after: int, phase: str, seconds: float) -> bool:
        """Return as soon as there are lines after a number, or another phase: whether there are."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._number > after or self._state.phase != phase, seconds
            )

    def left(self, phase: str) -> None:
        """Note that somebody who has waited has the answer.

        Args:
            phase: The phase that it tells of.
        """
        with self._changed:
            self._waiting -= 1
            self._asked = time.monotonic()
            self._told = phase == ENDED
            self._changed.notify_all()

    def until_told(self, seconds: float) -> None:
        """Wait until those who wait know that it has ended; not for those who never come back."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while time.monotonic() < deadline and self._is_awaited():
                self._changed.wait(0.05)

    def _is_awaited(self) -> bool:
        return self._waiting > 0 or (not self._told and time.monotonic() < self._asked + QUIET)
