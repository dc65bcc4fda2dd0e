"""Acknowledgments: by the names that cdk-nag gives to what it finds."""

import pytest
from aws_cdk import App, Environment, NestedStack, Stack, Stage, Validations
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template
from cdk_nag import AwsSolutionsChecks
from constructs import Construct

from cdk_constructs import ArtifactBucket, HostingRole, ModelData

IRELAND = Environment(account="123456789012", region="eu-west-1")


@pytest.fixture
def app() -> App:
    app = App()
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    return app


def reader(scope: Construct, bucket: ArtifactBucket) -> iam.Role:
    role = HostingRole(scope, "Role")
    key = "model/1/model.tar.gz"
    ModelData.from_bucket(bucket, key, rollback_prefix="model/").bind(scope, role)
    return role


def test_what_is_of_the_stack_is_explained(app: App) -> None:
    stack = Stack(app, "Stack")

    reader(stack, ArtifactBucket(stack, "Bucket"))

    assert app.synth().stacks
    assert "Outputs" not in Template.from_stack(stack).to_json()


@pytest.mark.parametrize("env", [None, IRELAND])
@pytest.mark.parametrize("staged", [True, False])
def test_what_is_of_another_stack_is_explained(
    app: App, staged: bool, env: Environment | None
) -> None:
    scope = Stage(app, "Stage") if staged else app
    home, other = Stack(scope, "Home", env=env), Stack(scope, "Other", env=env)

    reader(other, ArtifactBucket(home, "Bucket"))

    assert app.synth()


def test_a_nested_stack_is_given_no_export() -> None:
    parent = Stack(App(), "Parent")
    nested = NestedStack(parent, "Nested")

    reader(nested, ArtifactBucket(parent, "Bucket"))

    assert "Outputs" not in Template.from_stack(parent).to_json()
