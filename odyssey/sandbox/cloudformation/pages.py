"""Long lists, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = 100
"""Members of a page."""


def page(name: str, members: Sequence[Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of a list, and how to ask for the next one.

    Args:
        name: The member of the answer that holds the list.
        members: The whole list.
        request: The request, which may have a ``NextToken``.

    Raises:
        ServiceError: The token is none of ours.
    """
    begin = _begin(request)
    answer: dict[str, Any] = {name: list(members[begin : begin + PAGE])}
    if begin + PAGE < len(members):
        answer["NextToken"] = str(begin + PAGE)
    return answer


def newest_first(name: str, members: Sequence[Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a page of a list that grows while it is read, the newest member first.

    Args:
        name: The member of the answer that holds the list.
        members: The whole list, the oldest member first.
        request: The request; its ``NextToken`` says how many are left.

    Raises:
        ServiceError: The token is none of ours.
    """
    left = members[: _begin(request)] if "NextToken" in request else members
    answer = {name: list(reversed(left[-PAGE:]))}
    return {**answer, "NextToken": str(len(left) - PAGE)} if len(left) > PAGE else answer


def _begin(request: Mapping[str, Any]) -> int:
    token = str(request.get("NextToken", "0"))
    if not token.isdigit():
        raise invalid("The next token is not valid")
    return int(token)
