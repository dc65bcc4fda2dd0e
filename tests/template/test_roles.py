"""Roles: each statement in full, and nothing beside."""

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Stack, Validations
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks

from cdk_constructs import ArtifactBucket, HostingRole, TrainingRole
from cdk_constructs.roles import allow_network

PARTITION, REGION = {"Ref": "AWS::Partition"}, {"Ref": "AWS::Region"}
ACCOUNT = {"Ref": "AWS::AccountId"}


def arn(service: str, resource: str, account: Any = ACCOUNT) -> Any:
    """Return an ARN as the template has it."""
    if isinstance(account, str):
        parts = ["arn:", PARTITION, f":{service}:", REGION, f":{account}:{resource}"]
    else:
        parts = ["arn:", PARTITION, f":{service}:", REGION, ":", account, f":{resource}"]
    return {"Fn::Join": ["", parts]}


def allowed(actions: Any, resources: Any, **condition: Any) -> dict[str, Any]:
    statement = {"Action": actions, "Effect": "Allow", "Resource": resources}
    return {**statement, "Condition": condition} if condition else statement


LOGS = allowed(
    [
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
    ],
    arn("logs", "log-group:/aws/sagemaker/*"),
)
METRICS = allowed(
    "cloudwatch:PutMetricData",
    "*",
    StringLike={"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]},
)
INTERFACES = arn("ec2", "network-interface/*")
CHANGE_INTERFACES = allowed(
    ["ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface"], INTERFACES
)
ANYWHERE = allowed(
    [
        "ec2:DeleteNetworkInterfacePermission",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
    ],
    "*",
)


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Stack")


def statements(stack: Stack) -> list[dict[str, Any]]:
    (policy,) = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    made: list[dict[str, Any]] = policy["Properties"]["PolicyDocument"]["Statement"]
    return made


def role(stack: Stack) -> dict[str, Any]:
    (made,) = Template.from_stack(stack).find_resources("AWS::IAM::Role").values()
    properties: dict[str, Any] = made["Properties"]
    return properties


def test_a_hosting_role_starts_with_logs_and_metrics_alone(stack: Stack) -> None:
    HostingRole(stack, "Role")

    assert statements(stack) == [LOGS, METRICS]
    assert "ManagedPolicyArns" not in role(stack)


@pytest.mark.parametrize("kind", [HostingRole, TrainingRole])
def test_sagemaker_takes_a_role_on_for_this_account_and_region_alone(
    stack: Stack, kind: type[iam.Role]
) -> None:
    kind(stack, "Role")

    assert role(stack)["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Condition": {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": arn("sagemaker", "*")},
            },
        }
    ]


@pytest.mark.parametrize("kind", [HostingRole, TrainingRole])
def test_a_role_keeps_to_its_boundary(stack: Stack, kind: Any) -> None:
    boundary = iam.ManagedPolicy.from_aws_managed_policy_name("PowerUserAccess")

    kind(stack, "Role", permissions_boundary=boundary)

    assert role(stack)["PermissionsBoundary"]["Fn::Join"][1][-1] == (
        ":iam::aws:policy/PowerUserAccess"
    )


def test_a_training_role_starts_with_logs_and_metrics_alone(stack: Stack) -> None:
    TrainingRole(stack, "Role")

    assert statements(stack) == [LOGS, METRICS]


def test_a_training_role_reads_data_and_models_and_writes_models_and_outputs(
    stack: Stack,
) -> None:
    key = kms.Key(stack, "Key")
    bucket = ArtifactBucket(stack, "Bucket", encryption_key=key)

    TrainingRole(stack, "Role", bucket=bucket)

    name = stack.resolve(bucket.bucket_arn)
    data, model, output = (
        {"Fn::Join": ["", [name, f"/{prefix}*"]]} for prefix in ("input/data/", "model/", "output/")
    )
    listed = {"s3:prefix": ["input/data/*", "model/*", "output/*"]}
    assert statements(stack)[2:] == [
        allowed("s3:GetObject", [data, model]),
        allowed(["s3:AbortMultipartUpload", "s3:PutObject"], [model, output]),
        allowed("s3:GetBucketLocation", name),
        allowed("s3:ListBucket", name, StringLike=listed),
        allowed(["kms:Decrypt", "kms:GenerateDataKey"], stack.resolve(key.key_arn)),
    ]


def test_a_training_role_pulls_from_its_repository(stack: Stack) -> None:
    repository = ecr.Repository(stack, "Repository")

    TrainingRole(stack, "Role", repository=repository)

    pull, token = statements(stack)[2:]
    assert pull["Resource"] == stack.resolve(repository.repository_arn)
    assert token == allowed("ecr:GetAuthorizationToken", "*")


def test_a_training_role_in_a_vpc_may_make_interfaces_in_any_subnet(stack: Stack) -> None:
    TrainingRole(stack, "Role", network=True)

    anywhere = [arn("ec2", "subnet/*", "*"), arn("ec2", "security-group/*", "*")]
    assert statements(stack)[2:] == [
        allowed("ec2:CreateNetworkInterface", [INTERFACES, *anywhere]),
        CHANGE_INTERFACES,
        ANYWHERE,
    ]


def test_interfaces_are_made_in_the_given_subnets_and_groups_alone(stack: Stack) -> None:
    made = HostingRole(stack, "Role")

    allow_network(made, subnets=["subnet-1", "subnet-2"], security_groups=["sg-1"])

    places = [arn("ec2", f"subnet/subnet-{each}", "*") for each in (1, 2)]
    groups = [arn("ec2", "security-group/sg-1", "*")]
    assert statements(stack)[2:] == [
        allowed("ec2:CreateNetworkInterface", [INTERFACES, *places, *groups]),
        CHANGE_INTERFACES,
        ANYWHERE,
    ]


def test_of_a_list_that_is_known_only_later_any_place_may_be_used(stack: Stack) -> None:
    made = HostingRole(stack, "Role")
    kind = "List<AWS::EC2::Subnet::Id>"
    subnets = CfnParameter(stack, "Subnets", type=kind).value_as_list

    allow_network(made, subnets=subnets, security_groups=["sg-1"])

    places = [arn("ec2", "subnet/*", "*"), arn("ec2", "security-group/sg-1", "*")]
    assert statements(stack)[2] == allowed("ec2:CreateNetworkInterface", [INTERFACES, *places])


def test_cdk_nag_finds_nothing_that_is_not_explained() -> None:
    app = App()
    stack = Stack(app, "Stack")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    bucket = ArtifactBucket(stack, "Bucket", encryption_key=key)
    repository = ecr.Repository(stack, "Repository")

    TrainingRole(stack, "Training", bucket=bucket, repository=repository, network=True)
    allow_network(HostingRole(stack, "Hosting"), subnets=["subnet-1"], security_groups=["sg-1"])

    assert app.synth().get_stack_by_name("Stack")


def test_cdk_nag_still_finds_a_wildcard_that_someone_adds() -> None:
    app = App()
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    role = HostingRole(Stack(app, "Stack"), "Role")

    role.add_to_policy(iam.PolicyStatement(actions=["s3:*"], resources=["arn:aws:s3:::b/*"]))

    with pytest.raises(RuntimeError, match=r"AwsSolutions-IAM5\[Action::s3:\*\]"):
        app.synth()
