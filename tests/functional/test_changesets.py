"""Change sets: prepared, looked at, and executed as they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from odyssey.cloudformation import changesets
from odyssey.cloudformation.deployment import Deployed
from odyssey.consent import Consent
from odyssey.errors import DeploymentError, OdysseyError, UsageError
from tests.functional.stacks import FakeClients, FakeCloudFormation, event
from tests.functional.test_deployment import BUCKET, ROLE, World

YES = Consent("odyssey deploy --execute c", given=True)


def change(logical_id: str = "Bucket", action: str = "Add", **more: str) -> dict[str, Any]:
    told = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": "AWS::S3::Bucket"}
    return {"Type": "Resource", "ResourceChange": told | more}


def ready(*changes: dict[str, Any], execution: str = "AVAILABLE", **more: str) -> dict[str, Any]:
    told = {"Status": "CREATE_COMPLETE", "ExecutionStatus": execution, **more}
    return {"Changes": list(changes), **told}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_change_set_is_made_shown_and_not_executed(world: World) -> None:
    # given
    world.has("app-a", {})
    world.aws.change_sets["app-a", "c"] = ready(change(action="Modify", Replacement="True"))
    # when
    (made,) = changesets.prepare(world.target("app-a"), "c")
    # then
    assert made.document() == {
        "stack": "app-a",
        "change_set": "c",
        "new_stack": False,
        "changes": [
            {
                "action": "Modify",
                "logical_id": "Bucket",
                "type": "AWS::S3::Bucket",
                "replacement": "True",
            }
        ],
        "execute": "odyssey deploy app-a --execute c",
    }
    assert made.text().splitlines() == [
        "app-a: change set c",
        "action  resource  type             replacement",
        "Modify  Bucket    AWS::S3::Bucket  True",
        "Execute it: odyssey deploy app-a --execute c",
    ]
    (words,) = world.deploys()
    assert words[words.index("--method") + 1] == "prepare-change-set"
    assert words[words.index("--change-set-name") + 1] == "c"
    assert world.aws.calls == []


def test_the_command_that_executes_it_is_for_the_same_environment(world: World) -> None:
    world.has("app-a", {})
    world.aws.change_sets["app-a", "c"] = ready()
    (made,) = changesets.prepare(replace(world.target("app-a"), env="prod"), "c")
    assert made.command == "odyssey deploy app-a --execute c --env prod"


def test_a_new_stack_is_said_to_stand_empty(world: World) -> None:
    world.aws.put("app-a", "REVIEW_IN_PROGRESS")
    world.aws.change_sets["app-a", "c"] = ready()
    (made,) = changesets.prepare(world.target("app-a"), "c")
    assert made.is_new
    assert "app-a now stands in REVIEW_IN_PROGRESS, empty" in made.text()
    assert "no resource changes" in made.text()


def test_the_name_follows_from_what_is_deployed(world: World) -> None:
    # given
    first, second = world.target().stacks
    # when, then
    assert changesets.default_name(first) == changesets.default_name(world.target().stacks[0])
    assert changesets.default_name(first) != changesets.default_name(second)
    world.write({"app-a": BUCKET, "app-b": ROLE}, tags={"team": "ml"})
    assert changesets.default_name(world.target().stacks[0]) != changesets.default_name(first)


def test_a_stack_that_needs_one_that_is_not_there_is_left_out_aloud(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert changesets.prepare(world.target("app-b")) == ()
    assert "app-b: no change set, since it takes values from app-a" in capsys.readouterr().err
    assert world.cdk.commands() == []


def test_what_is_deployed_already_has_no_change_set(world: World) -> None:
    world.has("app-a", BUCKET)
    assert changesets.prepare(world.target("app-a")) == ()


def test_a_dry_run_does_not_delete_a_stack_that_was_never_made(world: World) -> None:
    world.has("app-a", {}, "ROLLBACK_COMPLETE")
    with pytest.raises(DeploymentError, match="can only be deleted") as caught:
        changesets.prepare(world.target("app-a"))
    assert caught.value.hint == "odyssey deploy app-a, which asks before it deletes"
    assert world.cdk.commands() == []


def test_a_change_set_that_could_not_be_made_is_an_error(world: World) -> None:
    world.has("app-a", {})
    world.cdk.does("print('❌ app-a failed: Error: bad template'); sys.exit(1)")
    with pytest.raises(OdysseyError, match="no change set could be made for app-a: bad template"):
        changesets.prepare(world.target("app-a"))


def test_a_change_set_that_is_nowhere_in_the_end_is_an_error(world: World) -> None:
    world.has("app-a", {})
    with pytest.raises(OdysseyError, match="CloudFormation has none of this name"):
        changesets.prepare(world.target("app-a"))


class Account:
    """An AWS with a stack that has a change set."""

    def __init__(self, status: str = "UPDATE_COMPLETE", *, ends: str = "UPDATE_COMPLETE") -> None:
        self.aws = FakeCloudFormation()
        self.clients = FakeClients(self.aws)
        self.aws.put("app-a", status)
        self.aws.put("app-b", "CREATE_COMPLETE")
        self.aws.templates["app-a"] = {
            "Resources": {"Bucket": {"Metadata": {"aws:cdk:path": "app-a/Store/Resource"}}}
        }
        self.aws.change_sets["app-a", "c"] = ready(change())
        self.aws.on_execute = lambda: self.begin(ends)

    def begin(self, ends: str) -> None:
        self.aws.change_sets["app-a", "c"]["ExecutionStatus"] = "EXECUTE_IN_PROGRESS"
        self.aws.looks = [
            [event(1, "Bucket", "CREATE_IN_PROGRESS")],
            [event(2, "Bucket", "CREATE_COMPLETE")],
        ]
        self.ends = ends

    def describe_change_set(self, **asked: str) -> dict[str, Any]:
        answer = self.aws.describe_change_set(**asked)
        if answer["ExecutionStatus"] == "EXECUTE_IN_PROGRESS" and not self.aws.looks:
            self.aws.change_sets["app-a", "c"]["ExecutionStatus"] = "EXECUTE_COMPLETE"
            self.aws.put("app-a", self.ends, StackStatusReason="why")
        return answer

    def client(self, service: str, region: str | None = None) -> Any:
        client = self.clients.client(service)
        return Advancing(self, client) if service == "cloudformation" else client

    def execute(self, *stacks: str, consent: Consent = YES) -> Deployed:
        return changesets.execute(self, stacks or ("app-a", "app-b"), "c", consent, interval=0.02)


class Advancing:
    """A client of an account whose change set ends once its events have been told."""

    def __init__(self, account: Account, client: FakeCloudFormation) -> None:
        self.describe_change_set = account.describe_change_set
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_change_set_is_executed_and_watched_to_its_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    # given
    account = Account()
    # when
    done = account.execute()
    # then
    assert (done.stack, done.changed) == ("app-a", True)
    assert account.aws.calls == ["execute app-a c"]
    said = capsys.readouterr().err
    assert "Add     Bucket" in said
    assert "CREATE_COMPLETE       AWS::S3::Bucket  Store (Bucket)  1 s" in said


def test_an_execution_that_is_rolled_back_is_an_error() -> None:
    account = Account(ends="UPDATE_ROLLBACK_COMPLETE")
    with pytest.raises(DeploymentError, match="UPDATE_ROLLBACK_COMPLETE why"):
        account.execute()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (ready(execution="OBSOLETE"), "CREATE_COMPLETE, OBSOLETE"),
        (ready(execution="EXECUTE_COMPLETE"), "CREATE_COMPLETE, EXECUTE_COMPLETE"),
        (
            ready(execution="UNAVAILABLE") | {"Status": "FAILED", "StatusReason": "no changes"},
            "FAILED, UNAVAILABLE: no changes",
        ),
    ],
)
def test_a_change_set_that_cannot_be_executed_is_an_error_with_a_way_to_a_new_one(
    told: dict[str, Any], reason: str
) -> None:
    account = Account()
    account.aws.change_sets["app-a", "c"] = told
    with pytest.raises(DeploymentError) as caught:
        account.execute()
    assert caught.value.message == f"the change set c of app-a cannot be executed: {reason}"
    assert "odyssey deploy app-a --dry-run" in str(caught.value.hint)
    assert account.aws.calls == []


def test_a_change_set_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(DeploymentError, match="no stack has a change set c"):
        Account().execute("app-b")


def test_a_name_that_two_stacks_have_must_be_told_apart() -> None:
    account = Account()
    account.aws.change_sets["app-b", "c"] = ready()
    with pytest.raises(UsageError, match="app-a, app-b") as caught:
        account.execute()
    assert caught.value.hint == "odyssey deploy app-a --execute c"


def test_nothing_is_executed_without_leave() -> None:
    account = Account()
    with pytest.raises(UsageError, match="Execute the change set c of app-a?"):
        account.execute(consent=Consent("odyssey deploy --execute c"))
    assert account.aws.calls == []


def test_a_stack_at_work_is_left_alone() -> None:
    account = Account("UPDATE_IN_PROGRESS")
    with pytest.raises(DeploymentError, match="CloudFormation is at work on app-a"):
        account.execute()


def test_ctrl_c_while_it_is_executed_says_what_goes_on() -> None:
    account = Account()

    def press() -> None:
        account.aws.put("app-a", "CREATE_IN_PROGRESS")
        raise KeyboardInterrupt

    account.aws.on_execute = press
    with pytest.raises(OdysseyError, match="app-a goes on in CloudFormation") as caught:
        account.execute()
    assert caught.value.exit_code == 130
    assert "delete-stack --stack-name app-a takes it back" in str(caught.value.hint)
