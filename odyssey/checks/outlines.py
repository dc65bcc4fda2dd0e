"""Texts of a template as far as they are known: what only a deployment knows is a hole.

``!Sub "${Account}.dkr.ecr.eu-west-1.amazonaws.com/iris:latest"`` tells its tag, whatever the
account is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.checks.template import NO_VALUE, function

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

HOLE = re.compile(r"\$\{[^}]*\}")
"""What stands for the unknown, such as ``${Bucket}``."""

_DYNAMIC = re.compile(r"\{\{resolve:[^}]*\}\}")
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


def outline(template: Template, value: Any) -> str | None:
    """Return a text with a hole for each part that is not known; None where it is no text.

    Args:
        template: The template that the value is of.
        value: The value, functions and all; of a condition, take `Template.branches` first.
    """
    known = template.resolve(value)
    if isinstance(known, str):
        return known
    if isinstance(value, str):
        return _DYNAMIC.sub("${?}", value)
    called = function(value)
    if called is None:
        return None
    name, argument = called
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
        return _joined(template, argument)
    if name == "Fn::Sub":
        return _substituted(template, argument)
    if name == "Ref":
        return f"${{{argument}}}"
    if name == "Fn::GetAtt":
        parts = argument if isinstance(argument, list) else [argument]
        return f"${{{'.'.join(map(str, parts))}}}"
    return "${?}"


def outlines(template: Template, value: Any) -> Iterator[str]:
    """Yield the outline of each branch of a value that is a text."""
    for branch in template.branches(value):
        found = outline(template, branch)
        if found is not None:
            yield found


def has_holes(text: str) -> bool:
    """Return whether a part of an outline is not known."""
    return HOLE.search(text) is not None


def _joined(template: Template, argument: list[Any]) -> str:
    separator, parts = argument
    if not isinstance(parts, list):
        return "${?}"
    texts = [outline(template, part) for part in parts if part != NO_VALUE]
    return str(separator).join("${?}" if text is None else text for text in texts)


def _substituted(template: Template, argument: Any) -> str:
    text, given = argument, {}
    if isinstance(argument, list) and argument:
        text = argument[0]
        given = argument[1] if len(argument) > 1 and isinstance(argument[1], dict) else {}

    def part(found: re.Match[str]) -> str:
        literal, name = found.groups()
        if literal:
            return found[0]
        inner = given.get(name, {"Ref": name})
        return outline(template, inner) or "${?}"

    return _DYNAMIC.sub("${?}", _VARIABLE.sub(part, str(text)))
