"""A regular expression as what it finds, for a reader: ``No module named 'MODULE'``."""

from __future__ import annotations

import re
from itertools import islice, product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# The parser of `re` itself: whoever reads its tree needs no grammar of their own.
from re import _constants as kinds  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]

MOST = 6
"""Phrases that are made of one expression."""

GAP = "…"


def phrases(pattern: re.Pattern[str]) -> list[str]:
    """Return what a pattern finds: a phrase for each of its alternatives, the first few."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    names = {number: name.upper() for name, number in pattern.groupindex.items()}
    found = (_tidy(each) for each in _sequence(tree, names))
    return list(dict.fromkeys(each for each in found if each))[:MOST]


def _tidy(text: str) -> str:
    text = re.sub(rf"\s*{GAP}(?:\s*{GAP})*\s*", f" {GAP} ", text)
    return " ".join(text.split()).removeprefix(f"{GAP} ").removesuffix(f" {GAP}")


def _sequence(parts: Iterable[Any], names: dict[int, str]) -> list[str]:
    choices = [_part(kind, value, names) for kind, value in parts]
    return ["".join(each) for each in islice(product(*choices), 2 * MOST)]


def _part(kind: Any, value: Any, names: dict[int, str]) -> list[str]:
    """Return the alternatives of one part of an expression."""
    if kind is kinds.LITERAL:
        return [chr(value)]
    if kind is kinds.BRANCH:
        return [each for branch in value[1] for each in _sequence(branch, names)]
    if kind is kinds.SUBPATTERN:
        group, *_, inner = value
        found = _sequence(inner, names)
        is_open = any(GAP in each or each in ("N", "X") for each in found)
        return [names[group]] if group in names and (is_open or len(found) == 1) else found
    if kind in (kinds.MAX_REPEAT, kinds.MIN_REPEAT):
        return _repeated(value, names)
    if kind is kinds.IN:
        return [_one_of(value)]
    return [GAP] if kind in (kinds.ANY, kinds.NOT_LITERAL) else [""]


def _repeated(value: tuple[int, int, Any], names: dict[int, str]) -> list[str]:
    _, most, inner = value
    found = _sequence(inner, names)
    if most == 1:  # What may be missing is told; a reader knows it without, too.
        return found[:1]
    return [each if each == "N" or each.isspace() else GAP for each in found[:1]]


def _one_of(members: list[tuple[Any, Any]]) -> str:
    kind, value = members[0]
    if kind is kinds.NEGATE:
        return GAP
    if kind is kinds.CATEGORY:
        return {kinds.CATEGORY_DIGIT: "N", kinds.CATEGORY_SPACE: " "}.get(value, "X")
    return chr(value) if kind is kinds.LITERAL else "X"
