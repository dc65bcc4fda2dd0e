"""The catalogue of consequences: functions that look at a changed resource and say what follows.

A consequence is a function over a resource and the whole comparison, registered for types::

    @tells("AWS::KMS::Key")
    def key(change: Compared, all_: Comparison) -> Iterator[Consequence]:
        ...

"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from odyssey.review.report import Consequence, Rank

if TYPE_CHECKING:
    from odyssey.review.comparison import Compared, Comparison

MODULES = ("general", "endpoints", "variants", "scaling", "functions", "storage", "watching")
"""The modules of consequences; of one rank, the earlier comes first."""

USER_GUIDE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"
SAGEMAKER = "https://docs.aws.amazon.com/sagemaker/latest/dg"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg"

REFUSED = {"name-collision", "scaled-instance-type", "to-serverless", "type-change"}
"""Consequences that mean that the update fails."""

ROLLOUT = {"all-at-once", "blue-green", "instances", "no-rollback", "rollback", "rolling"}
"""Consequences that there are not where the update fails."""

Teller = Callable[["Compared", "Comparison"], Iterator[Consequence]]

_TELLERS: list[tuple[tuple[str, ...], Teller]] = []


def tells(*types: str) -> Callable[[Teller], Teller]:
    """Register the function below for some types; without any, for all."""

    def add(teller: Teller) -> Teller:
        _TELLERS.append((types, teller))
        return teller

    return add


def note(id_: str, text: str, source: str = "") -> Consequence:
    """Return what is good to know."""
    return Consequence(id_, Rank.NOTE, text, source)


def caution(id_: str, text: str, source: str = "") -> Consequence:
    """Return what may bite."""
    return Consequence(id_, Rank.CAUTION, text, source)


def danger(id_: str, text: str, source: str = "") -> Consequence:
    """Return what is lost, refused, or not there for a while."""
    return Consequence(id_, Rank.DANGER, text, source)


@cache
def _tellers() -> tuple[tuple[tuple[str, ...], Teller], ...]:
    for module in MODULES:
        import_module(f"odyssey.review.consequences.{module}")
    return tuple(_TELLERS)


def of(change: Compared, all_: Comparison) -> tuple[Consequence, ...]:
    """Return what a change really does, the most important first.

    Args:
        change: A resource that changes.
        all_: Everything that was compared.
    """
    found = [
        consequence
        for types, teller in _tellers()
        if not types or change.type in types
        for consequence in teller(change, all_)
    ]
    if any(each.id in REFUSED for each in found):
        found = [each for each in found if each.id not in ROLLOUT]
    return tuple(sorted(found, key=lambda each: -each.rank))
