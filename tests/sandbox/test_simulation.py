"""IAM's simulator."""

from typing import Any

import pytest

from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.iam import ACCOUNT, People, allow, deny, document, refusal


@pytest.fixture
def people(sandbox: Sandbox) -> People:
    return People(sandbox)


def decisions(answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (each["EvalActionName"], each["EvalResourceName"], each["EvalDecision"])
        for each in answer["EvaluationResults"]
    ]


def test_a_role_s_policies_are_simulated(people: People) -> None:
    # given
    role = people.role(
        "r", {"AWS": ACCOUNT}, allow("s3:*", "arn:aws:s3:::iris/*"), deny("s3:PutObject")
    )
    # when
    answer = people.iam.simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=["s3:GetObject", "s3:PutObject"],
        ResourceArns=["arn:aws:s3:::iris/a", "arn:aws:s3:::other/a"],
    )
    # then
    assert decisions(answer) == [
        ("s3:GetObject", "arn:aws:s3:::iris/a", "allowed"),
        ("s3:GetObject", "arn:aws:s3:::other/a", "implicitDeny"),
        ("s3:PutObject", "arn:aws:s3:::iris/a", "explicitDeny"),
        ("s3:PutObject", "arn:aws:s3:::other/a", "explicitDeny"),
    ]
    assert answer["IsTruncated"] is False


def test_a_user_s_policies_are_simulated_with_further_ones(people: People) -> None:
    people.user("ann", allow("sns:Publish"))
    answer = people.iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/ann",
        PolicyInputList=[document(allow("sqs:*"))],
        ActionNames=["sns:Publish", "sqs:ListQueues", "s3:GetObject"],
    )
    assert [each[2] for each in decisions(answer)] == ["allowed", "allowed", "implicitDeny"]


def test_what_is_known_of_a_request_is_simulated(people: People) -> None:
    # given
    condition = {"StringLike": {"s3:prefix": "input/*"}}
    asked = {
        "PolicyInputList": [document(allow("s3:ListBucket", Condition=condition))],
        "ActionNames": ["s3:ListBucket"],
    }
    entry = {"ContextKeyName": "s3:prefix", "ContextKeyType": "string"}
    # when
    without = people.iam.simulate_custom_policy(**asked)
    known = people.iam.simulate_custom_policy(
        **asked, ContextEntries=[{**entry, "ContextKeyValues": ["input/a"]}]
    )
    # then
    assert decisions(without)[0][2] == "implicitDeny"
    assert without["EvaluationResults"][0]["MissingContextValues"] == ["s3:prefix"]
    assert decisions(known)[0][2] == "allowed"
    assert known["EvaluationResults"][0]["MissingContextValues"] == []


def test_a_boundary_and_the_policy_of_a_resource_are_simulated(people: People) -> None:
    asked = {
        "PolicyInputList": [document(allow("*"))],
        "ActionNames": ["sns:Publish", "s3:GetObject", "s3:PutObject"],
        "PermissionsBoundaryPolicyInputList": [document(allow("s3:*"))],
        "ResourcePolicy": document(deny("s3:PutObject", Principal="*")),
    }
    answer = people.iam.simulate_custom_policy(**asked)
    assert [each[2] for each in decisions(answer)] == ["implicitDeny", "allowed", "explicitDeny"]


def test_who_is_not_there_and_what_is_no_policy_are_refused(people: People) -> None:
    absent = f"arn:aws:iam::{ACCOUNT}:role/absent"
    told = refusal(
        people.iam, "simulate_principal_policy", PolicySourceArn=absent, ActionNames=["s3:*"]
    )
    assert (told["Code"], told["Status"]) == ("NoSuchEntity", 404)
    for broken in ("{", document({"Effect": "Perhaps", "Action": "*"})):
        told = refusal(
            people.iam, "simulate_custom_policy", PolicyInputList=[broken], ActionNames=["s3:*"]
        )
        assert told["Code"] == "InvalidInput"
