"""Destroying, with a CDK and an AWS that do what a test says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from odyssey.cloudformation import destruction
from odyssey.consent import Consent
from odyssey.errors import DeploymentError, OdysseyError, UsageError
from tests.functional.stacks import event
from tests.functional.test_deployment import World, resource

YES = Consent("odyssey destroy", given=True)
KEEPS = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
        "Role": {"Type": "AWS::IAM::Role"},
    }
}


class Doomsday(World):
    """The world of the deployment, whose stacks are gone once they have been looked at."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        for name in ("app-a", "app-b"):
            self.has(name, KEEPS)
            self.aws.resources[name] = [
                resource("Bucket", "AWS::S3::Bucket", f"{name}-bucket"),
                resource("Role", "AWS::IAM::Role", f"{name}-role"),
                resource("Gone", "AWS::IAM::Role", "", "DELETE_COMPLETE"),
            ]
        self.last_look = "DELETE_COMPLETE"

    def destroy(self, *words: str, consent: Consent = YES) -> tuple[destruction.Doomed, ...]:
        chosen = self.target(*words)
        describe = self.aws.describe_stacks

        def after_the_cdk(**asked: Any) -> dict[str, Any]:
            for command in self.cdk.commands():
                self.aws.stacks[command[1]]["StackStatus"] = self.last_look
            return describe(**asked)

        self.aws.describe_stacks = after_the_cdk  # type: ignore[method-assign]
        return destruction.destroy(chosen, consent, interval=0.02)


@pytest.fixture
def world(tmp_path: Path) -> Doomsday:
    return Doomsday(tmp_path)


def test_the_last_that_was_deployed_goes_first_and_what_stays_is_said(
    world: Doomsday, capsys: pytest.CaptureFixture[str]
) -> None:
    # when
    done = world.destroy()
    # then
    assert [words[:4] for words in world.cdk.commands()] == [
        ["destroy", "app-b", "--force", "--exclusively"],
        ["destroy", "app-a", "--force", "--exclusively"],
    ]
    assert "goes   AWS::IAM::Role Role (app-a-role)" in capsys.readouterr().err
    assert done[0].document() == {
        "stack": "app-b",
        "goes": [{"logical_id": "Role", "physical_id": "app-b-role", "type": "AWS::IAM::Role"}],
        "stays": [
            {"logical_id": "Bucket", "physical_id": "app-b-bucket", "type": "AWS::S3::Bucket"}
        ],
    }
    assert done[0].kept() == "app-b: destroyed\n  stays  AWS::S3::Bucket Bucket (app-b-bucket)"


def test_a_plan_destroys_nothing(world: Doomsday) -> None:
    planned = destruction.plan(world.target("app-b"))
    assert [each.stack.name for each in planned] == ["app-b"]
    assert world.cdk.commands() == []


def test_what_is_not_there_needs_no_leave(
    world: Doomsday, capsys: pytest.CaptureFixture[str]
) -> None:
    world.aws.stacks.clear()
    assert world.destroy(consent=Consent("odyssey destroy")) == ()
    assert "app-a: there is nothing to destroy" in capsys.readouterr().err


def test_without_leave_nothing_is_destroyed(world: Doomsday) -> None:
    with pytest.raises(UsageError, match="--yes is not given: Destroy app-b, app-a?") as caught:
        world.destroy(consent=Consent("odyssey destroy"))
    assert caught.value.hint == "odyssey destroy --yes"
    assert world.cdk.commands() == []


def test_a_stack_that_another_needs_stays(world: Doomsday) -> None:
    with pytest.raises(UsageError, match="app-b needs app-a, and stays") as caught:
        world.destroy("app-a")
    assert caught.value.hint == "odyssey destroy app-b app-a"
    assert world.cdk.commands() == []


def test_a_stack_that_nobody_needs_any_longer_goes_alone(world: Doomsday) -> None:
    del world.aws.stacks["app-b"]
    assert [each.stack.name for each in world.destroy("app-a")] == ["app-a"]


def test_termination_protection_is_explained(world: Doomsday) -> None:
    world.aws.stacks["app-a"]["EnableTerminationProtection"] = True
    with pytest.raises(DeploymentError, match="app-a has termination protection") as caught:
        world.destroy()
    assert "termination_protection = false" in str(caught.value.hint)
    assert world.cdk.commands() == []


def test_a_stack_at_work_is_left_alone(world: Doomsday) -> None:
    world.aws.stacks["app-a"]["StackStatus"] = "UPDATE_IN_PROGRESS"
    with pytest.raises(DeploymentError, match="CloudFormation is at work on app-a"):
        world.destroy()


def test_a_resource_that_refuses_is_the_reason(world: Doomsday) -> None:
    world.last_look = "DELETE_FAILED"
    failed = event(1, "Bucket", "DELETE_FAILED", "the bucket is not empty")
    world.aws.looks = [[], [failed]]
    world.cdk.does("sys.exit(1)")
    with pytest.raises(OdysseyError) as caught:
        world.destroy("app-b")
    assert caught.value.message == (
        "app-b could not be destroyed: AWS::S3::Bucket Bucket: the bucket is not empty"
    )


def test_a_stack_that_is_still_there_in_the_end_is_no_success(world: Doomsday) -> None:
    world.last_look = "DELETE_FAILED"
    with pytest.raises(OdysseyError, match="app-b could not be destroyed: it is in DELETE_FAILED"):
        world.destroy("app-b")
