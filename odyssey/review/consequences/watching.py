"""What a change does to those who watch, and to roles: alarms, logs, what assumes a role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.review.consequences.catalogue import caution, danger, note, tells
from odyssey.review.report import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.report import Consequence

RETENTION = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Working-with-log-groups-and-streams"
    ".html"
)
PASSED = "https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html"


@tells("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
def alarm(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Nobody is told any more."""
    if change.action is Action.DELETE:
        yield caution(
            "alarm-gone",
            "The alarm is deleted: nobody is told, and no rollout is taken back by it.",
        )
    elif change.changed("ActionsEnabled") and change.either.get("ActionsEnabled") is False:
        yield caution("alarm-silent", "The alarm tells nobody any more (ActionsEnabled is false).")
    elif change.changed("AlarmActions") and not change.either.raw("AlarmActions"):
        yield caution("alarm-silent", "The alarm tells nobody any more (it has no AlarmActions).")


@tells("AWS::Logs::LogGroup")
def log_group(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Logs are lost."""
    if change.action in {Action.DELETE, Action.REPLACE}:
        yield caution("logs-lost", "The log group is deleted, and all that was logged with it.")
    days = change.changed("RetentionInDays")
    if days and change.action is Action.UPDATE:
        old, new = days[0].before, days[0].after
        if isinstance(new, int) and (old is None or (isinstance(old, int) and new < old)):
            yield caution(
                "logs-shorter",
                f"Logs are kept for {new} days, so far {f'for {old}' if old else 'for ever'}: "
                "those that are older are deleted.",
                RETENTION,
            )


@tells("AWS::IAM::Role")
def role(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A role of another ARN is another role."""
    if change.action is Action.REPLACE:
        yield caution(
            "role-replaced",
            "A role of another ARN takes its place: policies of other accounts, of buckets and "
            "keys that name the old one do not let the new one in.",
            PASSED,
        )
    elif change.action is Action.DELETE:
        yield caution(
            "role-deleted",
            "The role is deleted: what still uses it, such as an endpoint that it was given to, "
            "cannot read its model or image any more.",
            PASSED,
        )


@tells("AWS::SNS::Topic")
def topic(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Those who listen are not told any more."""
    if change.action in {Action.DELETE, Action.REPLACE}:
        yield danger(
            "topic-gone",
            "Those who subscribed to the topic outside of the stack hear nothing any more.",
        )


@tells("AWS::CloudWatch::Dashboard")
def dashboard(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """It is gone, or looks otherwise."""
    if change.action is Action.DELETE:
        yield note("dashboard-gone", "The dashboard is deleted; the metrics stay.")
