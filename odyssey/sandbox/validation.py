"""Requests checked by AWS's rules, and refused in its words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import shapes
from odyssey.sandbox.calls import ServiceError

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call

CODES = {"cloudformation": "ValidationError", "sagemaker-runtime": "ValidationError"}
"""How services call it, where not ``ValidationException``."""


def require(call: Call) -> None:
    """Return if a request keeps every rule of the service's model.

    Raises:
        ServiceError: It breaks some; all are named.
    """
    found = shapes.problems(call.service, call.operation, call.parameters)
    if found:
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
        told = "; ".join(map(str, found))
        raise ServiceError(CODES.get(call.service, "ValidationException"), f"{count}: {told}")
