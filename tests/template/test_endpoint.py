from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match

from cdk_constructs.endpoint import SageMakerEndpoint
from cdk_constructs.endpoint_config import SageMakerEndpointConfig
from cdk_constructs.inference import AsyncInference
from cdk_constructs.model import SageMakerModel
from cdk_constructs.rollouts import AllAtOnce, Canary, Rollout
from cdk_constructs.scaling import Scaling
from cdk_constructs.variants import InstanceVariant, ServerlessVariant, Variant
from tests.template.serving import (
    ALARM,
    CONFIG,
    ENDPOINT,
    IMAGE,
    MODEL,
    POLICY,
    SCALING_TARGET,
    allowed,
    flat,
    of_type,
    properties,
    resources,
    stack,
    statements,
)

SCALING = Scaling.on_invocations(600, min_capacity=1, max_capacity=4)


def endpoint(scope: Stack, *variants: Variant, queued: bool = False, **more: Any) -> Any:
    """Return an endpoint for variants that all serve one model."""
    model = SageMakerModel(scope, "Model", image=IMAGE)
    config = SageMakerEndpointConfig(
        scope,
        "Config",
        variants=[replace(each, model=model) for each in variants or (InstanceVariant(),)],
        async_inference=AsyncInference(bucket=s3.Bucket(scope, "Results")) if queued else None,
    )
    return SageMakerEndpoint(scope, "Endpoint", config=config, **more)


def alarm(scope: Stack, construct_id: str) -> cloudwatch.IAlarm:
    arn = f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{construct_id}"
    return cloudwatch.Alarm.from_alarm_arn(scope, construct_id, arn)


def own_alarm(scope: Stack) -> cloudwatch.Alarm:
    """Return an alarm that is made here, on an endpoint by its name."""
    measured = SageMakerEndpoint.from_endpoint_name(scope, "Named", "churn").metric_5xx_errors()
    return cloudwatch.Alarm(scope, "Own", metric=measured, threshold=1, evaluation_periods=1)


def caller(scope: Stack) -> iam.Role:
    return iam.Role(scope, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))


def granted(scope: Stack, target: Any) -> dict[str, Any]:
    """Return the one statement that lets a caller invoke an endpoint."""
    target.grants.invoke(caller(scope))
    (statement,) = (
        each for each in statements(resources(scope)) if "sagemaker:Invoke" in str(each["Action"])
    )
    return statement


def test_the_endpoint_refers_to_its_configuration_by_name() -> None:
    made = stack()
    endpoint(made)
    found = resources(made)
    (config,) = of_type(found, CONFIG)
    assert properties(found, ENDPOINT) == {
        "EndpointConfigName": {"Fn::GetAtt": [config, "EndpointConfigName"]}
    }


@pytest.mark.parametrize("name", ["my_endpoint", "-a", "a.b", "a" * 64])
def test_an_endpoint_name_is_checked(name: str) -> None:
    made = stack()
    with pytest.raises(ValueError, match=f'^Stack/Endpoint: endpoint_name "{name}"'):
        endpoint(made, endpoint_name=name)
    assert made.node.try_find_child("Endpoint") is None


def test_more_than_ten_alarms_are_refused() -> None:
    made = stack()
    alarms = [alarm(made, f"Alarm{n}") for n in range(11)]
    with pytest.raises(ValueError, match="11 alarms that roll back: must be at most 10"):
        endpoint(made, alarms=alarms)


