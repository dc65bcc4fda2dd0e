"""Texts of IAM's policies: ``*`` and ``?`` stand for anything, ``${aws:username}`` for a value.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Values = str | Sequence[str]
    Context = Mapping[str, Values]
    """What is known of a request, by condition keys in lower case."""

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_LITERAL = ("*", "?", "$")
_WILD = {"*": ".*", "?": "."}


def like(pattern: str, text: str, context: Context) -> bool:
    """Return whether a text is what a pattern says.

    Args:
        pattern: The pattern, with wildcards and variables.
        text: The text.
        context: The values of variables. A pattern with one that has none is like nothing.
    """
    if "${" not in pattern:
        return _compiled(pattern).fullmatch(text) is not None
    pieces = _VARIABLE.split(pattern)
    values = [_value(variable, context) for variable in pieces[1::2]]
    if None in values:
        return False
    pieces[0::2] = [_translated(piece) for piece in pieces[0::2]]
    pieces[1::2] = [re.escape(str(value)) for value in values]
    return re.fullmatch("".join(pieces), text, re.DOTALL) is not None


def joined(each: Iterable[str]) -> re.Pattern[str]:
    """Return what matches, as a whole, a text that one of some patterns is like.

    Args:
        each: The patterns, which have no variables.
    """
    return re.compile("|".join(map(_translated, each)), re.DOTALL)


def filled(pattern: str, context: Context) -> str | None:
    """Return a text with its variables replaced; None where one has no value.

    Args:
        pattern: The text; wildcards mean nothing in it.
        context: The values of variables.
    """
    if "${" not in pattern:
        return pattern
    pieces = _VARIABLE.split(pattern)
    values = [_value(variable, context) for variable in pieces[1::2]]
    if None in values:
        return None
    pieces[1::2] = [str(value) for value in values]
    return "".join(pieces)


def _value(variable: str, context: Context) -> str | None:
    """Return the value of a variable, whose default may stand behind a comma."""
    if variable in _LITERAL:
        return variable
    name, comma, default = variable.partition(",")
    value = context.get(name.strip().lower())
    if isinstance(value, str):
        return value
    return default.strip().strip("'") if comma else None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_translated(pattern), re.DOTALL)


def _translated(pattern: str) -> str:
    return "".join(_WILD.get(piece) or re.escape(piece) for piece in re.split(r"([*?])", pattern))
