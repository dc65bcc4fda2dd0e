"""Change sets: what would change, and what is done when they are executed."""

import json
from typing import Any

import pytest

from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.serving import client
from tests.sandbox.stacks import Stacks, Template, parameter, resource, role, template

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


@pytest.fixture
def stacks(shared: Sandbox) -> Stacks:
    return Stacks(shared)


def changes(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the changes of a change set by logical id."""
    return {
        each["ResourceChange"]["LogicalResourceId"]: each["ResourceChange"]
        for each in told["Changes"]
    }


def test_a_stack_comes_out_of_a_change_set_with_its_outputs(stacks: Stacks) -> None:
    # given
    made = template({"Out": {"Fn::GetAtt": "Value.Value"}}, Value=parameter("first"))
    told = stacks.change(made, ChangeSetType="CREATE", Tags=[{"Key": "team", "Value": "ml"}])
    assert (told["Status"], told["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert changes(told)["Value"]["Action"] == "Add"
    assert stacks.told()["StackStatus"] == "REVIEW_IN_PROGRESS"
    # when
    done = stacks.execute()
    # then
    assert done["StackStatus"] == "CREATE_COMPLETE"
    assert done["ChangeSetId"] == told["ChangeSetId"]
    assert done["Tags"] == [{"Key": "team", "Value": "ml"}]
    assert stacks.outputs() == {"Out": "first"}
    # when: a second one
    again = template({"Out": {"Fn::GetAtt": "Value.Value"}}, Value=parameter("second"))
    stacks.change(again, "another")
    done = stacks.execute("another")
    # then
    assert done["StackStatus"] == "UPDATE_COMPLETE"
    assert stacks.outputs() == {"Out": "second"}


def test_a_change_set_says_what_is_replaced_and_why(stacks: Stacks) -> None:
    # given
    def of(path: str, description: str) -> Template:
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        policy = {"PolicyName": "own", "PolicyDocument": document, "Roles": [{"Ref": "Role"}]}
        managed = {"Description": description, "PolicyDocument": document}
        bucket = {"VersioningConfiguration": {"Status": {"Ref": "Versions"}}}
        return {
            "Parameters": {"Versions": {"Type": "String", "Default": "Enabled"}},
            **template(
                Role=role(Path=path),
                Policy=resource("IAM::Policy", policy),
                Managed=resource("IAM::ManagedPolicy", managed),
                Named=parameter({"Ref": "Managed"}),
                Bucket=resource("S3::Bucket", bucket),
                Gone=resource("S3::Bucket", DeletionPolicy="Retain"),
            ),
        }

    stacks.create(of("/one/", "first"))
    wanted = of("/two/", "second")
    del wanted["Resources"]["Gone"]
    # when
    versions = [{"ParameterKey": "Versions", "ParameterValue": "Suspended"}]
    told = stacks.change(wanted, Parameters=versions)
    # then
    found = changes(told)
    assert {name: (each["Action"], each.get("Replacement")) for name, each in found.items()} == {
        "Role": ("Modify", "True"),
        "Policy": ("Modify", "False"),
        "Managed": ("Modify", "True"),
        "Named": ("Modify", "False"),
        "Bucket": ("Modify", "False"),
        "Gone": ("Remove", None),
    }
    assert found["Gone"]["PolicyAction"] == "Retain"
    assert found["Role"]["PolicyAction"] == "ReplaceAndDelete"
    (detail,) = found["Role"]["Details"]
    assert detail["Target"] == {
        "Attribute": "Properties",
        "Name": "Path",
        "Path": "/Properties/Path",
        "RequiresRecreation": "Always",
        "AttributeChangeType": "Modify",
        "BeforeValue": "/one/",
        "AfterValue": "/two/",
    }
    assert (detail["Evaluation"], detail["ChangeSource"]) == ("Static", "DirectModification")
    (detail,) = found["Policy"]["Details"]
    assert (detail["Evaluation"], detail["ChangeSource"], detail["CausingEntity"]) == (
        "Dynamic",
        "ResourceReference",
        "Role",
    )
    assert json.loads(detail["Target"]["AfterValue"]) == ["{{changeSet:KNOWN_AFTER_APPLY}}"]
    (detail,) = found["Bucket"]["Details"]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ParameterReference", "Versions")
    after = json.loads(found["Bucket"]["AfterContext"])
    assert after == {"Properties": {"VersioningConfiguration": {"Status": "Suspended"}}}


def test_values_are_told_to_whoever_asks_for_them_alone(stacks: Stacks) -> None:
    stacks.create(template(Value=parameter("1")))
    stacks.change(template(Value=parameter("2")))
    told = stacks.client.describe_change_set(StackName=stacks.name, ChangeSetName="change")
    change = changes(told)["Value"]
    assert change["Details"][0]["Target"] == {
        "Attribute": "Properties",
        "Name": "Value",
        "RequiresRecreation": "Never",
    }
    assert "BeforeContext" not in change


def test_a_change_set_without_changes_has_failed(stacks: Stacks) -> None:
    # given
    stacks.create(template(Value=parameter("1")))
    # when
    told = stacks.change(template(Value=parameter("1")))
    # then
    assert (told["Status"], told["StatusReason"]) == ("FAILED", NO_CHANGES)
    assert told["ExecutionStatus"] == "UNAVAILABLE"
    request = {"StackName": stacks.name, "ChangeSetName": "change"}
    code, text = stacks.refusal("execute_change_set", **request)
    assert code == "InvalidChangeSetStatus"
    assert text.endswith("cannot be executed in its current status of [FAILED]")


def test_a_change_set_that_cannot_be_evaluated_has_failed(stacks: Stacks) -> None:
    told = stacks.change(
        template(Value=parameter({"Fn::ImportValue": "nobodys"})), ChangeSetType="CREATE"
    )
    assert (told["Status"], told["StatusReason"]) == ("FAILED", "No export named nobodys found")


def test_a_change_set_that_is_not_there_has_a_code_of_its_own(stacks: Stacks) -> None:
    stacks.create(template(Value=parameter("1")))
    request = {"StackName": stacks.name, "ChangeSetName": "none"}
    stacks.client.delete_change_set(**request)
    assert stacks.refusal("describe_change_set", **request) == (
        "ChangeSetNotFound",
        "ChangeSet [none] does not exist",
    )


def test_an_executed_change_set_is_executed_once_and_ends_the_others(stacks: Stacks) -> None:
    # given
    stacks.create(template(Value=parameter("1")))
    stacks.change(template(Value=parameter("2")), "one")
    stacks.change(template(Value=parameter("3")), "two")
    listed = stacks.client.list_change_sets(StackName=stacks.name)["Summaries"]
    assert {each["ChangeSetName"] for each in listed} == {"one", "two"}
    # when
    stacks.execute("one")
    # then
    left = stacks.client.list_change_sets(StackName=stacks.name)["Summaries"]
    told = [(each["ChangeSetName"], each["ExecutionStatus"]) for each in left]
    assert told == [("one", "EXECUTE_COMPLETE")]
    request = {"StackName": stacks.name, "ChangeSetName": "one"}
    _, text = stacks.refusal("execute_change_set", **request)
    assert "EXECUTE_COMPLETE" in text


def test_a_change_set_is_for_a_new_stack_or_for_one_that_is_there(stacks: Stacks) -> None:
    # given
    made = stacks.request(template(Value=parameter("1")), ChangeSetName="change")
    # when, then
    _, text = stacks.refusal("create_change_set", **made)
    assert text == f"Stack [{stacks.name}] does not exist"
    stacks.create(template(Value=parameter("1")))
    _, text = stacks.refusal("create_change_set", **made, ChangeSetType="CREATE")
    assert text == (
        f"Stack [{stacks.name}] already exists and cannot be created again with the changeSet "
        "[change]."
    )
    _, text = stacks.refusal("create_change_set", **made, ChangeSetType="IMPORT")
    assert text == "odyssey's sandbox imports no resources into stacks"


def test_a_change_set_s_name_is_taken_once(stacks: Stacks) -> None:
    stacks.create(template(Value=parameter("1")))
    stacks.change(template(Value=parameter("2")))
    request = stacks.request(template(Value=parameter("3")), ChangeSetName="change")
    code, _ = stacks.refusal("create_change_set", **request)
    assert code == "AlreadyExistsException"


def test_a_stack_that_awaits_its_first_change_set_can_be_deleted(stacks: Stacks) -> None:
    stacks.change(template(Value=parameter("1")), ChangeSetType="CREATE")
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_a_change_set_has_its_template(stacks: Stacks) -> None:
    # given
    stacks.create(template(Value=parameter("1")))
    stacks.change(template(Value=parameter("2")))
    # when
    request = {"StackName": stacks.name, "TemplateStage": "Original"}
    now = stacks.client.get_template(**request)["TemplateBody"]
    then = stacks.client.get_template(**request, ChangeSetName="change")["TemplateBody"]
    # then
    assert now == template(Value=parameter("1"))
    assert then == template(Value=parameter("2"))


def test_a_creation_by_change_set_that_fails_does_what_the_request_says(stacks: Stacks) -> None:
    # given
    s3 = client(stacks.sandbox, "s3")
    location = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket=f"{stacks.name}-taken", CreateBucketConfiguration=location)
    bad = template(Bad=resource("S3::Bucket", {"BucketName": f"{stacks.name}-taken"}))
    # when
    made = stacks.change(bad, ChangeSetType="CREATE", OnStackFailure="DELETE")
    stacks.client.execute_change_set(ChangeSetName=made["ChangeSetId"])
    # then
    assert stacks.settled(made["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_what_has_changed_beside_the_properties_is_a_change(stacks: Stacks) -> None:
    # given
    stacks.create(template(Value=parameter("1")))
    # when
    told = stacks.change(template(Value=parameter("1", DeletionPolicy="Retain", Metadata={"a": 1})))
    # then
    assert changes(told)["Value"]["Scope"] == ["DeletionPolicy", "Metadata"]
    stacks.execute()
    name = stacks.physical("Value")
    stacks.delete()
    assert client(stacks.sandbox, "ssm").get_parameter(Name=name)
