from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk import CfnParameter
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from cdk_constructs.inference import AsyncInference, DataCapture
from cdk_constructs.model import ModelContainer, SageMakerModel
from cdk_constructs.model_endpoint import EndpointAlarms, ModelEndpoint
from cdk_constructs.rollouts import AllAtOnce, Canary, Linear, Rolling, Rollout
from cdk_constructs.variants import InstanceVariant, ServerlessVariant, Variant
from tests.template.serving import (
    ALARM,
    CONFIG,
    ENDPOINT,
    IMAGE,
    MODEL,
    NETWORK,
    NEXT_IMAGE,
    allowed,
    flat,
    of_type,
    properties,
    resources,
    stack,
    synthesized,
)

DASHBOARD = "AWS::CloudWatch::Dashboard"
LOGS = "AWS::Logs::LogGroup"
A, B = InstanceVariant(name="A"), InstanceVariant(name="B")


def other_model(**more: Any) -> SageMakerModel:
    return SageMakerModel(stack(), "Other", image=NEXT_IMAGE, **more)


def alarm(number: int) -> cloudwatch.IAlarm:
    arn = f"arn:aws:cloudwatch:eu-west-1:123456789012:alarm:other-{number}"
    return cloudwatch.Alarm.from_alarm_arn(stack(), "Alarm", arn)


@pytest.fixture(scope="module")
def guarded() -> dict[str, Any]:
    made = stack()
    ModelEndpoint(
        made,
        "Churn",
        image=IMAGE,
        variants=[A, B],
        endpoint_name="churn",
        rollout=Canary(),
        alarms=EndpointAlarms(
            errors_5xx=5, model_latency_ms=250, evaluation_periods=3, topic=sns.Topic(made, "Topic")
        ),
        log_retention_days=30,
    )
    return resources(made)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({}, "neither image nor pipeline"),
        ({"image": IMAGE, "variants": []}, "Churn: 0 variants: must be from 1 to 10"),
        ({"image": IMAGE, "model": other_model()}, "image beside model: must be in it"),
        (
            {"model": other_model(), "network_isolation": True},
            "network_isolation beside model: must be in it",
        ),
        (
            {"image": IMAGE, "variants": [InstanceVariant(model=other_model())]},
            "image beside the model of each variant",
        ),
        (
            {"model": other_model(), "variants": [InstanceVariant(model=other_model())]},
            "model beside the model of each variant: would serve nothing",
        ),
        (
            {"image": IMAGE, "network": NETWORK, "variants": [ServerlessVariant()]},
            "network of the model of a ServerlessVariant",
        ),
        (
            {"pipeline": [ModelContainer(image=IMAGE)] * 2, "variants": [ServerlessVariant()]},
            "pipeline of the model of a ServerlessVariant",
        ),
        ({"image": IMAGE, "endpoint_name": "a_b"}, 'endpoint_name "a_b"'),
        ({"image": IMAGE, "rollout": Canary()}, "without endpoint_name: they must name"),
        (
            {"image": IMAGE, "rollout": AllAtOnce(), "alarms": EndpointAlarms()},
            "rollout that alarms roll back without endpoint_name",
        ),
        (
            {
                "image": IMAGE,
                "variants": [InstanceVariant(name=f"V{n}") for n in range(6)],
                "endpoint_name": "churn",
                "rollout": Linear(),
                "alarms": EndpointAlarms(model_latency_ms=100),
            },
            "12 alarms that roll back: must be at most 10",
        ),
        (
            {"image": IMAGE, "rollout": AllAtOnce(), "alarms": EndpointAlarms()},
            "alarms that take 60 seconds to go off: the waits of rollout AllAtOnce, 0 seconds",
        ),
        (
            {
                "image": IMAGE,
                "endpoint_name": "churn",
                "rollout": Canary(wait_seconds=120, termination_wait_seconds=60),
                "alarms": EndpointAlarms(evaluation_periods=4),
            },
            "alarms that take 240 seconds to go off: the waits of rollout Canary, 180 seconds",
        ),
        (
            {
                "image": IMAGE,
                "endpoint_name": "churn",
                "rollout": Linear(),
                "rollback_alarms": [alarm(n) for n in range(10)],
            },
            "11 alarms that roll back: must be at most 10",
        ),
        (
            {"model": other_model(network=NETWORK), "variants": [ServerlessVariant()]},
            "network of the model of a ServerlessVariant",
        ),
        (
            {
                "pipeline": [ModelContainer(image=IMAGE)] * 2,
                "shadow_variants": [InstanceVariant(name="Shadow")],
            },
            "shadow_variants with a pipeline",
        ),
        (
            {"model": other_model(), "environment": {"A": "1"}},
            "environment beside model: must be in it",
        ),
        ({"image": IMAGE, "log_retention_days": 30}, "log_retention_days without endpoint_name"),
        (
            {"image": IMAGE, "log_retention_days": 31, "endpoint_name": "churn"},
            "log_retention_days 31: must be one of 1, 3, 5",
        ),
    ],
)
def test_a_model_endpoint_refuses_before_anything_is_made(
    setting: dict[str, Any], said: str
) -> None:
    made = stack()
    with pytest.raises(ValueError, match="^Stack/Churn: ") as refusal:
        ModelEndpoint(made, "Churn", **setting)
    assert said in str(refusal.value)
    assert made.node.children == []


