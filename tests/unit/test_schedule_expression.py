"""When EventBridge Scheduler takes an expression."""

import pytest

from cdk_constructs.schedule_expression import problem


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 day)",
        "rate(90 minutes)",
        "cron(0 3 * * ? *)",
        "cron(0/15 8-17 ? jan,JUL MON-FRI 2026-2030)",
        "cron(5 0 L * ? *)",
        "cron(5 0 15W * ? *)",
        "cron(5 0 ? * 2#1 *)",
        "cron(5 0 ? * 6L *)",
        "at(2026-01-02T03:04:05)",
    ],
)
def test_what_it_takes_is_taken(expression: str) -> None:
    assert problem(expression) is None


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        ("daily", "must be rate(VALUE UNIT), cron("),
        ("rate(1 days)", "must be rate(1 day)"),
        ("rate(5 minute)", "must be rate(5 minutes)"),
        ("rate(0 days)", "a number from 1 on"),
        ("rate(1 week)", "minutes, hours or days"),
        ("cron(0 3 * *)", "of six fields"),
        ("cron(0 3 * * * *)", "and not as both"),
        ("cron(0 3 ? * ? *)", "and not as both"),
        ("cron(60 3 * * ? *)", 'minutes from 0 to 59: "60"'),
        ("cron(0 3 ? * MOO *)", 'day of the week from 1 to 7, SUN to SAT: "MOO"'),
        ("cron(0 3 * 1-2-3 ? *)", 'month from 1 to 12, JAN to DEC: "1-2-3"'),
        ("cron(0/0 3 * * ? *)", "minutes from 0 to 59"),
        ("at(2026-02-30T03:04:05)", "a time that there is"),
        ("at(2026-02-03)", "at(YYYY-MM-DDTHH:MM:SS)"),
    ],
)
def test_what_it_refuses_is_refused_with_the_rule(expression: str, rule: str) -> None:
    assert rule in str(problem(expression))
