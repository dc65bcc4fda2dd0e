"""Whether EventBridge can read a schedule.

Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

import re

_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_AT = re.compile(r"at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\)")
_CRON = re.compile(r"cron\((.*)\)")
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"

_FIELDS: tuple[tuple[str, str, int, int], ...] = (
    ("minutes", r"[\d*,/-]+", 0, 59),
    ("hours", r"[\d*,/-]+", 0, 23),
    ("day of the month", r"[\d*,/?LW-]+", 1, 31),
    ("month", rf"({_MONTHS}|[\d*,/-])+", 1, 12),
    ("day of the week", rf"({_DAYS}|[\d*,/?L#-])+", 1, 7),
    ("year", r"[\d*,/-]+", 1970, 2199),
)
"""The fields of a cron: a name, what it is written of, its least and its greatest number."""


def problem(expression: str, *, scheduler: bool = True) -> str:
    """Return why a schedule cannot be read, in words; empty where it can.

    Args:
        expression: The schedule, such as ``rate(5 minutes)``.
        scheduler: Whether the Scheduler reads it, which takes ``at(…)``, and a unit of a rate in
            the singular or in the plural; else a rule of EventBridge.
    """
    if scheduler and _AT.fullmatch(expression):
        return ""
    rate = _RATE.fullmatch(expression)
    if rate:
        number, unit, plural = int(rate[1]), rate[2], bool(rate[3])
        if number < 1:
            return "the rate is less than 1"
        wanted = unit if number == 1 else f"{unit}s"
        is_right = scheduler or plural == (number > 1)
        return "" if is_right else f"{number} takes the unit {wanted}"
    cron = _CRON.fullmatch(expression)
    if cron is None:
        return "neither a rate nor a cron that can be read"
    return _cron([field.rstrip(",") for field in cron[1].split()])


def _cron(fields: list[str]) -> str:
    if len(fields) != len(_FIELDS):
        return f"a cron has {len(_FIELDS)} fields, and this one {len(fields)}"
    if (fields[2] == "?") == (fields[4] == "?"):
        return "one of the two days must be ?, and the other not"
    for text, (name, pattern, low, high) in zip(fields, _FIELDS, strict=True):
        if not re.fullmatch(pattern, text, re.IGNORECASE):
            return f'"{text}" is no {name}'
        # What follows a slash or a hash is a step or a count.
        for number in re.findall(r"(?<![/#\d])\d+", text):
            if not low <= int(number) <= high:
                return f"{number} is no {name}: {low} to {high}"
    return ""
