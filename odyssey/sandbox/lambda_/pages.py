"""Lists in pages, as Lambda gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox import listing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odyssey.sandbox.calls import Call

PAGE = 50
"""Entries of a page where the request does not say."""


def page(call: Call, found: Sequence[dict[str, Any]], member: str) -> dict[str, Any]:
    """Return the page that a request asks for.

    Args:
        call: The request: ``MaxItems``, ``Marker``.
        found: All that there is.
        member: The answer's member that takes them.
    """
    said = call.parameters
    asked = {"MaxResults": said.get("MaxItems", PAGE), "NextToken": said.get("Marker")}
    answer = listing.page(found, asked, member, lambda entry: entry)
    if "NextToken" in answer:
        answer["NextMarker"] = answer.pop("NextToken")
    return answer
