"""Which actions of IAM's a request takes, and on what."""

from typing import Any

import pytest
from botocore.session import Session

from odyssey.sandbox.calls import Call
from odyssey.sandbox.iam.actions import needed
from odyssey.sandbox.iam.identities import ROOT, Principal
from odyssey.sandbox.iam.policies import Asked
from odyssey.sandbox.iam.resources import Known

REGION, ACCOUNT = "eu-west-1", "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trainer"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"
TAGS = [{"Key": "App", "Value": "iris"}]
FILES = "arn:aws:s3:::files"


def asked(action: str, principal: Principal = ROOT, **parameters: Any) -> list[Asked]:
    service, _, operation = action.partition(":")
    return needed(Call(service, operation, REGION, parameters, principal), Buckets())


def short(found: list[Asked]) -> list[tuple[str, str]]:
    """Return actions and resources, without what every ARN begins with."""
    return [
        (each.action, each.resource.removeprefix("arn:aws:").replace(f"{REGION}:{ACCOUNT}:", ""))
        for each in found
    ]


class Buckets(Known):
    def key(self, bucket: str) -> str | None:
        return KEY if bucket == "locked" else None

    def role(self, name: str) -> str:
        return f"arn:aws:iam::{ACCOUNT}:role/team/{name}"

    def boundary(self, role: str) -> str | None:
        return "arn:aws:iam::aws:policy/Bound" if role == "bound" else None


@pytest.mark.parametrize(
    ("action", "parameters", "wanted"),
    [
        ("s3:GetObject", {"Key": "a/b"}, [("s3:GetObject", "s3:::files/a/b")]),
        ("s3:GetObject", {"Key": "a", "versionId": "1"}, [("s3:GetObjectVersion", "s3:::files/a")]),
        ("s3:HeadObject", {"Key": "a"}, [("s3:GetObject", "s3:::files/a")]),
        ("s3:PutObject", {"Key": "a"}, [("s3:PutObject", "s3:::files/a")]),
        ("s3:UploadPart", {"Key": "a"}, [("s3:PutObject", "s3:::files/a")]),
        ("s3:CreateMultipartUpload", {"Key": "a"}, [("s3:PutObject", "s3:::files/a")]),
        ("s3:CompleteMultipartUpload", {"Key": "a"}, [("s3:PutObject", "s3:::files/a")]),
        ("s3:AbortMultipartUpload", {"Key": "a"}, [("s3:AbortMultipartUpload", "s3:::files/a")]),
        ("s3:DeleteObject", {"Key": "a"}, [("s3:DeleteObject", "s3:::files/a")]),
        ("s3:DeleteObjects", {}, [("s3:DeleteObject", "s3:::files/*")]),
        (
            "s3:CopyObject",
            {"Key": "a", "CopySource": "/other/b%20c"},
            [("s3:PutObject", "s3:::files/a"), ("s3:GetObject", "s3:::other/b c")],
        ),
        (
            "s3:UploadPartCopy",
            {"Key": "a", "CopySource": {"Bucket": "other", "Key": "b"}},
            [("s3:PutObject", "s3:::files/a"), ("s3:GetObject", "s3:::other/b")],
        ),
        ("s3:HeadBucket", {}, [("s3:ListBucket", "s3:::files")]),
        ("s3:ListObjectsV2", {}, [("s3:ListBucket", "s3:::files")]),
        ("s3:ListObjectVersions", {}, [("s3:ListBucketVersions", "s3:::files")]),
        ("s3:ListMultipartUploads", {}, [("s3:ListBucketMultipartUploads", "s3:::files")]),
        ("s3:GetBucketEncryption", {}, [("s3:GetEncryptionConfiguration", "s3:::files")]),
        ("s3:DeleteBucketLifecycle", {}, [("s3:PutLifecycleConfiguration", "s3:::files")]),
        ("s3:PutPublicAccessBlock", {}, [("s3:PutBucketPublicAccessBlock", "s3:::files")]),
        ("s3:GetBucketLocation", {}, [("s3:GetBucketLocation", "s3:::files")]),
        ("s3:CreateBucket", {}, [("s3:CreateBucket", "s3:::files")]),
    ],
)
def test_a_request_to_s3_takes(
    action: str, parameters: dict[str, Any], wanted: list[tuple[str, str]]
) -> None:
    assert short(asked(action, Bucket="files", **parameters)) == wanted


def test_to_list_the_buckets_is_on_anything() -> None:
    assert short(asked("s3:ListBuckets")) == [("s3:ListAllMyBuckets", "*")]


