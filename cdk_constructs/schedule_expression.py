"""When EventBridge Scheduler does something: ``rate(...)``, ``cron(...)`` or ``at(...)``.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNITS = ("minute", "hour", "day")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "minutes": (0, 59, ()),
    "hours": (0, 23, ()),
    "day of the month": (1, 31, ()),
    "month": (1, 12, _MONTHS),
    "day of the week": (1, 7, _DAYS),
    "year": (1970, 2199, ()),
}
"""The fields of ``cron(...)`` in their order: the least, the most, and the names of values."""

_SPECIAL = {"day of the month": r"\?|L|LW|\d{1,2}W", "day of the week": r"\?|L|\w+L|\w+#[1-5]"}
"""What else the days may be: any, the last, the nearest weekday, the nth of a month."""

_SHAPES = (
    "must be rate(VALUE UNIT), cron(MINUTES HOURS DAY MONTH WEEKDAY YEAR) or "
    "at(YYYY-MM-DDTHH:MM:SS)"
)


def problem(expression: str) -> str | None:
    """Return what an expression must be, or None for one that EventBridge Scheduler takes.

    Args:
        expression: The expression.

    Example:
        >>> problem("rate(1 days)")
        'must be rate(1 day): one of a unit is singular'
        >>> problem("cron(0 3 * * * *)")
        'must have ? as the day of the month or as the day of the week, and not as both'
    """
    whole = re.fullmatch(r"(rate|cron|at)\((.*)\)", expression)
    if whole is None or len(expression) > 256:
        return _SHAPES
    kind, inside = whole.groups()
    return {"rate": _rate, "cron": _cron, "at": _at}[kind](inside)


def _rate(inside: str) -> str | None:
    found = re.fullmatch(rf"([1-9]\d*) ({'|'.join(_UNITS)})(s?)", inside)
    if found is None:
        return "must be rate(VALUE UNIT): a number from 1 on, and minutes, hours or days"
    value, unit, several = found.groups()
    if (value == "1") == bool(several):
        many = "" if value == "1" else "s"
        number = "one of a unit is singular" if value == "1" else "more of a unit are plural"
        return f"must be rate({value} {unit}{many}): {number}"
    return None


def _at(inside: str) -> str | None:
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inside):
            datetime.fromisoformat(inside)
            return None
    except ValueError:
        pass
    return "must be at(YYYY-MM-DDTHH:MM:SS), a time that there is"


def _cron(inside: str) -> str | None:
    values = inside.split(" ")
    if len(values) != len(_FIELDS):
        return f"must be cron of six fields: {', '.join(_FIELDS)}"
    given = dict(zip(_FIELDS, values, strict=True))
    wrong = next(_wrong(given), None)
    if wrong is not None:
        return wrong
    if (given["day of the month"] == "?") == (given["day of the week"] == "?"):
        return "must have ? as the day of the month or as the day of the week, and not as both"
    return None


def _wrong(given: dict[str, str]) -> Iterator[str]:
    for field, value in given.items():
        low, high, names = _FIELDS[field]
        special = re.fullmatch(_SPECIAL.get(field, "(?!)"), value)
        if not special and not all(_fits(each, low, high, names) for each in value.split(",")):
            words = f", {names[0]} to {names[-1]}" if names else ""
            yield f'must have {field} from {low} to {high}{words}: "{value}"'


def _fits(value: str, low: int, high: int, names: tuple[str, ...]) -> bool:
    """Return whether a part between commas is a value, a range or steps, such as ``*/2``."""
    base, slash, step = value.partition("/")
    if slash and not re.fullmatch(r"[1-9]\d*", step):
        return False
    if base == "*":
        return True
    numbers = [_number(each, low, names) for each in base.split("-")]
    return len(numbers) <= 2 and all(each is not None and low <= each <= high for each in numbers)


def _number(text: str, low: int, names: tuple[str, ...]) -> int | None:
    if text.upper() in names:
        return names.index(text.upper()) + low
    return int(text) if re.fullmatch(r"\d{1,4}", text) else None
