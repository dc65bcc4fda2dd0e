"""What a piece of a template names: resources, attributes, conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

SUBSTITUTED = re.compile(r"\$\{(!?)([^}]*)\}")
"""What ``Fn::Sub`` replaces, or with ``!`` leaves."""

Reference = tuple[str, str]
"""A name, and the attribute that is asked for, or nothing."""


def references(value: Any, *, attributes_only: bool = False) -> set[Reference]:
    """Return what is named by Ref, Fn::GetAtt and Fn::Sub, in both branches of each Fn::If.

    Args:
        value: A piece of a template.
        attributes_only: Leave out what is named without an attribute.
    """
    return {found for found in _references(value) if found[1] or not attributes_only}


def conditions_of(value: Any) -> set[str]:
    """Return the names of the conditions on which a piece of a template depends."""
    return {name for name in _conditions(value) if isinstance(name, str)}


def attribute(argument: Any) -> Reference:
    """Return the resource and the attribute that ``Fn::GetAtt`` names, in either form."""
    if isinstance(argument, str):
        name, _, wanted = argument.partition(".")
        return name, wanted
    return str(argument[0]), ".".join(map(str, argument[1:]))


def function(value: Any) -> tuple[str, Any] | None:
    """Return the function of CloudFormation's that a value calls, and its argument."""
    if isinstance(value, dict) and len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref" or str(name).startswith("Fn::"):
            return str(name), argument
    return None


def _references(value: Any) -> Iterator[Reference]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
        return
    if not isinstance(value, dict):
        return
    called = function(value)
    if called and called[0] == "Ref":
        yield str(called[1]), ""
    elif called and called[0] == "Fn::GetAtt":
        yield attribute(called[1])
    elif called and called[0] == "Fn::Sub":
        yield from _of_sub(called[1])
    else:
        for each in value.values():
            yield from _references(each)


def _of_sub(argument: Any) -> Iterator[Reference]:
    text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
    yield from _references(given)
    for literal, name in SUBSTITUTED.findall(text):
        if not literal and name.strip() not in given:
            named, _, wanted = name.strip().partition(".")
            yield named, wanted


def _conditions(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _conditions(each)
    elif isinstance(value, dict):
        called = function(value)
        if called and called[0] == "Fn::If":
            yield called[1][0]
        for each in value.values():
            yield from _conditions(each)