@pytest.mark.parametrize("parameters", [{"prefix": "a/"}, {"Prefix": "a/"}])
def test_a_list_tells_its_prefix(parameters: dict[str, str]) -> None:
    (found,) = asked("s3:ListObjectsV2", Bucket="files", **parameters)
    assert found.context["s3:prefix"] == "a/"
    (bare,) = asked("s3:ListObjectsV2", Bucket="files")
    assert bare.context["s3:prefix"] == ""


def test_s3_uses_a_key_with_the_rights_of_whoever_asks() -> None:
    # given
    encrypt, decrypt = ("kms:GenerateDataKey", "kms:key/1"), ("kms:Decrypt", "kms:key/1")
    # when
    named = asked("s3:PutObject", Bucket="files", Key="a", SSEKMSKeyId=KEY)
    # then
    assert short(named)[1:] == [encrypt]
    assert named[1].context == {"kms:viaservice": "s3.eu-west-1.amazonaws.com"}
    assert short(asked("s3:PutObject", Bucket="locked", Key="a"))[1:] == [encrypt]
    assert short(asked("s3:GetObject", Bucket="locked", Key="a"))[1:] == [decrypt]
    several = asked("s3:CreateMultipartUpload", Bucket="locked", Key="a")
    assert short(several)[1:] == [decrypt, encrypt]
    assert short(asked("s3:ListObjectsV2", Bucket="locked"))[1:] == []


