"""The part of JSONPath by which a transform job picks what it needs of a record.

::

    $                  all of it              $[1,-1]         elements by number, from either end
    $.id               a member               $[1:4], $[1:]   elements from the first to the last
    $['id','name']     an object of some      $.values.*      all elements, or members' values

SageMaker counts the last number of a range in, as nobody else does, and refuses numbers that the
record has not.

Source: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol

_STEP = re.compile(r"\.?\[([^\[\]]*)\]|\.([^.\[\]', :]+)")
_NAMES = re.compile(r"\s*'[^']*'\s*(,\s*'[^']*'\s*)*")
_RANGE = re.compile(r"(-?\d+)?\s*:\s*(-?\d+)?")
_NUMBER = re.compile(r"-?\d+")


Element = int | tuple[int | None, int | None]
"""A number, or first and last of a range, where None is either end."""

Wanted = tuple[Element, ...]


class PathError(Exception):
    """It is no path that SageMaker takes, or a record has no such part."""


class Step(Protocol):
    """One step of a path.

    Attributes:
        is_many: Whether the steps after it go into each element of what it picks.
    """

    @property
    def is_many(self) -> bool:
        """See above."""

    def pick(self, value: Any) -> Any:
        """Return the part of a value that it leads to."""


@dataclass(frozen=True)
class Members:
    """Members of an object by name: the one's value, or an object of several."""

    names: tuple[str, ...]
    is_many = False

    def pick(self, value: Any) -> Any:
        """Return the part of a value that it leads to."""
        if not isinstance(value, dict):
            raise PathError(f"{self.names[0]} is asked for of what is no object")
        for name in self.names:
            if name not in value:
                raise PathError(f"key error: {name} not found in object")
        if len(self.names) == 1:
            return value[self.names[0]]
        return {name: value[name] for name in self.names}


@dataclass(frozen=True)
class Elements:
    """Elements of an array: the one of a number, or an array of several.

    Args:
        wanted: Numbers, and at most one range of them.
    """

    wanted: Wanted

    @cached_property
    def is_many(self) -> bool:
        """Whether it is an array."""
        return len(self.wanted) > 1 or not isinstance(self.wanted[0], int)

    def pick(self, value: Any) -> Any:
        """Return the part of a value that it leads to."""
        if not isinstance(value, list):
            raise PathError("an element is asked for of what is no array")
        numbers = _numbers(self.wanted, len(value))
        return [value[number] for number in numbers] if self.is_many else value[numbers[0]]


@dataclass(frozen=True)
class All:
    """All elements of an array, or the values of an object."""

    is_many = True

    def pick(self, value: Any) -> Any:
        """Return the part of a value that it leads to."""
        if isinstance(value, dict):
            return list(value.values())
        if isinstance(value, list):
            return value
        raise PathError("everything is asked for of what is neither object nor array")


@dataclass(frozen=True)
class Path:
    """A path.

    Args:
        text: How it is written.
        steps: Its steps.

    Example:
        >>> Path.parse("$[0,-1]").pick(["a", "b", "c"])
        ['a', 'c']
    """

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """Return the path that a text means; an empty one means all.

        Raises:
            PathError: It is none that SageMaker takes.
        """
        if text and not text.startswith("$"):
            raise PathError(f"Invalid JsonPath: {text}: it must begin with $")
        steps: list[Step] = []
        position = 1
        while position < len(text):
            found = _STEP.match(text, position)
            if found is None:
                raise PathError(f"Invalid JsonPath: {text}: at {text[position:]}")
            inside, name = found.groups()
            steps.append(_step(text, inside) if name is None else _named(name))
            position = found.end()
        return cls(text or "$", tuple(steps))

    @property
    def is_all(self) -> bool:
        """Whether it leaves a record as it is."""
        return not self.steps

    def pick(self, value: Any) -> Any:
        """Return the part of a record that it leads to.

        Raises:
            PathError: The record has no such part.
        """
        return _walk(value, self.steps)


def _walk(value: Any, steps: tuple[Step, ...]) -> Any:
    for number, step in enumerate(steps, 1):
        value = step.pick(value)
        if step.is_many and number < len(steps):
            return [_walk(each, steps[number:]) for each in value]
    return value


def _named(name: str) -> Step:
    return All() if name == "*" else Members((name,))


def _step(text: str, inside: str) -> Step:
    """Return the step that is written in brackets."""
    if inside.strip() == "*":
        return All()
    if _NAMES.fullmatch(inside):
        return Members(tuple(re.findall(r"'([^']*)'", inside)))
    wanted = tuple(_element(text, each.strip()) for each in inside.split(","))
    if sum(not isinstance(each, int) for each in wanted) > 1:
        raise PathError(
            f"Invalid JsonPath: {text}: only single range filters of format (eg: [1:5]) are "
            f"supported. Format [{inside}] is not supported"
        )
    return Elements(wanted)


def _element(text: str, written: str) -> Element:
    if _NUMBER.fullmatch(written):
        return int(written)
    found = _RANGE.fullmatch(written)
    if found is None:
        raise PathError(f"Invalid JsonPath: {text}: [{written}] is neither number nor range")
    first, last = found.groups()
    return None if first is None else int(first), None if last is None else int(last)


@lru_cache
def _numbers(wanted: Wanted, length: int) -> tuple[int, ...]:
    """Return the elements that are meant, counted from the first; rows are mostly of one length."""
    found: list[int] = []
    for each in wanted:
        if isinstance(each, int):
            found.append(_within(each, length))
        else:
            first = 0 if each[0] is None else _within(each[0], length)
            last = length - 1 if each[1] is None else _within(each[1], length)
            found.extend(range(first, last + 1))
    return tuple(found)


def _within(number: int, length: int) -> int:
    if not -length <= number < length:
        raise PathError(f"index out of range: {number} of {length}")
    return number % length
