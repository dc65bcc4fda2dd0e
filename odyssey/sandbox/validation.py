"""Requests checked by AWS's rules, and refused in its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from odyssey import shapes
from odyssey.sandbox.calls import ServiceError

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call

CODES = {
    "cloudformation": "ValidationError",
    "ecr": "InvalidParameterException",
    "sagemaker-runtime": "ValidationError",
}
"""How services call it, where not ``ValidationException``."""


def require(call: Call) -> None:
    """Return if a request keeps every rule of the service's model.

    What AWS does not know it does not look at. Neither is the body of a request looked at that is
    no document: whoever reads it counts its bytes.

    Raises:
        ServiceError: It breaks some rules; all are named.
    """
    broken = []
    for problem in shapes.problems(call.service, call.operation, call.parameters):
        if problem.value is not None and not problem.constraint:
            raise ServiceError("SerializationException", str(problem))
        if problem.constraint and not (call.body is not None and problem.path == "Body"):
            broken.append(problem)
    if broken:
        count = f"{len(broken)} validation error{'s' if len(broken) > 1 else ''} detected"
        told = f"{count}: {'; '.join(map(_told, broken))}"
        raise ServiceError(CODES.get(call.service, "ValidationException"), told)


def _told(problem: shapes.Problem) -> str:
    value = "null" if problem.value is None else f"'{_shown(problem.value)}'"
    return f"Value {value} at '{problem.place}' failed to satisfy constraint: {problem.constraint}"


def _shown(value: object) -> str:
    """Return a value as AWS, which is written in Java, shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}={_shown(below)}' for name, below in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_shown, value))}]"
    return str(value)
