"""The logs of jobs, endpoints and functions in CloudWatch, read as they grow.

Each container of a job, an endpoint or a function writes to a stream of its own, in the group of
its kind.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.console import clean
from odyssey.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEPT = 10
"""Lines that are kept for the report of a failure."""

LATE = timedelta(hours=3)
"""How much later than a stream's newest line CloudWatch may note its time."""


@dataclass(frozen=True)
class Place:
    """Where a log is.

    Args:
        group: The log group, such as ``/aws/sagemaker/TrainingJobs``.
        prefix: What the names of its streams begin with; empty is every stream of the group.
    """

    group: str
    prefix: str = ""


@dataclass(frozen=True)
class Line:
    """One line of a log.

    Args:
        stream: The stream it is in, such as ``JOB/algo-1-1700000000``.
        time: When it was written.
        text: What it says, without a line break at its end.
    """

    stream: str
    time: datetime
    text: str

    @property
    def host(self) -> str:
        """The container that wrote it, such as ``algo-1``; of a function's the first digits."""
        if "[" in self.stream:  # 2026/01/02/[$LATEST]0123456789abcdef
            return self.stream.rpartition("]")[2][:8]
        last = self.stream.partition("/")[2] or self.stream
        return re.sub(r"-\d{9,}$", "", last)

    def document(self) -> dict[str, str]:
        """Return it as JSON takes it."""
        return {"time": self.time.isoformat(), "stream": self.stream, "text": self.text}


class Tail:
    """Reads the lines of a log that were not read yet, again and again.

    Args:
        client: A client of boto3 for ``logs``.
        place: The log.
        since: The time of the oldest line to read. Default: the beginning.

    Example:
        >>> tail = Tail(client, Place("/aws/sagemaker/TrainingJobs", "iris-1/"))
        >>> for line in tail.new():
        ...     print(tail.shown(line))
    """

    def __init__(self, client: Any, place: Place, *, since: datetime | None = None) -> None:
        """Nothing is read yet."""
        self.last: deque[str] = deque(maxlen=KEPT)
        """The newest lines, as they are shown."""
        self._client = client
        self._place = place
        self._since = since
        self._tokens: dict[str, str | None] = {}
        self._waiting: list[Line] = []

    @property
    def streams(self) -> tuple[str, ...]:
        """The names of the streams that are known by now."""
        return tuple(self._tokens)

    def new(self) -> list[Line]:
        """Return the lines since the last call, the oldest first; none where there is no log yet.

        Raises:
            AwsError: AWS refuses. What was read before that is returned by the next call.
        """
        for stream in self._streams():
            self._tokens.setdefault(stream, None)
        for stream in self._tokens:
            self._read(stream)
        found, self._waiting = sorted(self._waiting, key=lambda line: line.time), []
        self.last.extend(self.shown(line) for line in found[-KEPT:])
        return found

    def shown(self, line: Line) -> str:
        """Return a line for a reader, after the name of its container where there are several."""
        several = len({Line(stream, line.time, "").host for stream in self._tokens}) > 1
        return clean(f"{line.host} | {line.text}" if several else line.text)

    def _streams(self) -> Iterator[str]:
        """Yield the names of the streams that may have lines of the time that is asked for."""
        asked: dict[str, Any] = {"logGroupName": self._place.group}
        if self._place.prefix:
            asked["logStreamNamePrefix"] = self._place.prefix
        else:
            asked |= {"orderBy": "LastEventTime", "descending": True}
        while True:
            answer = self._unless_absent("describe_log_streams", asked)
            streams = answer.get("logStreams", [])
            recent = [stream for stream in streams if self._is_recent(stream)]
            yield from (str(stream["logStreamName"]) for stream in recent)
            # Without a prefix the newest come first: after an old one there are only older ones.
            over = len(recent) < len(streams) and not self._place.prefix
            if over or not answer.get("nextToken"):
                return
            asked["nextToken"] = answer["nextToken"]

    def _is_recent(self, stream: Mapping[str, Any]) -> bool:
        newest = stream.get("lastEventTimestamp")
        if self._since is None or newest is None:
            return True
        return _time(newest) >= self._since - LATE

    def _read(self, stream: str) -> None:
        while True:
            before = self._tokens[stream]
            answer = self._unless_absent("get_log_events", self._asked(stream, before))
            self._waiting += [
                Line(stream, _time(event["timestamp"]), _text(event["message"], stream))
                for event in answer.get("events", [])
            ]
            self._tokens[stream] = answer.get("nextForwardToken", before)
            # At the end of a stream CloudWatch answers with the token that it was given.
            if self._tokens[stream] == before:
                return

    def _asked(self, stream: str, token: str | None) -> dict[str, Any]:
        asked: dict[str, Any] = {
            "logGroupName": self._place.group,
            "logStreamName": stream,
            "startFromHead": True,
        }
        if self._since is not None:
            asked["startTime"] = int(self._since.timestamp() * 1000)
        return asked | ({"nextToken": token} if token else {})

    def _unless_absent(self, operation: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer, which is empty where the group or the stream is not there yet."""
        try:
            with aws.explained():
                answer: dict[str, Any] = getattr(self._client, operation)(**asked)
                return answer
        except AwsError as error:
            told = aws.answer(error).get("Error", {})
            if told.get("Code") == "ResourceNotFoundException":
                return {}
            raise


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _text(message: str, stream: str) -> str:
    """Return a message without line breaks at its end; of a progress bar its last state."""
    if "[" in stream:
        # The runtime of a function writes an error in one message, with these between its lines.
        return message.rstrip("\r\n").replace("\r", "\n").replace("\xa0", " ")
    return message.rstrip("\r\n").rpartition("\r")[2]