def test_problems_of_every_part_are_named_at_once() -> None:
    with pytest.raises(ValueError, match="^Stack/Churn: 4 problems:") as refusal:
        ModelEndpoint(stack(), "Churn", variants=[A, A], endpoint_name="-", log_retention_days=2)
    for part in ("neither image", "given twice: A", "endpoint_name", "log_retention_days"):
        assert part in str(refusal.value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"errors_5xx": None}, "there would be no alarm"),
        ({"errors_5xx": 0}, "errors_5xx 0: must be at least 1"),
        ({"model_latency_ms": 0}, "model_latency_ms 0: must be above 0"),
        ({"evaluation_periods": 0}, "evaluation_periods 0"),
        ({"period_seconds": 90}, "period_seconds 90: must be from 60 to 86400 in steps of 60"),
        (
            {"evaluation_periods": 1441},
            "periods of 86460 seconds in all: must be at most 86400",
        ),
    ],
)
def test_alarms_refuse(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="^EndpointAlarms: ") as refusal:
        EndpointAlarms(**setting)
    assert said in str(refusal.value)


def test_limits_known_only_at_deployment_are_not_checked() -> None:
    # given
    made = stack()
    later: Any = CfnParameter(made, "Later", type="Number").value_as_number

    # when
    ModelEndpoint(
        made,
        "Churn",
        image=IMAGE,
        endpoint_name="churn",
        rollout=Canary(),
        alarms=EndpointAlarms(errors_5xx=later, evaluation_periods=later),
    )

    # then
    alarm = properties(resources(made), ALARM)
    assert alarm["Threshold"] == alarm["EvaluationPeriods"] == {"Ref": "Later"}
    for name in ("model_latency_ms", "period_seconds"):
        with pytest.raises(ValueError, match=f"{name}: must be known at synthesis"):
            EndpointAlarms(**{name: later})


def test_an_image_is_all_that_it_takes() -> None:
    found = synthesized(lambda scope: ModelEndpoint(scope, "Churn", image=IMAGE))
    assert sorted(each["Type"] for each in found.values()) == [
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::SageMaker::Endpoint",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::Model",
    ]
    (variant,) = properties(found, CONFIG)["ProductionVariants"]
    assert (variant["VariantName"], variant["InstanceType"]) == ("AllTraffic", "ml.m5.large")


def test_variants_without_a_model_share_one() -> None:
    # given
    made = stack()
    challenger = SageMakerModel(made, "Challenger", image=NEXT_IMAGE)

    # when
    endpoint = ModelEndpoint(
        made,
        "Churn",
        image=IMAGE,
        variants=[A, B, InstanceVariant(name="C", model=challenger)],
    )

    # then
    found = resources(made)
    models = [flat(each["ModelName"]) for each in properties(found, CONFIG)["ProductionVariants"]]
    assert models[0] == models[1]
    assert models[2].startswith("<Challenger")
    assert len(of_type(found, MODEL)) == 2
    assert endpoint.model.containers[0].image is IMAGE


