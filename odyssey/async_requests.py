"""A request over the queue of an asynchronous endpoint: by way of S3, both ways.

Source:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import foundation, storage
from odyssey.console import Progress
from odyssey.errors import AwsError, InterruptedByUserError, TimedOutError
from odyssey.runtime import Answer, Request, code, failed, log_command, taken
from odyssey.storage import Uri

if TYPE_CHECKING:
    from odyssey.aws import Access
    from odyssey.config import Config
    from odyssey.runtime import Clock

TIMEOUT = 900
"""Seconds to wait for an answer, which is what a container may take by default."""

LONGEST = 3600
"""Seconds that the container of an asynchronous endpoint may take at most."""

INTERVAL = 2.0
"""Seconds between two looks for an answer in S3."""


def ask(settings: Config, access: Access, sent: Request, timeout: float, clock: Clock) -> Answer:
    """Put a request where the endpoint reads it, and return the answer when it is in S3.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        sent: The request.
        timeout: Seconds to wait for the answer.
        clock: The time.

    Raises:
        UsageError: No bucket is known.
        RequestError: The model failed, or there is no such endpoint.
        TimedOutError: No answer came in time.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C; the endpoint goes on.
    """
    s3 = access.client("s3")
    place = _inbox(settings, access) / hashlib.sha256(sent.body).hexdigest()[:32]
    storage.write(s3, place, sent.body, sent.content_type)
    runtime = access.client("sagemaker-runtime", retries={"total_max_attempts": 1})
    # Without it a container may take 900 s.
    longer = {"InvocationTimeoutSeconds": int(min(timeout, LONGEST))}
    asked = {
        **sent.parameters(),
        "InputLocation": str(place),
        **(longer if timeout > TIMEOUT else {}),
    }
    started = clock.now()
    told = taken(lambda: dict(runtime.invoke_endpoint_async(**asked)), sent.endpoint, clock)
    where = _Places(sent.endpoint, told["OutputLocation"], told.get("FailureLocation", ""))
    body = _awaited(s3, where, started + timeout, clock)
    spent = (clock.now() - started) * 1000
    return Answer(sent.endpoint, sent.accept or "", body, spent, where.answer)


@dataclass(frozen=True)
class _Places:
    endpoint: str
    answer: str
    failure: str


def _inbox(settings: Config, access: Access) -> Uri:
    """Return where an asynchronous endpoint may read requests: its role reads nowhere else."""
    home = settings.async_inference.uri.rstrip("/")
    if not home:
        option = "uri under [async_inference] in odyssey.toml"
        bucket = foundation.require_bucket(foundation.find(settings, access), option)
        home = f"s3://{bucket}/async"
    return Uri.parse(f"{home}/input")


def _awaited(s3: Any, where: _Places, deadline: float, clock: Clock) -> bytes:
    """Return the answer when it is in S3."""
    progress = Progress("Waiting for the answer", clock=clock.now)
    try:
        while (found := _read(s3, where.answer)) is None:
            if (said := _read(s3, where.failure)) is not None:
                raise failed(where.endpoint, said.decode(errors="replace"))
            if clock.now() >= deadline:
                raise _too_late(where)
            progress.tick()
            clock.sleep(INTERVAL)
    except KeyboardInterrupt:
        raise InterruptedByUserError(
            f"stopped waiting; the endpoint goes on, and its answer will be {where.answer}",
            f"aws s3 cp {where.answer} -",
        ) from None
    finally:
        progress.end()
    return found


def _read(s3: Any, uri: str) -> bytes | None:
    """Return an object, or None while it is not there, which is all that a caller may see of it.

    S3 refuses what is absent to those who may not list the bucket.
    """
    try:
        return storage.read(s3, Uri.parse(uri)) if uri else None
    except AwsError as error:
        if code(error) not in {"AccessDenied", "403"}:
            raise
        return None


def _too_late(where: _Places) -> TimedOutError:
    failure = f"; if it fails, {where.failure} says why" if where.failure else ""
    return TimedOutError(
        f"no answer within the time of --timeout; it will be {where.answer}{failure}",
        f"aws s3 cp {where.answer} -, or {log_command(where.endpoint)}",
    )
