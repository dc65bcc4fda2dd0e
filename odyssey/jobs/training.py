"""``odyssey sagemaker train``: the app's train.py as a training job on SageMaker.

::

    names, places, role -> request (a dry run ends here) -> upload -> submit -> watch -> record

A job's name is recorded as soon as it runs, its model when it is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, console, storage
from odyssey.console import clean
from odyssey.errors import AwsError, JobError, UsageError
from odyssey.interruption import as_ctrl_c
from odyssey.jobs import following, training_requests
from odyssey.jobs.consistency import eventually, is_there, was_made
from odyssey.jobs.following import TRAINING, Ended, Job
from odyssey.jobs.refusals import meant
from odyssey.jobs.training_plan import Plan, Planned, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.aws import Clients
    from odyssey.config import Config

TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
"""What the trust policy of a job's role needs."""


@dataclass(frozen=True)
class Trained:
    """A training job that has been started, or has made a model.

    Args:
        job: The job's name.
        model: The s3:// URI of its model; empty where nobody has waited.
        seconds: Seconds that it has run.
        billable: Seconds that are paid for, on each instance.
        spot: Whether it ran on spare capacity.
        recorded: Whether its model is now the app's.
    """

    job: str
    model: str = ""
    seconds: int = 0
    billable: int = 0
    spot: bool = False
    recorded: bool = False

    @property
    def saving(self) -> int:
        """What spare capacity has saved, in percent."""
        return round(100 * (1 - self.billable / self.seconds)) if self.seconds else 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        if not self.model:
            return {"training_job": self.job}
        spot = {"spot_saving_percent": self.saving} if self.spot else {}
        return {
            "training_job": self.job,
            "status": "Completed",
            "model": self.model,
            "training_seconds": self.seconds,
            "billable_seconds": self.billable,
            **spot,
            "recorded": artifacts.FILE if self.recorded else None,
        }

    def summary(self) -> str:
        """Return a line about it for a reader."""
        saved = f", {self.saving} % saved by spot" if self.spot else ""
        where = f"; recorded in {artifacts.FILE}" if self.recorded else "; not recorded"
        return (
            f"{self.job}: trained in {console.elapsed(self.seconds)}, "
            f"{self.billable} s billed{saved}{where}"
        )

    def text(self) -> str:
        """Return what a script wants to know: where the model is, or the job's name."""
        return self.model or self.job


def train(
    settings: Config,
    access: Clients,
    wanted: Wanted,
    *,
    dry_run: bool = False,
    wait: bool = True,
    now: datetime | None = None,
    watch: Callable[..., Ended] = following.follow,
) -> Trained | Planned:
    """Train on SageMaker, and record the model.

    Args:
        settings: The app's settings; ``[training]`` and ``[artifacts]`` say how and what.
        access: The way to AWS.
        wanted: What to do.
        dry_run: Return the request and send nothing. Where all is named it takes no credentials.
        wait: Watch the job until it is over.
        now: The time. Default: that of this machine.
        watch: Watches a job until it is over.

    Raises:
        UsageError: A rule of AWS is broken, or something is missing; nothing was sent.
        JobError: The job failed, or was stopped.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C while the job is watched; the job goes on.
    """
    plan = Plan.of(settings, access, wanted, now or datetime.now(UTC))
    if dry_run:
        return Planned(plan.request)
    key = settings.artifacts.kms_key or settings.foundation.kms_key
    client = access.client("sagemaker")
    job = Job(TRAINING, plan.request["TrainingJobName"], wanted.again)
    with as_ctrl_c():
        for source, place in plan.uploads:
            storage.upload(access.client("s3"), source, place, kms_key=key)
        _start(settings, client, job, plan.request)
        if not wait:
            console.note(f"{job.command('status', '--follow')} watches it")
            return Trained(job.name)
        return finished(settings, watch(client, access.client("logs"), job))


