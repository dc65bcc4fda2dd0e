"""The review as Markdown, for a pull request on GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from odyssey.review.report import Review


def render(review: Review) -> str:
    """Return a review as Markdown."""
    return f"# What a deployment of {review.app} changes\n"
