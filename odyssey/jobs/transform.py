"""``odyssey sagemaker batch-transform``: the model over all records of a place in S3.

::

    check the limits -> upload a local input -> temporary model -> job -> watch -> remove the model

The model is there for this job alone; `odyssey.jobs.temporary` sees to its removal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import aws, console, names, roles, storage
from odyssey.errors import AwsError, JobError
from odyssey.interruption import as_ctrl_c
from odyssey.jobs import following, temporary, transform_requests
from odyssey.jobs.consistency import eventually, is_there, was_made
from odyssey.jobs.following import TRANSFORM, Ended, Job
from odyssey.jobs.job import hyphened
from odyssey.jobs.made import Made
from odyssey.jobs.refusals import meant
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.aws import Clients
    from odyssey.config import Config

SHOWN = 20
"""Objects of the output that are listed."""

_CAUSES = (
    (
        r"max payload size|\b413\b|(payload|entity) too large",
        "a request was too large: raise --max-payload, or give --split-type Line",
    ),
    (
        r"(algorithm|ClientError): 415\b",
        "the container does not take this type: see --content-type",
    ),
    (
        r"algorithm: 5\d\d\b",
        "the app's own code fails: try the records with odyssey docker request",
    ),
    (r"no (s3 )?objects? ", "there is no object below -i, or the role may not read it"),
    (r"access ?denied", "the role may not read the input or write the output: see -r, -i and -o"),
    (r"\bping\b", "the container did not start: odyssey docker test, then odyssey docker push"),
)
"""What a reason or a log most often means, by what it says.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-errors.html
"""


@dataclass(frozen=True)
class TransformRequest:
    """What a batch transform is to do, besides the settings of ``[transform]``.

    Args:
        source: The input: an s3:// URI of an object or a prefix, or a file or folder.
        output: The s3:// URI that answers go below. Default: ``output/JOB/`` in the app's bucket.
        role: The role's ARN or name. Default: that of the foundation stack.
        name: What the job's name begins with. Default: the app's name, with its environment.
        job_name: The job's whole name. Default: NAME-batch-DATE-TIME.
        again: Options that lead to the same place again, for hints; see `following.again`.
    """

    source: str
    output: str = ""
    role: str = ""
    name: str = ""
    job_name: str = ""
    again: str = ""


@dataclass(frozen=True)
class Planned:
    """The requests that a dry run does not send."""

    model: Mapping[str, Any]
    job: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return them as JSON takes them, by their operations."""
        return {"CreateModel": dict(self.model), "CreateTransformJob": dict(self.job)}

    def text(self) -> str:
        """Return them for a reader."""
        import json

        return json.dumps(self.document(), indent=2)


@dataclass(frozen=True)
class TransformedBatch:
    """A batch transform that has been started or has ended.

    Args:
        job: The job's name.
        output: The s3:// URI that the answers are below.
        status: ``Completed``, or ``InProgress`` where nobody has waited.
        objects: The s3:// URIs of the answers.
        seconds: From the start of the job's containers to its end.
    """

    job: str
    output: str
    status: str = "InProgress"
    objects: tuple[str, ...] = ()
    seconds: int = 0

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        begun = {"transform_job": self.job, "status": self.status, "output": self.output}
        if self.status != "Completed":
            return begun
        return {
            **begun,
            "object_count": len(self.objects),
            "objects": list(self.objects[:SHOWN]),
            "seconds": self.seconds,
            "failed": 0,
        }

    def text(self) -> str:
        """Return it for a reader."""
        if self.status != "Completed":
            return self.job
        more = [f"  and {len(self.objects) - SHOWN} more"] * (len(self.objects) > SHOWN)
        return "\n".join([self.output, *(f"  {one}" for one in self.objects[:SHOWN]), *more])


