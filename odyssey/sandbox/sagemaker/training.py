"""SageMaker's training jobs: made, told of, listed, stopped and deleted."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from odyssey.sandbox import listing
from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.sagemaker import tags, training_request
from odyssey.sandbox.sagemaker.kinds import SERVICE, arn
from odyssey.sandbox.sagemaker.training_record import TABLE, Record, created
from odyssey.sandbox.sagemaker.training_run import SANDBOX_STOPPED, Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox
    from odyssey.sandbox.store import Table

RUNNING = ("InProgress", "Stopping")
"""The statuses of a job that is not over."""

SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
)
"""What a list tells of a job."""

KEYS = {"Name": "TrainingJobName", "Status": "TrainingJobStatus"}


class TrainingJobs:
    """The operations on training jobs; each job runs in a task of its own.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """None of them runs."""
        self._sandbox = sandbox
        self._store = sandbox.store
        self._runs: dict[tuple[str, str], Run] = {}

    def resume(self) -> None:
        """End the jobs that ran when the sandbox stopped."""
        with self._store.lock:
            for (region, name), job in self._table.items():
                if job["TrainingJobStatus"] in RUNNING:
                    Record(self._store, region, name).failed(SANDBOX_STOPPED)

    @operation("sagemaker", "CreateTrainingJob")
    def create(self, call: Call) -> dict[str, Any]:
        """Make a job and start it."""
        asked, name = call.parameters, call.parameters["TrainingJobName"]
        training_request.require(asked)
        made = arn("training-job", call.region, name)
        source = {"aws:SourceArn": made}
        self._sandbox.guard.require_trust(asked["RoleArn"], SERVICE, source)
        with self._store.lock:
            self._require_new(call.region, name, made)
            tags.put(self._store, made, asked.get("Tags", ()))
            job = self._table[call.region, name] = created(asked, made)
            record = Record(self._store, call.region, name)
            run = Run(self._sandbox, call.region, copy.deepcopy(job), record)
            self._runs[call.region, name] = run
        self._sandbox.tasks.start(f"training job {name}", run.run)
        return {"TrainingJobArn": made}

    @operation("sagemaker", "DescribeTrainingJob")
    def describe(self, call: Call) -> dict[str, Any]:
        """Return all that is known of a job."""
        with self._store.lock:
            return copy.deepcopy(self._find(call))

    @operation("sagemaker", "ListTrainingJobs")
    def list(self, call: Call) -> dict[str, Any]:
        """Return jobs, page by page; a page may have fewer that are of the status asked for."""
        with self._store.lock:
            here = [job for (region, _), job in self._table.items() if region == call.region]
            found = listing.chosen(here, call.parameters, KEYS)
            answer = listing.page(found, call.parameters, "TrainingJobSummaries", _summary)
        status = call.parameters.get("StatusEquals")
        if status:
            # After the page is cut, as AWS says that it does.
            answer["TrainingJobSummaries"] = [
                job for job in answer["TrainingJobSummaries"] if job["TrainingJobStatus"] == status
            ]
        return answer

    @operation("sagemaker", "StopTrainingJob")
    def stop(self, call: Call) -> dict[str, Any]:
        """Ask a job to stop; what its model folder has in it by then is kept."""
        name = call.parameters["TrainingJobName"]
        with self._store.lock:
            status = self._find(call)["TrainingJobStatus"]
            if status not in RUNNING:
                raise ServiceError(
                    "ValidationException",
                    f"The request was rejected because the training job is in status {status}.",
                )
            if status == "InProgress":
                Record(self._store, call.region, name).stopping()
                self._runs[call.region, name].stop()
        return {}

    @operation("sagemaker", "DeleteTrainingJob")
    def delete(self, call: Call) -> dict[str, Any]:
        """Forget a job that is over."""
        with self._store.lock:
            job = self._find(call)
            status = job["TrainingJobStatus"]
            if status in RUNNING:
                raise ServiceError(
                    "ResourceInUse",
                    f"The request was rejected because the training job is in status {status}.",
                )
            tags.drop(self._store, job["TrainingJobArn"])
            del self._table[call.region, job["TrainingJobName"]]
            self._runs.pop((call.region, job["TrainingJobName"]), None)
        return {}

    @property
    def _table(self) -> Table:
        return self._store.table(TABLE)

    def _find(self, call: Call) -> dict[str, Any]:
        name = call.parameters["TrainingJobName"]
        found: dict[str, Any] | None = self._table.get((call.region, name))
        if found is None:
            raise ServiceError("ValidationException", "Requested resource not found.")
        return found

    def _require_new(self, region: str, name: str, made: str) -> None:
        if (region, name) in self._table:
            raise ServiceError(
                "ResourceInUse",
                "Training job names must be unique within an AWS account and region, and a "
                f"training job with this name already exists ({made})",
            )


def _summary(job: Mapping[str, Any]) -> dict[str, Any]:
    return {member: job[member] for member in SUMMARY if member in job}
