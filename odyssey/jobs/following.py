"""A job on SageMaker, watched until it is over: its states and its log, live.

::

    job = Job(TRAINING, "iris-20260102-030405")
    ended = follow(sagemaker, logs, job)      # the job's statuses and log lines go to stderr
    require_completed(ended)                  # JobError with the reason and the last lines

boto3's own waiters ask every 30 to 120 seconds and show nothing, so they are not used. Ctrl-C ends
the watching, never the job.
"""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.console import Progress, clean
from odyssey.errors import InterruptedByUserError, JobError
from odyssey.jobs.job import ENDED, TRAINING, TRANSFORM, Job, Kind, is_absent
from odyssey.jobs.logs import Tail
from odyssey.jobs.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from odyssey.config import Config

__all__ = [
    "ENDED",
    "TRAINING",
    "TRANSFORM",
    "Ended",
    "Job",
    "Kind",
    "again",
    "detached",
    "follow",
    "is_absent",
    "require_completed",
]

INTERVAL = 5.0
"""Seconds between two looks."""

LATE = 3.0
"""Seconds between two looks at the log of a job that is over."""

QUIET_LOOKS = 2
"""Looks without a new line that end the log of a job that is over: the last lines come late."""


@dataclass(frozen=True)
class Ended:
    """A job that is over.

    Args:
        job: The job.
        told: What SageMaker says of it, as its Describe operation answers.
        tail: The last lines of its log.
    """

    job: Job
    told: Mapping[str, Any]
    tail: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """``Completed``, ``Failed`` or ``Stopped``."""
        return self.job.status(self.told)

    @property
    def reason(self) -> str:
        """Why it failed, in SageMaker's words; empty where it says nothing."""
        return str(self.told.get("FailureReason", ""))

    def with_tail(self, message: str) -> str:
        """Return a message with the last lines of the log below it."""
        return "\n".join([message, *(f"  {line}" for line in self.tail)])


def follow(
    client: Any,
    logs: Any,
    job: Job,
    *,
    interval: float = INTERVAL,
    since: datetime | None = None,
    on_look: Callable[[Mapping[str, Any]], None] | None = None,
    progress: Progress | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Ended:
    """Watch a job until it is over, and show its states and its log on stderr.

    Throttling, and a network that is away for a while, are waited out.

    Args:
        client: A client of boto3 for ``sagemaker``.
        logs: A client for ``logs``.
        job: The job.
        interval: Seconds between two looks.
        since: The time of the oldest line to show. Default: the job's whole log.
        on_look: Called with what SageMaker says of the job, after each look.
        progress: Where to show it. Default: stderr.
        clock: Seconds that only grow.
        sleep: Waits for some seconds.

    Raises:
        AwsError: AWS refuses, or cannot be reached for ten minutes; the job goes on.
        InterruptedByUserError: Ctrl-C; the job goes on, as the message and the hint say.
    """
    shown = progress or Progress(f"{job.kind.noun} {job.name}")
    watch = Watch(client, job, Tail(logs, job.log, since=since), shown, clock)
    try:
        while not watch.look():
            if on_look:
                on_look(watch.told)
            _wait(interval, shown, clock, sleep)
        if on_look:
            on_look(watch.told)
        quiet = 0
        while quiet < QUIET_LOOKS:
            _wait(min(interval, LATE), shown, clock, sleep)
            quiet = 0 if watch.read() else quiet + 1
    except KeyboardInterrupt:
        raise detached(job) from None
    finally:
        shown.end()
    return Ended(job, watch.told, tuple(watch.tail.last))


def detached(job: Job) -> InterruptedByUserError:
    """Return what to say when nobody watches a job any longer, and it goes on."""
    return InterruptedByUserError(
        f"stopped watching; the {job.kind.noun} {job.name} goes on",
        f"{job.command('status', '--follow')} watches it again; {job.command('stop')} stops it",
    )


def require_completed(ended: Ended) -> None:
    """Return if a job has done what it was to do.

    Raises:
        JobError: It failed, or was stopped; with the reason and the last lines of its log.
    """
    if ended.status == "Completed":
        return
    verb = "was stopped" if ended.status == "Stopped" else "failed"
    reason = f": {clean(ended.reason)}" if ended.reason else ""
    message = f"the {ended.job.kind.noun} {ended.job.name} {verb}{reason}"
    raise JobError(ended.with_tail(message), ended.job.command("logs"))


def again(settings: Config, profile: str | None = None) -> str:
    """Return the options that lead to the same environment, profile and region again.

    Args:
        settings: The app's settings.
        profile: The value of ``--profile``.
    """
    region = settings.aws.region if settings.origin("aws.region") == "--region" else ""
    given = {"--env": settings.env, "--profile": profile, "--region": region}
    words = [word for option, value in given.items() if value for word in (option, value)]
    return shlex.join(words)


def _wait(
    seconds: float,
    shown: Progress,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Wait, and show meanwhile that the work goes on."""
    until = clock() + seconds
    while (rest := until - clock()) > 0:
        sleep(min(rest, shown.tick()))
