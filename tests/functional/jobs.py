"""Stand-ins for SageMaker's training jobs and CloudWatch's logs, and a time that can be set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from odyssey import config, shapes
from odyssey.config import Config

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAME = "iris-20260102-030405"
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{'ab' * 32}"
ROLE = "arn:aws:iam::123456789012:role/jobs"
MODEL = f"s3://models/iris/{NAME}/output/model.tar.gz"
GROUP = "/aws/sagemaker/TrainingJobs"
SETTINGS = f'[app]\nname = "iris"\n[artifacts]\nimage = "{IMAGE}"\n'


def refusal(code: str, message: str, operation: str = "X", status: int = 400) -> ClientError:
    told = {"Error": {"Code": code, "Message": message}}
    return ClientError({**told, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)


def throttled() -> ClientError:
    return refusal("ThrottlingException", "Rate exceeded", "DescribeTrainingJob")


def step(status: str, message: str = "", second: int = 0) -> dict[str, Any]:
    """A secondary status, as AWS lists them."""
    return {"Status": status, "StatusMessage": message, "StartTime": START.replace(second=second)}


def told(status: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What DescribeTrainingJob answers."""
    return {
        "TrainingJobName": NAME,
        "TrainingJobStatus": status,
        "SecondaryStatus": steps[-1]["Status"] if steps else status,
        "SecondaryStatusTransitions": list(steps),
        "CreationTime": START,
        **more,
    }


def completed(**more: Any) -> dict[str, Any]:
    made = {"ModelArtifacts": {"S3ModelArtifacts": MODEL}}
    times = {"TrainingTimeInSeconds": 100, "BillableTimeInSeconds": 100}
    return told("Completed", step("Completed", "Training job completed"), **made, **times, **more)


@dataclass
class FakeClock:
    """Seconds that pass only when somebody sleeps."""

    now: float = 0.0
    on_sleep: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep()


@dataclass
class FakeSageMaker:
    """Training jobs; each description is the next of `looks`, and the last one stays.

    `refuses` has what CreateTrainingJob raises, one after the other, before it works.
    """

    looks: list[dict[str, Any] | Exception] = field(default_factory=list)
    refuses: list[Exception] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    described: int = 0
    on_look: Callable[[int], None] = lambda _: None

    def create_training_job(self, **request: Any) -> None:
        assert shapes.problems("sagemaker", "CreateTrainingJob", request) == ()
        if self.refuses:
            raise self.refuses.pop(0)
        self.created.append(request)

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:  # noqa: N803
        self.described += 1
        self.on_look(self.described)
        if not self.looks:
            raise refusal("ValidationException", "Requested resource not found.")
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return {**look, "TrainingJobName": TrainingJobName}


@dataclass
class FakeLogs:
    """Streams of one log group, with tokens as CloudWatch gives them; `raises` come first."""

    streams: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    group: str = GROUP
    page: int = 2
    raises: list[Exception] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def put(self, stream: str, *messages: str, at: int | None = None) -> None:
        lines = self.streams.setdefault(stream, [])
        for message in messages:
            second = at if at is not None else sum(map(len, self.streams.values()))
            lines.append((int(START.timestamp() + second) * 1000, message))

    def describe_log_streams(self, **asked: Any) -> dict[str, Any]:
        self._called("DescribeLogStreams", asked)
        prefix = asked.get("logStreamNamePrefix", "")
        # AWS takes no prefix together with an order by time.
        assert not (prefix and asked.get("orderBy") == "LastEventTime")
        found = [
            {"logStreamName": name, "lastEventTimestamp": lines[-1][0]}
            for name, lines in sorted(self.streams.items(), key=lambda one: -one[1][-1][0])
            if name.startswith(prefix)
        ]
        begin = int(asked.get("nextToken", 0))
        rest = {"nextToken": str(begin + 1)} if begin + 1 < len(found) else {}
        return {"logStreams": found[begin : begin + 1], **rest}

    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        self._called("GetLogEvents", asked)
        lines = self.streams[asked["logStreamName"]]
        begin = int(asked.get("nextToken", "f/0")[2:])
        page = lines[begin : begin + self.page]
        events = [
            {"timestamp": time, "message": message}
            for time, message in page
            if time >= asked.get("startTime", 0)
        ]
        return {"events": events, "nextForwardToken": f"f/{begin + len(page)}"}

    def _called(self, operation: str, asked: dict[str, Any]) -> None:
        assert shapes.problems("logs", operation, asked) == ()
        self.calls.append(operation)
        if self.raises:
            raise self.raises.pop(0)
        if asked["logGroupName"] != self.group or not self.streams:
            raise refusal("ResourceNotFoundException", "The specified log group does not exist.")


@dataclass
class FakeClients:
    """The way to the fake services; a service that is not there may not be asked for."""

    sagemaker: Any = None
    logs: Any = None
    others: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, region: str | None = None) -> Any:
        found = {"sagemaker": self.sagemaker, "logs": self.logs, **self.others}.get(service)
        assert found is not None, f"{service} was asked for"
        return found


def app(folder: Path, *more: str, flags: dict[str, object] | None = None) -> Config:
    """The settings of an app in a folder, with more lines in its odyssey.toml."""
    folder.mkdir(exist_ok=True)
    (folder / "odyssey.toml").write_text(SETTINGS + "\n".join(more))
    return config.load(folder, flags=flags)
