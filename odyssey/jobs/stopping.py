"""``odyssey sagemaker stop``: a job asked to stop."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import aws, console
from odyssey.errors import AwsError, UsageError
from odyssey.jobs import standing
from odyssey.jobs.job import ENDED, TRAINING, Job

if TYPE_CHECKING:
    from odyssey.jobs.standing import Standing

GRACE = 120
"""Seconds that SageMaker gives a container between SIGTERM and SIGKILL.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
"""


@dataclass(frozen=True)
class Stopping:
    """A job that was asked to stop.

    Args:
        job: The job.
        status: Its status before.
        asked: Whether it was asked; it was not where it is over already.
        planned: The request was not sent.
    """

    job: Job
    status: str
    asked: bool
    planned: bool = False

    @property
    def request(self) -> dict[str, dict[str, str]]:
        """The request by its operation."""
        return {f"Stop{self.job.kind.word}Job": {self.job.kind.name_key: self.job.name}}

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; of a dry run the request alone."""
        if self.planned:
            return dict(self.request)
        key = self.job.kind.noun.replace(" ", "_")
        status = "Stopping" if self.asked else self.status
        return {key: self.job.name, "status": status, "stopped": self.asked}

    def text(self) -> str:
        """Return it for a reader."""
        return json.dumps(self.request, indent=2) if self.planned else self.job.name


def stop(client: Any, name: str, again: str = "", *, dry_run: bool = False) -> Stopping:
    """Ask a training or transform job to stop.

    Args:
        client: A client of boto3 for ``sagemaker``.
        name: The job's name.
        again: Options that lead to it again, for hints.
        dry_run: Return the request and send nothing.

    Raises:
        UsageError: There is no such job.
        AwsError: AWS refuses.
    """
    found = standing.require(client, name, again)
    job = _job(found)
    if dry_run:
        return Stopping(job, found.status, asked=True, planned=True)
    asked = found.status not in ENDED and _ask(client, job)
    if asked:
        console.note(_announcement(job))
    else:
        found = standing.require(client, name, again)
        console.note(f"the {job.kind.noun} {name} is {found.status} already")
    standing.tidy(client, found)
    return Stopping(job, found.status, asked)


def _job(found: Standing) -> Job:
    if found.job is None:
        raise UsageError(
            f"{found.name} is an endpoint, which is deleted and not stopped",
            "odyssey sagemaker delete",
        )
    return found.job


def _ask(client: Any, job: Job) -> bool:
    """Ask a job to stop; return whether it was not over by itself just then."""
    try:
        with aws.explained():
            getattr(client, job.kind.operation("stop"))(**{job.kind.name_key: job.name})
    except AwsError:
        told = job.find(client)
        if told is None or job.status(told) not in ENDED:
            raise
        return False
    return True


def _announcement(job: Job) -> str:
    told = f"Asked the {job.kind.noun} {job.name} to stop; that may take {GRACE} s"
    if job.kind == TRAINING:
        told += ", and what is in its model folder by then is kept"
    return f"{told}. {job.command('status')} tells how it stands"
