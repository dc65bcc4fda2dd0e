"""Permissions statement by statement: what comes, what goes, what opens, in which words."""

from __future__ import annotations

from typing import Any

import pytest

from odyssey.review.permissions import changes
from odyssey.review.report import PermissionChange, Rank
from tests.review.cases import app, side, template

Statement = dict[str, Any]
MODELS = {"Fn::Join": ["", [{"Fn::GetAtt": ["Artifacts", "Arn"]}, "/model/*"]]}
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": MODELS}
BUCKET = {"Type": "AWS::S3::Bucket"}


def trusting(*statements: Statement, **more: Any) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": document, **more}}


def policy(*statements: Statement) -> dict[str, Any]:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {
        "Type": "AWS::IAM::Policy",
        "Properties": {"PolicyDocument": document, "Roles": [{"Ref": "Role"}]},
    }


def found(before: dict[str, Any], after: dict[str, Any]) -> tuple[PermissionChange, ...]:
    return changes(side("base", template(**before)), side("head", template(**after)))


def of_role(before: list[Statement], after: list[Statement]) -> tuple[PermissionChange, ...]:
    shared = {"Artifacts": BUCKET, "Role": trusting()}
    return found({**shared, "Policy": policy(*before)}, {**shared, "Policy": policy(*after)})


def one(before: list[Statement], after: list[Statement]) -> PermissionChange:
    (change,) = of_role(before, after)
    return change


def test_a_statement_is_told_in_plain_words() -> None:
    change = one([], [READ])
    assert change.text == "may read objects in the bucket Artifacts under model/*"
    assert (change.holder, change.kind, change.added, change.widens) == (
        "Role",
        "identity",
        True,
        True,
    )


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ({"Action": "*", "Resource": "*"}, "may do anything on anything"),
        ({"Action": "s3:*", "Resource": "*"}, "may do anything in s3 (s3:*) on anything"),
        ({"NotAction": "iam:*", "Resource": "*"}, "may do anything but iam:* on anything"),
        (
            {
                "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                "Resource": "arn:aws:ecr:eu-west-1:1:repository/x",
            },
            "may pull images in the repository x",
        ),
        (
            {"Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-west-1:1:key/k"},
            "may decrypt with the key k",
        ),
        (
            {
                "Action": "iam:PassRole",
                "Resource": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:role/ml-*"},
                "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            },
            "may hand roles to services on the role ml-*, if iam:PassedToService is "
            "sagemaker.amazonaws.com",
        ),
        (
            {"Action": [f"ec2:Do{n}" for n in range(9)], "Resource": "*"},
            "may call ec2:Do0, ec2:Do1, ec2:Do2 and 6 more of ec2 on anything",
        ),
        (
            {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
            "may never delete objects on anything",
        ),
    ],
)
def test_words(statement: Statement, text: str) -> None:
    assert one([], [{"Effect": "Allow", **statement}]).text == text


def test_what_an_old_statement_allows_already_is_no_widening() -> None:
    wide = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
    added = next(each for each in of_role([wide], [READ]) if each.added)
    assert not added.widens
    kept = one([wide], [wide, READ])
    assert not kept.widens


@pytest.mark.parametrize(
    "wider",
    [
        {**READ, "Action": ["s3:GetObject", "s3:PutObject"]},
        {**READ, "Action": "s3:*"},
        {**READ, "Resource": "*"},
        {**READ, "Resource": {"Fn::GetAtt": ["Artifacts", "Arn"]}},
    ],
)
def test_another_action_or_resource_widens(wider: Statement) -> None:
    added, removed = of_role([READ], [wider])
    assert (added.added, added.widens) == (True, True)
    assert added.rank > Rank.NOTE
    assert (removed.added, removed.widens) == (False, False)


