"""What has just been made, or may have been: not yet seen everywhere, or asked for in vain."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.console import note
from odyssey.errors import AwsError
from odyssey.jobs.watch import is_passing

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.jobs.job import Job

PATIENCE = 60.0
"""Seconds until what is not seen is taken to be not there."""

PAUSE = 5.0
"""Seconds between two tries."""


def eventually(
    call: Callable[[], Any],
    *words: str,
    waiting_for: str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Any:
    """Call again while AWS says that it does not see what has just been made.

    Args:
        call: The call.
        words: Parts of the message with which AWS refuses, in lower case.
        waiting_for: What is waited for, as a reader calls it.
        clock: Seconds that only grow.
        sleep: Waits for some seconds.

    Returns:
        What the call returns.

    Raises:
        AwsError: AWS refuses for another reason, or still after `PATIENCE`.
    """
    deadline = clock() + PATIENCE
    while True:
        try:
            with aws.explained():
                return call()
        except AwsError as error:
            message = error.message.lower()
            if not any(word in message for word in words) or clock() + PAUSE > deadline:
                raise
            note(f"  AWS does not see {waiting_for} yet; trying again in {PAUSE:.0f} s")
        sleep(PAUSE)


def was_made(client: Any, job: Job, error: AwsError) -> bool:
    """Return whether a job is there although the request that makes it failed.

    Args:
        client: A client of boto3 for ``sagemaker``.
        job: The job.
        error: What became of the request.

    Raises:
        AwsError: AWS cannot be asked; the message says that the job may be there.
    """
    if made_by_lost_request(error):
        return True
    answer = aws.answer(error)
    no_answer = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) >= 500
    return no_answer and is_passing(error) and is_there(client, job)


def is_there(client: Any, job: Job) -> bool:
    """Return whether a job is there, of which nobody knows whether its request came through.

    Args:
        client: A client of boto3 for ``sagemaker``.
        job: The job.

    Raises:
        AwsError: AWS cannot be asked; the message says that the job may be there.
    """
    try:
        return job.find(client) is not None
    except AwsError as error:
        what = f"the {job.kind.noun} {job.name} may have been started: {error.message}"
        raise AwsError(what, f"{job.command('status')} tells; {job.command('stop')}") from error


def made_by_lost_request(error: AwsError) -> bool:
    """Return whether a name is taken by ourselves: by a request whose answer was lost.

    boto3 sends such a request again, and then the name is taken.

    Args:
        error: The refusal of a request that makes a thing of a new name.
    """
    answer = aws.answer(error)
    told = answer.get("Error", {})
    taken = told.get("Code") == "ResourceInUse" or "already exist" in str(told.get("Message"))
    return taken and bool(answer.get("ResponseMetadata", {}).get("RetryAttempts"))
