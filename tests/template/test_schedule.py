"""A function that trains by itself: who may invoke it, how often, and what of mistakes."""

from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack, Validations
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from cdk_constructs import ContainerFunction, ModelImage, RetrainingSchedule

DIGEST = "sha256:" + "0" * 64
IMAGE = ModelImage.from_uri(f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn@{DIGEST}")


@pytest.fixture
def stack() -> Stack:
    app = App()
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return Stack(app, "Stack")


def made(stack: Stack, *, alias: str | None = None, **options: Any) -> Template:
    function = ContainerFunction(stack, "Train", image=IMAGE, alias=alias)
    given = {"expression": "rate(7 days)", **options}
    RetrainingSchedule(stack, "Again", function=function, **given)
    return Template.from_stack(stack)


def only(template: Template, kind: str) -> dict[str, Any]:
    (found,) = template.find_resources(kind).values()
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_its_role_may_invoke_the_one_function_and_nothing_else(stack: Stack) -> None:
    template = made(stack)

    (name,) = template.find_resources("AWS::Lambda::Function")
    arn = {"Fn::GetAtt": [name, "Arn"]}
    policies = template.find_resources("AWS::IAM::Policy").items()
    (policy,) = (each for name, each in policies if name.startswith("Again"))
    assert policy["Properties"]["PolicyDocument"]["Statement"] == [
        {"Action": "lambda:InvokeFunction", "Effect": "Allow", "Resource": arn}
    ]
    roles = template.find_resources("AWS::IAM::Role").items()
    (role,) = (each for name, each in roles if name.startswith("Again"))
    (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    target = only(template, "AWS::Scheduler::Schedule")["Target"]
    assert (target["Arn"], target["Input"]) == (arn, "{}")


def test_it_is_on_time_and_a_training_that_fails_is_not_repeated(stack: Stack) -> None:
    template = made(stack, event={"data": "s3://iris/2026/"}, retries=0, max_age_seconds=60)

    schedule = only(template, "AWS::Scheduler::Schedule")
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(7 days)", "ENABLED")
    assert schedule["Target"]["Input"] == '{"data": "s3://iris/2026/"}'
    assert schedule["Target"]["RetryPolicy"] == {
        "MaximumRetryAttempts": 0,
        "MaximumEventAgeInSeconds": 60,
    }
    once = only(template, "AWS::Lambda::EventInvokeConfig")
    assert (once["MaximumRetryAttempts"], once["Qualifier"]) == (0, "$LATEST")


def test_a_function_with_an_alias_is_invoked_by_it(stack: Stack) -> None:
    template = made(stack, alias="stable", enabled=False)

    (alias,) = template.find_resources("AWS::Lambda::Alias")
    schedule = only(template, "AWS::Scheduler::Schedule")
    assert (schedule["Target"]["Arn"], schedule["State"]) == ({"Ref": alias}, "DISABLED")
    assert only(template, "AWS::Lambda::EventInvokeConfig")["Qualifier"] == "stable"


def test_every_mistake_is_said_and_nothing_is_made(stack: Stack) -> None:
    function = ContainerFunction(stack, "Train", image=IMAGE)

    with pytest.raises(ValueError, match="^Stack/Again: 3 problems") as caught:
        RetrainingSchedule(
            stack,
            "Again",
            function=function,
            expression="daily",
            retries=186,
            max_age_seconds=59,
        )

    assert 'expression "daily": must be rate(VALUE UNIT)' in str(caught.value)
    assert "retries 186: must be from 0 to 185" in str(caught.value)
    assert stack.node.try_find_child("Again") is None


def test_an_expression_that_is_known_only_at_deployment_is_let_through(stack: Stack) -> None:
    later = CfnParameter(stack, "When").value_as_string

    template = made(stack, expression=later)

    when = only(template, "AWS::Scheduler::Schedule")["ScheduleExpression"]
    assert when == {"Ref": "When"}
