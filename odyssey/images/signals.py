"""Signals that ask to stop, taken for the length of a ``with`` block.

Python hears signals in the main thread alone: elsewhere nothing is taken.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


class Signals:
    """Takes the signals that ask to stop, for the length of a ``with`` block.

    Args:
        stop: Called with the number of each.
    """

    def __init__(self, stop: Callable[[int], None]) -> None:
        """Nothing is taken yet."""
        self.again = False
        """Whether Ctrl-C came a second time."""
        self._stop = stop
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        """Take them."""
        if threading.current_thread() is not threading.main_thread():
            return self
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What nohup or a shell's `&` made deaf to hang-ups stays so.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        """Give them back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        self.again = self.again or (self._count > 1 and number == signal.SIGINT)
        self._stop(number)


@contextlib.contextmanager
def unhurried() -> Iterator[None]:
    """Hear the signals that ask to stop only at the end of a ``with`` block.

    What the engine is just making it makes, whether or not somebody waits for its name.
    """
    heard: list[int] = []
    with Signals(heard.append):
        yield
    for number in heard[:1]:
        signal.raise_signal(number)
