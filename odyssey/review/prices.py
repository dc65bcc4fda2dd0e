"""What AWS asks, from a dated file that can be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.review.report import Prices

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class PriceList:
    """The prices of one region.

    Args:
        facts: Where they are from.
    """

    facts: Prices


def load(file: Path | None = None, region: str | None = None) -> PriceList:
    """Return the prices of a region.

    Args:
        file: A file of prices. Default: the one that comes with odyssey.
        region: The region, such as ``eu-west-1``; None where nobody knows it.

    Raises:
        UsageError: The file cannot be read, or is no file of prices.
    """
    return PriceList(Prices(str(file or "prices.json"), "", region or "", ""))
