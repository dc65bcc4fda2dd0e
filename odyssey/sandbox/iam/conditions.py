"""Conditions of IAM's policies: whether what is known of a request fulfils them.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from operator import eq, ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.iam import patterns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.iam.patterns import Context

    Test = Callable[[str, str, Context], bool]

_QUANTIFIERS = ("ForAllValues", "ForAnyValue")
_LENIENT = "IfExists"


def hold(block: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Return whether every condition of a statement is fulfilled.

    Args:
        block: The statement's ``Condition``: keys and values by operator.
        context: What is known of the request.

    Raises:
        ValueError: An operator is not known.

    Example:
        >>> hold({"StringLike": {"s3:prefix": "input/*"}}, {"s3:prefix": "input/data"})
        True
    """
    # Each is looked at, so that an operator that is not known never hides behind one that fails.
    held = [
        _holds(operator, key, _texts(wanted), context)
        for operator, keys in block.items()
        for key, wanted in keys.items()
    ]
    return all(held)


def keys(block: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the keys that conditions look at."""
    return {key for of_operator in block.values() for key in of_operator}


def _holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    quantifier, name, lenient = _parts(operator)
    given = context.get(key.lower())
    if name == "Null":
        return all((given is None) == (each.lower() == "true") for each in wanted)
    negated = name in _NEGATED
    test = _TESTS.get(_NEGATED.get(name, name))
    if test is None:
        raise ValueError(f"the sandbox does not know the condition operator {operator}")
    if given is None and lenient:
        return True
    values = [] if given is None else _texts(given)
    matches = [any(test(value, each, context) for each in wanted) for value in values]
    if quantifier == "ForAllValues":
        return all(match != negated for match in matches)
    if quantifier == "ForAnyValue":
        return any(match != negated for match in matches)
    # What is not there is unlike anything.
    return any(matches) != negated


def _parts(operator: str) -> tuple[str, str, bool]:
    """Return an operator's quantifier, its name, and whether a missing key fulfils it."""
    quantifier, colon, name = operator.rpartition(":")
    if colon and quantifier not in _QUANTIFIERS:
        raise ValueError(f"the sandbox does not know the condition operator {operator}")
    return quantifier, name.removesuffix(_LENIENT), name.endswith(_LENIENT)


def _texts(values: Any) -> list[str]:
    listed = values if isinstance(values, (list, tuple)) else [values]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in listed]


def _equals(value: str, wanted: str, context: Context) -> bool:
    return value == patterns.filled(wanted, context)


def _equals_in_any_case(value: str, wanted: str, context: Context) -> bool:
    found = patterns.filled(wanted, context)
    return found is not None and value.lower() == found.lower()


def _like(value: str, wanted: str, context: Context) -> bool:
    return patterns.like(wanted, value, context)


def _arn_like(value: str, wanted: str, context: Context) -> bool:
    """Compare the six parts of ARNs one by one: a wildcard ends where its part does."""
    parts, patterns_of_parts = value.split(":", 5), wanted.split(":", 5)
    if "${" in wanted:
        # A variable has colons of its own.
        return patterns.like(wanted, value, context)
    return len(parts) == len(patterns_of_parts) and all(
        patterns.like(pattern, part, context)
        for part, pattern in zip(parts, patterns_of_parts, strict=True)
    )


def _compared(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> Test:
    """Return a test of values that are read first; what cannot be read fulfils none."""

    def test(value: str, wanted: str, context: Context) -> bool:
        try:
            return compare(read(value), read(wanted))
        except ValueError:
            return False

    return test


def _time(text: str) -> datetime:
    """Return a time that is written as ISO 8601 or as seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(text), UTC)
    except ValueError:
        found = datetime.fromisoformat(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def _within(value: str, wanted: str, context: Context) -> bool:
    try:
        return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False


_ORDER = {
    "Equals": eq,
    "LessThan": lt,
    "LessThanEquals": le,
    "GreaterThan": gt,
    "GreaterThanEquals": ge,
}
_TESTS: dict[str, Test] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_in_any_case,
    "StringLike": _like,
    "BinaryEquals": _equals,
    "Bool": _equals_in_any_case,
    # To AWS the two are the same.
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "IpAddress": _within,
    **{f"Numeric{name}": _compared(float, compare) for name, compare in _ORDER.items()},
    **{f"Date{name}": _compared(_time, compare) for name, compare in _ORDER.items()},
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
"""Operators that are fulfilled where another is not."""