def batch(
    settings: Config,
    access: Clients,
    wanted: TransformRequest,
    *,
    dry_run: bool = False,
    wait: bool = True,
    now: datetime | None = None,
    watch: Callable[..., Ended] = following.follow,
) -> TransformedBatch | Planned:
    """Run the model over an input, and leave no model behind.

    Args:
        settings: The app's settings; ``[transform]`` and ``[artifacts]`` say how and what.
        access: The way to AWS.
        wanted: What to do.
        dry_run: Return the requests and send nothing. Where all is named it takes no credentials.
        wait: Watch the job until it is over.
        now: The time. Default: that of this machine.
        watch: Watches a job until it is over.

    Raises:
        UsageError: A limit of AWS is broken, or something is missing; nothing was sent.
        JobError: The job failed, or was stopped.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C while the job is watched; the job goes on.
    """
    transform_requests.require_sense(settings)
    plan, upload = _planned(settings, access, wanted, now or datetime.now(UTC))
    if dry_run:
        return plan
    client = access.client("sagemaker")
    job = Job(TRANSFORM, plan.job["TransformJobName"], wanted.again)
    output = plan.job["TransformOutput"]["S3OutputPath"]
    with as_ctrl_c():
        temporary.sweep(client, wanted.name or _called(settings), now=now)
        if upload is not None:
            key = settings.artifacts.kms_key or settings.foundation.kms_key
            storage.upload(access.client("s3"), *upload, kms_key=key)
        with temporary.model(client, plan.model, job):
            _submit(client, job, plan.job)
            if not wait:
                console.note(f"Started {job.name}; {job.command('status', '--follow')} watches it")
                return TransformedBatch(job.name, output)
            ended = watch(client, access.client("logs"), job)
    return _result(ended, access.client("s3"), output)


def _planned(
    settings: Config, access: Clients, wanted: TransformRequest, now: datetime
) -> tuple[Planned, tuple[Path, Uri] | None]:
    """Return the requests, and what has to be uploaded before they are sent, or None."""
    made = Made(settings, access)
    name = _job_name(wanted.name or _called(settings), now, wanted.job_name)
    upload = None if "://" in wanted.source else _upload(made, wanted)
    source = str(Uri.parse(wanted.source) if upload is None else upload[1] / "")
    output = wanted.output or f"s3://{made.bucket('-o s3://BUCKET/PREFIX')}/output/{name}/"
    role = roles.arn(wanted.role, access) if wanted.role else made.role()
    model = transform_requests.model(settings, name=name, role=role)
    job = transform_requests.job(settings, name=name, source=source, output=str(Uri.parse(output)))
    transform_requests.require_shape(model, job)
    return Planned(model, job), upload


def _called(settings: Config) -> str:
    return names.qualified(settings.app.name, settings.env)


def _job_name(name: str, now: datetime, whole: str) -> str:
    if whole:
        return hyphened(whole)
    return f"{temporary.prefix(hyphened(name))}{now:%Y%m%d-%H%M%S}"


def _upload(made: Made, wanted: TransformRequest) -> tuple[Path, Uri]:
    source = Path(wanted.source)
    return source, made.home(source, "-i", "transform", wanted.output)


def _submit(client: Any, job: Job, request: Mapping[str, Any]) -> None:
    kind = request["TransformResources"]["InstanceType"]
    try:
        eventually(
            lambda: client.create_transform_job(**request),
            "could not find model",
            waiting_for=f"the model {job.name}",
        )
    except KeyboardInterrupt:
        if is_there(client, job):
            raise following.detached(job) from None
        raise
    except AwsError as error:
        if was_made(client, job, error):
            return
        raise meant(error, job.name, f"{kind} for transform job usage") from error


def _result(ended: Ended, s3: Any, output: str) -> TransformedBatch:
    told = ended.told
    written = _written(s3, output, told.get("CreationTime"))
    if ended.status != "Completed":
        raise _failure(ended, written)
    begun, over = told.get("TransformStartTime"), told.get("TransformEndTime")
    seconds = int((over - begun).total_seconds()) if begun and over else 0
    return TransformedBatch(ended.job.name, output, ended.status, written, seconds)


def _failure(ended: Ended, written: tuple[str, ...]) -> JobError:
    try:
        following.require_completed(ended)
    except JobError as error:
        said = "\n".join([ended.reason, *ended.tail])
        causes = [cause for words, cause in _CAUSES if re.search(words, said, re.IGNORECASE)]
        there = [f"  written before: {one}" for one in written[:SHOWN]]
        more = [f"  and {len(written) - SHOWN} more"] * (len(written) > SHOWN)
        message = "\n".join([error.message, *there, *more])
        return JobError(message, "; ".join([*causes, str(error.hint)]))
    raise AssertionError(ended.status)


def _written(s3: Any, output: str, since: datetime | None) -> tuple[str, ...]:
    """Return the answers that are below a place, without those of earlier jobs.

    What cannot be listed is no failure of the job.
    """
    place = Uri.parse(output)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
    try:
        with aws.explained():
            found = [one for page in pages for one in page.get("Contents", ())]
    except AwsError as error:
        console.note(f"The output cannot be listed: {error.message}")
        return ()
    ours = [one for one in found if since is None or one["LastModified"] >= since]
    return tuple(f"s3://{place.bucket}/{one['Key']}" for one in ours if one["Key"].endswith(".out"))
