r"""Requests checked against AWS's own models, before anything is sent.

botocore's clients check types, required members and least lengths, and leave patterns, choices and
greatest lengths to AWS, which tells of them one at a time, and some an hour later. The models that
are installed with botocore have them all.

Source: https://smithy.io/2.0/spec/constraint-traits.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from odyssey.console import warn
from odyssey.errors import UsageError, did_you_mean
from odyssey.keys import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INSTANCE_TYPE = "InstanceType"
"""The end of the names of shapes whose choices AWS adds to every week."""


MAY_BE_SECRET = re.compile(r"(^|\.)Environment\.")
"""Where the variables of containers are, whose values no message repeats."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with one value of a request.

    Args:
        path: Where it is, such as ``ResourceConfig.InstanceCount`` or ``Tags[0].Key``.
        value: The value.
        rule: What it must be, in words.
        doubtful: It may be right: AWS may take more than the installed model knows.
        place: The path as AWS writes it, such as ``tags.1.member.key``.
        constraint: The rule as AWS writes it, such as ``Member must not be null``. Empty where a
            value is of a wrong type, and where AWS does not know the member.
    """

    path: str
    value: Any
    rule: str
    doubtful: bool = False
    place: str = ""
    constraint: str = ""

    @property
    def seen(self) -> Any:
        """The value where a message may repeat it, else None."""
        return None if MAY_BE_SECRET.search(self.path) else self.value

    def __str__(self) -> str:
        """Return it as a line."""
        value = "" if self.seen is None else f"{shown(self.seen)}: "
        return f"{self.path}: {value}{self.rule}"


def problems(service: str, operation: str, request: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return everything that is wrong with a request, in the order of its members.

    Args:
        service: The service as boto3 calls it, such as ``sagemaker``.
        operation: The operation as AWS calls it, such as ``CreateTrainingJob``.
        request: The request.

    Example:
        >>> [str(p) for p in problems("sagemaker", "StopTrainingJob", {"TrainingJobName": "a_b"})]
        ['TrainingJobName: "a_b": must match [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}']
    """
    shape = _model(service).operation_model(operation).input_shape
    return tuple(_structure(shape, request, _Place())) if shape is not None else ()


