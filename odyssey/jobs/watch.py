"""One look at a job after the other: what is new of its states and its log, shown once."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from odyssey.console import Progress, clean, painted
from odyssey.errors import AwsError
from odyssey.jobs.job import ENDED, Job, is_absent, told_by
from odyssey.jobs.logs import Tail

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")

PATIENCE = 600.0
"""Seconds that AWS may throttle us, or be out of reach, before the watching ends."""

SETTLING = 60.0
"""Seconds that a job that has just been made may be unknown to AWS."""

NOTICED = 30.0
"""Seconds of them that are worth a word."""

_BAD = {"Failed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded", "Interrupted"}


@dataclass
class Watch:
    """What is known of a job while it is watched."""

    client: Any
    job: Job
    tail: Tail
    shown: Progress
    clock: Callable[[], float]
    told: dict[str, Any] = field(default_factory=dict)
    said: set[tuple[str, ...]] = field(default_factory=set)
    no_log: bool = False
    away_since: float | None = None
    away_said: bool = False

    def look(self) -> bool:
        """Show what is new; return whether the job is over."""
        told = self._patiently(lambda: self.job.describe(self.client))
        if told is not None:
            self.told = told
            self._states()
        self.read()
        return self.job.status(self.told) in ENDED

    def read(self) -> bool:
        """Show what is new in the log; return whether anything is."""
        if self.no_log:
            return False
        try:
            lines = _beside(self.shown, self.tail.new)
        except AwsError as error:
            if not is_passing(error):
                self.no_log = True
                self.shown.say(f"  The log cannot be read: {clean(error.message)}")
            return False
        for line in lines:
            self.shown.say(self.tail.shown(line))
        return bool(lines)

    def _patiently(self, call: Callable[[], dict[str, Any]]) -> dict[str, Any] | None:
        """Return an answer; None where AWS may give one later."""
        try:
            answer = _beside(self.shown, call)
        except AwsError as error:
            now = self.clock()
            self.away_since = now if self.away_since is None else self.away_since
            if now - self.away_since >= self._patience(error):
                raise self._lost(error) from error
            if now - self.away_since >= NOTICED and not self.away_said:
                self.away_said = True
                self.shown.say(f"  AWS does not answer; still trying: {clean(error.message)}")
            return None
        self.away_since, self.away_said = None, False
        return answer

    def _patience(self, error: AwsError) -> float:
        """Return the seconds after which a refusal ends the watching."""
        if is_passing(error):
            return PATIENCE
        return SETTLING if not self.told and is_absent(error) else 0.0

    def _lost(self, error: AwsError) -> AwsError:
        job = self.job
        return AwsError(
            f"the {job.kind.noun} {job.name} goes on unwatched: {error.message}",
            f"{error.hint + '; then ' if error.hint else ''}{job.command('status', '--follow')}",
        )

    def _states(self) -> None:
        """Show the states that are new: of a training job the finer ones, with their messages."""
        finer = self.told.get("SecondaryStatusTransitions") or []
        for step in finer:
            started = str(step.get("StartTime", ""))
            self._say(started, str(step["Status"]), str(step.get("StatusMessage", "")))
        if not finer:
            self._say("", self.job.status(self.told), "")

    def _say(self, started: str, status: str, message: str) -> None:
        if (started, status, message) in self.said:
            return
        self.said.add((started, status, message))
        name = painted(f"{clean(status):<12}", "red" if status in _BAD else "cyan")
        self.shown.say(f"  {name}  {clean(message)}".rstrip())


def is_passing(error: AwsError) -> bool:
    """Return whether a refusal passes by itself: throttling, a fault of AWS's, a lost network."""
    from botocore.exceptions import ConnectionError as NoConnection
    from botocore.exceptions import HTTPClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error.__cause__, NoConnection | HTTPClientError | ResponseParserError):
        return True
    code = str(told_by(error).get("Code", ""))
    response = getattr(error.__cause__, "response", None) or {}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return "Throttl" in code or code in _PASSING or status >= 500


_PASSING = {"RequestLimitExceeded", "TooManyRequestsException", "ServiceUnavailable"}


def _beside(shown: Progress, call: Callable[[], Answer]) -> Answer:
    """Return what a call returns; while it waits for AWS, show that the work goes on."""
    answers: list[Answer] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(call())
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(shown.tick())
    for error in errors:
        raise error
    return answers[0]
