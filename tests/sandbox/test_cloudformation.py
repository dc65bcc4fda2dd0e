"""The lives of stacks: created, updated, rolled back, deleted."""

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.serving import client
from tests.sandbox.stacks import Stacks, order, parameter, resource, role, template

BUCKET = resource("S3::Bucket")
TAKEN = resource("S3::Bucket", {"BucketName": "taken-by-another"})
"""A bucket that cannot be made, as there is one of that name."""


@pytest.fixture(scope="module")
def taken(shared: Sandbox) -> None:
    client(shared, "s3").create_bucket(
        Bucket="taken-by-another", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )


@pytest.fixture
def stacks(shared: Sandbox, taken: None) -> Stacks:
    return Stacks(shared)


def buckets(stacks: Stacks) -> list[str]:
    found = client(stacks.sandbox, "s3").list_buckets()["Buckets"]
    return [each["Name"] for each in found]


def value(stacks: Stacks, name: str) -> str:
    return str(client(stacks.sandbox, "ssm").get_parameter(Name=name)["Parameter"]["Value"])


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("a" * 129, "have length less than or equal to 128"),
        ("../one", "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"),
        ("1", "satisfy regular expression pattern"),
    ],
    ids=["long", "path", "digit"],
)
def test_stacks_are_not_called_anything(stacks: Stacks, name: str, rule: str) -> None:
    stacks.name = name
    with pytest.raises(ClientError) as refused:
        stacks.create(template(A=parameter("x")))
    told = refused.value.response["Error"]["Message"]
    assert told.startswith(f"1 validation error detected: Value '{name}' at 'stackName' failed")
    assert rule in told


def test_a_stack_is_created_in_the_order_of_its_references(stacks: Stacks) -> None:
    # given
    made = template(
        {"Name": {"Ref": "Bucket"}},
        Second=parameter({"Fn::Sub": "${First.Value}/2"}),
        First=parameter({"Fn::GetAtt": ["Bucket", "Arn"]}),
        Last=parameter("x", DependsOn="Second"),
        Bucket=BUCKET,
    )
    # when
    told = stacks.create(made, Tags=[{"Key": "team", "Value": "ml"}])
    # then
    assert told["StackStatus"] == "CREATE_COMPLETE"
    bucket = stacks.outputs()["Name"]
    assert bucket.startswith(f"{stacks.name}-bucket-")
    assert value(stacks, stacks.physical("Second")) == f"arn:aws:s3:::{bucket}/2"
    wanted = ["Bucket", "First", "Second", "Last", stacks.name]
    assert order(stacks.events(), *wanted) == wanted
    assert stacks.statuses("Bucket") == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]
    assert stacks.statuses() == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    labels = client(stacks.sandbox, "s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
    assert labels == [{"Key": "team", "Value": "ml"}]


def test_a_creation_that_fails_leaves_nothing(stacks: Stacks) -> None:
    # when
    told = stacks.create(template(Good=BUCKET, Bad={**TAKEN, "DependsOn": "Good"}))
    # then
    assert told["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "taken-by-another already exists" in stacks.reason("Bad", "CREATE_FAILED")
    assert stacks.statuses("Good")[-1] == "DELETE_COMPLETE"
    assert stacks.statuses() == ["CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"]
    reason = stacks.reason(stacks.name, "ROLLBACK_IN_PROGRESS")
    assert reason == (
        "The following resource(s) failed to create: [Bad]. Rollback requested by user."
    )
    assert not [name for name in buckets(stacks) if name.startswith(stacks.name)]
    # and: it can only be deleted
    code, told_why = stacks.refusal("update_stack", **stacks.request(template(Good=BUCKET)))
    assert code == "ValidationError"
    assert told_why.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_what_is_begun_after_a_failure_is_nothing(stacks: Stacks) -> None:
    # when
    stacks.create(template(Bad=TAKEN, After=parameter("x", DependsOn="Bad")))
    # then
    assert stacks.statuses("After") == []


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED"),
        ({"DisableRollback": True}, "CREATE_FAILED"),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE"),
    ],
)
def test_a_failure_does_what_the_request_says(
    stacks: Stacks, options: dict[str, object], status: str
) -> None:
    # when
    made = stacks.client.create_stack(
        **stacks.request(template(Good=BUCKET, Bad={**TAKEN, "DependsOn": "Good"}), **options)
    )
    # then
    assert stacks.settled(made["StackId"])["StackStatus"] == status
    kept = [name for name in buckets(stacks) if name.startswith(stacks.name)]
    assert len(kept) == (status == "CREATE_FAILED")


