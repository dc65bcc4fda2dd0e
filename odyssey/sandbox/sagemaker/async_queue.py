"""The queue of an asynchronous endpoint."""

from __future__ import annotations

import functools
import threading
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.sagemaker.async_work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sagemaker.endpoint import Endpoint
    from odyssey.sandbox.sandbox import Sandbox

TABLE = "async-invocations"
"""The requests that wait or are worked on; those are begun again after a restart."""

CONCURRENCY = 4
"""Requests at once on one instance, where the configuration does not say."""

LOOK = 0.2
"""Seconds between two looks at what no one tells of: machines, and the time."""


class AsyncQueue:
    """Hands out requests in the order in which they came, as many at once as may be.

    Args:
        sandbox: The sandbox.
        endpoint: The endpoint.
    """

    def __init__(self, sandbox: Sandbox, endpoint: Endpoint) -> None:
        """Nothing waits, and nobody looks."""
        self.endpoint = endpoint
        self._sandbox = sandbox
        self._changed = threading.Condition()
        self._waiting: deque[tuple[str, Mapping[str, Any]]] = deque()
        self._busy = 0
        self._is_attended = False

    def add(self, key: str, item: Mapping[str, Any]) -> None:
        """Put a request at the end.

        Args:
            key: Its key in the table.
            item: What `async_invocations` has noted of it.
        """
        with self._changed:
            self._waiting.append((key, item))
            self._changed.notify_all()
            if not self._is_attended:
                self._is_attended = True
                self._sandbox.tasks.start(f"queue of {self.endpoint.name}", self._attend)

    def _attend(self) -> None:
        """Hand out requests until there are none, or the sandbox stops."""
        while True:
            with self._changed:
                while not (self._waiting and self._busy < self._most()):
                    if not self._waiting or self._sandbox.tasks.stopping.is_set():
                        self._is_attended = False
                        return
                    self._drop_late()
                    self._changed.wait(LOOK)
                key, item = self._waiting.popleft()
                self._busy += 1
            work = functools.partial(self._work, key, item)
            self._sandbox.tasks.start(f"async invocation {key}", work)

    def _most(self) -> int:
        """Return how many requests may be worked on at once."""
        fleet = self.endpoint.fleet
        if fleet is None or not fleet.plan["async"]:
            return 0
        client = fleet.plan["async"].get("ClientConfig", {})
        each: int = client.get("MaxConcurrentInvocationsPerInstance", CONCURRENCY)
        return each * sum(len(variant.serving) for variant in fleet.variants.values())

    def _drop_late(self) -> None:
        """Give up the requests that have waited for too long, or whose endpoint is no more."""
        now, exists = datetime.now(UTC), self.endpoint.exists
        for key, item in list(self._waiting):
            if not exists or item["expires"] < now:
                self._waiting.remove((key, item))
                self._forget(key)
                if exists:
                    work = Work(self._sandbox, self.endpoint, item).expire
                    self._sandbox.tasks.start(f"async invocation {key}", work)

    def _work(self, key: str, item: Mapping[str, Any]) -> None:
        try:
            Work(self._sandbox, self.endpoint, item).do()
            if not self._sandbox.tasks.stopping.is_set():
                self._forget(key)
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def _forget(self, key: str) -> None:
        with self._sandbox.store.lock:
            self._sandbox.store.table(TABLE).pop((self.endpoint.region, key), None)
