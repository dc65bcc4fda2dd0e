"""What the engine streams, with life shown while it is silent."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Item = TypeVar("Item")

PAUSE = 0.2
"""Seconds of silence after which the caller has a turn."""

AHEAD = 100
"""Items that are read before they are wanted."""


def attended(source: Iterable[Item], on_turn: Callable[[], object]) -> Iterator[Item]:
    """Yield what comes from a source that may be silent for minutes.

    A thread waits for the source, so that signals are heard and the user is told that the work
    goes on.

    Args:
        source: What is read; an exception of its is raised here.
        on_turn: Called between two items, and every `PAUSE` seconds while none comes.
    """
    items: queue.Queue[tuple[bool, Item | Exception | None]] = queue.Queue(AHEAD)

    def read() -> None:
        try:
            for item in source:
                items.put((True, item))
        except Exception as error:  # Raised where it is waited for.
            items.put((False, error))
        else:
            items.put((False, None))

    threading.Thread(target=read, daemon=True).start()
    while True:
        on_turn()
        try:
            more, item = items.get(timeout=PAUSE)
        except queue.Empty:
            continue
        if more:
            yield item  # type: ignore[misc]
        elif isinstance(item, Exception):
            raise item
        else:
            return
