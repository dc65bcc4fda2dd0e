"""What is read from CloudFormation's answers, which botocore checks against its own model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.stub import Stubber

from odyssey.cloudformation import service, templates
from odyssey.errors import AwsError
from tests.functional.stacks import START

ARN = "arn:aws:cloudformation:eu-west-1:1:stack/app/1"
STACK = {
    "StackId": ARN,
    "StackName": "app",
    "StackStatus": "UPDATE_COMPLETE",
    "CreationTime": START,
}


@pytest.fixture
def client() -> Any:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return botocore.session.Session().create_client("cloudformation", "eu-west-1", **keys)


@pytest.fixture
def stub(client: Any) -> Iterator[Stubber]:
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_stack_is_described(client: Any, stub: Stubber) -> None:
    # given
    more = {
        "Outputs": [{"OutputKey": "Name", "OutputValue": "x"}],
        "Tags": [{"Key": "a", "Value": "b"}],
        "EnableTerminationProtection": True,
        "StackStatusReason": "why",
    }
    stub.add_response("describe_stacks", {"Stacks": [STACK | more]}, {"StackName": "app"})
    # when
    state = service.describe(client, "app")
    # then
    assert state == service.StackState(
        ARN, "app", "UPDATE_COMPLETE", "why", START, {"Name": "x"}, {"a": "b"}, protected=True
    )


@pytest.mark.parametrize(
    ("status", "busy", "exists", "done"),
    [
        ("CREATE_COMPLETE", False, True, True),
        ("UPDATE_IN_PROGRESS", True, True, False),
        ("UPDATE_ROLLBACK_COMPLETE", False, True, False),
        ("REVIEW_IN_PROGRESS", False, False, False),
        ("DELETE_COMPLETE", False, False, False),
    ],
)
def test_a_status_is_understood(status: str, busy: bool, exists: bool, done: bool) -> None:
    state = service.StackState(ARN, "app", status)
    assert (state.busy, state.exists, state.done) == (busy, exists, done)


def test_a_stack_that_is_not_there_is_none(client: Any, stub: Stubber) -> None:
    missing = ("ValidationError", "Stack with id app does not exist")
    for operation in ("describe_stacks", "list_stack_resources", "get_template"):
        stub.add_client_error(operation, *missing)
    assert service.describe(client, "app") is None
    assert service.resources(client, "app") == ()
    assert service.template(client, "app") == {}


def test_another_validation_error_is_no_absence(client: Any, stub: Stubber) -> None:
    stub.add_client_error("describe_stacks", "ValidationError", "1 validation error detected")
    with pytest.raises(AwsError, match="1 validation error detected"):
        service.describe(client, "app")


def test_every_page_is_read(client: Any, stub: Stubber) -> None:
    def page(name: str, **token: str) -> dict[str, Any]:
        summary = {
            "LogicalResourceId": name,
            "ResourceType": "T",
            "ResourceStatus": "CREATE_COMPLETE",
            "LastUpdatedTimestamp": START,
        }
        return {"StackResourceSummaries": [summary], **token}

    stub.add_response("list_stack_resources", page("A", NextToken="n"), {"StackName": "app"})
    stub.add_response("list_stack_resources", page("B"), {"StackName": "app", "NextToken": "n"})
    assert [r.logical_id for r in service.resources(client, "app")] == ["A", "B"]


def test_every_page_of_a_change_set_is_read(client: Any, stub: Stubber) -> None:
    def page(name: str, **more: str) -> dict[str, Any]:
        change = {
            "Action": "Modify",
            "LogicalResourceId": name,
            "ResourceType": "T",
            "Replacement": "True",
        }
        return {
            "ChangeSetName": "c",
            "StackName": "app",
            "Status": "CREATE_COMPLETE",
            "ExecutionStatus": "AVAILABLE",
            "Changes": [{"Type": "Resource", "ResourceChange": change}],
            **more,
        }

    asked = {"StackName": "app", "ChangeSetName": "c"}
    stub.add_response("describe_change_set", page("A", NextToken="n"), asked)
    stub.add_response("describe_change_set", page("B"), asked | {"NextToken": "n"})
    found = service.change_set(client, "app", "c")
    assert found is not None
    assert found.changes == (
        service.Change("Modify", "A", "T", "True"),
        service.Change("Modify", "B", "T", "True"),
    )


def test_a_change_set_that_is_not_there_is_none(client: Any, stub: Stubber) -> None:
    stub.add_client_error(
        "describe_change_set", "ChangeSetNotFound", "ChangeSet [c] does not exist"
    )
    assert service.change_set(client, "app", "c") is None


YAML = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Version: "2012-10-17"
      Name: !Ref Other
      Size: !GetAtt [A, B]
      Text: !Sub {a: b}
"""


@pytest.mark.parametrize(
    "body", ['{"Resources": {"A": {"Type": "T"}}}', "Resources: {A: {Type: T}}"]
)
def test_a_template_is_read_as_json_and_as_yaml(client: Any, stub: Stubber, body: str) -> None:
    stub.add_response("get_template", {"TemplateBody": body})
    assert service.template(client, "app") == {"Resources": {"A": {"Type": "T"}}}


def test_short_forms_and_dates_of_yaml_stay_what_they_are(client: Any, stub: Stubber) -> None:
    stub.add_response("get_template", {"TemplateBody": YAML})
    (role,) = service.template(client, "app")["Resources"].values()
    assert role["Properties"] == {
        "Version": "2012-10-17",
        "Name": {"!Ref": "Other"},
        "Size": {"!GetAtt": ["A", "B"]},
        "Text": {"!Sub": {"a": "b"}},
    }


def test_the_token_of_the_newest_event_tells_who_asked(client: Any, stub: Stubber) -> None:
    told = {"StackId": ARN, "EventId": "1", "StackName": "app", "Timestamp": START}
    newest = told | {"ClientRequestToken": "Console-UpdateStack-1"}
    stub.add_response("describe_stack_events", {"StackEvents": [newest, told]})
    stub.add_response("describe_stack_events", {"StackEvents": []})
    assert service.request_token(client, "app") == "Console-UpdateStack-1"
    assert service.request_token(client, "app") == ""


def test_what_outlives_its_stack_is_what_its_policy_says() -> None:
    policies = {"A": "Retain", "B": "Delete", "C": "RetainExceptOnCreate", "D": "Snapshot"}
    body = {"Resources": {name: {"DeletionPolicy": policy} for name, policy in policies.items()}}
    body["Resources"]["E"] = {}
    assert templates.retained(body) == {"A", "C", "D"}


@pytest.mark.parametrize("kind", [ConnectionClosedError, ReadTimeoutError])
def test_a_network_that_breaks_does_not_say_that_a_stack_is_absent(kind: type[Exception]) -> None:
    assert not service.is_absent(kind(endpoint_url="http://localhost"))