def require(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Return if a request keeps every rule of AWS's model; what is only doubtful is a warning.

    Args:
        service: The service as boto3 calls it.
        operation: The operation as AWS calls it.
        request: The request.

    Raises:
        UsageError: The request breaks rules; all of them are named.
    """
    found = problems(service, operation, request)
    for problem in found:
        if problem.doubtful:
            warn(f"{operation}: {problem}")
    broken = [f"{operation}: {problem}" for problem in found if not problem.doubtful]
    if broken:
        raise UsageError("\n".join(broken))


@lru_cache
def _model(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model(service)


class _Place(NamedTuple):
    """Where a value is, as a reader finds it and as AWS writes it."""

    path: str = ""
    place: str = ""

    def member(self, name: str) -> _Place:
        dotted = (self.path and f"{self.path}.", self.place and f"{self.place}.")
        return _Place(f"{dotted[0]}{name}", f"{dotted[1]}{name[:1].lower()}{name[1:]}")

    def entry(self, number: int) -> _Place:
        return _Place(f"{self.path}[{number}]", f"{self.place}.{number + 1}.member")

    def key(self) -> _Place:
        return _Place(f"{self.path}, a name", self.place)

    def value(self, name: str) -> _Place:
        return _Place(f"{self.path}.{name}", f"{self.place}.{name}.member")

    def problem(
        self, value: object, rule: str, constraint: str = "", *, doubtful: bool = False
    ) -> Problem:
        return Problem(self.path, value, rule, doubtful, self.place, constraint)


def _check(shape: Any, value: object, at: _Place) -> Iterator[Problem]:
    check, types = _CHECKS.get(shape.type_name, (_nothing, (object,)))
    wrong_bool = isinstance(value, bool) and bool not in types and object not in types
    if not isinstance(value, types) or wrong_bool:
        told = "Member must not be null" if value is None else ""
        yield at.problem(value, f"must be of the type {shape.type_name}", told)
        return
    yield from check(shape, value, at)


def _structure(shape: Any, value: Mapping[str, Any], at: _Place) -> Iterator[Problem]:
    for name in shape.required_members:
        if name not in value:
            rule = "is missing, and AWS requires it"
            yield at.member(name).problem(None, rule, "Member must not be null")
    for name, below in value.items():
        member = shape.members.get(name)
        if member is None:
            nearest = did_you_mean(name, shape.members)
            yield at.member(name).problem(None, f"is not known to AWS{nearest}")
        else:
            yield from _check(member, below, at.member(name))


def _list(shape: Any, value: list[Any], at: _Place) -> Iterator[Problem]:
    yield from _size(shape, value, len(value), at, "entries")
    for number, below in enumerate(value):
        yield from _check(shape.member, below, at.entry(number))


def _map(shape: Any, value: Mapping[Any, Any], at: _Place) -> Iterator[Problem]:
    yield from _size(shape, value, len(value), at, "entries")
    for name, below in value.items():
        yield from _check(shape.key, name, at.key())
        yield from _check(shape.value, below, at.value(name))


def _string(shape: Any, value: str, at: _Place) -> Iterator[Problem]:
    choices = shape.metadata.get("enum")
    if choices and value not in choices:
        doubtful = shape.name.endswith(INSTANCE_TYPE)
        told = f"Member must satisfy enum value set: [{', '.join(choices)}]"
        yield at.problem(value, _choice(value, choices, doubtful=doubtful), told, doubtful=doubtful)
    yield from _size(shape, value, len(value), at, "characters")
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        told = f"Member must satisfy regular expression pattern: {pattern}"
        yield at.problem(value, f"must match {pattern}", told)


def _blob(shape: Any, value: bytes, at: _Place) -> Iterator[Problem]:
    yield from _size(shape, f"{len(value)} bytes", len(value), at, "bytes")


def _number(shape: Any, value: float, at: _Place) -> Iterator[Problem]:
    yield from _size(shape, value, value, at, "")


def _nothing(shape: Any, value: object, at: _Place) -> Iterator[Problem]:
    yield from ()


_CHECKS: dict[str, tuple[Callable[..., Iterator[Problem]], tuple[type, ...]]] = {
    "structure": (_structure, (Mapping,)),
    "list": (_list, (list, tuple)),
    "map": (_map, (Mapping,)),
    "string": (_string, (str,)),
    "blob": (_blob, (bytes, bytearray)),
    "integer": (_number, (int,)),
    "long": (_number, (int,)),
    "float": (_number, (int, float)),
    "double": (_number, (int, float)),
    "boolean": (_nothing, (bool,)),
}


def _size(shape: Any, value: object, size: float, at: _Place, unit: str) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if (low is None or size >= low) and (high is None or size <= high):
        return
    limits = [f"at least {low}" if low else "", f"at most {high}" if high is not None else ""]
    limit = f"must be {' and '.join(filter(None, limits))} {unit}".rstrip()
    seen = f", and is {size}" if unit else ""
    broken = f"less than or equal to {high}"
    if low is not None and size < low:
        broken = f"greater than or equal to {low}"
    told = f"Member must have {'length' if unit else 'value'} {broken}"
    yield at.problem(value, limit + seen, told)


def _choice(value: str, choices: list[str], *, doubtful: bool) -> str:
    if doubtful:
        return f"is not known to this botocore{did_you_mean(value, choices)}"
    if len(choices) <= 8:
        return f"must be {' or '.join(choices)}"
    return f"must be one of {len(choices)} that AWS knows{did_you_mean(value, choices)}"


def _matches(pattern: str, value: str) -> bool:
    """Return whether a whole value matches a pattern, which is written as Java reads it."""
    translated = _CLASS.sub(lambda found: _members(found, value), pattern)
    try:
        return bool(re.fullmatch(translated.replace(r"\z", r"\Z"), value, re.ASCII))
    except re.error:
        return True  # A pattern that Python cannot read is left to AWS.


_CLASS = re.compile(r"\\p\{(\w+)\}")

_NAMED: dict[str, Callable[[str], bool]] = {
    "ASCII": str.isascii,
    "Alnum": lambda char: char.isascii() and char.isalnum(),
    "Print": lambda char: char.isascii() and char.isprintable(),
}


def _members(place: re.Match[str], value: str) -> str:
    r"""Return those characters of a value that are of the class ``\p{NAME}`` of a pattern."""
    name, before = place.group(1), place.string[: place.start()]
    is_member = _NAMED.get(name) or (lambda char: unicodedata.category(char).startswith(name))
    found = "".join(re.escape(char) for char in sorted(set(value)) if is_member(char))
    found = found or "\uffff"  # Stands for nothing: it is no character.
    return found if before.rfind("[") > before.rfind("]") else f"[{found}]"
