"""Checks of what callers pass: every problem is collected, and raised as one ``ValueError``.

A value that the CDK resolves only at deployment (a token) cannot be checked and is let through.

Sources of the limits: the service models of the SageMaker, Lambda, ECR and S3 APIs, such as
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from constructs import Construct

NAME = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
NAME_RULE = "must be 1 to 63 letters, digits and hyphens, with no hyphen at either end"

FUNCTION = r"[a-zA-Z0-9_-]{1,64}"
FUNCTION_RULE = "must be 1 to 64 letters, digits, hyphens and underscores"

RETENTIONS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
"""Days that CloudWatch Logs takes.

Source:
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""

_TOKEN = re.compile(r"\$\{Token\[.+?\]\}|#\{Token\[.+?\]\}")
_LEAST_TOKEN_NUMBER = -1e100
"""The CDK encodes number tokens as numbers far below zero."""


def is_token(value: object) -> bool:
    """Return whether the CDK resolves a value, or a part of it, only at deployment."""
    if isinstance(value, str):
        return _TOKEN.search(value) is not None
    return isinstance(value, int | float) and -math.inf < value < _LEAST_TOKEN_NUMBER


def is_list_token(values: Sequence[str] | None) -> bool:
    """Return whether the CDK resolves a whole list only at deployment."""
    return values is not None and any(value.startswith("#{Token[") for value in values)


class Problems:
    """What is wrong with the arguments of a construct or a value object.

    Args:
        place: What the arguments belong to: a construct's path or a class's name.

    Example:
        >>> problems = Problems("InstanceVariant")
        >>> problems.between("instance_count", 0, low=1)
        >>> problems.raise_any()
        Traceback (most recent call last):
        ValueError: InstanceVariant: instance_count 0: must be at least 1
    """

    def __init__(self, place: str) -> None:
        """Start without a problem."""
        self._place = place
        self._found: list[str] = []

    @classmethod
    def of(cls, scope: Construct, construct_id: str) -> Problems:
        """Return the problems of a construct that is about to be made under a scope."""
        path = scope.node.path
        return cls(f"{path}/{construct_id}" if path else construct_id)

    def add(self, text: str) -> None:
        """Add a problem: lower case, no final period, with the value and the rule."""
        self._found.append(text)

    def between(
        self,
        name: str,
        value: float | None,
        *,
        low: float | None = None,
        high: float | None = None,
        step: int | None = None,
    ) -> None:
        """Check a number against a range, ends included, and a step from `low`; None passes."""
        if value is None or is_token(value):
            return
        if not _is_number(value):
            self.add(f"{name} {_quoted(value)}: must be a number {_range(low, high)}")
            return
        outside = (low is not None and value < low) or (high is not None and value > high)
        between_steps = step is not None and (value - (low or 0)) % step != 0
        if outside or between_steps:
            steps = f" in steps of {step}" if step else ""
            self.add(f"{name} {value}: must be {_range(low, high)}{steps}")

    def whole(
        self,
        name: str,
        value: float | None,
        *,
        low: int | None = None,
        high: int | None = None,
        step: int | None = None,
    ) -> None:
        """Check a whole number as `between` does."""
        if _is_number(value) and not is_token(value) and value % 1:
            self.add(f"{name} {value}: must be a whole number {_range(low, high)}")
        else:
            self.between(name, value, low=low, high=high, step=step)

    def matches(self, name: str, value: str | None, pattern: str, rule: str) -> None:
        """Check a text against a pattern of its whole length; None passes.

        Args:
            name: The argument's name.
            value: Its value.
            pattern: A regular expression.
            rule: The pattern in words: ``must be ...``.
        """
        if value is not None:
            self.requires(name, value, pattern, rule)

    def requires(self, name: str, value: str, pattern: str, rule: str) -> None:
        """Check a text as `matches` does; None is a problem too."""
        text = isinstance(value, str)
        if not is_token(value) and not (text and re.fullmatch(pattern, value)):
            self.add(f"{name} {_quoted(value)}: {rule}")

    def name(self, name: str, value: str | None) -> None:
        """Check the name of an endpoint or a variant; None passes."""
        self.matches(name, value, NAME, NAME_RULE)

    def one_of(self, name: str, value: Any, choices: Collection[Any]) -> None:
        """Check that a value is one of the choices; None passes."""
        if value is not None and not is_token(value) and value not in tuple(choices):
            known = ", ".join(str(choice) for choice in choices)
            self.add(f"{name} {_quoted(value)}: must be one of {known}")

    def count(self, name: str, values: Sequence[object], *, low: int, high: int) -> None:
        """Check how many values there are."""
        if not low <= len(values) <= high:
            self.add(f"{len(values)} {name}: must be {_range(low, high)}")

    def unique(self, name: str, values: Sequence[str]) -> None:
        """Check that no value comes twice."""
        twice = sorted({value for value in values if values.count(value) > 1})
        if twice:
            self.add(f"{name} given twice: {', '.join(twice)}")

    def environment(
        self, name: str, values: Mapping[str, str], *, most: int, each: int, total: int
    ) -> None:
        """Check environment variables.

        Args:
            name: The argument's name.
            values: The variables.
            most: How many there may be.
            each: Bytes that one name and one value may have.
            total: Bytes that all names and values may have together.
        """
        if len(values) > most:
            self.add(f"{len(values)} variables in {name}: must be at most {most}")
        for key, value in values.items():
            self.matches(
                f"{name} variable",
                key,
                r"[a-zA-Z_][a-zA-Z0-9_]*",
                "must be letters, digits and underscores, with no digit first",
            )
            if not isinstance(value, str):
                self.add(f"value of {name} variable {key} {value}: must be text")
            for part, text in (("name", key), ("value", value)):
                if _bytes(text) > each:
                    self.add(
                        f"{part} of {name} variable {key}: {_bytes(text)} bytes: at most {each}"
                    )
        whole = sum(_bytes(key) + _bytes(value) for key, value in values.items())
        if whole > total:
            self.add(f"{name} of {whole} bytes: must be at most {total} in all")

    def raise_any(self) -> None:
        """Raise what was found.

        Raises:
            ValueError: There is a problem; the message has all of them.
        """
        if len(self._found) == 1:
            raise ValueError(f"{self._place}: {self._found[0]}")
        if self._found:
            lines = "".join(f"\n  - {text}" for text in self._found)
            raise ValueError(f"{self._place}: {len(self._found)} problems:{lines}")


def _range(low: float | None, high: float | None) -> str:
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"from {low} to {high}"


def _quoted(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _bytes(text: object) -> int:
    return len(text.encode()) if isinstance(text, str) and not is_token(text) else 0
