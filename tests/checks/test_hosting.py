"""What belongs together in a template, found also where a part of it is not known."""

from __future__ import annotations

import pytest

from odyssey.checks import grants, hosting
from odyssey.checks.findings import Severity
from odyssey.checks.outlines import outline
from odyssey.checks.template import Template, parse
from tests.checks.pairs import found


def template(text: str) -> Template:
    return Template("a.yaml", parse(text, "a.yaml"), text=text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", "plain"),
        ('!Sub "${A}.dkr.ecr.${AWS::Region}/x:latest"', "one.dkr.ecr.${AWS::Region}/x:latest"),
        ('!Sub ["${X}/${Y.Arn}", {X: !Ref A}]', "one/${Y.Arn}"),
        ('!Join ["", ["s3://", !Ref Y, "/model.tar.gz"]]', "s3://${Y}/model.tar.gz"),
        ("!GetAtt Y.Name", "${Y.Name}"),
        ('!Join ["/", !Split [",", !Ref Y]]', "${?}"),
        ("!ImportValue other", "${?}"),
        ('"{{resolve:ssm:/image}}"', "${?}"),
        ('!Sub "s3://{{resolve:ssm:/bucket}}/x"', "s3://${?}/x"),
        ("{a: b}", None),
        ("7", None),
    ],
    ids=str,
)
def test_a_text_is_known_but_for_its_holes(value: str, text: str | None) -> None:
    here = template(
        "Parameters: {A: {Type: String, Default: one}}\n"
        f"Resources: {{Y: {{Type: X, Properties: {{P: {value}}}}}}}"
    )

    assert outline(here, here.resources["Y"].raw("P")) == text


TRUST = """
      AssumeRolePolicyDocument:
        Statement:
          - {Effect: Allow, Action: sts:AssumeRole, Principal: {Service: sagemaker.amazonaws.com}}
"""


@pytest.mark.parametrize(
    ("more", "may"),
    [
        ("", False),
        ("ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonSageMakerFullAccess]", False),
        ("ManagedPolicyArns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]", True),
        ("ManagedPolicyArns: [arn:aws:iam::123456789012:policy/ours]", True),
        ("ManagedPolicyArns: !Ref Anything", True),
        ("Policies: [{PolicyDocument: {Statement: {Effect: Allow, Action: 's3:get*'}}}]", True),
        (
            "Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: ['s3:GetObject'], "
            "Resource: !Sub 'arn:${AWS::Partition}:s3:::data/*'}]}}]",
            False,
        ),
        (
            "Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: ['s3:GetObject'], "
            "Resource: !Sub 'arn:${AWS::Partition}:s3:::${Bucket}/*'}]}}]",
            True,
        ),
    ],
    ids=str,
)
def test_a_role_may_read_what_its_policies_allow_or_may_allow(more: str, may: bool) -> None:
    here = template(
        f"Resources:\n  R:\n    Type: AWS::IAM::Role\n    Properties:{TRUST}      {more}\n"
    )

    allowed = grants.of(here.resources["R"], grants.attachments(here))

    assert allowed.allow("s3:GetObject", "arn:aws:s3:::models/7/model.tar.gz") is may


def test_a_policy_is_its_roles_by_reference_by_name_and_by_its_arn() -> None:
    here = template(
        "Resources:\n"
        "  R: {Type: AWS::IAM::Role, Properties: {RoleName: r, ManagedPolicyArns: [!Ref C]}}\n"
        "  A: {Type: AWS::IAM::Policy, Properties: {Roles: [!Ref R]}}\n"
        "  B: {Type: AWS::IAM::RolePolicy, Properties: {RoleName: r}}\n"
        "  C: {Type: AWS::IAM::ManagedPolicy, Properties: {}}\n"
        "  D: {Type: AWS::IAM::Policy, Properties: {Roles: [!Ref Other]}}\n"
    )

    found = grants.policies(here.resources["R"], grants.attachments(here))

    assert [policy.id for policy in found] == ["A", "B", "C"]


def test_a_variant_of_each_branch_of_a_condition_is_compared_with_no_other() -> None:
    here = template(
        "Conditions: {Live: !Equals [a, b]}\n"
        "Resources:\n"
        "  Config:\n"
        "    Type: AWS::SageMaker::EndpointConfig\n"
        "    Properties:\n"
        "      ProductionVariants:\n"
        "        - !If\n"
        "          - Live\n"
        "          - {VariantName: A, ModelName: m, InstanceType: m5.large,"
        " InitialInstanceCount: 1}\n"
        "          - {VariantName: A, ModelName: m,"
        " ServerlessConfig: {MemorySizeInMB: 1000, MaxConcurrency: 5}}\n"
    )

    variants = list(hosting.variants(here.resources["Config"]))
    said = {each.rule for each in found(here) if each.severity >= Severity.WARNING}

    assert [variant.certain for variant in variants] == [False, False]
    assert said == {"SM205", "SM207"}


def test_a_parameter_that_a_condition_leaves_out_is_not_judged_by_its_default() -> None:
    here = template(
        "Parameters: {Name: {Type: String, Default: ''}, Size: {Type: Number, Default: 0}}\n"
        "Resources:\n"
        "  Config:\n"
        "    Type: AWS::SageMaker::EndpointConfig\n"
        "    Properties:\n"
        "      EndpointConfigName: !Ref Name\n"
        "      ProductionVariants:\n"
        "        - VariantName: A\n"
        "          ModelName: m\n"
        "          InstanceType: ml.m5.large\n"
        "          InitialInstanceCount: 1\n"
        "          VolumeSizeInGB: !If [Sized, !Ref Size, !Ref 'AWS::NoValue']\n"
    )

    assert [str(each) for each in found(here) if each.severity >= Severity.WARNING] == []
