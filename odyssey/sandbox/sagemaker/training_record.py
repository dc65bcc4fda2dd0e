"""The record of a training job: what DescribeTrainingJob tells, from its start to its end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.store import Store, Table

TABLE = "training-jobs"

LONGEST = 1024
"""Characters of a FailureReason."""

MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
"""What is said at each secondary status."""

DAY = 86_400
"""Seconds that a job may run where the request does not say."""


def created(request: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """Return the record of a job that begins now.

    Args:
        request: The request of CreateTrainingJob.
        arn: The job's ARN.
    """
    now = datetime.now(UTC)
    record = {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **{member: value for member, value in request.items() if member != "Tags"},
        "StoppingCondition": {"MaxRuntimeInSeconds": DAY, **request["StoppingCondition"]},
        "TrainingJobArn": arn,
        "TrainingJobStatus": "InProgress",
        "CreationTime": now,
        "SecondaryStatusTransitions": [],
    }
    _enter(record, "Starting", now)
    return record


class Record:
    """The record of one job, for what makes the job go on.

    Args:
        store: Where it is kept.
        region: The job's region.
        name: The job's name.
    """

    def __init__(self, store: Store, region: str, name: str) -> None:
        """It is there already."""
        self._store = store
        self._key = (region, name)

    def enter(self, status: str, **members: Any) -> None:
        """Note that the job has come to a secondary status.

        Args:
            status: The status.
            members: Further members that it has from now on.
        """
        with self._store.lock:
            record = self._table[self._key]
            record.update(members)
            _enter(record, status, datetime.now(UTC))

    def stopping(self) -> None:
        """Note that the job is being stopped."""
        self.enter("Stopping", TrainingJobStatus="Stopping")

    def done(self, **members: Any) -> None:
        """Note that the job has done its work; one that was to stop is stopped by now."""
        with self._store.lock:
            stopped = self._table[self._key]["TrainingJobStatus"] == "Stopping"
            status = "Stopped" if stopped else "Completed"
            self._end(status, status, members)

    def outlasted(self, **members: Any) -> None:
        """Note that the job has run for as long as it may."""
        self._end("Stopped", "MaxRuntimeExceeded", members)

    def failed(self, reason: str) -> None:
        """Note that the job has failed."""
        self._end("Failed", "Failed", {"FailureReason": reason[:LONGEST]})

    @property
    def _table(self) -> Table:
        return self._store.table(TABLE)

    def _end(self, status: str, secondary: str, members: Mapping[str, Any]) -> None:
        with self._store.lock:
            record, now = self._table[self._key], datetime.now(UTC)
            record.update(members)
            record["TrainingJobStatus"] = status
            _enter(record, secondary, now)
            record["SecondaryStatusTransitions"][-1]["EndTime"] = now
            record["TrainingEndTime"] = now
            if "TrainingStartTime" in record:
                seconds = max(1, round((now - record["TrainingStartTime"]).total_seconds()))
                record["TrainingTimeInSeconds"] = record["BillableTimeInSeconds"] = seconds


def _enter(record: dict[str, Any], status: str, now: datetime) -> None:
    steps = record["SecondaryStatusTransitions"]
    if steps:
        steps[-1]["EndTime"] = now
    steps.append({"Status": status, "StartTime": now, "StatusMessage": MESSAGES[status]})
    record["SecondaryStatus"] = status
    record["LastModifiedTime"] = now