def test_a_condition_less_widens_and_a_condition_more_does_not() -> None:
    bound = {**READ, "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    assert [each.widens for each in of_role([bound], [READ])] == [True, False]
    assert not any(each.widens for each in of_role([READ], [bound]))


def test_a_denial_that_goes_widens_unless_another_denies_the_same() -> None:
    deny = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    gone = one([deny], [])
    assert (gone.added, gone.widens, gone.rank) == (False, True, Rank.DANGER)
    all_ = {**deny, "Action": "s3:*"}
    assert not any(each.widens for each in of_role([deny], [all_]))


def test_order_sid_and_the_policy_that_it_stands_in_do_not_matter() -> None:
    two = {"Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": [MODELS]}
    same = {
        "Sid": "X",
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": MODELS,
    }
    assert of_role([two], [same]) == ()
    inline = {"PolicyName": "p", "PolicyDocument": {"Statement": [same]}}
    before = {"Artifacts": BUCKET, "Role": trusting(), "Policy": policy(two)}
    after = {"Artifacts": BUCKET, "Role": trusting(Policies=[inline])}
    assert found(before, after) == ()


def assumed(by: Any, **more: Any) -> Statement:
    return {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": by, **more}


@pytest.mark.parametrize(
    ("principal", "text", "rank"),
    [
        ("*", "anybody may take the role", Rank.DANGER),
        ({"AWS": "*"}, "anybody may take the role", Rank.DANGER),
        (
            {"AWS": "arn:aws:iam::999988887777:root"},
            "whom account 999988887777 lets may take the role",
            Rank.CAUTION,
        ),
        ({"AWS": "999988887777"}, "whom account 999988887777 lets may take the role", Rank.CAUTION),
        (
            {"AWS": {"Ref": "AWS::AccountId"}},
            "whom this account lets may take the role",
            Rank.CAUTION,
        ),
        (
            {"Service": "lambda.amazonaws.com"},
            "the service lambda.amazonaws.com may take the role",
            Rank.CAUTION,
        ),
    ],
)
def test_another_trust_is_told_and_ranked(principal: Any, text: str, rank: Rank) -> None:
    own = assumed({"Service": "sagemaker.amazonaws.com"})
    (change,) = found({"Role": trusting(own)}, {"Role": trusting(own, assumed(principal))})
    assert (change.kind, change.text, change.widens, change.rank) == ("trust", text, True, rank)


def test_anybody_of_one_organization_is_not_anybody() -> None:
    closed = assumed("*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})
    own = assumed({"Service": "sagemaker.amazonaws.com"})
    (change,) = found({"Role": trusting(own)}, {"Role": trusting(own, closed)})
    assert change.rank is Rank.CAUTION


def test_managed_policies_and_boundaries_are_told() -> None:
    managed = {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"]}
    (change,) = found({"Role": trusting()}, {"Role": trusting(**managed)})
    assert change.text == "has the managed policy AmazonSageMakerFullAccess"
    assert (change.widens, change.rank) == (True, Rank.DANGER)
    bound = {"PermissionsBoundary": "arn:aws:iam::123456789012:policy/ml"}
    (change,) = found({"Role": trusting(**bound)}, {"Role": trusting()})
    assert (change.added, change.widens, change.why) == (
        False,
        True,
        "the permissions boundary is gone",
    )


def test_policies_of_resources_are_told_of_the_resource() -> None:
    open_ = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": MODELS}
    of_bucket = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Artifacts"}, "PolicyDocument": {"Statement": open_}},
    }
    (change,) = found({"Artifacts": BUCKET}, {"Artifacts": BUCKET, "Open": of_bucket})
    assert (change.holder, change.kind, change.rank) == ("Artifacts", "resource", Rank.DANGER)
    assert change.text == "anybody may read objects"


def test_a_permission_of_lambda_is_a_statement_of_its_function() -> None:
    def permission(**properties: Any) -> dict[str, Any]:
        own = {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "Serve"}}
        return {"Type": "AWS::Lambda::Permission", "Properties": {**own, **properties}}

    function = {"Type": "AWS::Lambda::Function"}
    s3 = permission(Principal="s3.amazonaws.com", SourceAccount={"Ref": "AWS::AccountId"})
    (change,) = found({"Serve": function}, {"Serve": function, "S3": s3})
    assert change.holder == "Serve"
    assert change.text == (
        "the service s3.amazonaws.com may call functions, if aws:SourceAccount is this account"
    )
    (change,) = found({"Serve": function}, {"Serve": function, "All": permission(Principal="*")})
    assert change.rank is Rank.DANGER


def test_repositories_keys_and_queues_have_policies_too() -> None:
    pull = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
    }
    of_all = {
        "Images": ("AWS::ECR::Repository", "RepositoryPolicyText"),
        "Key": ("AWS::KMS::Key", "KeyPolicy"),
    }
    for id_, (kind, member) in of_all.items():
        (change,) = found(
            {id_: {"Type": kind}},
            {id_: {"Type": kind, "Properties": {member: {"Statement": [pull]}}}},
        )
        assert (change.holder, change.kind) == (id_, "resource")
        assert "the service lambda.amazonaws.com may pull images" in change.text


def test_what_goes_with_its_holder_opens_nothing() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    of_bucket = {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": "Artifacts"}, "PolicyDocument": {"Statement": [deny]}},
    }
    (change,) = found({"Artifacts": BUCKET, "Policy": of_bucket}, {})
    assert not change.widens
    kept = {**of_bucket, "DeletionPolicy": "Retain"}
    assert found({"Artifacts": BUCKET, "Policy": kept}, {"Artifacts": BUCKET}) == ()


def test_nothing_of_a_golden_app_changes_against_itself() -> None:
    for name in ("guarded", "lambda"):
        assert changes(side("base", app(name)), side("head", app(name))) == ()


def test_what_widens_comes_first() -> None:
    wide = {"Effect": "Allow", "Action": "iam:*", "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"}
    ranks = [(each.widens, each.rank) for each in of_role([], [deny, READ, wide])]
    assert ranks == [(True, Rank.DANGER), (True, Rank.CAUTION), (False, Rank.NOTE)]
