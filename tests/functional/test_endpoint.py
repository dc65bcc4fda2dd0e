"""Whether an endpoint runs what its stack says."""

from __future__ import annotations

from typing import Any

import pytest

from odyssey.cloudformation import endpoint
from odyssey.cloudformation.service import Resource
from odyssey.errors import DeploymentError
from tests.functional.stacks import FakeSageMaker

ARN = "arn:aws:sagemaker:eu-west-1:1:endpoint"


def template(reference: object) -> dict[str, Any]:
    properties = {"EndpointConfigName": reference}
    return {"Resources": {"Endpoint": {"Type": endpoint.ENDPOINT, "Properties": properties}}}


def resources(endpoint_id: str, config_id: str) -> list[Resource]:
    return [
        Resource("Endpoint", endpoint_id, endpoint.ENDPOINT, "UPDATE_COMPLETE"),
        Resource("Config", config_id, "AWS::SageMaker::EndpointConfig", "CREATE_COMPLETE"),
        Resource("Other", "config-old", "AWS::SageMaker::EndpointConfig", "CREATE_COMPLETE"),
    ]


def sagemaker(config: str, status: str = "InService", **more: str) -> FakeSageMaker:
    told = {"EndpointConfigName": config, "EndpointStatus": status, **more}
    return FakeSageMaker({"app": told})


BY_NAME = template({"Fn::GetAtt": ["Config", "EndpointConfigName"]})


@pytest.mark.parametrize(
    "reference",
    [
        {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
        {"Fn::GetAtt": "Config.EndpointConfigName"},
        {"Ref": "Config"},
    ],
)
def test_an_endpoint_that_runs_its_stack_s_configuration_is_good(reference: object) -> None:
    there = resources(f"{ARN}/app", f"{ARN}-config/config-abc")
    endpoint.verify(sagemaker("Config-ABC"), there, template(reference))
    with pytest.raises(DeploymentError):
        endpoint.verify(sagemaker("config-old"), there, template(reference))


def test_physical_ids_may_be_names() -> None:
    endpoint.verify(sagemaker("config-abc"), resources("app", "config-abc"), BY_NAME)


def test_an_endpoint_that_went_back_is_an_error_with_sagemaker_s_reason() -> None:
    there = resources("app", "config-new")
    client = sagemaker("config-old", FailureReason="did not pass the ping health check")
    with pytest.raises(DeploymentError) as caught:
        endpoint.verify(client, there, BY_NAME)
    assert caught.value.message == (
        "the endpoint app went back to its previous configuration: did not pass the ping health "
        "check; it runs config-old, and its stack has config-new"
    )
    assert caught.value.hint == "odyssey sagemaker logs app --since 1h"


def test_an_endpoint_that_does_not_serve_is_an_error() -> None:
    with pytest.raises(DeploymentError, match="the endpoint app is Failed"):
        endpoint.verify(sagemaker("config-new", "Failed"), resources("app", "config-new"), BY_NAME)


def test_a_configuration_of_another_stack_is_not_compared() -> None:
    there = resources("app", "config-new")
    endpoint.verify(sagemaker("elsewhere"), there, template("a-name"))
    endpoint.verify(sagemaker("elsewhere"), there, template({"Fn::ImportValue": "x"}))


def test_an_endpoint_that_could_not_be_made_is_explained() -> None:
    told = endpoint.explain(sagemaker("c", "Failed", FailureReason="no \x1bcapacity"), f"{ARN}/app")
    assert "SageMaker says: no \\x1bcapacity" in told
    assert "/aws/sagemaker/Endpoints/app" in told


def test_an_endpoint_that_is_gone_still_has_a_log() -> None:
    told = endpoint.explain(FakeSageMaker(), f"{ARN}/app")
    assert told == "\n  its containers' log is /aws/sagemaker/Endpoints/app"