def resume(
    settings: Config,
    access: Clients,
    job: Job,
    *,
    watch: Callable[..., Ended] = following.follow,
    **how: Any,
) -> Trained:
    """Watch a job that was started earlier until it is over, and record its model.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        job: The job.
        watch: Watches a job until it is over.
        how: Further arguments of `watch`.

    Raises:
        JobError: The job failed, or was stopped.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C; the job goes on.
    """
    with as_ctrl_c():
        ended = watch(access.client("sagemaker"), access.client("logs"), job, **how)
    return finished(settings, ended)


def finished(settings: Config, ended: Ended) -> Trained:
    """Return what a job has made, recorded as the app's model if it is the app's last job.

    Args:
        settings: The app's settings.
        ended: The job.

    Raises:
        JobError: The job failed, or was stopped.
    """
    if ended.status == "Stopped":
        raise _stopped(ended)
    following.require_completed(ended)
    told, name = ended.told, ended.job.name
    model = str(told["ModelArtifacts"]["S3ModelArtifacts"])
    last = artifacts.load(settings.folder, settings.env).get("training_job")
    if last == name:
        artifacts.record(settings.folder, settings.env, {"model": model, "training_job": name})
    seconds = _seconds(told)
    trained = Trained(
        job=name,
        model=model,
        seconds=seconds,
        billable=int(told.get("BillableTimeInSeconds", seconds)),
        spot=bool(told.get("EnableManagedSpotTraining")),
        recorded=last == name,
    )
    console.note(trained.summary())
    return trained


def _start(settings: Config, client: Any, job: Job, request: Mapping[str, Any]) -> None:
    """Start a job and record its name; Ctrl-C meanwhile leaves both or none."""
    try:
        send(client, job, request)
        console.note(f"Started {job.name}")
        artifacts.record(settings.folder, settings.env, {"training_job": job.name})
    except KeyboardInterrupt:
        if not is_there(client, job):
            raise
        artifacts.record(settings.folder, settings.env, {"training_job": job.name})
        raise following.detached(job) from None


def send(client: Any, job: Job, request: Mapping[str, Any], **clock: Any) -> None:
    """Start a training job; a role that was made a moment ago is waited for.

    Args:
        client: A client of boto3 for ``sagemaker``.
        job: The job.
        request: The request of CreateTrainingJob.
        clock: Another ``clock`` and ``sleep``, as `consistency.eventually` takes them.

    Raises:
        UsageError: The job's name is taken.
        AwsError: AWS refuses.
    """
    try:
        eventually(
            lambda: client.create_training_job(**request),
            "assume role",
            "assume the role",
            "role does not exist",
            waiting_for="the role",
            **clock,
        )
    except AwsError as error:
        if not was_made(client, job, error):
            raise _meant(error, request) from error


def _meant(error: AwsError, request: Mapping[str, Any]) -> AwsError | UsageError:
    if "assume" in error.message.lower() and "role" in error.message.lower():
        trust = json.dumps(TRUST)
        return AwsError(error.message, f"the trust policy of {request['RoleArn']} needs {trust}")
    return meant(error, request["TrainingJobName"], training_requests.quota(request))


def _stopped(ended: Ended) -> JobError:
    """Return the error for a job that was stopped, which may have left a model all the same."""
    told, job = ended.told, ended.job
    secondary = told.get("SecondaryStatus", "")
    limits = {
        "MaxRuntimeExceeded": ("ran for longer than max_runtime lets it", "--max-runtime SECONDS"),
        "MaxWaitTimeExceeded": ("waited for longer than max_wait lets it", "--max-wait SECONDS"),
    }
    how, hint = limits.get(secondary, ("was stopped", ""))
    model = told.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")
    left = f"; the model so far, if train() has written one, is {model}" if model else ""
    use = f"odyssey sagemaker serve -m {model}" if model else ""
    return JobError(
        ended.with_tail(f"the training job {job.name} {how}{clean(left)}"),
        hint or use or job.command("logs"),
    )


def _seconds(told: Mapping[str, Any]) -> int:
    if "TrainingTimeInSeconds" in told:
        return int(told["TrainingTimeInSeconds"])
    begun, over = told.get("TrainingStartTime"), told.get("TrainingEndTime")
    return int((over - begun).total_seconds()) if begun and over else 0