@pytest.mark.parametrize(
    ("action", "parameters", "wanted"),
    [
        (
            "sagemaker:CreateModel",
            {"ModelName": "m", "ExecutionRoleArn": ROLE, "Tags": TAGS},
            ["sagemaker:CreateModel sagemaker:model/m", "sagemaker:AddTags sagemaker:model/m"],
        ),
        (
            "sagemaker:CreateEndpoint",
            {"EndpointName": "e", "EndpointConfigName": "c"},
            [
                "sagemaker:CreateEndpoint sagemaker:endpoint/e",
                "sagemaker:CreateEndpoint sagemaker:endpoint-config/c",
            ],
        ),
        (
            "sagemaker:UpdateEndpointWeightsAndCapacities",
            {"EndpointName": "e"},
            ["sagemaker:UpdateEndpointWeightsAndCapacities sagemaker:endpoint/e"],
        ),
        (
            "sagemaker:CreateTransformJob",
            {"TransformJobName": "t", "ModelName": "m"},
            ["sagemaker:CreateTransformJob sagemaker:transform-job/t"],
        ),
        ("sagemaker:ListModels", {"NameContains": "m"}, ["sagemaker:ListModels *"]),
        ("sagemaker:AddTags", {"ResourceArn": "arn:aws:x", "Tags": TAGS}, ["sagemaker:AddTags x"]),
        (
            "sagemaker:CreateHyperParameterTuningJob",
            {"HyperParameterTuningJobName": "h"},
            ["sagemaker:CreateHyperParameterTuningJob sagemaker:hyper-parameter-tuning-job/h"],
        ),
        (
            "sagemaker-runtime:InvokeEndpointAsync",
            {"EndpointName": "e"},
            ["sagemaker:InvokeEndpointAsync sagemaker:endpoint/e"],
        ),
        (
            "ecr:DescribeRepositories",
            {"repositoryNames": ["a", "b/c"]},
            [
                "ecr:DescribeRepositories ecr:repository/a",
                "ecr:DescribeRepositories ecr:repository/b/c",
            ],
        ),
        ("ecr:GetAuthorizationToken", {}, ["ecr:GetAuthorizationToken *"]),
        (
            "ecr:CreateRepository",
            {"repositoryName": "a", "tags": TAGS, "encryptionConfiguration": {"kmsKey": KEY}},
            [
                "ecr:CreateRepository ecr:repository/a",
                "ecr:TagResource ecr:repository/a",
                "kms:CreateGrant kms:key/1",
                "kms:DescribeKey kms:key/1",
                "kms:RetireGrant kms:key/1",
            ],
        ),
        (
            "cloudformation:DescribeStacks",
            {},
            ["cloudformation:DescribeStacks *", "cloudformation:ListStacks *"],
        ),
        (
            "cloudformation:CreateChangeSet",
            {"StackName": "s", "Tags": TAGS},
            ["cloudformation:CreateChangeSet cloudformation:stack/s/*"],
        ),
        (
            "logs:PutLogEvents",
            {"logGroupName": "/g", "logStreamName": "s"},
            ["logs:PutLogEvents logs:log-group:/g:log-stream:s"],
        ),
        (
            "logs:CreateLogGroup",
            {"logGroupName": "/g", "tags": {"a": "b"}},
            [
                "logs:CreateLogGroup logs:log-group:/g:log-stream:",
                "logs:TagResource logs:log-group:/g:log-stream:",
            ],
        ),
        ("iam:GetRole", {"RoleName": "r"}, [f"iam:GetRole iam::{ACCOUNT}:role/team/r"]),
        (
            "iam:CreateRole",
            {"RoleName": "r", "Path": "/a/", "Tags": TAGS},
            [
                f"iam:CreateRole iam::{ACCOUNT}:role/a/r",
                f"iam:TagRole iam::{ACCOUNT}:role/a/r",
            ],
        ),
        (
            "iam:AttachRolePolicy",
            {"RoleName": "r", "PolicyArn": "arn:aws:iam::aws:policy/P"},
            [f"iam:AttachRolePolicy iam::{ACCOUNT}:role/team/r"],
        ),
        (
            "iam:GetPolicy",
            {"PolicyArn": "arn:aws:iam::aws:policy/P"},
            ["iam:GetPolicy iam::aws:policy/P"],
        ),
        ("iam:ListRoles", {}, ["iam:ListRoles *"]),
        (
            "iam:AddUserToGroup",
            {"UserName": "u", "GroupName": "g"},
            [f"iam:AddUserToGroup iam::{ACCOUNT}:group/g"],
        ),
        (
            "lambda:Invoke",
            {"FunctionName": "f", "Qualifier": "live"},
            ["lambda:InvokeFunction lambda:function:f:live"],
        ),
        ("lambda:ListFunctions", {}, ["lambda:ListFunctions *"]),
        (
            "lambda:UpdateFunctionCode",
            {"FunctionName": "f", "ImageUri": "1.dkr.ecr.eu-west-1.amazonaws.com/a/b:1"},
            [
                "lambda:UpdateFunctionCode lambda:function:f",
                "ecr:BatchGetImage ecr:repository/a/b",
                "ecr:GetDownloadUrlForLayer ecr:repository/a/b",
            ],
        ),
        (
            "cloudwatch:DeleteAlarms",
            {"AlarmNames": ["a", "b"]},
            ["cloudwatch:DeleteAlarms cloudwatch:alarm:a"]
            + ["cloudwatch:DeleteAlarms cloudwatch:alarm:b"],
        ),
        (
            "cloudwatch:PutDashboard",
            {"DashboardName": "d"},
            [f"cloudwatch:PutDashboard cloudwatch::{ACCOUNT}:dashboard/d"],
        ),
        (
            "application-autoscaling:PutScalingPolicy",
            {"ResourceId": "endpoint/e/variant/v", "ScalableDimension": "d"},
            ["application-autoscaling:PutScalingPolicy application-autoscaling:scalable-target/*"],
        ),
        ("ssm:GetParameter", {"Name": "/a/b"}, ["ssm:GetParameter ssm:parameter/a/b"]),
        ("sns:Publish", {"TopicArn": "arn:aws:t"}, ["sns:Publish t"]),
        ("sqs:SendMessage", {"QueueUrl": "http://x/1/q"}, ["sqs:SendMessage sqs:q"]),
        ("events:PutRule", {"Name": "r"}, ["events:PutRule events:rule/r"]),
        (
            "scheduler:DeleteSchedule",
            {"Name": "s"},
            ["scheduler:DeleteSchedule scheduler:schedule/default/s"],
        ),
        ("stepfunctions:ListStateMachines", {}, ["states:ListStateMachines *"]),
        ("dynamodb:GetItem", {"TableName": "t"}, ["dynamodb:GetItem *"]),
        ("sts:GetCallerIdentity", {}, []),
        ("sts:AssumeRole", {"RoleArn": ROLE}, [f"sts:AssumeRole iam::{ACCOUNT}:role/trainer"]),
    ],
)
def test_a_request_takes(action: str, parameters: dict[str, Any], wanted: list[str]) -> None:
    found = [f"{name} {resource}" for name, resource in short(asked(action, **parameters))]
    assert [each for each in found if not each.startswith("iam:PassRole")] == wanted


