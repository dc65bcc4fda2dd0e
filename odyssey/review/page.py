"""The review as a page of HTML, in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odyssey.review.report import Review


def render(review: Review) -> str:
    """Return a review as one file of HTML, which asks nothing of the network."""
    return "<!doctype html>\n"