def test_alarms_roll_back_an_update_all_at_once_too() -> None:
    # given
    made = stack()

    # when
    endpoint(made, alarms=[alarm(made, "Errors")])

    # then
    config = properties(resources(made), ENDPOINT)["DeploymentConfig"]
    assert config["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "Errors"}]}
    routing = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == "ALL_AT_ONCE"


def test_the_roles_may_look_at_exactly_the_alarms_that_roll_back() -> None:
    # given
    made = stack()
    models = [SageMakerModel(made, name, image=IMAGE) for name in ("One", "Two")]
    config = SageMakerEndpointConfig(
        made,
        "Config",
        variants=[InstanceVariant(name=each.node.id, model=each) for each in models],
    )

    # when
    SageMakerEndpoint(
        made, "Endpoint", config=config, alarms=[alarm(made, "Errors"), own_alarm(made)]
    )

    # then
    found = resources(made)
    ((name, policy),) = (
        (name, each) for name, each in of_type(found, POLICY).items() if "Rollback" in name
    )
    (resource,) = of_type(found, ENDPOINT).values()
    assert allowed(found, "cloudwatch:DescribeAlarms") == [
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:Errors",
        {"Fn::GetAtt": [*of_type(found, ALARM), "Arn"]},
    ]
    assert [role["Ref"][:3] for role in policy["Properties"]["Roles"]] == ["One", "Two"]
    assert resource["DependsOn"] == [name]
    assert all(name not in each["DependsOn"] for each in of_type(found, MODEL).values())


def test_a_role_of_another_stack_may_look_at_the_alarms_too() -> None:
    # given
    app = App()
    models, endpoints = Stack(app, "Models"), Stack(app, "Endpoints")
    model = SageMakerModel(models, "Model", image=IMAGE)
    config = SageMakerEndpointConfig(endpoints, "Config", variants=[InstanceVariant(model=model)])

    # when
    SageMakerEndpoint(endpoints, "Endpoint", config=config, alarms=[own_alarm(endpoints)])

    # then
    found = resources(endpoints)
    assert allowed(found, "cloudwatch:DescribeAlarms") == [
        {"Fn::GetAtt": [*of_type(found, ALARM), "Arn"]}
    ]


def test_a_role_that_may_not_be_changed_is_left_as_it_is() -> None:
    # given
    made = stack()
    arn = "arn:aws:iam::123456789012:role/hosting"
    role = iam.Role.from_role_arn(made, "Role", arn, mutable=False)
    model = SageMakerModel(made, "Model", image=IMAGE, role=role)
    config = SageMakerEndpointConfig(made, "Config", variants=[InstanceVariant(model=model)])

    # when
    SageMakerEndpoint(made, "Endpoint", config=config, alarms=[alarm(made, "Errors")])

    # then
    found = resources(made)
    (resource,) = of_type(found, ENDPOINT).values()
    assert not of_type(found, POLICY)
    assert "DependsOn" not in resource


@pytest.mark.parametrize("rollout", [None, AllAtOnce()])
def test_no_alarm_rolls_a_serverless_endpoint_back(rollout: Rollout | None) -> None:
    made = stack()
    with pytest.raises(ValueError, match="alarms that roll back a serverless endpoint"):
        endpoint(made, ServerlessVariant(), alarms=[alarm(made, "Errors")], rollout=rollout)


@pytest.mark.parametrize(
    ("rollout", "names", "said"),
    [
        (Canary(), [], "rollout Canary without alarms: nothing would roll an update back"),
        (Canary(), ["Errors"], ""),
        (AllAtOnce(), [], ""),
        (AllAtOnce(), ["Errors"], "alarms with rollout AllAtOnce without a wait"),
        (None, ["Errors"], "alarms with rollout AllAtOnce without a wait"),
        (AllAtOnce(termination_wait_seconds=60), ["Errors"], ""),
    ],
)
def test_a_rollout_that_nothing_watches_is_warned_of(
    rollout: Rollout | None, names: list[str], said: str
) -> None:
    made = stack()
    endpoint(made, rollout=rollout, alarms=[alarm(made, name) for name in names])
    warnings = Annotations.from_stack(made).find_warning("*", Match.any_value())
    assert len(warnings) == bool(said)
    assert all(said in str(warning.entry.data) for warning in warnings)


def test_a_scaled_count_is_kept_and_every_other_setting_follows_the_configuration() -> None:
    made = stack()
    endpoint(made, InstanceVariant(scaling=SCALING))
    found = properties(resources(made), ENDPOINT)
    assert found["RetainAllVariantProperties"] is True
    assert [each["VariantPropertyType"] for each in found["ExcludeRetainedVariantProperties"]] == [
        "DesiredWeight",
        "DataCaptureConfig",
    ]
    assert "RetainDeploymentConfig" not in found


@pytest.mark.parametrize(("retain", "scaling"), [(True, None), (False, SCALING)])
def test_keeping_the_count_may_be_chosen(retain: bool, scaling: Scaling | None) -> None:
    made = stack()
    endpoint(made, InstanceVariant(scaling=scaling), retain_variant_properties=retain)
    found = properties(resources(made), ENDPOINT)
    assert found.get("RetainAllVariantProperties", False) is retain
    assert ("ExcludeRetainedVariantProperties" in found) is retain


def test_each_variant_scales_by_itself() -> None:
    # given
    made = stack()
    more = Scaling.on_invocations(60, min_capacity=2, max_capacity=8)

    # when
    endpoint(
        made,
        InstanceVariant(name="A", scaling=SCALING),
        InstanceVariant(name="B", scaling=more, instance_count=2),
        InstanceVariant(name="C"),
    )

    # then
    targets = of_type(resources(made), SCALING_TARGET).values()
    bounds = {
        flat(target["Properties"]["ResourceId"]).rsplit("/", 1)[1]: (
            target["Properties"]["MinCapacity"],
            target["Properties"]["MaxCapacity"],
        )
        for target in targets
    }
    assert bounds == {"A": (1, 4), "B": (2, 8)}


def test_a_caller_may_invoke_exactly_this_endpoint() -> None:
    made = stack()
    statement = granted(made, endpoint(made))
    (endpoint_id,) = of_type(resources(made), ENDPOINT)
    assert statement["Action"] == [
        "sagemaker:InvokeEndpoint",
        "sagemaker:InvokeEndpointWithResponseStream",
    ]
    assert statement["Resource"] == {"Ref": endpoint_id}


def test_a_serverless_endpoint_streams_nothing() -> None:
    made = stack()
    assert granted(made, endpoint(made, ServerlessVariant()))["Action"] == (
        "sagemaker:InvokeEndpoint"
    )


def test_an_asynchronous_endpoint_takes_asynchronous_calls_only() -> None:
    made = stack()
    assert granted(made, endpoint(made, queued=True))["Action"] == "sagemaker:InvokeEndpointAsync"


def test_what_has_no_policy_cannot_be_let_to_invoke() -> None:
    # given
    made = stack()
    target = endpoint(made)

    # then
    with pytest.raises(ValueError, match="granted to a ServicePrincipal: must be a role"):
        target.grants.invoke(iam.ServicePrincipal("events.amazonaws.com"))
    assert target.grants.invoke(iam.User(made, "User")).success


def test_a_function_invokes_with_its_role() -> None:
    # given
    made = stack()
    code = lambda_.Code.from_inline("handler = print")
    function = lambda_.Function(
        made, "Caller", code=code, handler="index.handler", runtime=lambda_.Runtime.PYTHON_3_13
    )

    # when
    endpoint(made, queued=True).grants.invoke(function)

    # then
    policies = of_type(resources(made), POLICY)
    own = {name: each for name, each in policies.items() if name.startswith("Caller")}
    assert len(allowed(own, "s3:PutObject")) == 1
    assert len(allowed(own, "sagemaker:InvokeEndpointAsync")) == 1


def test_an_endpoint_made_elsewhere_is_granted_by_its_lower_case_arn() -> None:
    made = stack()
    imported = SageMakerEndpoint.from_endpoint_name(made, "Endpoint", "Churn-Live")
    imported.grants.invoke(caller(made))
    (place,) = allowed(resources(made), "sagemaker:InvokeEndpoint")
    assert flat(place) == (
        "arn:<AWS::Partition>:sagemaker:<AWS::Region>:<AWS::AccountId>:endpoint/churn-live"
    )


def test_an_endpoint_made_elsewhere_has_metrics() -> None:
    imported = SageMakerEndpoint.from_endpoint_name(stack(), "Endpoint", "Churn-Live")
    assert imported.metric_invocations().dimensions == {
        "EndpointName": "Churn-Live",
        "VariantName": "AllTraffic",
    }
    with pytest.raises(ValueError, match='endpoint_name "a_b"'):
        SageMakerEndpoint.from_endpoint_name(stack(), "Endpoint", "a_b")


@pytest.mark.parametrize(
    ("method", "name", "namespace"),
    [
        ("metric_invocations", "Invocations", "AWS/SageMaker"),
        ("metric_invocations_per_instance", "InvocationsPerInstance", "AWS/SageMaker"),
        ("metric_4xx_errors", "Invocation4XXErrors", "AWS/SageMaker"),
        ("metric_5xx_errors", "Invocation5XXErrors", "AWS/SageMaker"),
        ("metric_model_latency", "ModelLatency", "AWS/SageMaker"),
        ("metric_overhead_latency", "OverheadLatency", "AWS/SageMaker"),
        ("metric_cpu_utilization", "CPUUtilization", "/aws/sagemaker/Endpoints"),
        ("metric_memory_utilization", "MemoryUtilization", "/aws/sagemaker/Endpoints"),
        ("metric_disk_utilization", "DiskUtilization", "/aws/sagemaker/Endpoints"),
        ("metric_gpu_utilization", "GPUUtilization", "/aws/sagemaker/Endpoints"),
        ("metric_gpu_memory_utilization", "GPUMemoryUtilization", "/aws/sagemaker/Endpoints"),
    ],
)
def test_a_metric_is_of_one_variant(method: str, name: str, namespace: str) -> None:
    made = endpoint(stack(), InstanceVariant(name="A"), InstanceVariant(name="B"))
    metric = getattr(made, method)(variant="B", statistic="Maximum", period_seconds=300)
    assert (metric.metric_name, metric.namespace) == (name, namespace)
    assert metric.dimensions["VariantName"] == "B"
    assert (metric.statistic, metric.period.to_seconds()) == ("Maximum", 300)


def test_a_metric_names_the_variant_where_there_are_several() -> None:
    made = endpoint(stack(), InstanceVariant(name="A"), InstanceVariant(name="B"))
    with pytest.raises(ValueError, match="metric without variant: must be one of A, B"):
        made.metric_invocations()
    with pytest.raises(ValueError, match='metric of variant "C": must be one of A, B'):
        made.metric_invocations(variant="C")


@pytest.mark.parametrize(("given", "measured"), [({}, "Live"), ({"variant": "Shadow"}, "Shadow")])
def test_without_a_variant_a_metric_is_of_the_one_that_answers(
    given: dict[str, str], measured: str
) -> None:
    # given
    made = stack()
    model = SageMakerModel(made, "Model", image=IMAGE)
    live, shadow = (InstanceVariant(name=name, model=model) for name in ("Live", "Shadow"))

    # when
    config = SageMakerEndpointConfig(made, "Config", variants=[live], shadow_variants=[shadow])
    shadowed: Any = SageMakerEndpoint(made, "Endpoint", config=config)

    # then
    assert shadowed.metric_model_latency(**given).dimensions["VariantName"] == measured


@pytest.mark.parametrize(
    ("method", "statistic"), [("metric_invocations", "Sum"), ("metric_model_latency", "Average")]
)
def test_a_metric_has_a_statistic_of_its_own(method: str, statistic: str) -> None:
    assert getattr(endpoint(stack()), method)().statistic == statistic


def test_an_asynchronous_endpoint_has_a_backlog_and_no_invocations() -> None:
    made = endpoint(stack(), queued=True)
    backlogs = [made.metric_backlog(), made.metric_backlog_per_instance()]
    assert [set(each.dimensions) for each in backlogs] == [{"EndpointName"}] * 2
    assert [each.metric_name for each in backlogs] == [
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
    ]
    assert made.metric_5xx_errors().metric_name == "Invocation5XXErrors"
    for method in (
        "metric_invocations",
        "metric_invocations_per_instance",
        "metric_overhead_latency",
    ):
        with pytest.raises(ValueError, match="an asynchronous endpoint never publishes it"):
            getattr(made, method)()


def test_only_an_asynchronous_endpoint_has_a_backlog() -> None:
    made = endpoint(stack())
    for method in (made.metric_backlog, made.metric_backlog_per_instance):
        with pytest.raises(ValueError, match="only an asynchronous endpoint publishes it"):
            method()


@pytest.mark.parametrize(("instance_type", "warnings"), [("ml.inf1.xlarge", 1), ("ml.m5.large", 0)])
def test_a_rollout_that_inf1_ignores_is_warned_of(instance_type: str, warnings: int) -> None:
    made = stack()
    endpoint(made, InstanceVariant(instance_type=instance_type), rollout=Canary())
    found = Annotations.from_stack(made).find_warning(
        "*", Match.string_like_regexp("rollout Canary with Inf1 instances")
    )
    assert len(found) == warnings
