"""Values of templates: where two of them differ, and how a reader sees one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from odyssey.checks.secrets import secret
from odyssey.checks.template import function, references

Difference = tuple[str, Any, Any]
"""Where two values differ, and what is there on each side; None is nothing."""

NAMES = ("VariantName", "AlarmName", "Key", "Name", "Id", "Sid", "ContainerHostname")
"""The members by which the entries of a list are told apart, whatever their order is."""

NOTHING = {"Ref": "AWS::NoValue"}
_NAME_OF = re.compile(r"[.\[]")
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


def differences(before: Any, after: Any, path: str = "") -> Iterator[Difference]:
    """Yield where two values differ, as deep as both have the same shape.

    Entries of lists are matched by their names where they have some, else those that are equal are
    set aside and the others compared in turn. A function of CloudFormation is one value, and so is
    a list of plain values.

    Args:
        before: One value.
        after: The other.
        path: Where they are.

    Example:
        >>> list(differences({"A": [{"Name": "x", "Value": 1}]}, {"A": []}))
        [('A[x]', 1, None)]
    """
    before, after = _known(before), _known(after)
    if before == after:
        return
    if _is_map(before) and _is_map(after):
        for name in dict.fromkeys([*after, *before]):
            below = f"{path}.{name}" if path else str(name)
            yield from differences(before.get(name), after.get(name), below)
    elif _is_list_of_maps(before) and _is_list_of_maps(after) and (before or after):
        yield from _lists(before, after, path)
    else:
        yield path, before, after


def _lists(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    if all(set(each) == {"Key", "Value"} for each in [*before, *after]):
        yield from _pairs(before, after, "Key", path)
        return
    if all(set(each) == {"Name", "Value"} for each in [*before, *after]):
        yield from _pairs(before, after, "Name", path)
        return
    name = _name(before, after)
    if name is not None:
        old = {each[name]: (at, each) for at, each in enumerate(before)}
        new = {each[name]: (at, each) for at, each in enumerate(after)}
        for key in dict.fromkeys([*new, *old]):
            at = new[key][0] if key in new else old[key][0]
            pair = (old.get(key, (0, None))[1], new.get(key, (0, None))[1])
            yield from differences(*pair, f"{path}[{at}]")
        return
    yield from _in_turn(before, after, path)


def _pairs(before: list[Any], after: list[Any], key: str, path: str) -> Iterator[Difference]:
    old, new = ({shown(each[key]): each["Value"] for each in side} for side in (before, after))
    for name in dict.fromkeys([*new, *old]):
        yield from differences(old.get(name), new.get(name), f"{path}[{name}]")


def _in_turn(before: list[Any], after: list[Any], path: str) -> Iterator[Difference]:
    gone = [each for each in before if each not in after]
    come = [(at, each) for at, each in enumerate(after) if each not in before]
    if not gone and not come:
        yield path, before, after
        return
    for at, each in come:
        yield from differences(gone.pop(0) if gone else None, each, f"{path}[{at}]")
    for each in gone:
        yield f"{path}[{before.index(each)}]", each, None


def _name(before: list[Any], after: list[Any]) -> str | None:
    """Return the member that names each entry of two lists, and no two alike."""
    for name in NAMES:
        keys = [[each.get(name) for each in side] for side in (before, after)]
        if all(isinstance(key, str) for side in keys for key in side) and all(
            len(side) == len(set(side)) for side in keys
        ):
            return name
    return None


def _known(value: Any) -> Any:
    return None if value == NOTHING else value


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping) and function(value) is None


def _is_list_of_maps(value: Any) -> bool:
    return isinstance(value, list) and all(_is_map(each) for each in value)


def without_secrets(difference: Difference) -> Difference:
    """Return a difference in which no secret is shown: pages of reviews are for many readers.

    Example:
        >>> without_secrets(("Environment.API_TOKEN", None, "correct-horse"))
        ('Environment.API_TOKEN', None, '(a secret)')
    """
    path, before, after = difference
    name = _NAME_OF.split(path.rstrip("]"))[-1]
    old, new = _without_secrets(name, before), _without_secrets(name, after)
    return path, old, "(another secret)" if old == new and before != after else new


def _without_secrets(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        # A list has its names beside the values.
        own = value.get("Name", value.get("Key")) if "Value" in value else None
        return {
            key: _without_secrets(str(own) if own is not None and key == "Value" else key, below)
            for key, below in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(name, below) for below in value]
    return "(a secret)" if secret(name, value) else value


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value that is no map and no list of maps, with the way to it."""
    if _is_map(value):
        for name, below in value.items():
            yield from leaves(below, f"{path}.{name}" if path else str(name))
    elif _is_list_of_maps(value) and value:
        for at, below in enumerate(value):
            yield from leaves(below, f"{path}[{at}]")
    else:
        yield path, value


def imports(value: Any) -> Iterator[str]:
    """Yield the names of the exports that a value imports, where they are written out."""
    called = function(value)
    if called and called[0] == "Fn::ImportValue" and isinstance(called[1], str):
        yield called[1]
    below = value.values() if isinstance(value, Mapping) else value
    for each in below if isinstance(value, Mapping | list) else ():
        yield from imports(each)


def refers(value: Any, names: set[str]) -> str | None:
    """Return the first of some logical ids that a value refers to, or None."""
    return next((name for name in references(value) if name in names), None)


def shown(value: Any) -> str:
    """Return a value as text in which what only a deployment knows is a ``${NAME}``.

    Example:
        >>> shown({"Fn::Join": ["", ["s3://", {"Ref": "Bucket"}, "/model/"]]})
        's3://${Bucket}/model/'
    """
    called = function(value)
    if called is None:
        return value if isinstance(value, str) else json.dumps(value, default=str)
    name, argument = called
    if name == "Ref":
        return f"${{{argument}}}"
    if name == "Fn::GetAtt":
        parts = argument if isinstance(argument, list) else [argument]
        return f"${{{'.'.join(map(shown, parts))}}}"
    if name == "Fn::ImportValue":
        return f"${{{shown(argument)}}}"
    if name == "Fn::Join" and isinstance(argument, list) and _is_join(argument):
        return str(argument[0]).join(map(shown, argument[1]))
    if name == "Fn::Sub":
        text = argument[0] if isinstance(argument, list) and argument else argument
        given = argument[1] if isinstance(argument, list) and len(argument) == 2 else {}
        return _VARIABLE.sub(
            lambda found: shown(given[found[2]]) if found[2] in given else found[0], str(text)
        )
    return f"${{{name.removeprefix('Fn::')}({_arguments(argument)})}}"


def _is_join(argument: list[Any]) -> bool:
    return len(argument) == 2 and isinstance(argument[1], list)


def _arguments(argument: Any) -> str:
    return ", ".join(map(shown, argument)) if isinstance(argument, list) else shown(argument)
