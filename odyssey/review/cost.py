"""What the resources of templates cost, as far as prices are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.review.report import Cost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.checks.template import Template
    from odyssey.config import Config
    from odyssey.review.prices import PriceList


def cost(
    templates: Iterable[Template], *, settings: Config | None = None, prices: PriceList
) -> Cost:
    """Return what the resources of templates cost.

    Args:
        templates: The templates of one side of a review.
        settings: The app's settings, for what runs outside of templates: training and batch
            transforms. None leaves these out.
        prices: The prices.
    """
    return Cost()
