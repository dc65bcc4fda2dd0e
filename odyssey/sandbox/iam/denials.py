"""Refusals in IAM's words, with the code by which each service tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.iam.policies import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.iam.identities import Principal
    from odyssey.sandbox.iam.policies import Asked, Decision

_CODES = {
    "ec2": ("UnauthorizedOperation", 403),
    "json": ("AccessDeniedException", 400),
    "rest-json": ("AccessDeniedException", 403),
}
_OF_XML = ("AccessDenied", 403)


def denied(
    service: str,
    headers: Mapping[str, str],
    principal: Principal,
    asked: Asked,
    decision: Decision,
) -> ServiceError:
    """Return how a service refuses what policies do not allow.

    Args:
        service: The service as boto3 calls it.
        headers: The headers of the request.
        principal: Who asks.
        asked: What is not allowed.
        decision: Why it is not.
    """
    who = f"User: {principal.arn} is not authorized to perform: {asked.action}"
    told = f"{who} on resource: {asked.resource}{_reason(asked, decision)}"
    code, status = _CODES.get(_protocol(service, headers), _OF_XML)
    return ServiceError(code, told, status)


def not_assumable(role: str, service: str) -> ServiceError:
    """Return how a service says that it cannot take on a role."""
    return ServiceError(
        "ValidationException",
        f"Could not assume role {role}. Please ensure that the role exists and allows principal "
        f"'{service}' to assume the role.",
    )


def _reason(asked: Asked, decision: Decision) -> str:
    if decision.problem:
        return f" because of a policy that was not understood: {decision.problem}"
    if decision.statements:
        article = "an" if decision.kind == IDENTITY else "a"
        return f" with an explicit deny in {article} {decision.kind}"
    if asked.action == "sts:AssumeRole":
        # IAM does not tell whether there is such a role.
        return ""
    return f" because no {decision.kind} allows the {asked.action} action"


def _protocol(service: str, headers: Mapping[str, str]) -> str:
    """Return the protocol in which a request is answered."""
    from botocore.exceptions import UnknownServiceError
    from moto.core.utils import get_service_model

    if "x-amz-target" in headers:
        return "json"
    try:
        return str(get_service_model(service).protocol)
    except UnknownServiceError:
        return ""
