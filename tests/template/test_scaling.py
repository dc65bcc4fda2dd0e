from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_s3 as s3

from cdk_constructs.inference import AsyncInference
from cdk_constructs.model_endpoint import ModelEndpoint
from cdk_constructs.scaling import Scaling
from cdk_constructs.variants import InstanceVariant, ServerlessVariant
from tests.template.serving import (
    ALARM,
    ENDPOINT,
    IMAGE,
    SCALING_POLICY,
    SCALING_TARGET,
    flat,
    of_type,
    properties,
    resources,
    stack,
    synthesized,
)

INVOCATIONS = Scaling.on_invocations(
    600,
    min_capacity=1,
    max_capacity=4,
    scale_in_cooldown_seconds=120,
    scale_out_cooldown_seconds=30,
)


@pytest.fixture(scope="module")
def real_time() -> dict[str, Any]:
    variant = InstanceVariant(scaling=INVOCATIONS)
    return synthesized(lambda scope: ModelEndpoint(scope, "Churn", image=IMAGE, variants=[variant]))


@pytest.fixture(scope="module")
def from_zero() -> dict[str, Any]:
    made = stack()
    ModelEndpoint(
        made,
        "Churn",
        image=IMAGE,
        variants=[InstanceVariant(scaling=Scaling.on_backlog(5, max_capacity=3))],
        async_inference=AsyncInference(bucket=s3.Bucket(made, "Bucket")),
    )
    return resources(made)


@pytest.fixture(scope="module")
def serverless() -> dict[str, Any]:
    scaling = Scaling.on_provisioned_concurrency(0.7, min_capacity=1, max_capacity=5)
    variant = ServerlessVariant(provisioned_concurrency=2, scaling=scaling)
    return synthesized(lambda scope: ModelEndpoint(scope, "Churn", image=IMAGE, variants=[variant]))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Scaling.on_invocations(0, min_capacity=1, max_capacity=2), "target 0"),
        (lambda: Scaling.on_invocations(9, min_capacity=0, max_capacity=2), "min_capacity 0"),
        (lambda: Scaling.on_invocations(9, min_capacity=3, max_capacity=2), "max_capacity 2"),
        (lambda: Scaling.on_backlog(9, max_capacity=0), "max_capacity 0: must be at least 1"),
        (lambda: Scaling.on_backlog(9, min_capacity=-1, max_capacity=1), "min_capacity -1"),
        (
            lambda: Scaling.on_provisioned_concurrency(1.1, min_capacity=1, max_capacity=2),
            "utilization 1.1: must be at most 1",
        ),
        (
            lambda: Scaling.on_backlog(9, max_capacity=1, scale_in_cooldown_seconds=-1),
            "scale_in_cooldown_seconds -1",
        ),
    ],
)
def test_scaling_refuses(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match="^Scaling: ") as refusal:
        make()
    assert said in str(refusal.value)


def test_bounds_known_only_at_deployment_are_not_checked() -> None:
    # given
    later: Any = CfnParameter(stack(), "Later", type="Number").value_as_number

    # when
    scaling = Scaling.on_invocations(later, min_capacity=later, max_capacity=later)

    # then
    assert InstanceVariant(scaling=scaling, instance_count=7).scaling is scaling


def test_the_target_names_the_variant_of_the_endpoint(real_time: dict[str, Any]) -> None:
    (endpoint,) = of_type(real_time, ENDPOINT)
    target = properties(real_time, SCALING_TARGET)
    assert (
        flat(target.pop("ResourceId")) == f"endpoint/<{endpoint}.EndpointName>/variant/AllTraffic"
    )
    assert target == {
        "ServiceNamespace": "sagemaker",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        "MinCapacity": 1,
        "MaxCapacity": 4,
    }


def test_invocations_are_held_with_the_cooldowns_given(real_time: dict[str, Any]) -> None:
    policy = properties(real_time, SCALING_POLICY)
    assert policy["TargetTrackingScalingPolicyConfiguration"] == {
        "TargetValue": 600,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
        },
        "ScaleInCooldown": 120,
        "ScaleOutCooldown": 30,
    }


def test_the_backlog_is_measured_for_the_whole_endpoint(from_zero: dict[str, Any]) -> None:
    (endpoint,) = of_type(from_zero, ENDPOINT)
    (tracking,) = (
        policy["Properties"]["TargetTrackingScalingPolicyConfiguration"]
        for policy in of_type(from_zero, SCALING_POLICY).values()
        if policy["Properties"]["PolicyType"] == "TargetTrackingScaling"
    )
    metric = tracking["CustomizedMetricSpecification"]
    assert metric["MetricName"] == "ApproximateBacklogSizePerInstance"
    assert metric["Dimensions"] == [
        {"Name": "EndpointName", "Value": {"Fn::GetAtt": [endpoint, "EndpointName"]}}
    ]


def test_an_endpoint_without_instances_wakes_for_a_request(from_zero: dict[str, Any]) -> None:
    # given
    ((name, step),) = (
        (name, policy["Properties"])
        for name, policy in of_type(from_zero, SCALING_POLICY).items()
        if policy["Properties"]["PolicyType"] == "StepScaling"
    )
    alarm = properties(from_zero, ALARM)

    # then
    configuration = step["StepScalingPolicyConfiguration"]
    assert configuration["AdjustmentType"] == "ChangeInCapacity"
    assert configuration["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    ]
    assert alarm["MetricName"] == "HasBacklogWithoutCapacity"
    assert [dimension["Name"] for dimension in alarm["Dimensions"]] == ["EndpointName"]
    assert alarm["AlarmActions"] == [{"Ref": name}]
    assert properties(from_zero, SCALING_TARGET)["MinCapacity"] == 0


def test_an_endpoint_that_keeps_an_instance_needs_no_waking() -> None:
    # given
    made = stack()
    scaling = Scaling.on_backlog(5, min_capacity=1, max_capacity=3)

    # when
    ModelEndpoint(
        made,
        "Churn",
        image=IMAGE,
        variants=[InstanceVariant(scaling=scaling)],
        async_inference=AsyncInference(bucket=s3.Bucket(made, "Bucket")),
    )

    # then
    found = resources(made)
    assert properties(found, SCALING_POLICY)["PolicyType"] == "TargetTrackingScaling"
    assert not of_type(found, ALARM)


def test_serverless_scales_its_provisioned_concurrency(serverless: dict[str, Any]) -> None:
    target = properties(serverless, SCALING_TARGET)
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    tracking = properties(serverless, SCALING_POLICY)["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 0.7
    assert tracking["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantProvisionedConcurrencyUtilization"
    }
