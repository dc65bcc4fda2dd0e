from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from cdk_constructs.data import ModelData
from cdk_constructs.model import ModelContainer, SageMakerModel
from cdk_constructs.network import Network
from cdk_constructs.roles import HostingRole
from tests.template.serving import (
    IMAGE,
    MODEL,
    NETWORK,
    NEXT_IMAGE,
    POLICY,
    PUBLIC_IMAGE,
    allowed,
    flat,
    of_type,
    properties,
    resources,
    stack,
    statements,
    synthesized,
)

CONTAINER = ModelContainer(image=IMAGE)


@pytest.fixture(scope="module")
def single() -> dict[str, Any]:
    made = stack()
    bucket = s3.Bucket(made, "Bucket")
    SageMakerModel(
        made,
        "Model",
        image=IMAGE,
        data=ModelData.from_bucket(bucket, "model/1/model.tar.gz"),
        environment={"THRESHOLD": "0.5"},
        network_isolation=True,
    )
    return resources(made)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({}, "neither image nor pipeline"),
        ({"image": IMAGE, "pipeline": [CONTAINER]}, "both image and pipeline"),
        ({"pipeline": []}, "0 containers in pipeline: must be from 1 to 15"),
        ({"pipeline": [CONTAINER] * 16}, "16 containers in pipeline"),
        ({"pipeline": [CONTAINER], "environment": {"A": "1"}}, "environment beside pipeline"),
        ({"pipeline": [CONTAINER], "data": ModelData.none()}, "data or environment beside"),
        (
            {"pipeline": [CONTAINER, ModelContainer(image=IMAGE, hostname="b")]},
            "hostname of some containers",
        ),
        (
            {"pipeline": [ModelContainer(image=IMAGE, hostname="b")] * 2},
            "hostname given twice: b",
        ),
        ({"image": IMAGE, "environment": {"1A": "x"}}, 'environment variable "1A"'),
        ({"image": IMAGE, "environment": {"A": "x" * 1025}}, "1025 bytes: at most 1024"),
        ({"image": IMAGE, "environment": {f"A{n}": "" for n in range(101)}}, "101 variables"),
        (
            {"image": IMAGE, "environment": {f"A{n:02}": "x" * 1000 for n in range(33)}},
            "must be at most 32768 in all",
        ),
        (
            {"image": IMAGE, "environment": {"AWS_SECRET_ACCESS_KEY": "x"}},
            "variable AWS_SECRET_ACCESS_KEY: credentials come from the model's role",
        ),
        (
            {"image": IMAGE, "environment": {"KEY": "AKIA" + "A" * 16}},
            "variable KEY: must hold no AWS access key",
        ),
        ({"image": PUBLIC_IMAGE}, "image of a registry other than ECR without network"),
    ],
)
def test_a_model_refuses(setting: dict[str, Any], said: str) -> None:
    made = stack()
    with pytest.raises(ValueError, match="^Stack/Model: ") as refusal:
        SageMakerModel(made, "Model", **setting)
    assert said in str(refusal.value)
    assert made.node.children == []


def test_an_access_key_is_not_repeated_in_the_message() -> None:
    with pytest.raises(ValueError, match="must hold no") as refusal:
        ModelContainer(image=IMAGE, environment={"KEY": "ASIA" + "B" * 16})
    assert "BBBB" not in str(refusal.value)


def test_the_environments_of_a_pipeline_count_together() -> None:
    big = {f"A{n:02}": "x" * 1000 for n in range(20)}
    pipeline = [ModelContainer(image=IMAGE, environment=big)] * 2
    with pytest.raises(ValueError, match="environments of 40120 bytes: must be at most 32768"):
        SageMakerModel(stack(), "Model", pipeline=pipeline)


def test_the_only_container_is_the_primary_one(single: dict[str, Any]) -> None:
    model = properties(single, MODEL)
    container = model["PrimaryContainer"]
    assert container["Image"].endswith("churn@sha256:" + "a" * 64)
    assert flat(container["ModelDataUrl"]).endswith(">/model/1/model.tar.gz")
    assert container["Environment"] == {"THRESHOLD": "0.5"}
    assert model["EnableNetworkIsolation"] is True
    assert not {"Containers", "InferenceExecutionConfig", "ModelName", "VpcConfig"} & set(model)


