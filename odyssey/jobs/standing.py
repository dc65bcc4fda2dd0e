"""How a job or an endpoint stands, and what a name stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, aws, foundation, invocation, serving, shapes
from odyssey.cloudformation import service
from odyssey.cloudformation.endpoint import log_group
from odyssey.console import clean
from odyssey.errors import AwsError, UsageError
from odyssey.jobs import temporary
from odyssey.jobs.job import TRAINING, TRANSFORM, Job, is_absent
from odyssey.jobs.listing import instances
from odyssey.jobs.logs import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from odyssey.aws import Clients
    from odyssey.config import Config

ENDPOINT = "endpoint"


@dataclass(frozen=True)
class Standing:
    """A job or an endpoint as it stands.

    Args:
        kind: ``training job``, ``transform job`` or ``endpoint``.
        name: Its name.
        told: What SageMaker says of it.
        job: The job; None for an endpoint.
    """

    kind: str
    name: str
    told: Mapping[str, Any]
    job: Job | None = None

    @property
    def log(self) -> Place:
        """Where the log of its containers is."""
        return self.job.log if self.job else Place(log_group(self.name))

    @property
    def status(self) -> str:
        """Its status, such as ``InProgress`` or ``InService``."""
        return self.job.status(self.told) if self.job else str(self.told["EndpointStatus"])

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; what is not known yet is null."""
        common = {"kind": self.kind, "name": self.name, "status": self.status}
        reason = {"failure_reason": self.told.get("FailureReason")}
        made = {"made": _time(self.told.get("CreationTime"))}
        if self.job is None:
            changed = {"changed": _time(self.told.get("LastModifiedTime"))}
            return {
                **common,
                "config": self.told["EndpointConfigName"],
                **reason,
                **made,
                **changed,
            }
        return {**common, **reason, **self._of_job(self.job), **made}

    def _of_job(self, job: Job) -> dict[str, Any]:
        told, word = self.told, job.kind.word
        resources = told.get("ResourceConfig") or told.get("TransformResources") or {}
        running = {
            "instance": instances(resources),
            "started": _time(told.get(f"{word}StartTime")),
            "ended": _time(told.get(f"{word}EndTime")),
        }
        if job.kind == TRANSFORM:
            return {**running, "output": told.get("TransformOutput", {}).get("S3OutputPath")}
        return {
            "secondary_status": told.get("SecondaryStatus"),
            **running,
            "model": told.get("ModelArtifacts", {}).get("S3ModelArtifacts"),
            "training_seconds": told.get("TrainingTimeInSeconds"),
            "billable_seconds": told.get("BillableTimeInSeconds"),
        }

    def text(self) -> str:
        """Return it for a reader: a line for each thing that is known."""
        known = {k.replace("_", " "): v for k, v in self.document().items() if v is not None}
        heading = f"{known.pop('kind')} {known.pop('name')}"
        widest = max(map(len, known))
        lines = [f"  {key.ljust(widest)}  {clean(str(value))}" for key, value in known.items()]
        return "\n".join([heading, *lines])


@dataclass(frozen=True)
class Overview:
    """How an app stands on SageMaker.

    Args:
        training: Its last training job; None where there was none.
        endpoint: Its endpoint; None where there is none.
        stacks: The statuses of its stacks by name; None where one is not deployed.
    """

    training: Standing | None
    endpoint: Standing | None
    stacks: Mapping[str, str | None]

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "training_job": self.training.document() if self.training else None,
            "endpoint": self.endpoint.document() if self.endpoint else None,
            "stacks": [{"stack": name, "status": told} for name, told in self.stacks.items()],
        }

    def text(self) -> str:
        """Return it for a reader."""
        parts = [
            self.training.text() if self.training else "no training job was started from here",
            self.endpoint.text() if self.endpoint else "no endpoint is deployed",
            *(f"stack {name}  {told or 'not deployed'}" for name, told in self.stacks.items()),
        ]
        return "\n".join(parts)


def identify(client: Any, name: str, again: str = "") -> Standing | None:
    """Return the job or the endpoint of a name, or None where there is none.

    Args:
        client: A client of boto3 for ``sagemaker``.
        name: The name.
        again: Options that lead to it again, for hints; see `following.again`.

    Raises:
        UsageError: Nothing can have this name.
        AwsError: AWS refuses.
    """
    shapes.require("sagemaker", "DescribeEndpoint", {"EndpointName": name})
    for kind in (TRAINING, TRANSFORM):
        job = Job(kind, name, again)
        told = job.find(client)
        if told is not None:
            return Standing(kind.noun, name, told, job)
    return identify_endpoint(client, name)


def require(client: Any, name: str, again: str = "") -> Standing:
    """Return the job or the endpoint of a name, as `identify` does.

    Raises:
        UsageError: There is none.
        AwsError: AWS refuses.
    """
    found = identify(client, name, again)
    if found is None:
        raise absent(name, again)
    return found


def current(client: Any, name: str, again: str = "") -> Standing:
    """Return the job or the endpoint of a name, and remove what a transform job needs no longer.

    Raises:
        UsageError: There is none.
        AwsError: AWS refuses.
    """
    found = require(client, name, again)
    tidy(client, found)
    return found


def absent(name: str, again: str = "") -> UsageError:
    """Return the error for a name that nothing has."""
    return UsageError(
        f'there is no training job, transform job or endpoint "{clean(name)}" here',
        f"odyssey sagemaker list {again}".rstrip(),
    )


def last_job(settings: Config) -> str:
    """Return the name of the training job that was started last from here.

    Raises:
        UsageError: None was.
    """
    name = artifacts.load(settings.folder, settings.env).get("training_job")
    if not name:
        raise UsageError(
            "no training job was started from here, and no name is given",
            "odyssey sagemaker list shows names",
        )
    return name


def overview(settings: Config, access: Clients, again: str = "") -> Overview:
    """Return the app's last training job, its endpoint and its stacks.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        again: Options that lead there again, for hints.

    Raises:
        AwsError: AWS refuses.
    """
    client = access.client("sagemaker")
    name = artifacts.load(settings.folder, settings.env).get("training_job")
    job = Job(TRAINING, name, again) if name else None
    told = job.find(client) if job else None
    stacks = access.client("cloudformation")
    names = (foundation.stack_name(settings), serving.stack_name(settings))
    found = {stack: service.describe(stacks, stack) for stack in names}
    return Overview(
        Standing(TRAINING.noun, job.name, told, job) if job and told else None,
        identify_endpoint(client, invocation.endpoint_name(settings)),
        {stack: state.status if state else None for stack, state in found.items()},
    )


def tidy(client: Any, standing: Standing) -> None:
    """Remove the temporary model of a transform job that needs it no longer."""
    if standing.job is not None and standing.job.kind == TRANSFORM:
        temporary.remove_if_done(client, standing.name)


def identify_endpoint(client: Any, name: str) -> Standing | None:
    """Return the endpoint of a name, or None where there is none.

    Raises:
        AwsError: AWS refuses.
    """
    try:
        with aws.explained():
            return Standing(ENDPOINT, name, client.describe_endpoint(EndpointName=name))
    except AwsError as error:
        if is_absent(error):
            return None
        raise


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value is not None else None
