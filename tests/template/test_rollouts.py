from __future__ import annotations

from typing import Any

import pytest
from aws_cdk import CfnParameter

from cdk_constructs.model_endpoint import ModelEndpoint
from cdk_constructs.rollouts import AllAtOnce, Canary, Linear, Rolling, Rollout
from cdk_constructs.scaling import Scaling
from cdk_constructs.variants import InstanceVariant, ServerlessVariant
from tests.template.serving import ENDPOINT, IMAGE, properties, resources, stack, synthesized


def deployment(rollout: Rollout) -> dict[str, Any]:
    """Return what the endpoint says of a rollout, without its alarms."""
    found = synthesized(
        lambda scope: ModelEndpoint(
            scope, "Churn", image=IMAGE, endpoint_name="churn", rollout=rollout
        )
    )
    config: dict[str, Any] = properties(found, ENDPOINT)["DeploymentConfig"]
    config.pop("AutoRollbackConfiguration", None)
    return config


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AllAtOnce(termination_wait_seconds=3601), "termination_wait_seconds 3601"),
        (lambda: AllAtOnce(max_execution_seconds=599), "max_execution_seconds 599"),
        (lambda: AllAtOnce(max_execution_seconds=28801), "max_execution_seconds 28801"),
        (lambda: Canary(percent=51), "percent 51: must be from 1 to 50"),
        (lambda: Canary(percent=10, instances=1), "both percent and instances"),
        (lambda: Canary(instances=0), "instances 0"),
        (lambda: Canary(wait_seconds=3601), "wait_seconds 3601: must be from 0 to 3600"),
        (
            lambda: Canary(
                wait_seconds=600, termination_wait_seconds=300, max_execution_seconds=900
            ),
            "waits of 900 seconds in all: must be less than max_execution_seconds, 900",
        ),
        (lambda: Linear(step_percent=9), "step_percent 9: must be from 10 to 50"),
        (lambda: Linear(step_percent=51), "step_percent 51"),
        (lambda: Linear(step_percent=10, wait_seconds=3600), "waits of 32400 seconds"),
        (lambda: Rolling(batch_percent=4), "batch_percent 4: must be from 5 to 50"),
        (lambda: Rolling(rollback_batch_percent=101), "rollback_batch_percent 101"),
        (lambda: Rolling(batch_percent=5, wait_seconds=1440), "waits of 28800 seconds"),
    ],
)
def test_a_rollout_refuses(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=r"^(AllAtOnce|Canary|Linear|Rolling): ") as refusal:
        make()
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (AllAtOnce, ["termination_wait_seconds", "max_execution_seconds"]),
        (Canary, ["instances", "wait_seconds", "max_execution_seconds"]),
        (Linear, ["step_percent", "wait_seconds", "max_execution_seconds"]),
        (Rolling, ["batch_percent", "rollback_batch_percent", "max_execution_seconds"]),
    ],
)
def test_values_known_only_at_deployment_are_not_checked(
    kind: type[Rollout], settings: list[str]
) -> None:
    # given
    scope = stack()
    later: Any = CfnParameter(scope, "Later", type="Number").value_as_number

    # when
    rollout = kind(**dict.fromkeys(settings, later))
    variants = [InstanceVariant(instance_count=later)]
    ModelEndpoint(
        scope, "Churn", image=IMAGE, endpoint_name="churn", variants=variants, rollout=rollout
    )

    # then
    assert "Later" in str(properties(resources(scope), ENDPOINT)["DeploymentConfig"])


def test_all_at_once_keeps_the_old_fleet_for_a_while() -> None:
    policy = deployment(AllAtOnce(termination_wait_seconds=120, max_execution_seconds=600))
    assert policy == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            "TerminationWaitInSeconds": 120,
            "MaximumExecutionTimeoutInSeconds": 600,
        }
    }


def test_a_canary_is_a_tenth_of_the_fleet_by_default() -> None:
    routing = deployment(Canary())["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing == {
        "Type": "CANARY",
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
        "WaitIntervalInSeconds": 300,
    }


def test_a_linear_rollout_has_equal_steps() -> None:
    routing = deployment(Linear(step_percent=20, wait_seconds=60))["BlueGreenUpdatePolicy"]
    assert routing["TrafficRoutingConfiguration"] == {
        "Type": "LINEAR",
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 20},
        "WaitIntervalInSeconds": 60,
    }


def test_a_rolling_rollout_has_no_second_fleet() -> None:
    assert deployment(Rolling(batch_percent=50, rollback_batch_percent=100)) == {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "RollbackMaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 100},
            "WaitIntervalInSeconds": 300,
        }
    }


def test_a_canary_may_be_a_number_of_instances_up_to_half_of_the_fleet() -> None:
    def made(count: int) -> object:
        return ModelEndpoint(
            stack(),
            "Churn",
            image=IMAGE,
            endpoint_name="churn",
            variants=[InstanceVariant(instance_count=count)],
            rollout=Canary(instances=2),
        )

    assert made(4)
    with pytest.raises(ValueError, match="instances of Canary for variant AllTraffic, 2"):
        made(3)


def test_a_canary_of_instances_fits_the_fewest_that_scaling_leaves() -> None:
    def made(least: int) -> object:
        scaling = Scaling.on_invocations(600, min_capacity=least, max_capacity=8)
        return ModelEndpoint(
            stack(),
            "Churn",
            image=IMAGE,
            endpoint_name="churn",
            variants=[InstanceVariant(instance_count=6, scaling=scaling)],
            rollout=Canary(instances=2),
        )

    assert made(4)
    with pytest.raises(ValueError, match="AllTraffic, 2: must be at most 1"):
        made(3)


def test_a_serverless_endpoint_has_no_rollout_in_its_template() -> None:
    found = synthesized(
        lambda scope: ModelEndpoint(
            scope, "Churn", image=IMAGE, variants=[ServerlessVariant()], rollout=AllAtOnce()
        )
    )
    assert "DeploymentConfig" not in properties(found, ENDPOINT)


@pytest.mark.parametrize(
    "rollout", [Canary(), Linear(), Rolling(), AllAtOnce(termination_wait_seconds=60)]
)
def test_serverless_takes_no_rollout_that_waits(rollout: Rollout) -> None:
    with pytest.raises(
        ValueError, match=r"of a serverless endpoint: must be AllAtOnce\(\) or none"
    ):
        ModelEndpoint(
            stack(),
            "Churn",
            image=IMAGE,
            endpoint_name="churn",
            variants=[ServerlessVariant()],
            rollout=rollout,
        )


def test_rolling_takes_no_second_variant() -> None:
    with pytest.raises(ValueError, match="rollout Rolling with 2 variants: must be one"):
        ModelEndpoint(
            stack(),
            "Churn",
            image=IMAGE,
            endpoint_name="churn",
            variants=[InstanceVariant(name="A"), InstanceVariant(name="B")],
            rollout=Rolling(),
        )
