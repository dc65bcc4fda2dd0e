"""How a transform job asks its containers: what the request says, then they, then SageMaker.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.sagemaker.connections import NoAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sagemaker.hosting import Host

TOGETHER = 100
"""Megabytes that the requests at once on one instance may have."""

SECONDS = 10.0
"""How long a container may think about ``/execution-parameters``."""

STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
"""What containers call what requests call otherwise."""


@dataclass(frozen=True)
class Limits:
    """How containers are asked.

    Args:
        concurrent: Requests at once to one instance.
        payload: Megabytes of a request; 0 is as many as there are.
        is_single: Whether a request has a single record.
    """

    concurrent: int = 1
    payload: int = 6
    is_single: bool = False

    @classmethod
    def of(cls, request: Mapping[str, Any], host: Host) -> Limits:
        """Return those of a job.

        Args:
            request: The request of CreateTransformJob.
            host: A container, which may know better than SageMaker what is good for it.
        """
        told = _told(host)
        wished = STRATEGIES.get(request.get("BatchStrategy", "")) or told.get("BatchStrategy")
        return cls(
            request.get("MaxConcurrentTransforms") or _number(told, "MaxConcurrentTransforms") or 1,
            request.get("MaxPayloadInMB", _number(told, "MaxPayloadInMB", cls.payload)),
            wished == STRATEGIES["SingleRecord"],
        )

    @property
    def bytes(self) -> int:
        """Bytes that a request may have."""
        return (self.payload or TOGETHER) << 20

    def __str__(self) -> str:
        """Return them as the job's data log begins."""
        strategy = STRATEGIES["SingleRecord" if self.is_single else "MultiRecord"]
        return (
            f"MaxConcurrentTransforms={self.concurrent}, MaxPayloadInMB={self.payload}, "
            f"BatchStrategy={strategy}"
        )


def environment(request: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a job's containers, besides those of the model.

    Args:
        request: The request of CreateTransformJob; of the limits, what it says is passed on.
    """
    told = {
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": request.get("MaxPayloadInMB"),
        "SAGEMAKER_BATCH_STRATEGY": STRATEGIES.get(request.get("BatchStrategy", "")),
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": request.get("MaxConcurrentTransforms"),
    }
    said = {name: str(value) for name, value in told.items() if value is not None}
    return {**request.get("Environment", {}), "SAGEMAKER_BATCH": "true", **said}


def _told(host: Host) -> dict[str, Any]:
    """Return what a container says of itself, which it need not."""
    try:
        with host.send("GET", "/execution-parameters", timeout=SECONDS) as answer:
            body = answer.read()
        told = json.loads(body) if answer.status == 200 else {}
    except (NoAnswerError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _number(told: Mapping[str, Any], name: str, default: int = 0) -> int:
    found = told.get(name, default)
    return found if type(found) is int and found >= 0 else default