@pytest.mark.parametrize(
    ("action", "parameters", "service"),
    [
        ("sagemaker:CreateTrainingJob", {"RoleArn": ROLE}, "sagemaker"),
        ("sagemaker:CreateModel", {"ExecutionRoleArn": ROLE}, "sagemaker"),
        ("sagemaker:CreateEndpointConfig", {"ExecutionRoleArn": ROLE}, "sagemaker"),
        (
            "sagemaker:CreateHyperParameterTuningJob",
            {"TrainingJobDefinitions": [{"RoleArn": ROLE}, {"RoleArn": ROLE}]},
            "sagemaker",
        ),
        ("lambda:CreateFunction", {"FunctionName": "f", "Role": ROLE}, "lambda"),
        ("cloudformation:CreateChangeSet", {"StackName": "s", "RoleARN": ROLE}, "cloudformation"),
        ("events:PutTargets", {"Rule": "r", "Targets": [{"RoleArn": ROLE}]}, "events"),
        ("scheduler:CreateSchedule", {"Name": "s", "Target": {"RoleArn": ROLE}}, "scheduler"),
        ("stepfunctions:CreateStateMachine", {"roleArn": ROLE}, "states"),
        (
            "application-autoscaling:RegisterScalableTarget",
            {"RoleARN": ROLE},
            "application-autoscaling",
        ),
    ],
)
def test_a_role_is_passed_to_the_service(
    action: str, parameters: dict[str, Any], service: str
) -> None:
    (passed,) = (each for each in asked(action, **parameters) if each.action == "iam:PassRole")
    assert passed.resource == ROLE
    assert passed.context["iam:passedtoservice"] == f"{service}.amazonaws.com"


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("iam:AddRoleToInstanceProfile", {"RoleName": "r", "RoleArn": ROLE}),
        ("sts:AssumeRole", {"RoleArn": ROLE}),
        ("sagemaker:CreateTransformJob", {"Environment": {"ROLE": ROLE}}),
        ("sagemaker:CreateTrainingJob", {"HyperParameters": {"role": ROLE}}),
    ],
)
def test_a_role_that_is_only_named_is_not_passed(action: str, parameters: dict[str, Any]) -> None:
    assert "iam:PassRole" not in [each.action for each in asked(action, **parameters)]


def test_what_a_request_says_fills_condition_keys() -> None:
    (model, _) = asked("sagemaker:CreateModel", ModelName="m", Tags=TAGS)
    assert model.context == {"aws:tagkeys": ("App",), "aws:requesttag/app": "iris"}
    (metrics,) = asked("cloudwatch:PutMetricData", Namespace="AWS/SageMaker")
    assert metrics.context == {"cloudwatch:namespace": "AWS/SageMaker"}
    (role,) = asked("iam:PutRolePolicy", RoleName="bound")
    assert role.context == {"iam:permissionsboundary": "arn:aws:iam::aws:policy/Bound"}
    (role,) = asked("iam:CreateRole", RoleName="bound", PermissionsBoundary="arn:b")
    assert role.context == {"iam:permissionsboundary": "arn:b"}


def test_a_linked_role_s_name_is_aws_s_to_choose() -> None:
    (found,) = asked("iam:CreateServiceLinkedRole", AWSServiceName="x.amazonaws.com")
    assert found.resource.endswith(":role/aws-service-role/x.amazonaws.com/AWSServiceRoleFor*")


def test_without_a_name_a_user_is_oneself() -> None:
    ann = Principal(f"arn:aws:iam::{ACCOUNT}:user/ann", user="ann")
    (found,) = asked("iam:CreateAccessKey", ann)
    assert found.resource == ann.arn


SERVICES = (
    "application-autoscaling cloudformation cloudwatch dynamodb ec2 ecr events iam kms lambda logs "
    "s3 sagemaker sagemaker-runtime scheduler sns sqs ssm stepfunctions sts"
)
FREE = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetSessionToken"}


def sample(shape: Any, depth: int = 0) -> Any:
    """Return a value as a model of botocore's wants it, with every member that there is."""
    if shape.type_name == "structure":
        return {
            name: sample(member, depth + 1) for name, member in shape.members.items() if depth < 4
        }
    if shape.type_name == "list":
        return [sample(shape.member, depth + 1)] if depth < 4 else []
    if shape.type_name == "map":
        return {"x": sample(shape.value, depth + 1)} if depth < 4 else {}
    return {"string": "x", "boolean": True, "blob": b"x"}.get(shape.type_name, 1)


@pytest.mark.parametrize("service", SERVICES.split())
def test_every_operation_takes_something(service: str) -> None:
    model = Session().get_service_model(service)
    for name in {*model.operation_names} - FREE:
        shape = model.operation_model(name).input_shape
        parameters = sample(shape) if shape is not None else {}
        for said in ({}, parameters):
            found = asked(f"{service}:{name}", **said)
            assert found
            assert all(each.action.count(":") == 1 and each.resource for each in found)
