"""What happens to a stack's resources, as it happens.

`Watcher` asks CloudFormation from a thread of its own, so that the program in the foreground stays
free; `StackProgress` shows it on stderr.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from odyssey import aws
from odyssey.console import Progress, clean, elapsed, painted
from odyssey.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from types import TracebackType

INTERVAL = 3.0
"""Seconds between two requests; CloudFormation throttles an account that asks much more often."""

SLOWEST = 30.0
"""Seconds between two requests at most, when the last ones failed."""

STACK = "AWS::CloudFormation::Stack"
_CANCELLED = ("cancelled", "canceled")


@dataclass(frozen=True)
class Event:
    """One change of a resource's status.

    Args:
        id: Its id.
        logical_id: The resource's name in the template; the stack's own for the stack itself.
        physical_id: The resource's name or ARN, where it has one already.
        type: Its type.
        status: Such as ``CREATE_COMPLETE``.
        reason: What AWS says about it, or nothing.
        time: When it happened.
    """

    id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    time: datetime

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to the resource for now."""
        return not self.status.endswith("_IN_PROGRESS")

    @property
    def failed(self) -> bool:
        """Whether it failed by itself: what CloudFormation cancelled for its sake has not."""
        return self.status.endswith("_FAILED") and not any(
            word in self.reason for word in _CANCELLED
        )


class Watcher:
    """Collects the events of a stack in a thread, for the length of a ``with`` block.

    Args:
        client: A client of boto3 for ``cloudformation``.
        stack: The stack's name; its ARN, where it is going to be deleted.
        interval: Seconds between two requests.
    """

    def __init__(self, client: Any, stack: str, *, interval: float = INTERVAL) -> None:
        """Note what to watch; it begins with the ``with`` block."""
        self.problem: AwsError | None = None
        """Why events can no longer be read, or None."""
        self._client = client
        self._stack = stack
        self._interval = interval
        self._seen: set[str] = set()
        self._begun = False
        self._found: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Take the events so far for known, and begin."""
        self._poll()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Look once more, for the last events, unless the block was left in haste."""
        self._over.set()
        self._thread.join()
        if kind is None:
            self._poll()

    def new(self) -> Iterator[Event]:
        """Yield the events since the last call, the oldest first."""
        while not self._found.empty():
            yield self._found.get()

    def _watch(self) -> None:
        pause = self._interval
        while not self._over.wait(pause):
            pause = self._interval if self._poll() else min(pause * 2, SLOWEST)

    def _poll(self) -> bool:
        """Ask once; a request that fails is made again, later each time."""
        try:
            fresh = list(self._fresh())
        except AwsError as error:
            self.problem = error
            return False
        self.problem = None
        for event in reversed(fresh):
            self._seen.add(event.id)
            if self._begun:
                self._found.put(event)
        self._begun = True
        return True

    def _fresh(self) -> Iterator[Event]:
        """Yield the events that were not seen yet, the newest first, as AWS lists them."""
        asked = {"StackName": self._stack}
        while True:
            answer = self._ask(asked)
            for told in answer["StackEvents"]:
                if told["EventId"] in self._seen:
                    return
                yield _event(told)
            # What happened before we began is long, and of no interest but for its newest event.
            if not answer.get("NextToken") or not self._begun:
                return
            asked["NextToken"] = answer["NextToken"]

    def _ask(self, asked: Mapping[str, str]) -> dict[str, Any]:
        from odyssey.cloudformation.service import is_absent

        try:
            with aws.explained():
                answer: dict[str, Any] = self._client.describe_stack_events(**asked)
                return answer
        except AwsError as error:
            if isinstance(error.__cause__, Exception) and is_absent(error.__cause__):
                return {"StackEvents": []}
            raise


class StackProgress:
    """Shows the events of a stack: a line for each change, and what is under way.

    On a terminal a resource has a line once it is done, and a live line tells what is under way and
    for how long. Elsewhere every change of status has a line.

    Args:
        label: What goes on, such as ``Deploying app-endpoint``.
        paths: Construct paths by logical id, for the reader who knows the code.
        progress: Where to show it. Default: stderr.
    """

    def __init__(
        self,
        label: str,
        *,
        paths: Mapping[str, str],
        progress: Progress | None = None,
    ) -> None:
        """Nothing has happened yet."""
        self.first_failure: Event | None = None
        """The resource that failed first: the others mostly fail for its sake."""
        self.progress = progress or Progress(label)
        self._paths = paths
        self._live = self.progress.live
        self._under_way: dict[str, Event] = {}
        self._since: dict[str, float] = {}
        self._done = 0

    def show(self, events: Iterable[Event]) -> None:
        """Show events, the oldest first."""
        for event in events:
            self._take(event)
        if self._live:
            self.progress.step(self._summary())

    def name(self, event: Event) -> str:
        """Return how a reader knows a resource: its construct path and its logical id."""
        path = self._paths.get(event.logical_id)
        if path is None or path == event.logical_id:
            return event.logical_id
        return f"{path} ({event.logical_id})"

    def _take(self, event: Event) -> None:
        before = self._under_way.get(event.logical_id)
        if before is not None and before.status == event.status:
            return  # CloudFormation says twice that a creation goes on: when it begins, and later.
        if event.failed and self.first_failure is None and event.type != STACK:
            self.first_failure = event
        if event.ended or not self._live:
            self._line(event, before)
        if event.ended:
            self._under_way.pop(event.logical_id, None)
            self._done += event.type != STACK
        else:
            # A clean-up after the update has a status of its own, and begins anew.
            self._under_way[event.logical_id] = event
            self._since[event.logical_id] = self.progress.seconds

    def _line(self, event: Event, before: Event | None) -> None:
        seconds = (event.time - before.time).total_seconds() if event.ended and before else 0
        took = f"  {elapsed(seconds)}" if seconds >= 1 else ""
        status = painted(f"{event.status:<20}", _colour(event))
        reason = f"\n    {clean(event.reason)}" if event.status.endswith("_FAILED") else ""
        name = clean(self.name(event))
        self.progress.say(f"  {status}  {event.type}  {name}{took}{reason}")

    def _summary(self) -> str:
        at_work = [event for event in self._under_way.values() if event.type != STACK]
        names = ", ".join(self._at_work(event.logical_id) for event in at_work)
        return f"{self._done} done" + (f", under way: {names}" if names else "")

    def _at_work(self, logical_id: str) -> str:
        seconds = self.progress.seconds - self._since[logical_id]
        return f"{self._paths.get(logical_id, logical_id)} {elapsed(seconds)}"


def _colour(event: Event) -> str:
    if event.status.endswith("_FAILED") or "ROLLBACK" in event.status:
        return "red"
    return "green" if event.ended else "cyan"


def _event(told: Mapping[str, Any]) -> Event:
    return Event(
        id=told["EventId"],
        logical_id=told.get("LogicalResourceId", ""),
        physical_id=told.get("PhysicalResourceId", ""),
        type=told.get("ResourceType", ""),
        status=told.get("ResourceStatus", ""),
        reason=told.get("ResourceStatusReason", ""),
        time=told["Timestamp"],
    )
