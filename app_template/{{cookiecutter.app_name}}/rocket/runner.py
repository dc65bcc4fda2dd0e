"""Where a prediction runs: on the event loop, or in a thread once it may be long.

A thread costs a short prediction almost half of its throughput; a long one on the event loop
would leave `/ping` unanswered, and SageMaker replaces a container whose ping takes two seconds.
So each kind of call (its format and the size of its body) has to earn the event loop: it starts
in a thread, moves to the loop after a few short runs, and goes back at the first long one, each
time for longer.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from rocket.errors import RequestError

log = logging.getLogger("rocket")

#: Seconds that a call may take to count as short.
SHORT = 0.05
#: Short runs in a row that earn the event loop; times four at each relapse.
PROBATION = 3


@dataclass
class _Record:
    """What is known of one kind of call."""

    needed: int = PROBATION
    short: int = 0

    @property
    def earned(self) -> bool:
        """Whether calls of this kind may run on the event loop."""
        return self.short >= self.needed

    def timed(self, call: Callable[[], Any]) -> Any:
        """Makes a call and takes note of how long it took; quick failures prove nothing."""
        start = time.perf_counter()
        succeeded = False
        try:
            result = call()
            succeeded = True
            return result
        finally:
            if time.perf_counter() - start > SHORT:
                if self.earned:
                    self.needed *= 4
                self.short = 0
            elif succeeded:
                self.short += 1


@dataclass(eq=False)
class _Job:
    """A call that waits for a thread, or runs in one."""

    call: Callable[[], Any]
    record: _Record
    done: asyncio.Future[Any]
    thread: int | None = None
    lost: bool = False


class Runner:
    """Runs the calls of one event loop.

    Args:
        threads: Calls that may run in threads at once; 1 also keeps the loop's own calls from
            running beside one in a thread, for a `predict` that is not safe to call twice.
        timeout: Seconds after which a call is given up: the client gets 504, and the thread,
            which nothing can stop, is written off until it comes back.
        worn_out: Called when every thread is written off; the process should then be replaced.
    """

    def __init__(self, threads: int, timeout: float, worn_out: Callable[[], None]) -> None:
        self.threads = threads
        self.timeout = timeout
        self.worn_out = worn_out
        #: Since when a call holds the event loop (see watch.py), or None.
        self.since: float | None = None
        self._records: dict[Hashable, _Record] = {}
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._waiting = 0
        self._started = 0
        self._lost = 0

    async def run(self, kind: Hashable, call: Callable[[], Any]) -> Any:
        """Runs a call where its kind belongs, and returns what it returns.

        Args:
            kind: What calls of about the same duration have in common.
            call: Takes no arguments; must be safe to run in any thread.

        Raises:
            RequestError: 504 after `timeout` seconds. What the call raises passes through.
        """
        record = self._records.get(kind) or self._records.setdefault(kind, _Record())
        if record.earned and (self.threads > 1 or not self._waiting):
            self.since = time.perf_counter()
            try:
                return record.timed(call)
            finally:
                self.since = None
        job = _Job(call, record, asyncio.get_running_loop().create_future())
        self._waiting += 1
        self._hire()
        self._jobs.put(job)
        try:
            return await asyncio.wait_for(job.done, self.timeout)
        except TimeoutError:
            self._write_off(job)
            raise RequestError(504, f"no answer within {self.timeout:g} s") from None

    def _hire(self) -> None:
        """Starts a thread if all are taken and there may be one more."""
        at_work = self._started - self._lost
        if at_work < self.threads and at_work < self._waiting:
            self._started += 1
            loop = asyncio.get_running_loop()
            # Daemons: a prediction that never ends must not keep the worker from exiting.
            threading.Thread(target=self._work, args=(loop,), name="predict", daemon=True).start()

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        while True:
            job = self._jobs.get()
            outcome: Any = None
            failure: BaseException | None = None
            if not job.done.done():  # Else its client left, or was told 504, before its turn.
                job.thread = threading.get_ident()
                try:
                    outcome = job.record.timed(job.call)
                except BaseException as error:  # noqa: BLE001 - raised again where it is awaited
                    failure = error
                job.thread = None
            try:
                loop.call_soon_threadsafe(self._finish, job, outcome, failure)
            except RuntimeError:  # The loop is closed: the worker is exiting.
                return

    def _finish(self, job: _Job, outcome: Any, failure: BaseException | None) -> None:
        if job.lost:
            self._lost -= 1
        else:
            self._waiting -= 1
        if job.done.done():
            return
        if failure is None:
            job.done.set_result(outcome)
        else:
            job.done.set_exception(failure)

    def _write_off(self, job: _Job) -> None:
        """Says where a call hangs, and makes room for another thread."""
        frame = sys._current_frames().get(job.thread or 0)  # noqa: SLF001 - the documented way
        if frame is None:
            return  # It never got a thread, or has ended this moment.
        stack = "".join(traceback.format_stack(frame))
        log.error("a prediction has not ended within %g s; it is at\n%s", self.timeout, stack)
        job.lost = True
        self._lost += 1
        self._waiting -= 1
        if self._lost >= self.threads:
            self.worn_out()
