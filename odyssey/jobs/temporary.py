"""Models that are there for one batch transform job, and go with it whatever happens.

SageMaker takes a model from S3 and ECR when the job starts, and needs it until then. So a model is
removed as soon as its job has started or ended, or never came to be. A model whose odyssey was
killed is found again by its name and tag.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.console import note, warn
from odyssey.errors import AwsError, InterruptedByUserError, UsageError
from odyssey.jobs.consistency import eventually, made_by_lost_request
from odyssey.jobs.following import ENDED, TRANSFORM, Job, is_absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TAG = "odyssey:temporary"

INFIX = "-batch-"
"""What comes between the app's name and the time in the names of jobs and their models."""

LONGEST = 63 - len(INFIX) - len("20260102-030405")
"""Characters of the app's name that fit into the name of a job."""

GRACE = timedelta(minutes=10)
"""How old a model without a job must be: a younger one may be about to get it."""


def prefix(name: str) -> str:
    """Return what the names of an app's temporary models begin with.

    Args:
        name: The app's name, with its environment; ``_`` becomes ``-``, as SageMaker takes none.

    Example:
        >>> prefix("iris-prod")
        'iris-prod-batch-'
    """
    return name.replace("_", "-")[:LONGEST].rstrip("-") + INFIX


def remove(client: Any, name: str) -> None:
    """Delete a model; one that is not there is no error.

    Args:
        client: A client of boto3 for ``sagemaker``.
        name: The model's name.

    Raises:
        AwsError: AWS refuses.
    """
    _unless_absent(client.delete_model, ModelName=name)


def remove_if_done(client: Any, job: str) -> bool:
    """Delete the temporary model of a transform job that needs it no longer.

    Args:
        client: A client of boto3 for ``sagemaker``.
        job: The job's name, which is its model's too.

    Returns:
        Whether nothing of it is left: the job has started, has ended, or never was.

    Raises:
        AwsError: AWS refuses.
    """
    if _needs_model(Job(TRANSFORM, job).find(client)):
        return False
    if _is_temporary(client, job):
        remove(client, job)
    return True


def sweep(client: Any, app: str, *, now: datetime | None = None) -> tuple[str, ...]:
    """Delete the temporary models of an app that runs which were killed have left.

    Args:
        client: A client of boto3 for ``sagemaker``.
        app: The name that the models begin with, as for `prefix`.
        now: The time. Default: that of this machine.

    Returns:
        The names of the models that are gone. None where AWS does not let us look: that is no
        reason not to work.
    """
    try:
        old = [
            name for name, made in _models(client, prefix(app)) if _is_left(client, name, made, now)
        ]
        for name in old:
            remove(client, name)
    except AwsError as error:
        note(f"Temporary models of earlier runs could not be looked for: {error.message}")
        return ()
    for name in old:
        note(f"Removed the model {name}, which an earlier run had left")
    return tuple(old)


@contextmanager
def model(client: Any, request: Mapping[str, Any], job: Job) -> Iterator[None]:
    """Make a model for the job of the same name, and see to its removal at the end of the block.

    Args:
        client: A client of boto3 for ``sagemaker``.
        request: The request of CreateModel.
        job: The job, of the same name.

    Raises:
        UsageError: There is a model of this name already.
        AwsError: AWS refuses the model.
    """
    ours = True
    try:
        try:
            eventually(
                lambda: client.create_model(**request),
                "could not assume role",
                waiting_for="the role",
            )
        except AwsError as error:
            if not made_by_lost_request(error):
                # If it is there, it is somebody else's and not for us to take away.
                ours = "already exist" not in error.message
                raise _meant(error, job.name) from error
        yield
    except InterruptedByUserError:
        # A second Ctrl-C takes nothing away from what the first has said.
        ours = False
        with suppress(KeyboardInterrupt):
            settle(client, job)
        raise
    finally:
        if ours:
            settle(client, job)


def settle(client: Any, job: Job) -> None:
    """Delete the temporary model of a job of ours, or say why it stays and how it goes.

    Args:
        client: A client of boto3 for ``sagemaker``.
        job: The job, of the same name.
    """
    way = f"{job.command('status', '--follow')}, or {job.command('stop')}, takes it away"
    may_stay = f"the temporary model {job.name} may still be there"
    try:
        if _needs_model(job.find(client)):
            note(f"The temporary model {job.name} stays until the job has started; {way}")
        else:
            remove(client, job.name)
    except AwsError as error:
        warn(f"{may_stay}: {error.message}; {way}")
    except KeyboardInterrupt:
        warn(f"{may_stay}; {way}")
        raise


def _meant(error: AwsError, name: str) -> AwsError | UsageError:
    if "already exist" not in error.message:
        return error
    return UsageError(
        f"there is a model {name} already, perhaps of a job that another run starts just now",
        "take another name with --job-name, or try again",
    )


def _needs_model(job: Mapping[str, Any] | None) -> bool:
    return (
        job is not None
        and job["TransformJobStatus"] not in ENDED
        and not job.get("TransformStartTime")
    )


def _is_left(client: Any, name: str, made: datetime, now: datetime | None) -> bool:
    job = Job(TRANSFORM, name).find(client)
    if job is None and (now or datetime.now(UTC)) - made < GRACE:
        return False
    if job is not None and job["TransformJobStatus"] not in ENDED:
        return False
    return _is_temporary(client, name)


def _is_temporary(client: Any, name: str) -> bool:
    """Return whether a model is there and has our tag."""
    told = _unless_absent(client.describe_model, ModelName=name)
    if told is None:
        return False
    listed = _unless_absent(client.list_tags, ResourceArn=told["ModelArn"]) or {"Tags": []}
    return any(tag["Key"] == TAG for tag in listed["Tags"])


def _models(client: Any, beginning: str) -> Iterator[tuple[str, datetime]]:
    asked: dict[str, Any] = {"NameContains": beginning}
    while True:
        with aws.explained():
            answer = client.list_models(**asked)
        for told in answer["Models"]:
            if told["ModelName"].startswith(beginning):
                yield told["ModelName"], told["CreationTime"]
        if not answer.get("NextToken"):
            return
        asked["NextToken"] = answer["NextToken"]


def _unless_absent(call: Any, **asked: Any) -> dict[str, Any] | None:
    """Return an answer of AWS, or None where what was asked for is not there."""
    try:
        with aws.explained():
            answer: dict[str, Any] = call(**asked)
            return answer
    except AwsError as error:
        if is_absent(error):
            return None
        raise
