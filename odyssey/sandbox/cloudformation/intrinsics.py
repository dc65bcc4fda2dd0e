"""CloudFormation's functions over plain data."""

from __future__ import annotations

import base64
import ipaddress
from itertools import islice
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

UNKNOWN = "{{changeSet:"
"""The beginning of what stands for a value that is known only later."""


def text(value: Any) -> str:
    """Return a value as CloudFormation writes it into a text.

    Raises:
        ServiceError: It is a list or an object.
    """
    if isinstance(value, dict | list):
        raise invalid(
            "Template error: every value of a Fn::Join or Fn::Sub object must be a string"
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


def plain(value: Any) -> Any:
    """Return a value in which numbers and booleans are texts: to CloudFormation they are one."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return text(value)


def arguments(name: str, value: Any, count: int) -> list[Any]:
    """Return a function's arguments.

    Raises:
        ServiceError: They are not a list of so many.
    """
    if not isinstance(value, list) or len(value) != count:
        raise invalid(f"Template error: {name} requires a list argument with {count} elements")
    return value


def find_in_map(mappings: Mapping[str, Any], value: Any) -> Any:
    """Return a value of the template's mappings."""
    name, first, second = arguments("Fn::FindInMap", value, 3)
    try:
        return mappings[name][str(first)][str(second)]
    except KeyError as error:
        raise invalid(
            f"Template error: Unable to get mapping for {name}::{first}::{second}"
        ) from error


def _join(value: Any) -> str:
    delimiter, parts = arguments("Fn::Join", value, 2)
    if not isinstance(parts, list):
        # A list that is known only later stands here as one text.
        return text(parts)
    return str(delimiter).join(map(text, parts))


def _split(value: Any) -> list[str]:
    delimiter, whole = arguments("Fn::Split", value, 2)
    if UNKNOWN in text(whole):
        return [text(whole)]  # What stands for the value is not to be split.
    return text(whole).split(str(delimiter))


def _select(value: Any) -> Any:
    index, choices = arguments("Fn::Select", value, 2)
    if isinstance(choices, list) and len(choices) == 1 and UNKNOWN in str(choices[0]):
        return choices[0]
    if not str(index).isdigit() or not isinstance(choices, list) or int(index) >= len(choices):
        raise invalid(
            "Template error: Fn::Select  cannot select nonexistent value at index " + str(index)
        )
    return choices[int(index)]


def _base64(value: Any) -> str:
    return base64.b64encode(text(value).encode()).decode()


def _cidr(value: Any) -> list[str]:
    block, count, *bits = value
    network = ipaddress.ip_network(str(block), strict=False)
    width = int(bits[0]) if bits else 8
    try:
        blocks = network.subnets(new_prefix=network.max_prefixlen - width)
        return [str(each) for each in islice(blocks, int(count))]
    except ValueError as error:
        raise invalid(f"Template error: Fn::Cidr: {error}") from error


PLAIN: dict[str, Callable[[Any], Any]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
}
"""The functions whose result depends on nothing but their arguments."""
