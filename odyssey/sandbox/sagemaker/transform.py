"""SageMaker's batch transform jobs: made, told of, listed and stopped."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox import listing
from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.sagemaker import tags, transform_rules
from odyssey.sandbox.sagemaker.kinds import arn
from odyssey.sandbox.sagemaker.models import models
from odyssey.sandbox.sagemaker.transform_errors import INTERNAL, JobFailedError
from odyssey.sandbox.sagemaker.transform_run import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox
    from odyssey.sandbox.store import Table

RUNNING = ("InProgress", "Stopping")
"""The statuses of a job that is not over."""

SANDBOX_STOPPED = "InternalServerError: the sandbox was stopped while the job ran."

LONGEST = 1024
"""Characters of a FailureReason."""

SUMMARY = (
    "TransformJobName",
    "TransformJobArn",
    "CreationTime",
    "TransformEndTime",
    "LastModifiedTime",
    "TransformJobStatus",
    "FailureReason",
)
"""What a list tells of a job."""

KEYS = {"Name": "TransformJobName", "Status": "TransformJobStatus"}


class TransformJobs:
    """The operations on transform jobs; each job runs in a task of its own.

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
            for key, job in self._table.items():
                if job["TransformJobStatus"] in RUNNING:
                    self._end(key, SANDBOX_STOPPED)

    @operation("sagemaker", "CreateTransformJob")
    def create(self, call: Call) -> dict[str, Any]:
        """Make a job and start it."""
        asked = call.parameters
        name = asked["TransformJobName"]
        key = (call.region, name)
        transform_rules.require(asked)
        made = arn("transform-job", call.region, name)
        with self._store.lock:
            self._require_new(key, made)
            model = copy.deepcopy(models(self._sandbox).find(call.region, asked["ModelName"]))
            tags.put(self._store, made, asked.get("Tags", ()))
            self._table[key] = _created(asked, made)
            run = Run(self._sandbox, call.region, copy.deepcopy(dict(asked)), model)
            self._runs[key] = run
        self._sandbox.tasks.start(f"transform job {name}", lambda: self._work(key, run))
        return {"TransformJobArn": made}

    @operation("sagemaker", "DescribeTransformJob")
    def describe(self, call: Call) -> dict[str, Any]:
        """Return all that is known of a job."""
        with self._store.lock:
            found = copy.deepcopy(self._find(call))
        return {name: value for name, value in found.items() if name != "LastModifiedTime"}

    @operation("sagemaker", "ListTransformJobs")
    def list(self, call: Call) -> dict[str, Any]:
        """Return jobs, page by page, the newest first unless the request says otherwise."""
        asked = {"SortOrder": "Descending", **call.parameters}
        with self._store.lock:
            here = [
                job
                for (region, _), job in self._table.items()
                if region == call.region
                and job["TransformJobStatus"]
                == asked.get("StatusEquals", job["TransformJobStatus"])
            ]
            found = listing.chosen(here, asked, KEYS)
            return listing.page(found, asked, "TransformJobSummaries", _summary)

    @operation("sagemaker", "StopTransformJob")
    def stop(self, call: Call) -> dict[str, Any]:
        """Ask a job to stop; outputs that are written by then stay."""
        with self._store.lock:
            job = self._find(call)
            status = job["TransformJobStatus"]
            if status not in RUNNING:
                raise _refused(
                    f"The request was rejected because the transform job is in status {status}."
                )
            job |= {"TransformJobStatus": "Stopping", "LastModifiedTime": datetime.now(UTC)}
            self._runs[call.region, job["TransformJobName"]].cancelled.set()
        return {}

    @property
    def _table(self) -> Table:
        return self._store.table("transform-jobs")

    def _work(self, key: tuple[str, str], run: Run) -> None:
        reason = INTERNAL
        try:
            run.run(lambda: self._start(key), lambda: self._end(key, ""))
            reason = SANDBOX_STOPPED
        except JobFailedError as error:
            reason = str(error)
        finally:
            self._end(key, reason)
            with self._store.lock:
                del self._runs[key]

    def _start(self, key: tuple[str, str]) -> None:
        with self._store.lock:
            now = datetime.now(UTC)
            self._table[key].setdefault("TransformStartTime", now)
            self._table[key]["LastModifiedTime"] = now

    def _end(self, key: tuple[str, str], reason: str) -> None:
        """Note how a job ended, unless it has; one that was to stop is stopped, however it did."""
        with self._store.lock:
            job, now = self._table[key], datetime.now(UTC)
            if job["TransformJobStatus"] not in RUNNING:
                return
            if job["TransformJobStatus"] == "Stopping":
                job["TransformJobStatus"] = "Stopped"
            elif reason:
                job |= {"TransformJobStatus": "Failed", "FailureReason": reason[:LONGEST]}
            else:
                job["TransformJobStatus"] = "Completed"
            job |= {"TransformEndTime": now, "LastModifiedTime": now}

    def _find(self, call: Call) -> dict[str, Any]:
        name = call.parameters["TransformJobName"]
        found: dict[str, Any] | None = self._table.get((call.region, name))
        if found is None:
            raise _refused(f"Could not find requested job with name: {name}")
        return found

    def _require_new(self, key: tuple[str, str], made: str) -> None:
        if key in self._table:
            raise ServiceError(
                "ResourceInUse",
                "Job name must be unique within an AWS account and region, and a job with this "
                f"name already exists ({made})",
            )


def _created(request: Mapping[str, Any], made: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        **copy.deepcopy({name: value for name, value in request.items() if name != "Tags"}),
        "TransformJobArn": made,
        "TransformJobStatus": "InProgress",
        "CreationTime": now,
        "LastModifiedTime": now,
    }


def _summary(job: Mapping[str, Any]) -> dict[str, Any]:
    return {member: job[member] for member in SUMMARY if member in job}


def _refused(why: str) -> ServiceError:
    return ServiceError("ValidationException", why)