def test_a_model_made_elsewhere_is_served() -> None:
    made = stack()
    model = SageMakerModel(made, "Model", image=IMAGE, network=NETWORK)
    endpoint = ModelEndpoint(made, "Churn", model=model)
    assert (endpoint.model, endpoint.role) == (model, model.role)
    assert endpoint.connections is model.connections
    assert len(of_type(resources(made), MODEL)) == 1


def test_each_variant_is_watched_for_errors_and_latency(guarded: dict[str, Any]) -> None:
    alarms = [alarm["Properties"] for alarm in of_type(guarded, ALARM).values()]
    watched = {
        (
            alarm["MetricName"],
            alarm["Dimensions"][1]["Value"],
            alarm["Threshold"],
            alarm.get("Statistic", alarm.get("ExtendedStatistic")),
        )
        for alarm in alarms
    }
    assert watched == {
        ("Invocation5XXErrors", "A", 5, "Sum"),
        ("Invocation5XXErrors", "B", 5, "Sum"),
        ("ModelLatency", "A", 250000, "p99"),
        ("ModelLatency", "B", 250000, "p99"),
    }
    for alarm in alarms:
        assert alarm["Dimensions"][0] == {"Name": "EndpointName", "Value": "churn"}
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["EvaluationPeriods"] == 3
        assert [flat(action)[:6] for action in alarm["AlarmActions"]] == ["<Topic"]


def test_the_alarms_roll_an_update_back(guarded: dict[str, Any]) -> None:
    rollback = properties(guarded, ENDPOINT)["DeploymentConfig"]["AutoRollbackConfiguration"]
    names = {alarm["AlarmName"]["Ref"] for alarm in rollback["Alarms"]}
    assert names == set(of_type(guarded, ALARM))


def test_alarms_made_elsewhere_roll_back_beside_its_own() -> None:
    # when
    found = synthesized(
        lambda scope: ModelEndpoint(
            scope,
            "Churn",
            image=IMAGE,
            endpoint_name="churn",
            rollout=Canary(),
            rollback_alarms=[alarm(1)],
        )
    )

    # then
    rollback = properties(found, ENDPOINT)["DeploymentConfig"]["AutoRollbackConfiguration"]
    (own,) = of_type(found, ALARM)
    assert rollback["Alarms"] == [{"AlarmName": {"Ref": own}}, {"AlarmName": "other-1"}]
    assert allowed(found, "cloudwatch:DescribeAlarms") == [
        {"Fn::GetAtt": [own, "Arn"]},
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:other-1",
    ]


def test_no_variables_may_stand_beside_a_model() -> None:
    made = stack()
    model = SageMakerModel(made, "Model", image=IMAGE)
    assert ModelEndpoint(made, "Churn", model=model, environment={}).model is model


@pytest.mark.parametrize("rollout", [Canary(), Linear(), Rolling()])
def test_a_rollout_that_shifts_traffic_is_watched_by_default(rollout: Rollout) -> None:
    found = synthesized(
        lambda scope: ModelEndpoint(
            scope, "Churn", image=IMAGE, endpoint_name="churn", rollout=rollout
        )
    )
    assert properties(found, ALARM)["MetricName"] == "Invocation5XXErrors"
    assert properties(found, ALARM)["Threshold"] == 1
    assert "AutoRollbackConfiguration" in properties(found, ENDPOINT)["DeploymentConfig"]


def test_alarms_without_a_rollout_need_no_name() -> None:
    found = synthesized(
        lambda scope: ModelEndpoint(scope, "Churn", image=IMAGE, alarms=EndpointAlarms())
    )
    (endpoint,) = of_type(found, ENDPOINT)
    name = properties(found, ALARM)["Dimensions"][0]["Value"]
    assert name == {"Fn::GetAtt": [endpoint, "EndpointName"]}
    assert "DeploymentConfig" not in properties(found, ENDPOINT)


