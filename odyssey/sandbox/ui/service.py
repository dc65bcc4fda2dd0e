"""``odyssey sandbox ui``: the page of a sandbox's endpoints and functions, until Ctrl-C."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from odyssey import interruption
from odyssey.console import note
from odyssey.errors import OdysseyError
from odyssey.playground.server import Server
from odyssey.sandbox import records
from odyssey.sandbox.ui.place import SandboxPlace

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.config import Config
    from odyssey.sandbox.records import Record

LOOK = 1.0
"""Seconds between two looks whether the sandbox still runs."""

GOODBYE = 1.0
"""Seconds that pages are given to hear that it has stopped."""


def show(
    record: Record,
    settings: Config | None,
    wanted: str,
    port: int | None,
    when_ready: Callable[[str, SandboxPlace], None],
) -> None:
    """Show the page of a sandbox until Ctrl-C, or until the sandbox ends.

    Args:
        record: The sandbox.
        settings: The settings of the app whose samples are shown; None without an app.
        wanted: The name of the endpoint or function to choose first; "" for any.
        port: The page's port; None takes a free one.
        when_ready: Called with the page's URL and what it shows.

    Raises:
        OdysseyError: There is no endpoint or function of that name, the port is taken, or the
            sandbox has ended.
    """
    place = SandboxPlace(record, settings, wanted)
    if wanted:
        place.require(wanted)
    try:
        with interruption.as_ctrl_c(), Server(place, port) as page:
            when_ready(page.url, place)
            _until_it_ends(record)
            for target in place.targets():
                target.log.tell(place.state())
                target.log.until_told(GOODBYE)
    except KeyboardInterrupt:
        note("The page is closed; the sandbox goes on")
        return
    named = "" if record.name == records.DEFAULT else f" --name {record.name}"
    raise OdysseyError(f'the sandbox "{record.name}" has stopped', f"odyssey sandbox start{named}")


def _until_it_ends(record: Record) -> None:
    pause = threading.Event()
    while records.is_running(record.name):
        pause.wait(LOOK)
