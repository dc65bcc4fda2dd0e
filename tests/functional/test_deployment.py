"""Deploying, with a CDK and an AWS that do what a test says."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from odyssey import state
from odyssey.cloudformation import deployment, target
from odyssey.consent import Consent
from odyssey.errors import (
    AwsError,
    DeploymentError,
    InterruptedByUserError,
    OdysseyError,
    UsageError,
)
from tests.functional.conftest import until
from tests.functional.stacks import (
    FakeCdk,
    FakeClients,
    FakeCloudFormation,
    event,
    fake_cdk,
    target_of,
    write_assembly,
)

BUCKET = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
ROLE = {"Resources": {"Role": {"Type": "AWS::IAM::Role"}}}
YES = Consent("odyssey deploy", given=True)

# Prints what `cdk diff` would, for each of the stacks it was given.
DIFF = """
if words[0] == "diff":
    for word in words:
        if word.startswith("app-"):
            print(f"Stack {word} (aws://1/eu-west-1)")
            print("[+] something")
"""


class World:
    """An app of two stacks, the second of which needs the first; an AWS; and a CDK."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.aws = FakeCloudFormation()
        self.clients = FakeClients(self.aws)
        self.cdk: FakeCdk = fake_cdk(folder / "aws-cdk")
        self.cdk.does(DIFF)
        self.write({"app-a": BUCKET, "app-b": ROLE})

    def write(self, stacks: dict[str, Any], **properties: Any) -> None:
        needs = {"app-b": ["app-a"]} if len(stacks) > 1 else {}
        write_assembly(self.folder / "cdk.out", stacks, needs=needs, **properties)

    def has(self, name: str, template: Any, status: str = "CREATE_COMPLETE", **more: Any) -> None:
        self.aws.put(name, status, **more)
        self.aws.templates[name] = template

    def target(self, *words: str) -> target.Target:
        return target_of(self.folder / "cdk.out", self.clients, self.cdk, words)

    def deploy(self, *words: str, consent: Consent = YES) -> tuple[deployment.Deployed, ...]:
        return deployment.deploy(self.target(*words), consent, interval=0.02)

    def deploys(self) -> list[list[str]]:
        return [words for words in self.cdk.commands() if words[0] == "deploy"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_stacks_are_shown_then_deployed_one_after_the_other(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.has("app-a", {}, Outputs=[{"OutputKey": "Name", "OutputValue": "x"}])
    world.has("app-b", {})
    # when
    done = world.deploy()
    # then
    assert [(each.stack, each.changed, each.outputs) for each in done] == [
        ("app-a", True, {"Name": "x"}),
        ("app-b", True, {}),
    ]
    assert [words[:4] for words in world.cdk.commands()] == [
        ["diff", "--exclusively", "--method", "auto"],
        ["deploy", "app-a", "--exclusively", "--require-approval"],
        ["deploy", "app-b", "--exclusively", "--require-approval"],
    ]
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "Stack app-a (aws://1/eu-west-1)\n[+] something" in seen.err


def test_what_follows_is_told_before_it_asks(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.has("app-a", BUCKET)
    world.has("app-b", ROLE)
    renamed = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "other"}}
    world.write({"app-a": {"Resources": {"Bucket": renamed}}, "app-b": ROLE})
    # when
    with pytest.raises(UsageError, match="nobody is there to answer"):
        world.deploy(consent=Consent("odyssey deploy"))
    # then
    seen = capsys.readouterr().err
    assert "app-a/Bucket  S3 Bucket, replaced\n  !! Another bucket is made, which is empty" in seen
    assert "app-b/Role" not in seen


def test_the_cdk_is_given_the_finished_assembly_and_no_chance_to_ask_or_to_tell(
    world: World,
) -> None:
    world.has("app-a", {})
    world.deploy("app-a")
    (call,) = [call for call in world.cdk.calls() if call["words"][0] == "deploy"]
    words, env = call["words"], call["env"]
    assert words[words.index("--app") + 1] == str(world.folder / "cdk.out")
    assert words[words.index("--require-approval") + 1] == "never"
    assert words[words.index("--method") + 1] == "change-set"
    assert {"--no-notices", "--no-version-reporting"} <= set(words)
    assert (env["CDK_DISABLE_CLI_TELEMETRY"], env["SEEN_BY"]) == ("1", "the child")


def test_what_is_deployed_already_is_left_alone_and_nothing_is_asked(world: World) -> None:
    world.has("app-a", BUCKET)
    world.has("app-b", json.dumps(ROLE))
    done = world.deploy(consent=Consent("odyssey deploy"))
    assert [each.changed for each in done] == [False, False]
    assert world.cdk.commands() == []


@pytest.mark.parametrize("properties", [{"tags": {"team": "ml"}}, {"terminationProtection": True}])
def test_a_tag_or_a_protection_is_a_change_too(world: World, properties: dict[str, Any]) -> None:
    world.write({"app-a": BUCKET}, **properties)
    world.has("app-a", BUCKET)
    assert [each.changed for each in world.deploy()] == [True]


def test_only_the_stack_that_differs_is_deployed(world: World) -> None:
    world.has("app-a", BUCKET)
    world.has("app-b", {})
    assert [each.changed for each in world.deploy()] == [False, True]
    assert [words[1] for words in world.deploys()] == ["app-b"]


def test_without_a_terminal_and_without_yes_nothing_is_deployed(world: World) -> None:
    with pytest.raises(UsageError) as caught:
        world.deploy(consent=Consent("odyssey deploy"))
    assert "--yes is not given: Deploy app-a and app-b?" in caught.value.message
    assert caught.value.hint == "odyssey deploy --yes"
    assert world.deploys() == []


def test_what_was_shown_is_what_is_deployed_or_nothing_is(world: World) -> None:
    other = json.dumps({"Resources": {}})
    template = world.folder / "cdk.out" / "app-a.template.json"
    world.cdk.does(f"import pathlib; pathlib.Path({str(template)!r}).write_text({other!r})")
    with pytest.raises(DeploymentError, match="has changed since it was shown"):
        world.deploy()
    assert world.deploys() == []


def test_progress_has_the_construct_s_path(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.has("app-a", {})
    world.aws.looks = [[], [event(1, "Bucket", "UPDATE_IN_PROGRESS")]]
    world.deploy("app-a")
    shown = "  UPDATE_IN_PROGRESS    AWS::S3::Bucket  Bucket"
    assert shown in capsys.readouterr().err.splitlines()


def failing(world: World, *events: dict[str, Any], output: str = "") -> OdysseyError:
    """The error of a deployment whose CDK fails after these events."""
    world.has("app-a", {})
    world.aws.looks = [[], list(events)]
    world.cdk.does(f"{DIFF}\nif words[0] == 'deploy':\n  print({output!r})\n  sys.exit(1)")
    with pytest.raises(OdysseyError) as caught:
        world.deploy("app-a")
    return caught.value


def test_the_resource_that_failed_first_is_the_reason(world: World) -> None:
    error = failing(
        world,
        event(1, "Role", "CREATE_FAILED", "Resource creation cancelled"),
        event(2, "Bucket", "CREATE_FAILED", "the name is taken"),
        event(3, "Other", "CREATE_FAILED", "because of Bucket"),
        output="❌  app-a failed: it did",
    )
    assert error.message == (
        "app-a could not be deployed: AWS::S3::Bucket Bucket: the name is taken"
    )
    assert error.exit_code == 1


def test_without_a_resource_the_cdk_s_own_words_are_the_reason(world: World) -> None:
    error = failing(world, output="❌  app-a failed: ToolkitError: no such bucket")
    assert error.message == "app-a could not be deployed: no such bucket"
    assert isinstance(error, DeploymentError)


@pytest.mark.parametrize("by_event", [True, False])
def test_a_refusal_has_exit_code_5(world: World, by_event: bool) -> None:
    told = "User: x is not authorized to perform: iam:CreateRole"
    events = [event(1, "Bucket", "CREATE_FAILED", told)] if by_event else []
    error = failing(world, *events, output=f"❌  app-a failed: {told}")
    assert isinstance(error, AwsError)
    assert error.exit_code == 5
    assert told in error.message


def test_a_missing_bootstrap_has_its_command(world: World) -> None:
    error = failing(world, output="❌ app-a failed: Error: Please run 'cdk bootstrap'")
    assert "cdk bootstrap" in str(error.hint)


def test_an_endpoint_that_failed_has_sagemaker_s_reason_and_the_command_for_its_log(
    world: World,
) -> None:
    world.clients.sagemaker.endpoints["app"] = {"FailureReason": "no ping"}
    arn = "arn:aws:sagemaker:eu-west-1:1:endpoint/app"
    more = {"ResourceType": "AWS::SageMaker::Endpoint", "PhysicalResourceId": arn}
    error = failing(world, event(1, "Bucket", "CREATE_FAILED", "it failed", **more))
    assert "SageMaker says: no ping" in error.message
    assert error.hint == (
        "odyssey why app looks for the cause; odyssey sagemaker logs app --since 1h"
    )


ENDPOINT = {
    "Resources": {
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointConfigName": {"Ref": "Config"}},
        }
    }
}


@pytest.mark.parametrize("deployed_before", [True, False])
def test_an_endpoint_that_went_back_is_no_success(world: World, deployed_before: bool) -> None:
    # given
    world.write({"app-a": ENDPOINT})
    world.has("app-a", ENDPOINT if deployed_before else {}, "UPDATE_COMPLETE")
    world.aws.resources["app-a"] = [
        resource("Endpoint", "AWS::SageMaker::Endpoint", "app"),
        resource("Config", "AWS::SageMaker::EndpointConfig", "config-new"),
    ]
    old = {"EndpointConfigName": "config-old", "EndpointStatus": "InService"}
    world.clients.sagemaker.endpoints["app"] = old
    # when, then
    with pytest.raises(DeploymentError, match="went back to its previous configuration"):
        world.deploy()


def resource(logical_id: str, type_: str, physical_id: str, status: str = "X") -> dict[str, str]:
    return {
        "LogicalResourceId": logical_id,
        "ResourceType": type_,
        "PhysicalResourceId": physical_id,
        "ResourceStatus": status,
    }


def test_a_stack_that_is_being_worked_on_is_left_alone(world: World) -> None:
    world.has("app-a", BUCKET, "UPDATE_IN_PROGRESS")
    world.aws.looks = [[event(1, "app-a", "UPDATE_IN_PROGRESS", ClientRequestToken="Console-1")]]
    with pytest.raises(DeploymentError) as caught:
        world.deploy()
    assert caught.value.message == (
        "CloudFormation is at work on app-a: UPDATE_IN_PROGRESS since 2026-01-02 03:04:05 UTC, "
        "by the request Console-1"
    )
    assert world.cdk.commands() == []


@pytest.mark.parametrize(
    ("status", "way_out"),
    [
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
        ("DELETE_FAILED", "delete-stack"),
        ("UPDATE_FAILED", "rollback-stack"),
    ],
)
def test_a_stack_that_is_stuck_is_an_error_with_the_way_out(
    world: World, status: str, way_out: str
) -> None:
    world.has("app-a", BUCKET, status, StackStatusReason="of this")
    with pytest.raises(DeploymentError, match=f"{status}.*: of this") as caught:
        world.deploy()
    assert way_out in str(caught.value.hint)


def never_made(world: World, left: str = "DELETE_COMPLETE") -> None:
    world.write({"app-a": BUCKET})
    world.has("app-a", {}, "ROLLBACK_COMPLETE")
    world.aws.resources["app-a"] = [resource("Bucket", "AWS::S3::Bucket", "b", left)]

    def gone() -> None:
        world.aws.stacks["app-a"]["StackStatus"] = "DELETE_COMPLETE"

    world.aws.on_delete = gone


def test_a_stack_that_was_never_made_is_deleted_first(world: World) -> None:
    # given
    never_made(world)
    # The stand-in of the CDK makes no stack, which is noticed in the end.
    with pytest.raises(DeploymentError, match="app-a is not there after its deployment"):
        world.deploy()
    assert [call.split()[0] for call in world.aws.calls] == ["delete"]
    assert len(world.deploys()) == 1


def test_what_is_left_of_a_stack_is_not_deleted_by_yes_alone(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    never_made(world, left="DELETE_SKIPPED")
    with pytest.raises(UsageError, match="only a person on a terminal may answer"):
        world.deploy()
    assert world.aws.calls == []
    assert "still there: AWS::S3::Bucket Bucket (b)" in capsys.readouterr().err


def test_two_deployments_of_an_app_do_not_meet(world: World) -> None:
    lock = state.folder(world.folder) / deployment.LOCK
    with state.locked(lock), pytest.raises(DeploymentError, match="another odyssey deploys"):
        world.deploy()


@pytest.mark.parametrize("started", [True, False])
def test_ctrl_c_stops_watching_and_says_what_goes_on(world: World, started: bool) -> None:
    # given
    world.has("app-a", {})
    flag = world.folder / "running"
    world.cdk.does(
        f"{DIFF}\nif words[0] == 'deploy':\n"
        f"  import time; open({str(flag)!r}, 'w').close(); time.sleep(60)"
    )

    def press() -> None:
        until(flag.exists)
        if started:
            world.aws.stacks["app-a"]["StackStatus"] = "UPDATE_IN_PROGRESS"
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    # when
    presser.start()
    with pytest.raises(InterruptedByUserError) as caught:
        world.deploy("app-a")
    presser.join()
    # then
    if started:
        assert "app-a goes on in CloudFormation (UPDATE_IN_PROGRESS)" in caught.value.message
        assert "cancel-update-stack --stack-name app-a" in str(caught.value.hint)
    else:
        assert "not at work" in caught.value.message


def test_a_deployed_stack_is_shown_with_its_outputs_but_not_those_for_other_stacks() -> None:
    outputs = {"Bucket": "2", "A": "1", "ExportsOutputRefX": "3"}
    done = deployment.Deployed("app-a", changed=True, outputs=outputs, seconds=1.26)
    assert done.text() == "app-a\n  A       1\n  Bucket  2"
    assert done.document() == {
        "stack": "app-a",
        "changed": True,
        "outputs": outputs,
        "seconds": 1.3,
    }
