"""How large a request to an endpoint, or to a function, may be.

Sources:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints-invoke.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.errors import UsageError

if TYPE_CHECKING:
    from odyssey.config import Config

LARGEST = 6_291_456
"""Bytes of a request to an endpoint on instances."""

LARGEST_SERVERLESS = 4 * 1024 * 1024
"""Bytes of a request to a serverless endpoint."""

LARGEST_EVENT = 6 * 1024 * 1024
"""Bytes of a function's event: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""

INSTEAD = (
    "send it in pieces, transform it in a batch (odyssey sagemaker batch-transform), or make the "
    'endpoint asynchronous: kind = "async" under [endpoint] in odyssey.toml'
)


def largest(settings: Config) -> int | None:
    """Return the bytes of the largest request; None where a file in S3 is sent instead."""
    kind = settings.endpoint.kind
    return {"instance": LARGEST, "serverless": LARGEST_SERVERLESS}.get(kind)


def require_payload(settings: Config, count: int) -> None:
    """Check that an endpoint of these settings takes a request of so many bytes.

    Raises:
        UsageError: It is larger than SageMaker takes.
    """
    most = largest(settings)
    if most is not None and count > most:
        kind = "a serverless endpoint" if most == LARGEST_SERVERLESS else "an endpoint"
        raise UsageError(f"the request has {count} bytes, and {kind} takes {most}", INSTEAD)


def require_event(count: int) -> None:
    """Check that a function takes an event of so many bytes.

    Raises:
        UsageError: It is larger than Lambda takes.
    """
    if count > LARGEST_EVENT:
        raise UsageError(
            f"the request has {count} bytes, and a function takes {LARGEST_EVENT}",
            "send it in pieces",
        )
