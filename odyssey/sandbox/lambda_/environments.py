"""All execution environments: one for each event that is being worked on, kept for the next."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.lambda_.environment import Environment
from odyssey.sandbox.lambda_.functions import Functions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odyssey.sandbox.sandbox import Sandbox

    Record = Mapping[str, Any]

MOST = 10
"""Environments of one function; on AWS an account has a thousand in all."""


class Environments:
    """The environments of every function.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """There are none."""
        self._sandbox = sandbox
        self._functions = Functions(sandbox.store)
        self._changed = threading.Condition()
        self._all: dict[tuple[str, str], list[Environment]] = {}

    @contextmanager
    def one(self, function: Record, version: Record) -> Iterator[Environment]:
        """Lend an environment of a version for the length of a ``with`` block, for one event.

        Raises:
            ServiceError: As many events as may be are worked on already.
        """
        taken = self._take(function, version)
        try:
            yield taken
        finally:
            with self._changed:
                taken.busy, taken.used = False, time.monotonic()
                self._changed.notify_all()

    def retire(self, region: str, name: str) -> None:
        """End those environments of a function whose version has changed, or is no more."""
        with self._functions.lock:
            function = self._functions.table.get((region, name), {"versions": {}})
            revisions = {
                number: version["RevisionId"] for number, version in function["versions"].items()
            }
        with self._changed:
            for each in self._here(region, name):
                if revisions.get(each.number) != each.revision:
                    each.leave()

    def count(self, region: str, name: str) -> int:
        """Return how many environments of a function there are."""
        with self._changed:
            return len(self._here(region, name))

    def _take(self, function: Record, version: Record) -> Environment:
        region, name = function["Region"], function["FunctionName"]
        if self._sandbox.faults.strike("capacity", name):
            raise throttled("ConcurrentInvocationLimitExceeded")
        with self._changed:
            here = self._here(region, name)
            reserved = function["reserved"]
            if reserved is not None and sum(each.busy for each in here) >= reserved:
                raise throttled("ReservedFunctionConcurrentInvocationLimitExceeded")
            idle = sorted((each for each in here if not each.busy), key=lambda each: each.used)
            fitting = [
                each
                for each in idle
                if each.number == version["Version"] and each.revision == version["RevisionId"]
            ]
            if fitting:
                fitting[-1].busy = True
                return fitting[-1]
            if len(here) >= MOST and not idle:
                raise throttled("ConcurrentInvocationLimitExceeded")
            if len(here) >= MOST:
                idle[0].leave()
            made = Environment(self._sandbox, function, version, self._changed)
            self._all[region, name].append(made)
        made.start()
        return made

    def _here(self, region: str, name: str) -> list[Environment]:
        """Return the environments of a function that take events; the lock is held."""
        found = self._all.setdefault((region, name), [])
        found[:] = [each for each in found if not each.leaving]
        return list(found)


def throttled(reason: str) -> ServiceError:
    """Return the refusal of an event that nothing is free for."""
    return ServiceError(
        "TooManyRequestsException",
        "Rate Exceeded.",
        429,
        members={"Reason": reason, "Type": "User"},
    )
