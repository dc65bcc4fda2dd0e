"""As whom stacks act, where rights are enforced."""

import json

import boto3

from tests.sandbox.conftest import Start
from tests.sandbox.serving import client
from tests.sandbox.stacks import Stacks, parameter, resource, template

BUCKET = resource("S3::Bucket")


def test_a_stack_acts_as_its_role(start: Start) -> None:
    # given: a role that CloudFormation may take on, for parameters alone
    stacks = Stacks(start(enforce_iam=True))
    iam = client(stacks.sandbox, "iam")
    service = {"Service": "cloudformation.amazonaws.com"}
    trust = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service}]
    rights = [{"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}]
    role_arn = iam.create_role(
        RoleName="deploys", AssumeRolePolicyDocument=json.dumps({"Statement": trust})
    )["Role"]["Arn"]
    iam.put_role_policy(
        RoleName="deploys",
        PolicyName="own",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": rights}),
    )
    # when
    told = stacks.create(template(Value=parameter("1")), RoleARN=role_arn)
    refused = stacks.update(template(Value=parameter("1"), Bucket=BUCKET))
    # then
    assert (told["StackStatus"], told["RoleARN"]) == ("CREATE_COMPLETE", role_arn)
    assert refused["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reason = stacks.reason("Bucket", "CREATE_FAILED")
    assert "assumed-role/deploys" in reason
    assert "s3:CreateBucket" in reason
    # and: nobody else's role, and none that CloudFormation may not take on
    missing = role_arn.replace("deploys", "nobody")
    iam.create_role(RoleName="idle", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    for arn in (missing, role_arn.replace("deploys", "idle")):
        told_why = Stacks(stacks.sandbox).refused(template(Value=parameter("1")), RoleARN=arn)
        assert told_why == f"Role {arn} is invalid or cannot be assumed"


def test_a_stack_without_a_role_acts_as_whoever_asks(start: Start) -> None:
    # given: somebody who may deploy parameters
    sandbox = start(enforce_iam=True)
    iam = client(sandbox, "iam")
    iam.create_user(UserName="ada")
    allowed = {"Effect": "Allow", "Action": ["cloudformation:*", "ssm:*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_user_policy(UserName="ada", PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    stacks = Stacks(sandbox)
    stacks.client = boto3.client(
        "cloudformation",
        region_name="eu-west-1",
        endpoint_url=sandbox.url,
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    # when
    told = stacks.create(template(Value=parameter("1"), Bucket=BUCKET))
    # then
    assert told["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "user/ada is not authorized" in stacks.reason("Bucket", "CREATE_FAILED")
