"""The function of a container image: its limits, its rights, its versions."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnParameter, CfnResource, Environment, Stack, Token, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks
from cfnlint.api import lint_file

from cdk_constructs import ContainerFunction, ModelData, ModelImage, ModelRepository, Network

DIGEST = "sha256:" + "0" * 64
URI = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn@{DIGEST}"
IMAGE = ModelImage.from_uri(URI)
NETWORK = Network.from_ids(subnets=["subnet-12345678"], security_groups=["sg-12345678"])


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Stack")


@pytest.fixture(scope="module")
def plain() -> Template:
    stack = Stack(App(), "Stack")
    ContainerFunction(stack, "Serve", image=IMAGE)
    return Template.from_stack(stack)


def only(template: Template, kind: str) -> dict[str, Any]:
    (made,) = template.find_resources(kind).values()
    properties: dict[str, Any] = made.get("Properties", {})
    return properties


def made(stack: Stack, **options: Any) -> dict[str, Any]:
    ContainerFunction(stack, "Serve", image=IMAGE, **options)
    return only(Template.from_stack(stack), "AWS::Lambda::Function")


def test_a_function_runs_its_image_by_digest_with_limits_that_suit_a_model(
    plain: Template,
) -> None:
    function = only(plain, "AWS::Lambda::Function")

    assert function["PackageType"] == "Image"
    assert function["Code"]["ImageUri"]["Fn::Join"][1][-1] == f"/churn@{DIGEST}"
    assert function["Architectures"] == ["x86_64"]
    assert function["MemorySize"] == 1024
    assert function["Timeout"] == 60
    assert function["EphemeralStorage"] == {"Size": 512}
    assert "FunctionName" not in function


def test_caches_are_where_lambda_lets_a_function_write(plain: Template) -> None:
    variables = only(plain, "AWS::Lambda::Function")["Environment"]["Variables"]

    assert set(variables) >= {"HF_HOME", "MPLCONFIGDIR", "TORCH_HOME", "XDG_CACHE_HOME"}
    assert all(value.startswith("/tmp") for value in variables.values())


def test_a_function_logs_to_its_own_group_which_goes_with_it(plain: Template) -> None:
    plain.has_resource(
        "AWS::Logs::LogGroup",
        {"DeletionPolicy": "Delete", "Properties": {"RetentionInDays": 30}},
    )
    (group,) = plain.find_resources("AWS::Logs::LogGroup")
    assert only(plain, "AWS::Lambda::Function")["LoggingConfig"] == {"LogGroup": {"Ref": group}}
    assert only(plain, "AWS::IAM::Policy")["PolicyDocument"]["Statement"] == [
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": {"Fn::GetAtt": [group, "Arn"]},
        }
    ]
    assert "ManagedPolicyArns" not in only(plain, "AWS::IAM::Role")


def test_a_function_may_have_every_limit_named(stack: Stack) -> None:
    function = made(
        stack,
        memory_mb=10240,
        timeout_seconds=900,
        storage_mb=10240,
        architecture="arm64",
        function_name="churn-serve",
        log_retention_days=1827,
        reserved_concurrency=0,
        entrypoint=("python", "-m", "awslambdaric"),
        command=["app.serve"],
        environment={"TORCH_HOME": "/opt/torch", "LEVEL": "debug"},
    )

    assert function["MemorySize"] == 10240
    assert function["Timeout"] == 900
    assert function["EphemeralStorage"] == {"Size": 10240}
    assert function["Architectures"] == ["arm64"]
    assert function["FunctionName"] == "churn-serve"
    assert function["ReservedConcurrentExecutions"] == 0
    assert function["ImageConfig"] == {
        "EntryPoint": ["python", "-m", "awslambdaric"],
        "Command": ["app.serve"],
    }
    assert function["Environment"]["Variables"]["TORCH_HOME"] == "/opt/torch"
    assert function["Environment"]["Variables"]["LEVEL"] == "debug"
    assert only(Template.from_stack(stack), "AWS::Logs::LogGroup") == {
        "LogGroupName": "/aws/lambda/churn-serve",
        "RetentionInDays": 1827,
    }


def test_a_function_finds_and_reads_its_model(stack: Stack) -> None:
    function = made(stack, data=ModelData.from_uri("s3://models/churn.tar.gz"))

    assert function["Environment"]["Variables"]["MODEL_URI"] == "s3://models/churn.tar.gz"
    policy = only(Template.from_stack(stack), "AWS::IAM::Policy")["PolicyDocument"]
    assert policy["Statement"][1]["Action"] == "s3:GetObject"


def test_without_a_model_of_its_own_nothing_is_said_of_one(stack: Stack) -> None:
    function = made(stack, data=ModelData.none(), environment={"LEVEL": "debug"})

    assert "MODEL_URI" not in function["Environment"]["Variables"]


def test_variables_are_encrypted_and_read_with_a_key_of_your_own(stack: Stack) -> None:
    key = kms.Key(stack, "Key")

    function = made(stack, encryption_key=key)

    arn = stack.resolve(key.key_arn)
    assert function["KmsKeyArn"] == arn
    policy = only(Template.from_stack(stack), "AWS::IAM::Policy")["PolicyDocument"]
    assert policy["Statement"][1] == {
        "Action": "kms:Decrypt",
        "Effect": "Allow",
        "Resource": arn,
    }


def test_a_role_of_your_own_is_taken(stack: Stack) -> None:
    role = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    function = made(stack, role=role)

    assert function["Role"] == stack.resolve(role.role_arn)
    Template.from_stack(stack).resource_count_is("AWS::IAM::Role", 1)


def test_a_role_of_your_own_may_write_the_logs(stack: Stack) -> None:
    role = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

    made(stack, role=role)

    template = Template.from_stack(stack)
    (group,) = template.find_resources("AWS::Logs::LogGroup")
    assert only(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"] == [
        {
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Effect": "Allow",
            "Resource": {"Fn::GetAtt": [group, "Arn"]},
        }
    ]


def test_a_function_in_a_vpc_may_have_interfaces_before_it_is_made(stack: Stack) -> None:
    function = made(stack, network=NETWORK)

    assert function["VpcConfig"] == {
        "SubnetIds": ["subnet-12345678"],
        "SecurityGroupIds": ["sg-12345678"],
    }
    template = Template.from_stack(stack)
    ((policy, resource),) = template.find_resources("AWS::IAM::Policy").items()
    statement = resource["Properties"]["PolicyDocument"]["Statement"][1]
    assert "ec2:CreateNetworkInterface" in statement["Action"]
    (whole,) = template.find_resources("AWS::Lambda::Function").values()
    assert policy in whole["DependsOn"]


def test_what_a_function_waits_for_stays_and_follows_renamed_ids(
    stack: Stack, tmp_path: Path
) -> None:
    topic = sns.Topic(stack, "Topic")
    function = ContainerFunction(stack, "Serve", image=IMAGE)
    function.resource.node.add_dependency(topic)
    policy = function.role.node.find_child("DefaultPolicy").node.default_child
    assert isinstance(policy, CfnResource)
    policy.override_logical_id("Renamed")

    template = Template.from_stack(stack)

    (whole,) = template.find_resources("AWS::Lambda::Function").values()
    (named,) = template.find_resources("AWS::SNS::Topic")
    assert {"Renamed", named} <= set(whole["DependsOn"])
    written = tmp_path / "template.json"
    written.write_text(json.dumps(template.to_json()))
    assert lint_file(written) == []


def test_a_function_in_a_vpc_has_connections(stack: Stack) -> None:
    function = ContainerFunction(stack, "Serve", image=IMAGE, network=NETWORK)

    assert function.connections is function.connections
    (group,) = function.connections.security_groups
    assert group.security_group_id == "sg-12345678"


def test_a_function_without_a_vpc_has_no_connections(stack: Stack) -> None:
    function = ContainerFunction(stack, "Serve", image=IMAGE)

    with pytest.raises(ValueError, match="^Stack/Serve: no connections"):
        _ = function.connections


def test_environments_kept_ready_are_of_the_version_of_this_image() -> None:
    def versions(digest: str) -> tuple[str, dict[str, Any]]:
        stack = Stack(App(), "Stack")
        image = ModelImage.from_uri(URI.replace(DIGEST, digest))
        ContainerFunction(stack, "Serve", image=image, provisioned_concurrency=2)
        template = Template.from_stack(stack)
        (version,) = template.find_resources("AWS::Lambda::Version")
        return version, only(template, "AWS::Lambda::Alias")

    version, alias = versions(DIGEST)
    later, _ = versions("sha256:" + "1" * 64)

    assert alias["Name"] == "live"
    assert alias["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert alias["ProvisionedConcurrencyConfig"] == {"ProvisionedConcurrentExecutions": 2}
    assert version != later


def test_an_alias_may_be_named_and_costs_nothing_by_itself(stack: Stack) -> None:
    function = ContainerFunction(stack, "Serve", image=IMAGE, alias="stable")

    alias = only(Template.from_stack(stack), "AWS::Lambda::Alias")
    assert alias["Name"] == "stable"
    assert "ProvisionedConcurrencyConfig" not in alias
    assert function.alias is not None
    assert stack.resolve(function.function_arn) == stack.resolve(function.alias.function_arn)


def test_environments_kept_ready_later_do_not_change_the_url() -> None:
    def url(**options: Any) -> tuple[str, dict[str, Any]]:
        stack = Stack(App(), "Stack")
        ContainerFunction(stack, "Serve", image=IMAGE, url=True, **options)
        ((name, whole),) = Template.from_stack(stack).find_resources("AWS::Lambda::Url").items()
        return name, whole["Properties"]

    assert url() == url(provisioned_concurrency=1)


def test_a_url_is_for_callers_with_credentials(stack: Stack) -> None:
    function = ContainerFunction(stack, "Serve", image=IMAGE, url=True)

    assert only(Template.from_stack(stack), "AWS::Lambda::Url")["AuthType"] == "AWS_IAM"
    assert function.url is not None
    assert "FunctionUrl" in stack.resolve(function.url)["Fn::GetAtt"]


def test_a_function_has_no_url_unless_asked(stack: Stack) -> None:
    assert ContainerFunction(stack, "Serve", image=IMAGE).url is None


@pytest.mark.parametrize("url", [True, False])
def test_who_may_invoke_may_call_the_url_where_there_is_one(stack: Stack, url: bool) -> None:
    function = ContainerFunction(stack, "Serve", image=IMAGE, url=url, alias="live")
    caller = iam.Role(stack, "Caller", assumed_by=iam.AccountRootPrincipal())

    function.grants.invoke(caller)

    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (policy,) = (each for name, each in policies.items() if name.startswith("Caller"))
    statements = policy["Properties"]["PolicyDocument"]["Statement"]
    arn = stack.resolve(function.function_arn)
    assert {str(each["Resource"]) for each in statements} == {str(arn)}
    actions = {each["Action"] for each in statements}
    assert actions == {"lambda:InvokeFunction"} | ({"lambda:InvokeFunctionUrl"} if url else set())


@pytest.mark.parametrize(
    ("metric", "name"),
    [
        ("metric_invocations", "Invocations"),
        ("metric_errors", "Errors"),
        ("metric_throttles", "Throttles"),
        ("metric_duration", "Duration"),
    ],
)
def test_metrics_are_the_functions_own(stack: Stack, metric: str, name: str) -> None:
    function = ContainerFunction(stack, "Serve", image=IMAGE)

    found = getattr(function, metric)()

    assert found.metric_name == name
    assert stack.resolve(found.dimensions) == {
        "FunctionName": stack.resolve(function.function_name)
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"memory_mb": 127}, "memory_mb 127: must be from 128 to 10240"),
        ({"memory_mb": 10241}, "memory_mb 10241: must be from 128 to 10240"),
        ({"timeout_seconds": 0}, "timeout_seconds 0: must be from 1 to 900"),
        ({"timeout_seconds": 901}, "timeout_seconds 901: must be from 1 to 900"),
        ({"storage_mb": 511}, "storage_mb 511: must be from 512 to 10240"),
        ({"architecture": "amd64"}, 'architecture "amd64": must be one of x86_64, arm64'),
        ({"log_retention_days": 31}, "log_retention_days 31: must be one of 1, 3, 5, 7"),
        ({"function_name": "a" * 65}, "must be 1 to 64 letters"),
        ({"function_name": "churn.serve"}, 'function_name "churn.serve": must be 1 to 64 letters'),
        ({"alias": "12"}, 'alias "12": must be 1 to 128 letters'),
        ({"provisioned_concurrency": 0}, "provisioned_concurrency 0: must be at least 1"),
        ({"reserved_concurrency": -1}, "reserved_concurrency -1: must be at least 0"),
        (
            {"provisioned_concurrency": 3, "reserved_concurrency": 2},
            "reserved_concurrency 2: must be at least 3",
        ),
        ({"memory_mb": float("nan")}, "memory_mb nan: must be a number from 128 to 10240"),
        ({"timeout_seconds": "60"}, 'timeout_seconds "60": must be a number from 1 to 900'),
        ({"storage_mb": 512.5}, "storage_mb 512.5: must be a whole number from 512 to 10240"),
        ({"log_retention_days": [30]}, "log_retention_days [30]: must be one of 1, 3, 5, 7"),
        ({"environment": {"LEVEL": None}}, "value of environment variable LEVEL None: must be"),
        ({"environment": {"LEVEL": 3}}, "value of environment variable LEVEL 3: must be text"),
        ({"environment": {7: "x"}}, "environment variable 7: must be letters, digits"),
        ({"environment": {"AWS_REGION": "x"}}, "AWS_REGION: Lambda sets it itself"),
        ({"environment": {"_HANDLER": "x"}}, "_HANDLER: Lambda sets it itself"),
        ({"environment": {"X": "x"}}, 'environment variable "X": must be 2 or more letters'),
        ({"environment": {"BIG": "x" * 4096}}, "must be at most 4096 in all"),
    ],
)
def test_what_lambda_refuses_is_refused(
    stack: Stack, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="^Stack/Serve: ") as caught:
        ContainerFunction(stack, "Serve", image=IMAGE, **options)

    assert message in str(caught.value)
    assert stack.node.try_find_child("Serve") is None


def test_two_places_for_one_model_are_refused(stack: Stack) -> None:
    data = ModelData.from_uri("s3://models/churn.tar.gz")

    with pytest.raises(ValueError, match="environment variable MODEL_URI: is set from data"):
        made(stack, data=data, environment={"MODEL_URI": "s3://models/other.tar.gz"})


def test_an_image_of_another_registry_is_refused_with_all_else(stack: Stack) -> None:
    image = ModelImage.from_registry(f"registry.example.com/churn@{DIGEST}")

    with pytest.raises(ValueError, match="2 problems") as caught:
        ContainerFunction(stack, "Serve", image=image, memory_mb=1)

    assert "Lambda pulls from ECR only" in str(caught.value)
    assert stack.node.try_find_child("Serve") is None


def test_an_image_of_another_region_is_refused_before_anything_is_made() -> None:
    stack = Stack(App(), "Stack", env=Environment(account="1" * 12, region="us-east-1"))

    with pytest.raises(ValueError, match="^Stack/Serve: image in eu-west-1: must be in us-east-1"):
        ContainerFunction(stack, "Serve", image=IMAGE)

    assert stack.node.try_find_child("Serve") is None


def test_an_image_that_is_built_for_another_architecture_is_refused(
    stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    image = ModelImage.from_asset(str(tmp_path), platform="linux/arm64")

    ContainerFunction(stack, "Serve", image=image, architecture="arm64")

    refusal = "architecture x86_64: the image is built for linux/arm64"
    with pytest.raises(ValueError, match=refusal):
        ContainerFunction(stack, "Other", image=image)


def test_values_known_only_at_deployment_are_let_through(stack: Stack) -> None:
    memory = CfnParameter(stack, "Memory", type="Number").value_as_number
    days = CfnParameter(stack, "Days", type="Number").value_as_number

    function = made(
        stack,
        memory_mb=memory,
        log_retention_days=days,
        environment={"LEVEL": Token.as_string({"Ref": "Level"})},
    )

    assert function["MemorySize"] == {"Ref": "Memory"}
    group = only(Template.from_stack(stack), "AWS::Logs::LogGroup")
    assert group["RetentionInDays"] == {"Ref": "Days"}
    assert function["Environment"]["Variables"]["LEVEL"] == {"Ref": "Level"}


def test_cdk_nag_finds_nothing_that_is_not_explained() -> None:
    app = App()
    stack = Stack(app, "Stack")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    image = ModelImage.from_repository(ModelRepository(stack, "Repository"), DIGEST)

    ContainerFunction(stack, "Serve", image=image, network=NETWORK, url=True, alias="live")

    assert app.synth().get_stack_by_name("Stack")
