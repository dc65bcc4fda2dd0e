"""``odyssey sagemaker logs``: the log of a job or an endpoint, so far or as it grows."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from odyssey import console
from odyssey.cloudformation.endpoint import log_group
from odyssey.errors import AwsError, UsageError
from odyssey.jobs import standing
from odyssey.jobs.following import QUIET_LOOKS
from odyssey.jobs.job import ENDED
from odyssey.jobs.logs import Line, Place, Tail
from odyssey.jobs.watch import is_passing

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.aws import Clients
    from odyssey.jobs.standing import Standing

INTERVAL = 3.0
"""Seconds between two looks."""

RECENT = timedelta(hours=1)
"""How far back the log of an endpoint is read by default."""

_EARLIEST = datetime.fromtimestamp(0, UTC)

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def since(text: str, now: datetime | None = None) -> datetime:
    """Return the time that ``10m``, ``1h``, ``2d`` or a time of ISO 8601 means.

    Args:
        text: What was typed. A time without a zone is that of this machine; CloudWatch knows none
            before 1970.
        now: The time. Default: that of this machine.

    Raises:
        UsageError: It is neither.
    """
    ago = re.fullmatch(r"(\d{1,6})([smhdw])", text, re.ASCII)
    try:
        if ago:
            begin = (now or datetime.now(UTC)) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        else:
            begin = datetime.fromisoformat(text).astimezone()
        return max(begin, _EARLIEST)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f'--since "{console.clean(text)}" is no time',
            "write 30s, 10m, 1h, 2d, or a time such as 2026-01-02T03:04:05+00:00",
        ) from None


def read(
    access: Clients,
    name: str,
    show: Callable[[str], None],
    *,
    again: str = "",
    begin: datetime | None = None,
    follow: bool = False,
    endless: bool = True,
    interval: float = INTERVAL,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Line]:
    """Show a log line by line, and return it.

    Args:
        access: The way to AWS.
        name: The job or the endpoint. An endpoint's log outlives it.
        show: Shows a line.
        again: Options that lead to it again, for hints.
        begin: The time of the oldest line. Default: all of a job, the last hour of an endpoint.
        follow: Go on until the job is over; for an endpoint, until Ctrl-C.
        endless: Whether a log may be followed that has no end, as that of an endpoint.
        interval: Seconds between two looks.
        sleep: Waits for some seconds.

    Raises:
        UsageError: Nothing has this name, or its log has no end.
        AwsError: AWS refuses.
    """
    client = access.client("sagemaker")
    found = standing.identify(client, name, again)
    if follow and not endless and (found is None or found.job is None):
        raise UsageError(
            f"the log of the endpoint {console.clean(name)} has no end, and a document has one",
            "leave --follow out, or --output json",
        )
    place = found.log if found else Place(log_group(name))
    if begin is None and (found is None or found.job is None):
        begin = datetime.now(UTC) - RECENT
    tail = Tail(access.client("logs"), place, since=begin)
    lines = show_new(tail, show)
    if found is None and not tail.streams:
        raise standing.absent(name, again)
    over, quiet = False, 0
    while follow and found is not None and quiet < QUIET_LOOKS:
        over = over or _is_over(client, found)
        sleep(interval)
        fresh = show_patiently(tail, show)
        quiet = quiet + 1 if over and not fresh else 0
        lines += fresh
    return lines


def show_new(tail: Tail, show: Callable[[str], None]) -> list[Line]:
    """Show the lines of a log that are new, and return them."""
    lines = tail.new()
    for line in lines:
        show(tail.shown(line))
    return lines


def show_patiently(tail: Tail, show: Callable[[str], None]) -> list[Line]:
    """Show what is new; what AWS does not give now it gives at the next look."""
    try:
        return show_new(tail, show)
    except AwsError as error:
        if is_passing(error):
            return []
        raise


def _is_over(client: Any, found: Standing) -> bool:
    """Return whether no more lines come but late ones; an endpoint is never over."""
    if found.job is None:
        return False
    try:
        return found.job.status(found.job.describe(client)) in ENDED
    except AwsError as error:
        if is_passing(error):
            return False
        raise