def test_a_creation_that_was_not_rolled_back_goes_on_with_an_update(stacks: Stacks) -> None:
    # given
    failed = template(Good=BUCKET, Bad={**TAKEN, "DependsOn": "Good"})
    stacks.create(failed, DisableRollback=True)
    bucket = stacks.physical("Good")
    # when
    told = stacks.update(template(Good=BUCKET, Bad=BUCKET))
    # then
    assert told["StackStatus"] == "UPDATE_COMPLETE"
    assert stacks.physical("Good") == bucket
    assert stacks.physical("Bad") in buckets(stacks)


def test_a_creation_that_was_not_rolled_back_can_be_afterwards(stacks: Stacks) -> None:
    stacks.create(template(Good=BUCKET, Bad={**TAKEN, "DependsOn": "Good"}), DisableRollback=True)
    stacks.client.rollback_stack(StackName=stacks.name)
    assert stacks.settled()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert not [name for name in buckets(stacks) if name.startswith(stacks.name)]


def test_an_update_changes_in_place_what_can_be_and_deletes_what_is_gone(stacks: Stacks) -> None:
    # given
    stacks.create(template(Changed=parameter("1"), Kept=parameter("k"), Gone=BUCKET))
    before, bucket = stacks.physical("Changed"), stacks.physical("Gone")
    # when
    told = stacks.update(template(Changed=parameter("2"), Kept=parameter("k"), New=BUCKET))
    # then
    assert told["StackStatus"] == "UPDATE_COMPLETE"
    assert stacks.physical("Changed") == before
    assert value(stacks, before) == "2"
    assert bucket not in buckets(stacks)
    assert stacks.physical("New") in buckets(stacks)
    assert "UPDATE_IN_PROGRESS" not in stacks.statuses("Kept")
    assert stacks.statuses()[-3:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
    assert order(stacks.events(), "Changed", "Gone", stacks.name)[-1] == stacks.name


def test_what_is_replaced_is_replaced_wherever_it_is_named(stacks: Stacks) -> None:
    # given: a role that a policy names
    def of(path: str) -> dict[str, object]:
        statement = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
        policy = {
            "PolicyName": "own",
            "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "Roles": [{"Ref": "Role"}],
        }
        return template(Role=role(Path=path), Policy=resource("IAM::Policy", policy))

    stacks.create(of("/one/"))
    old = stacks.physical("Role")
    # when
    told = stacks.update(of("/two/"))
    # then
    assert told["StackStatus"] == "UPDATE_COMPLETE"
    new = stacks.physical("Role")
    iam = client(stacks.sandbox, "iam")
    assert iam.list_role_policies(RoleName=new)["PolicyNames"] == ["own"]
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_role(RoleName=old)
    assert stacks.reason("Role", "UPDATE_IN_PROGRESS") == "Resource creation Initiated"
    assert stacks.statuses("Role")[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]


def test_a_resource_with_a_name_of_its_own_is_not_replaced(stacks: Stacks) -> None:
    # given
    stacks.create(template(Role=role(RoleName=f"{stacks.name}-own", Path="/one/")))
    # when
    told = stacks.update(template(Role=role(RoleName=f"{stacks.name}-own", Path="/two/")))
    # then
    assert told["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stacks.reason("Role", "UPDATE_FAILED") == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        f"Rename {stacks.name}-own and update the stack again."
    )


def test_an_update_that_fails_is_undone(stacks: Stacks) -> None:
    # given
    stacks.create(
        template({"Out": "before"}, Value=parameter("1"), Role=role(Path="/a/"), Gone=BUCKET),
        Tags=[{"Key": "v", "Value": "1"}],
    )
    before = {name: stacks.physical(name) for name in ("Value", "Role", "Gone")}
    # when: one changed, one replaced, one new, one gone; and one that fails last
    bad = {**TAKEN, "DependsOn": ["Value", "Role", "New"]}
    told = stacks.update(
        template(
            {"Out": "after"}, Value=parameter("2"), Role=role(Path="/b/"), New=BUCKET, Bad=bad
        ),
        Tags=[{"Key": "v", "Value": "2"}],
    )
    # then
    assert told["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert told["Tags"] == [{"Key": "v", "Value": "1"}]
    assert stacks.outputs() == {"Out": "before"}
    assert {name: stacks.physical(name) for name in before} == before
    assert value(stacks, before["Value"]) == "1"
    assert before["Gone"] in buckets(stacks)
    mine = [name for name in buckets(stacks) if name.startswith(stacks.name)]
    assert mine == [before["Gone"]]
    roles = client(stacks.sandbox, "iam").list_roles()["Roles"]
    names = [each["RoleName"] for each in roles if each["RoleName"].startswith(stacks.name)]
    assert names == [before["Role"]]
    assert stacks.statuses()[-4:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    reason = stacks.reason(stacks.name, "UPDATE_ROLLBACK_IN_PROGRESS")
    assert reason == "The following resource(s) failed to update: [Bad]. "
    found = stacks.client.describe_stack_resources(StackName=stacks.name)["StackResources"]
    assert {each["LogicalResourceId"] for each in found} == {"Value", "Role", "Gone"}


def test_an_update_that_was_not_rolled_back_can_be_afterwards(stacks: Stacks) -> None:
    # given
    stacks.create(template(Value=parameter("1")))
    changed = template(Value=parameter("2"), Bad={**TAKEN, "DependsOn": "Value"})
    told = stacks.update(changed, DisableRollback=True)
    assert told["StackStatus"] == "UPDATE_FAILED"
    assert value(stacks, stacks.physical("Value")) == "2"
    # when
    stacks.client.rollback_stack(StackName=stacks.name)
    # then
    assert stacks.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value(stacks, stacks.physical("Value")) == "1"


def test_a_rollback_that_fails_can_be_continued(stacks: Stacks) -> None:
    # given: a parameter that somebody deletes by hand in the middle
    stacks.create(template(Value=parameter("1"), Queue=resource("SQS::Queue")))
    changed = template(
        Value=parameter("2"),
        Queue=resource("SQS::Queue", {"DelaySeconds": 3}),
        Bad={**TAKEN, "DependsOn": ["Value", "Queue"]},
    )
    stacks.update(changed, DisableRollback=True)
    sqs = client(stacks.sandbox, "sqs")
    url = stacks.physical("Queue")
    sqs.delete_queue(QueueUrl=url)
    stacks.client.rollback_stack(StackName=stacks.name)
    told = stacks.settled()
    assert told["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert told["StackStatusReason"] == "The following resource(s) failed to update: [Queue]. "
    # when
    stacks.client.continue_update_rollback(StackName=stacks.name, ResourcesToSkip=["Queue"])
    # then
    assert stacks.settled()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value(stacks, stacks.physical("Value")) == "1"


def test_an_update_that_changes_nothing_is_refused(stacks: Stacks) -> None:
    stacks.create(template(Value=parameter("1")))
    refusal = stacks.refusal("update_stack", **stacks.request(template(Value=parameter(1))))
    assert refusal == ("ValidationError", "No updates are to be performed.")


def test_an_update_of_outputs_alone_is_one(stacks: Stacks) -> None:
    stacks.create(template({"Out": "1"}, Value=parameter("1")))
    assert stacks.update(template({"Out": "2"}, Value=parameter("1")))["StackStatus"] == (
        "UPDATE_COMPLETE"
    )
    assert stacks.outputs() == {"Out": "2"}


def test_what_a_policy_retains_outlives_its_stack(stacks: Stacks) -> None:
    # given
    stacks.create(template(Kept={**BUCKET, "DeletionPolicy": "Retain"}, Gone=BUCKET))
    kept, gone = stacks.physical("Kept"), stacks.physical("Gone")
    stack_id = stacks.told()["StackId"]
    # when
    told = stacks.delete()
    # then
    assert told["StackStatus"] == "DELETE_COMPLETE"
    assert kept in buckets(stacks)
    assert gone not in buckets(stacks)
    assert stacks.statuses("Kept", stack_id)[-1] == "DELETE_SKIPPED"


def test_what_an_update_replaces_or_leaves_out_stays_where_a_policy_says_so(
    stacks: Stacks,
) -> None:
    # given
    def named(name: str) -> dict[str, object]:
        properties = {"BucketName": f"{stacks.name}-{name}"}
        return resource("S3::Bucket", properties, UpdateReplacePolicy="Retain")

    stacks.create(
        template(Replaced=named("one"), Left={**BUCKET, "DeletionPolicy": "Retain"}, Gone=BUCKET)
    )
    left, gone = stacks.physical("Left"), stacks.physical("Gone")
    # when
    stacks.update(template(Replaced=named("two")))
    # then
    assert {f"{stacks.name}-one", f"{stacks.name}-two", left} <= {*buckets(stacks)}
    assert gone not in buckets(stacks)


@pytest.mark.parametrize(
    ("policy", "option", "kept"),
    [
        ("Retain", False, True),
        ("RetainExceptOnCreate", False, False),
        ("Retain", True, False),
    ],
)
def test_what_a_failed_creation_keeps(
    stacks: Stacks, policy: str, option: bool, kept: bool
) -> None:
    # when
    good = {**BUCKET, "DeletionPolicy": policy}
    bad = {**TAKEN, "DependsOn": "Good"}
    stacks.create(template(Good=good, Bad=bad), RetainExceptOnCreate=option)
    # then
    mine = [name for name in buckets(stacks) if name.startswith(stacks.name)]
    assert bool(mine) == kept


def test_a_resource_that_cannot_be_deleted_can_be_left(stacks: Stacks) -> None:
    # given
    stacks.create(template(Full=BUCKET, Other=parameter("x")))
    bucket = stacks.physical("Full")
    client(stacks.sandbox, "s3").put_object(Bucket=bucket, Key="key", Body=b"x")
    early = stacks.refusal("delete_stack", StackName=stacks.name, RetainResources=["Full"])
    assert "only when the stack is in the DELETE_FAILED state" in early[1]
    # when
    told = stacks.delete()
    # then
    assert told["StackStatus"] == "DELETE_FAILED"
    assert told["StackStatusReason"] == "The following resource(s) failed to delete: [Full]. "
    assert "not empty" in stacks.reason("Full", "DELETE_FAILED")
    assert stacks.statuses("Other")[-1] == "DELETE_COMPLETE"
    # when
    stack_id = told["StackId"]
    stacks.client.delete_stack(StackName=stacks.name, RetainResources=["Full"])
    # then
    assert stacks.settled(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert bucket in buckets(stacks)


def test_a_stack_is_deleted_in_the_order_of_its_references(stacks: Stacks) -> None:
    # given
    policy = {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": {"Statement": []}}
    stacks.create(template(Bucket=BUCKET, Policy=resource("S3::BucketPolicy", policy)))
    stack_id = stacks.told()["StackId"]
    # when
    stacks.delete()
    # then
    events = stacks.events(stack_id)
    assert order(events, "Bucket", "Policy", stacks.name) == ["Policy", "Bucket", stacks.name]


def test_a_deleted_stack_is_known_by_its_id_alone(stacks: Stacks) -> None:
    # given
    stack_id = stacks.create(template(Value=parameter("1")))["StackId"]
    # when
    stacks.delete()
    # then
    assert stacks.told(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    refusal = stacks.refusal("describe_stacks", StackName=stacks.name)
    assert refusal == ("ValidationError", f"Stack with id {stacks.name} does not exist")
    listed = stacks.client.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert stack_id in [each["StackId"] for each in listed]
    assert stack_id not in [each["StackId"] for each in stacks.client.describe_stacks()["Stacks"]]
    # and: to delete it once more is no mistake
    stacks.client.delete_stack(StackName=stacks.name)


def test_a_protected_stack_is_not_deleted(stacks: Stacks) -> None:
    # given
    stacks.create(template(Value=parameter("1")), EnableTerminationProtection=True)
    # when
    code, told = stacks.refusal("delete_stack", StackName=stacks.name)
    # then
    assert code == "ValidationError"
    assert told == (
        f"Stack [{stacks.name}] cannot be deleted while TerminationProtection is enabled"
    )
    # when
    stacks.client.update_termination_protection(
        StackName=stacks.name, EnableTerminationProtection=False
    )
    # then
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_two_stacks_of_one_name_are_not_there_at_once(stacks: Stacks) -> None:
    stacks.create(template(Value=parameter("1")))
    refusal = stacks.refusal("create_stack", **stacks.request(template(Value=parameter("1"))))
    assert refusal == ("AlreadyExistsException", f"Stack [{stacks.name}] already exists")


def test_an_export_that_is_used_can_neither_change_nor_go(stacks: Stacks, shared: Sandbox) -> None:
    # given
    name = f"{stacks.name}:value"

    def exporting(text: str) -> dict[str, object]:
        exported = {"Out": {"Value": text, "Export": {"Name": name}}}
        return {**template(Value=parameter("1")), "Outputs": exported}

    stacks.create(exporting("first"))
    user = Stacks(shared)
    user.create(template(Value=parameter({"Fn::ImportValue": name})))
    assert value(user, user.physical("Value")) == "first"
    assert stacks.client.list_imports(ExportName=name)["Imports"] == [user.name]
    exports = stacks.client.list_exports()["Exports"]
    assert ("first", name) in [(each["Value"], each["Name"]) for each in exports]
    # when
    updated = stacks.update(exporting("second"))
    deleted = stacks.delete()
    # then
    assert updated["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = stacks.reason(stacks.name, "UPDATE_ROLLBACK_IN_PROGRESS")
    assert f"Export {name} cannot be updated as it is in use by {user.name}" in reason
    assert deleted["StackStatus"] == "DELETE_FAILED"
    assert "cannot be deleted as it is in use" in deleted["StackStatusReason"]
    # when
    user.delete()
    # then
    assert stacks.delete()["StackStatus"] == "DELETE_COMPLETE"


def test_long_lists_come_in_pages(stacks: Stacks) -> None:
    # given: more than a hundred events
    many = {f"P{number}": parameter(str(number)) for number in range(60)}
    stacks.create(template(**many))
    # then
    first = stacks.client.describe_stack_events(StackName=stacks.name)
    assert len(first["StackEvents"]) == 100
    assert first["StackEvents"][0]["ResourceStatus"] == "CREATE_COMPLETE"
    events = stacks.events()
    assert len(events) == len({each["EventId"] for each in events}) == 182
    times = [each["Timestamp"] for each in events]
    assert times == sorted(set(times))
    pages = stacks.client.get_paginator("list_stack_resources").paginate(StackName=stacks.name)
    listed = [each for page in pages for each in page["StackResourceSummaries"]]
    assert {each["LogicalResourceId"] for each in listed} == {*many}


def test_what_is_not_done_is_refused(stacks: Stacks) -> None:
    told = stacks.refusal("detect_stack_drift", StackName=stacks.name)
    assert told == (
        "ValidationError",
        "odyssey's sandbox does not know DetectStackDrift of CloudFormation",
    )


def test_what_would_be_left_out_is_refused(stacks: Stacks) -> None:
    told = stacks.refused(template(Value=parameter("1")), StackPolicyBody="{}")
    assert told == "odyssey's sandbox does not know StackPolicyBody of stacks"


def test_a_condition_that_cannot_be_decided_fails_the_stack(stacks: Stacks) -> None:
    # given
    mapped = {"Fn::Equals": [{"Fn::FindInMap": ["Sizes", "no", "such"]}, "1"]}
    made = template(Value=parameter("1", Condition="Mapped"))
    # when
    told = stacks.create({**made, "Mappings": {"Sizes": {}}, "Conditions": {"Mapped": mapped}})
    # then
    assert told["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = stacks.reason(stacks.name, "ROLLBACK_IN_PROGRESS")
    assert "Unable to get mapping for Sizes::no::such" in reason
