from __future__ import annotations

import pytest

from odyssey.checks.schedules import problem

READ = [
    "rate(1 minute)",
    "rate(5 minutes)",
    "cron(0 3 ? * MON *)",
    "cron(0/5 8-17 ? * MON-FRI *)",
    "cron(15 10 L * ? 2027)",
    "cron(0 9 ? JAN,JUL 2#1 2027-2030)",
]


@pytest.mark.parametrize("expression", READ)
def test_both_kinds_read_what_the_documentation_has(expression: str) -> None:
    assert problem(expression, scheduler=True) == ""
    assert problem(expression, scheduler=False) == ""


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("rate(0 minutes)", "less than 1"),
        ("rate(2 weeks)", "neither a rate nor a cron"),
        ("cron(0 3 * * *)", "6 fields, and this one 5"),
        ("cron(0 3 * * * *)", "one of the two days must be ?"),
        ("cron(60 3 ? * MON *)", "60 is no minutes: 0 to 59"),
        ("cron(0 3 ? * MONDAY *)", '"MONDAY" is no day of the week'),
    ],
)
def test_what_cannot_be_read_is_told_why(expression: str, why: str) -> None:
    assert why in problem(expression)


def test_a_rule_is_strict_about_units_and_knows_no_single_time() -> None:
    assert problem("rate(1 hours)", scheduler=False) == "1 takes the unit hour"
    assert problem("rate(1 hours)") == ""
    assert problem("at(2027-01-31T03:00:00)") == ""
    assert problem("at(2027-01-31T03:00:00)", scheduler=False)
