"""What the team promises of its stack, and cdk-nag's rules: `python -m pytest` in this folder."""

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Match, Template
from cdk_nag import AwsSolutionsChecks
from stacks import Churn, Production

from cdk_constructs import Network

VPC = Network.from_ids(subnets=["subnet-0a1b2c3d"], security_groups=["sg-0a1b2c3d"])


@pytest.fixture(scope="module")
def production() -> Production:
    return Production(
        cdk.App(),
        "Production",
        digest=f"sha256:{'5' * 64}",
        model="model/churn-1.tar.gz",
        network=VPC,
        boundary="developers",
    )


@pytest.fixture(scope="module")
def churn(production: Production) -> Template:
    return Template.from_stack(production.churn)


def test_it_serves_the_image_that_was_pushed_in_the_vpc(churn: Template) -> None:
    image = Match.object_like({"Fn::Join": Match.any_value()})
    churn.has_resource_properties(
        "AWS::SageMaker::Model",
        {
            "PrimaryContainer": Match.object_like({"Image": image}),
            "VpcConfig": {"Subnets": ["subnet-0a1b2c3d"], "SecurityGroupIds": ["sg-0a1b2c3d"]},
        },
    )
    assert f"@sha256:{'5' * 64}" in str(churn.find_resources("AWS::SageMaker::Model"))


def test_it_scales_from_one_instance_to_four(churn: Template) -> None:
    churn.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget", {"MinCapacity": 1, "MaxCapacity": 4}
    )


def test_the_shop_may_invoke_this_endpoint_and_no_other(churn: Template) -> None:
    churn.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": [
                    {
                        "Action": [
                            "sagemaker:InvokeEndpoint",
                            "sagemaker:InvokeEndpointWithResponseStream",
                        ],
                        "Effect": "Allow",
                        "Resource": {"Ref": Match.string_like_regexp("^ChurnEndpoint")},
                    }
                ],
                "Version": "2012-10-17",
            }
        },
    )


def test_every_role_has_the_boundary(production: Production) -> None:
    for stack in (production.platform, production.churn):
        roles = Template.from_stack(stack).find_resources("AWS::IAM::Role")
        assert roles
        assert all("policy/developers" in str(one) for one in roles.values())


def test_the_team_s_stack_breaks_no_rule_of_cdk_nag() -> None:
    app = cdk.App()
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    there = cdk.Stack(app, "There")
    Churn(
        app,
        "Churn",
        bucket=s3.Bucket.from_bucket_name(there, "Bucket", "models"),
        repository=ecr.Repository.from_repository_name(there, "Models", "models"),
        shop="shop",
        digest=f"sha256:{'5' * 64}",
        model="model/churn-1.tar.gz",
    )
    app.synth()
