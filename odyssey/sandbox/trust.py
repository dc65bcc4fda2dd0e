"""Roles that jobs and models name: whether they are there, and let SageMaker take them on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.denials import not_assumable

if TYPE_CHECKING:
    from collections.abc import Mapping

SAGEMAKER = "sagemaker.amazonaws.com"


def require_assumable(role: str, service: str = SAGEMAKER) -> None:
    """Return if a role is there and its trust policy names a service.

    Conditions of the policy do not count: those that are usual, such as one for
    ``aws:SourceAccount``, are true in the sandbox's one account.

    Args:
        role: The role's ARN.
        service: The service's principal.

    Raises:
        ServiceError: It is not there, or does not.
    """
    if not _trusts(_policy(role), service):
        raise not_assumable(role, service)


def _policy(role: str) -> Mapping[str, Any]:
    """Return the trust policy of a role; an empty one where there is no such role."""
    from moto.iam.models import iam_backends

    for found in iam_backends[ACCOUNT]["aws"].roles.values():
        if found.arn == role:
            document: Mapping[str, Any] = json.loads(found.assume_role_policy_document)
            return document
    return {}


def _trusts(policy: Mapping[str, Any], service: str) -> bool:
    return any(
        statement.get("Effect") == "Allow"
        and {"sts:AssumeRole", "sts:*", "*"} & set(_list(statement.get("Action", [])))
        and _names(statement.get("Principal", {}), service)
        for statement in _list(policy.get("Statement", []))
    )


def _names(principal: Any, service: str) -> bool:
    if isinstance(principal, str):
        return principal == "*"
    return bool({service, "*"} & set(_list(principal.get("Service", []))))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
