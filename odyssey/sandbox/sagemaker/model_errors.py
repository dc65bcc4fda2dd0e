"""Refusals of SageMaker's runtime that come from the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.sagemaker.connections import NoAnswerError, TooLateError
from odyssey.sandbox.sagemaker.instance import GROUP

if TYPE_CHECKING:
    from odyssey.sandbox.sagemaker.endpoint import Endpoint

TOO_LATE = (
    "Your invocation timed out while waiting for a response from container primary. Review the "
    "latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


def failed(endpoint: Endpoint, stream: str, status: int, message: str) -> ServiceError:
    """Return the refusal for an answer of the container's that is an error.

    Args:
        endpoint: The endpoint.
        stream: The log stream of its machine.
        status: The container's HTTP status; 0 where there was none.
        message: What the container said.
    """
    group, region = f"{GROUP}/{endpoint.name}", endpoint.region
    kind = "client" if 400 <= status < 500 else "server"
    return ServiceError(
        "ModelError",
        f'Received {kind} error ({status}) from primary with message "{message}". See '
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logEventViewer:group={group} in account {ACCOUNT} for more information.",
        424,
        members={
            "OriginalStatusCode": status,
            "OriginalMessage": message,
            "LogStreamArn": f"arn:aws:logs:{region}:{ACCOUNT}:log-group:{group}:"
            f"log-stream:{stream}",
        },
    )


def unanswered(endpoint: Endpoint, stream: str, error: NoAnswerError) -> ServiceError:
    """Return the refusal for a container that gave no answer.

    Args:
        endpoint: The endpoint.
        stream: The log stream of its machine.
        error: Why there is none.
    """
    if isinstance(error, TooLateError):
        return failed(endpoint, stream, 0, TOO_LATE)
    return failed(
        endpoint,
        stream,
        0,
        f"Amazon SageMaker could not get a response from the {endpoint.name} endpoint. This can "
        "occur when CPU or memory utilization is high. To check your utilization, see Amazon "
        "CloudWatch. To fix this problem, use an instance type with more CPU capacity or memory.",
    )