def test_the_model_waits_for_its_role_and_the_role_s_policy(single: dict[str, Any]) -> None:
    (model,) = of_type(single, MODEL).values()
    (role,) = of_type(single, "AWS::IAM::Role")
    assert model["DependsOn"] == list(of_type(single, POLICY))
    assert model["Properties"]["ExecutionRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}


def test_the_role_may_read_archives_below_the_first_folder(single: dict[str, Any]) -> None:
    (place,) = allowed(single, "s3:GetObject")
    assert flat(place).split("Arn>")[1] == "/model/*.tar.gz"


def test_a_pipeline_runs_in_series() -> None:
    pipeline = [
        ModelContainer(image=IMAGE, hostname="prepare"),
        ModelContainer(image=NEXT_IMAGE, hostname="predict"),
    ]
    model = properties(
        synthesized(lambda scope: SageMakerModel(scope, "Model", pipeline=pipeline)), MODEL
    )
    assert [each["ContainerHostname"] for each in model["Containers"]] == ["prepare", "predict"]
    assert model["InferenceExecutionConfig"] == {"Mode": "Serial"}
    assert "PrimaryContainer" not in model


def test_another_role_may_be_given() -> None:
    # given
    made = stack()
    role = HostingRole(made, "Shared")

    # when
    one = SageMakerModel(made, "One", image=IMAGE, role=role)
    SageMakerModel(made, "Two", image=NEXT_IMAGE, role=role)

    # then
    found = resources(made)
    assert one.role is role
    assert len(of_type(found, "AWS::IAM::Role")) == 1
    assert all(model["DependsOn"] for model in of_type(found, MODEL).values())


def test_the_policy_of_an_imported_role_is_waited_for_too() -> None:
    # given
    made = stack()
    role = iam.Role.from_role_arn(made, "Role", "arn:aws:iam::123456789012:role/hosting")

    # when
    SageMakerModel(made, "Model", image=IMAGE, role=role)

    # then
    found = resources(made)
    (model,) = of_type(found, MODEL).values()
    assert model["DependsOn"] == list(of_type(found, POLICY))
    assert model["Properties"]["ExecutionRoleArn"] == "arn:aws:iam::123456789012:role/hosting"


def test_a_role_of_another_account_is_refused() -> None:
    # given
    env = Environment(account="111111111111", region="eu-west-1")
    made = Stack(App(), "Stack", env=env)

    def model(account: str) -> object:
        arn = f"arn:aws:iam::{account}:role/hosting"
        role = iam.Role.from_role_arn(made, f"Role{account}", arn)
        return SageMakerModel(made, f"Model{account}", image=IMAGE, role=role)

    # then
    assert model("111111111111")
    with pytest.raises(ValueError, match="role in 222222222222: must be in 111111111111"):
        model("222222222222")


def test_a_role_made_in_another_stack_is_granted_in_the_model_s_stack() -> None:
    # given
    app = App()
    roles, models = Stack(app, "Roles"), Stack(app, "Models")
    role = HostingRole(roles, "Role")
    vpc = ec2.Vpc(models, "Vpc", max_azs=2)
    bucket = s3.Bucket(models, "Bucket", encryption_key=kms.Key(models, "Key"))

    # when
    model = SageMakerModel(
        models,
        "Model",
        image=IMAGE,
        data=ModelData.from_bucket(bucket, "model/1/model.tar.gz"),
        role=role,
        network=Network.from_vpc(vpc),
    )

    # then
    found = resources(models)
    (policy,) = of_type(found, POLICY).values()
    assert model.role is role
    assert "Fn::ImportValue" in policy["Properties"]["Roles"][0]
    assert flat(allowed(found, "s3:GetObject")[0]).startswith("<Bucket")
    assert "SecurityGroup" in str(allowed(found, "ec2:CreateNetworkInterface"))
    (resource,) = of_type(found, MODEL).values()
    assert resource["DependsOn"] == list(of_type(found, POLICY))
    assert all(s["Action"] != "s3:GetObject" for s in statements(resources(roles)))


@pytest.mark.parametrize("value", [1, None, ["a"]])
def test_a_variable_that_is_not_text_is_refused(value: Any) -> None:
    for make in (
        lambda: ModelContainer(image=IMAGE, environment={"A": value}),
        lambda: SageMakerModel(stack(), "Model", image=IMAGE, environment={"A": value}),
    ):
        with pytest.raises(ValueError, match=r"environment variable A.*must be (a )?text"):
            make()


def test_no_variables_are_no_environment() -> None:
    model = SageMakerModel(stack(), "Model", pipeline=[ModelContainer(image=IMAGE)], environment={})
    assert len(model.images) == 1


def test_an_image_of_another_registry_is_pulled_through_the_vpc() -> None:
    found = synthesized(
        lambda scope: SageMakerModel(scope, "Model", image=PUBLIC_IMAGE, network=NETWORK)
    )
    container = properties(found, MODEL)["PrimaryContainer"]
    assert container["ImageConfig"] == {"RepositoryAccessMode": "Vpc"}
    assert allowed(found, "ecr:BatchGetImage") == []


def test_an_environment_known_only_at_deployment_is_let_through() -> None:
    # given
    made = stack()
    later = CfnParameter(made, "Threshold").value_as_string

    # when
    SageMakerModel(made, "Model", image=IMAGE, environment={"THRESHOLD": later})

    # then
    environment = properties(resources(made), MODEL)["PrimaryContainer"]["Environment"]
    assert environment == {"THRESHOLD": {"Ref": "Threshold"}}
