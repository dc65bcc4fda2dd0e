"""What an app has on SageMaker: training jobs, transform jobs, endpoints and models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import aws, console
from odyssey.errors import AwsError
from odyssey.jobs.job import is_absent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

LIMIT = 10
"""How many of each kind are listed: the newest."""


@dataclass(frozen=True)
class Row:
    """One thing on SageMaker.

    Args:
        kind: ``training job``, ``transform job``, ``endpoint`` or ``model``.
        name: Its name.
        status: Its status; empty for a model, which has none.
        made: When it was made.
        instance: Type and number of its instances; empty where it has none.
    """

    kind: str
    name: str
    status: str
    made: datetime
    instance: str

    def document(self) -> dict[str, str]:
        """Return it as JSON takes it."""
        return {**self.cells(), "made": self.made.isoformat()}

    def cells(self) -> dict[str, str]:
        """Return it as a row of a table."""
        return {
            "kind": self.kind,
            "name": self.name,
            "status": self.status,
            "made": f"{self.made.astimezone():%Y-%m-%d %H:%M:%S}",
            "instance": self.instance,
        }


@dataclass(frozen=True)
class _Kind:
    """A kind of things, in the words of the API."""

    noun: str
    word: str
    instance: Callable[[Any, str], str]

    @property
    def operation(self) -> str:
        spaced = self.word.replace("Job", "_job").lower()
        return f"list_{spaced}s"


def find(client: Any, name: str, limit: int = LIMIT) -> tuple[Row, ...]:
    """Return the newest things of each kind whose names have a text in them.

    Args:
        client: A client of boto3 for ``sagemaker``.
        name: The text.
        limit: How many of each kind, 1 to 100.

    Raises:
        AwsError: AWS refuses.
    """
    return tuple(row for kind in _KINDS for row in _rows(client, kind, name, limit))


def text(rows: Iterable[Row]) -> str:
    """Return rows as a table; nothing where there are none."""
    cells = [row.cells() for row in rows]
    return console.table(cells) if cells else ""


def _rows(client: Any, kind: _Kind, name: str, limit: int) -> Iterable[Row]:
    asked = {"NameContains": name, "SortBy": "CreationTime", "SortOrder": "Descending"}
    with aws.explained():
        answer = getattr(client, kind.operation)(**asked, MaxResults=limit)
    summaries = next(value for key, value in answer.items() if isinstance(value, list))
    for told in summaries[:limit]:
        found = told[f"{kind.word}Name"]
        # Not every AWS that is emulated looks at NameContains.
        if name.lower() not in found.lower():
            continue
        status = str(told.get(f"{kind.word}Status", ""))
        yield Row(kind.noun, found, status, told["CreationTime"], _instance(client, kind, found))


def _instance(client: Any, kind: _Kind, name: str) -> str:
    """Return what a thing runs on, or nothing where it has gone meanwhile."""
    try:
        with aws.explained():
            return kind.instance(client, name)
    except AwsError as error:
        if is_absent(error):
            return ""
        raise


def _of_training(client: Any, name: str) -> str:
    told = client.describe_training_job(TrainingJobName=name)
    return instances(told.get("ResourceConfig", {}))


def _of_transform(client: Any, name: str) -> str:
    told = client.describe_transform_job(TransformJobName=name)
    return instances(told.get("TransformResources", {}))


def _of_endpoint(client: Any, name: str) -> str:
    config = client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    told = client.describe_endpoint_config(EndpointConfigName=config)
    return ", ".join(map(_variant, told.get("ProductionVariants", ())))


def _variant(told: Mapping[str, Any]) -> str:
    if "ServerlessConfig" in told:
        return f"serverless, {told['ServerlessConfig']['MemorySizeInMB']} MB"
    return _times(told.get("InstanceType", ""), told.get("InitialInstanceCount", 1))


def instances(told: Mapping[str, Any]) -> str:
    """Return the instances of a job for a reader: ``ml.m5.large``, ``2 x ml.m5.large``.

    Args:
        told: Its ``ResourceConfig`` or ``TransformResources``.
    """
    return _times(told.get("InstanceType", ""), told.get("InstanceCount", 1))


def _times(kind: str, count: int) -> str:
    return f"{count} x {kind}" if kind and count > 1 else kind


_KINDS = (
    _Kind("training job", "TrainingJob", _of_training),
    _Kind("transform job", "TransformJob", _of_transform),
    _Kind("endpoint", "Endpoint", _of_endpoint),
    _Kind("model", "Model", lambda _client, _name: ""),
)
