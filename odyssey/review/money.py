"""US dollars as a reader says them."""

from __future__ import annotations

HOURS = 730
"""The hours of a month, as AWS's own calculator takes them."""

SECONDS = HOURS * 3600


def dollars(amount: float) -> str:
    """Return an amount: with cents from a dollar on, with what counts of it below.

    Example:
        >>> dollars(1234.5), dollars(0.1), dollars(0.0000166667), dollars(0)
        ('$1,234.50', '$0.10', '$0.0000167', '$0')
    """
    if amount < 0:
        return f"-{dollars(-amount)}"
    if amount == 0:
        return "$0"
    if amount >= 0.995 or round(amount, 2) == amount:
        return f"${amount:,.2f}"
    places = 2
    while places < 10 and round(amount, places) < amount * 0.99:
        places += 1
    return f"${amount:.{max(places, _digits(amount))}f}"


def signed(amount: float) -> str:
    """Return a difference: ``+$83.95``, ``-$3.00``, ``$0``."""
    if round(abs(amount), 6) == 0:
        return "$0"
    return dollars(amount) if amount < 0 else f"+{dollars(amount)}"


def _digits(amount: float) -> int:
    """Return the places after the point that show three digits which count, less ending zeros."""
    text = f"{amount:.3g}"
    return len(f"{float(text):.12f}".rstrip("0").partition(".")[2])
