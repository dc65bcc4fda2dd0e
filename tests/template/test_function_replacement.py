"""What CloudFormation does to a deployed function when one argument of its construct changes."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from cdk_constructs import ContainerFunction, ModelData, ModelImage, Network, RetrainingSchedule
from tests.template.test_replacement import (
    Effect,
    Resources,
    added,
    effect,
    moved,
    removed,
    replaced,
    updated,
)

FUNCTION, SCHEDULE = "AWS::Lambda::Function", "AWS::Scheduler::Schedule"
VERSION, ALIAS = "AWS::Lambda::Version", "AWS::Lambda::Alias"
POLICY, ROLE, LOGS = "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::Logs::LogGroup"
ONCE = "AWS::Lambda::EventInvokeConfig"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
# The version of before goes: the alias leads to another as soon as the function is updated.
NEW_VERSION = updated(FUNCTION, ALIAS) | moved(VERSION)
NETWORK = Network.from_ids(subnets=["subnet-12345678"], security_groups=["sg-12345678"])


def image(digit: str) -> ModelImage:
    return ModelImage.from_uri(f"{REGISTRY}/churn@sha256:{digit * 64}")


def data(number: int) -> ModelData:
    return ModelData.from_uri(f"s3://models/{number}/model.tar.gz")


def base() -> dict[str, Any]:
    return {
        "image": image("0"),
        "data": data(1),
        "entrypoint": ["python", "-m", "awslambdaric"],
        "command": ["app.serve"],
        "function_name": "churn-serve",
        "alias": "live",
    }


def key(stack: Stack) -> kms.IKey:
    return kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-west-1:123456789012:key/1")


def own_role(stack: Stack) -> iam.IRole:
    return iam.Role.from_role_arn(stack, "Own", "arn:aws:iam::123456789012:role/own")


def made(schedule: dict[str, Any] | None = None, **options: Any) -> Resources:
    """Return what a function is made of; what is in its stack, too, is made by a function."""
    stack = Stack(App(), "Stack")
    given = {name: of(stack) if of in (key, own_role) else of for name, of in options.items()}
    function = ContainerFunction(stack, "Serve", **{**base(), **given})
    if schedule is not None:
        options = {"expression": "rate(7 days)", **schedule}
        RetrainingSchedule(stack, "Again", function=function, **options)
    resources: Resources = Template.from_stack(stack).to_json()["Resources"]
    return resources


CHANGES: dict[str, tuple[Any, Effect]] = {
    "image": (image("1"), NEW_VERSION),
    "data": (data(2), NEW_VERSION | updated(POLICY)),
    "entrypoint": (["bash"], NEW_VERSION),
    "command": (["app.other"], NEW_VERSION),
    "environment": ({"LEVEL": "debug"}, NEW_VERSION),
    "memory_mb": (2048, NEW_VERSION),
    "timeout_seconds": (30, NEW_VERSION),
    "storage_mb": (1024, NEW_VERSION),
    "architecture": ("arm64", NEW_VERSION),
    "log_retention_days": (7, updated(LOGS)),
    "url": (True, added("AWS::Lambda::Url")),
    "provisioned_concurrency": (1, updated(ALIAS)),
    "reserved_concurrency": (1, updated(FUNCTION)),
    "network": (NETWORK, NEW_VERSION | updated(POLICY)),
    "encryption_key": (key, NEW_VERSION | updated(POLICY)),
}


@pytest.mark.parametrize("argument", CHANGES)
def test_a_change_updates_the_function_in_place_by_a_new_version(argument: str) -> None:
    value, expected = CHANGES[argument]
    assert effect(made(), made(**{argument: value})) == expected


def test_only_another_name_replaces_a_function() -> None:
    found = effect(made(), made(function_name="other"))
    assert FUNCTION in found.replaced
    apart = {"function_name", "alias", "role"}
    arguments = set(inspect.signature(ContainerFunction.__init__).parameters)
    assert arguments - {"self", "scope", "construct_id"} - apart == set(CHANGES)
    meaning = " ".join(str(ContainerFunction.__doc__).split())
    assert "a change replaces the function" in meaning


def test_an_alias_of_another_name_is_another_and_a_role_of_ones_own_takes_the_place() -> None:
    assert effect(made(), made(alias="other")) == replaced(ALIAS)
    found = effect(made(), made(role=own_role))
    assert ROLE in found.removed
    assert FUNCTION in found.updated


def test_a_schedule_comes_goes_and_changes_beside_the_function() -> None:
    plain, weekly = made(), made({})
    assert effect(plain, weekly) == added(SCHEDULE, ROLE, POLICY, ONCE)
    assert effect(weekly, plain) == removed(SCHEDULE, ROLE, POLICY, ONCE)
    for changed in ({"expression": "rate(1 day)"}, {"event": {"a": 1}}, {"enabled": False}):
        assert effect(weekly, made(changed)) == updated(SCHEDULE)
