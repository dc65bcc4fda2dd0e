"""Whether one statement allows all that another does, as far as their texts tell.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from odyssey.review.permissions.statements import Held


def covered(statement: Held, others: Sequence[Held]) -> bool:
    """Return whether all that a statement says is said by others of the same holder.

    Each pair of an action and a resource must be in one of them, to the same principals and under
    no condition that the statement has not. What is said by ``NotAction`` and its like is covered
    by the same text alone.

    Args:
        statement: A statement.
        others: Statements of the same holder, kind and effect.
    """
    if any(other.likeness == statement.likeness for other in others):
        return True
    if _negative(statement) or "Managed" in statement.statement:
        return False
    able = [
        other
        for other in others
        if not _negative(other)
        and "Managed" not in other.statement
        and other.conditions <= statement.conditions
    ]
    principals = statement.principals or (("", ""),)
    return all(
        any(_within(action, resource, principal, other) for other in able)
        for action in statement.texts("Action")
        for resource in statement.texts("Resource") or ("",)
        for principal in principals
    )


def _within(action: str, resource: str, principal: tuple[str, str], other: Held) -> bool:
    return (
        matches(action.lower(), (each.lower() for each in other.texts("Action")))
        and (not resource or matches(resource, other.texts("Resource") or ("*",)))
        and (not principal[0] or _principal(principal, other.principals))
    )


def _principal(principal: tuple[str, str], known: Iterable[tuple[str, str]]) -> bool:
    return any(each in {principal, ("AWS", "*")} for each in known)


def _negative(statement: Held) -> bool:
    names = ("NotAction", "NotResource", "NotPrincipal")
    return any(name in statement.statement for name in names)


def matches(text: str, patterns: Iterable[str]) -> bool:
    """Return whether all that one pattern stands for is in one of others.

    Example:
        >>> matches("s3:Get*", ["s3:*"]), matches("s3:*", ["s3:Get*"])
        (True, False)
    """
    return any(_compiled(pattern).fullmatch(text) is not None for pattern in patterns)


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "[^*]"}
    pieces = re.split(r"([*?])", pattern)
    return re.compile("".join(wild.get(each) or re.escape(each) for each in pieces), re.DOTALL)
