"""When a function is invoked by itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from cdk_constructs import schedule_expression
from cdk_constructs.roles import wait_for_policies
from cdk_constructs.validation import Problems, is_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_constructs.function import ContainerFunction

_SCHEDULER = "scheduler.amazonaws.com"


class RetrainingSchedule(Construct):
    """A schedule of EventBridge Scheduler that has a function train again.

    The schedule's role may invoke that one function. A training that fails is not repeated, as
    Lambda would do twice: it costs as much each time. An invocation that Lambda does not take is
    tried again.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        function: The function that trains.
        expression: ``rate(VALUE UNIT)``, ``cron(MINUTES HOURS DAY MONTH WEEKDAY YEAR)`` or
            ``at(YYYY-MM-DDTHH:MM:SS)``, in UTC.
        event: What the function gets, as JSON takes it; default ``{}``.
        enabled: Whether it is at work; default True.
        retries: Times that an invocation that Lambda does not take is tried again, 0 to 185;
            default 2.
        max_age_seconds: How late it may still be invoked, 60 to 86,400 s; default 3,600.

    Raises:
        ValueError: An argument is not allowed; the message has all that are not.

    Sources: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html and, for
    the conditions of the trust,
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html

    Example:
        >>> RetrainingSchedule(stack, "Nightly", function=train, expression="cron(0 3 * * ? *)")
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function: ContainerFunction,
        expression: str,
        event: Mapping[str, Any] | None = None,
        enabled: bool = True,
        retries: int = 2,
        max_age_seconds: int = 3600,
    ) -> None:
        problems = Problems.of(scope, construct_id)
        _check_expression(problems, expression)
        problems.whole("retries", retries, low=0, high=185)
        problems.whole("max_age_seconds", max_age_seconds, low=60, high=86400)
        problems.raise_any()
        super().__init__(scope, construct_id)
        self.expression = expression
        self.role = _own_role(self)
        # Its permission alone: the CDK's grant is for every version and alias, too.
        statement = iam.PolicyStatement(
            actions=["lambda:InvokeFunction"], resources=[function.function_arn]
        )
        self.role.add_to_policy(statement)
        self.resource = scheduler.CfnSchedule(
            self,
            "Resource",
            schedule_expression=expression,
            schedule_expression_timezone="UTC",
            state="ENABLED" if enabled else "DISABLED",
            flexible_time_window={"mode": "OFF"},
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.function_arn,
                role_arn=self.role.role_arn,
                input=json.dumps(dict(event or {})),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_retry_attempts=retries, maximum_event_age_in_seconds=max_age_seconds
                ),
            ),
        )
        wait_for_policies(self.resource, self.role)
        lambda_.CfnEventInvokeConfig(
            self,
            "Once",
            function_name=function.function_name,
            qualifier="$LATEST" if function.alias is None else function.alias.alias_name,
            maximum_retry_attempts=0,
        )

    @property
    def schedule_name(self) -> str:
        """The schedule's name."""
        return self.resource.ref


def _check_expression(problems: Problems, expression: str) -> None:
    broken = None if is_token(expression) else schedule_expression.problem(expression)
    if broken is not None:
        problems.add(f'expression "{expression}": {broken}')


def _own_role(scope: Construct) -> iam.Role:
    # Nobody else's scheduler may take on the role.
    ours = {"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    return iam.Role(
        scope,
        "Role",
        assumed_by=iam.ServicePrincipal(_SCHEDULER, conditions=ours),
        description="What invokes the function that trains",
    )