def test_a_rollout_all_at_once_has_no_alarm_of_its_own() -> None:
    found = synthesized(
        lambda scope: ModelEndpoint(scope, "Churn", image=IMAGE, rollout=AllAtOnce())
    )
    assert not of_type(found, ALARM)


def test_the_log_group_is_there_before_the_endpoint(guarded: dict[str, Any]) -> None:
    ((name, group),) = of_type(guarded, LOGS).items()
    (endpoint,) = of_type(guarded, ENDPOINT).values()
    assert group["Properties"] == {
        "LogGroupName": "/aws/sagemaker/Endpoints/churn",
        "RetentionInDays": 30,
    }
    assert group["DeletionPolicy"] == "Delete"
    assert name in endpoint["DependsOn"]


def drawn(*variants: Variant, queued: bool = False) -> dict[str, list[list[Any]]]:
    """Return what an endpoint's dashboard draws, by the title of the graph."""
    made = stack()
    queue = AsyncInference(bucket=s3.Bucket(made, "Bucket")) if queued else None
    ModelEndpoint(
        made, "Churn", image=IMAGE, variants=variants, async_inference=queue, dashboard=True
    )
    board = properties(resources(made), DASHBOARD)
    assert "DashboardName" not in board
    widgets = json.loads(flat(board["DashboardBody"]))["widgets"]
    places = {(widget["x"], widget["y"]) for widget in widgets}
    assert len(places) == len(widgets)
    assert {widget["properties"]["region"] for widget in widgets} == {"<AWS::Region>"}
    return {each["properties"]["title"]: each["properties"]["metrics"] for each in widgets}


def names(lines: list[list[Any]]) -> set[str]:
    return {line[1] for line in lines}


def test_the_dashboard_draws_every_variant() -> None:
    board = drawn(A, B)
    assert set(board) == {
        "Invocations",
        "Errors",
        "Latency (microseconds)",
        "Load (percent)",
        "Instances",
    }
    assert [(line[1], line[5], line[6]["stat"]) for line in board["Invocations"]] == [
        ("Invocations", "A", "Sum"),
        ("Invocations", "B", "Sum"),
    ]
    assert {line[6]["stat"] for line in board["Latency (microseconds)"]} == {"p50", "p99"}
    assert names(board["Latency (microseconds)"]) == {"ModelLatency", "OverheadLatency"}


def test_the_dashboard_of_an_asynchronous_endpoint_draws_what_is_published() -> None:
    board = drawn(A, queued=True)
    assert names(board["Backlog"]) == {
        "ApproximateBacklogSize",
        "ApproximateBacklogSizePerInstance",
    }
    assert all(len(line) == 5 for line in board["Backlog"])
    assert not names(sum(board.values(), [])) & {"Invocations", "OverheadLatency"}


def test_the_dashboard_of_a_serverless_endpoint_draws_no_instances() -> None:
    board = drawn(ServerlessVariant())
    assert "Instances" not in board
    assert names(board["Concurrency in use (share)"]) == {
        "ServerlessConcurrentExecutionsUtilization"
    }


def test_a_shadow_variant_has_metrics_and_no_alarm() -> None:
    # given
    made = stack()

    # when
    endpoint = ModelEndpoint(
        made,
        "Churn",
        image=IMAGE,
        shadow_variants=[InstanceVariant(name="Shadow")],
        data_capture=DataCapture(bucket=s3.Bucket(made, "Bucket")),
        alarms=EndpointAlarms(),
    )

    # then
    dimensions = endpoint.metric_model_latency(variant="Shadow").dimensions
    assert dimensions is not None
    assert dimensions["VariantName"] == "Shadow"
    assert len(endpoint.alarms) == 1


def test_two_synths_give_the_same_template() -> None:
    def made() -> dict[str, Any]:
        return synthesized(
            lambda scope: ModelEndpoint(
                scope,
                "Churn",
                image=IMAGE,
                endpoint_name="churn",
                rollout=Canary(),
                dashboard=True,
            )
        )

    assert json.dumps(made()) == json.dumps(made())
