"""``odyssey sagemaker status NAME --follow``: a job watched again, after nobody has watched it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from odyssey.errors import UsageError
from odyssey.interruption import as_ctrl_c
from odyssey.jobs import following, standing, training
from odyssey.jobs.job import ENDED, TRAINING

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.aws import Clients
    from odyssey.config import Config
    from odyssey.jobs.following import Ended
    from odyssey.jobs.standing import Standing
    from odyssey.jobs.training import Trained

SEEN = timedelta(minutes=5)
"""How far back the log is shown again."""


def resume(
    settings: Config,
    access: Clients,
    name: str,
    again: str = "",
    *,
    watch: Callable[..., Ended] = following.follow,
) -> Trained | Standing:
    """Watch a job until it is over, and do then what the command that started it would have done.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        name: The job's name.
        again: Options that lead to it again, for hints.
        watch: Watches a job until it is over.

    Raises:
        UsageError: There is no such job.
        JobError: The job failed, or was stopped.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C; the job goes on.
    """
    client = access.client("sagemaker")
    found = standing.require(client, name, again)
    job = found.job
    if job is None:
        raise UsageError(
            f"{name} is an endpoint, which is never over",
            f"odyssey sagemaker logs {name} --follow {again}".rstrip(),
        )
    # Of a job that is over the end of the log tells most, whenever that was.
    since = None if found.status in ENDED else datetime.now(UTC) - SEEN
    if job.kind == TRAINING:
        return training.resume(settings, access, job, watch=watch, since=since)
    try:
        with as_ctrl_c():
            ended = watch(client, access.client("logs"), job, since=since)
    finally:
        standing.tidy(client, found)
    following.require_completed(ended)
    return standing.require(client, name, again)
