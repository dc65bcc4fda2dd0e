from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from aws_cdk import CfnParameter, Stack

from cdk_constructs.scaling import Scaling
from cdk_constructs.variants import InstanceVariant, ServerlessVariant

INVOCATIONS = Scaling.on_invocations(600, min_capacity=2, max_capacity=4)
CONCURRENCY = Scaling.on_provisioned_concurrency(0.7, min_capacity=1, max_capacity=8)


@pytest.mark.parametrize(
    ("kind", "platform"),
    [
        ("ml.c6g.large", "linux/arm64"),
        ("ml.m6gd.large", "linux/arm64"),
        ("ml.c6gn.large", "linux/arm64"),
        ("ml.r8g.large", "linux/arm64"),
        ("ml.p6e-gb200.36xlarge", "linux/arm64"),
        ("ml.g4dn.xlarge", "linux/amd64"),
        ("ml.g5.xlarge", "linux/amd64"),
        ("ml.g6e.xlarge", "linux/amd64"),
        ("ml.m5.large", "linux/amd64"),
        ("ml.p5en.48xlarge", "linux/amd64"),
    ],
)
def test_the_processors_decide_what_images_must_be_for(kind: str, platform: str) -> None:
    assert InstanceVariant(instance_type=kind).platform == platform


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"instance_type": "m5.large"}, 'instance_type "m5.large": must be "ml.FAMILY.SIZE"'),
        ({"instance_type": "ml.m5"}, "instance_type"),
        ({"instance_count": 0}, "instance_count 0: must be at least 1"),
        ({"instance_count": 1.5}, "instance_count 1.5: must be a whole number"),
        ({"name": "all_traffic"}, 'name "all_traffic": must be 1 to 63'),
        ({"name": "a" * 64}, "name"),
        ({"weight": -0.1}, "weight -0.1: must be at least 0"),
        ({"volume_gb": 513}, "volume_gb 513: must be from 1 to 512"),
        ({"download_timeout_seconds": 59}, "download_timeout_seconds 59: must be from 60 to 3600"),
        ({"startup_timeout_seconds": 3601}, "startup_timeout_seconds 3601"),
        ({"routing": "ROUND_ROBIN"}, "routing"),
        ({"inference_ami_version": "al2 ami"}, "inference_ami_version"),
        ({"scaling": INVOCATIONS}, "instance_count 1: must be within the 2 to 4 of its scaling"),
        ({"scaling": INVOCATIONS, "instance_count": 5}, "instance_count 5: must be within"),
        (
            {"scaling": INVOCATIONS, "instance_count": 2, "instance_type": "ml.t2.medium"},
            "scaling of ml.t2.medium: burstable types do not scale",
        ),
        ({"scaling": CONCURRENCY}, "scaling on provisioned concurrency"),
    ],
)
def test_an_instance_variant_refuses(setting: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match="^InstanceVariant: ") as refusal:
        InstanceVariant(**setting)  # type: ignore[arg-type]
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"memory_mb": 1500}, "memory_mb 1500: must be from 1024 to 6144 in steps of 1024"),
        ({"memory_mb": 7168}, "memory_mb 7168"),
        ({"max_concurrency": 0}, "max_concurrency 0: must be from 1 to 200"),
        ({"max_concurrency": 201}, "max_concurrency 201: must be from 1 to 200"),
        ({"provisioned_concurrency": 6}, "provisioned_concurrency 6: must be from 1 to 5"),
        ({"name": "-a"}, 'name "-a"'),
        ({"weight": -1}, "weight -1"),
        ({"scaling": INVOCATIONS, "provisioned_concurrency": 2}, "on_provisioned_concurrency"),
        ({"scaling": CONCURRENCY, "max_concurrency": 8}, "scaling without provisioned_concurrency"),
        (
            {"scaling": CONCURRENCY, "provisioned_concurrency": 2, "max_concurrency": 7},
            "max_capacity of scaling 8: must be at most 7",
        ),
    ],
)
def test_a_serverless_variant_refuses(setting: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match="^ServerlessVariant: ") as refusal:
        ServerlessVariant(**setting)  # type: ignore[arg-type]
    assert said in str(refusal.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ValueError, match="3 problems") as refusal:
        InstanceVariant(instance_count=0, volume_gb=0, name="")
    for name in ("instance_count", "volume_gb", "name"):
        assert name in str(refusal.value)


def test_the_edges_of_every_range_are_allowed() -> None:
    for startup, volume in ((60, 1), (3600, 512)):
        InstanceVariant(startup_timeout_seconds=startup, volume_gb=volume, weight=0, name="a" * 63)
    for memory, concurrency in ((1024, 1), (6144, 200)):
        ServerlessVariant(
            memory_mb=memory, max_concurrency=concurrency, provisioned_concurrency=concurrency
        )


def test_an_instance_type_of_tomorrow_is_allowed() -> None:
    assert InstanceVariant(instance_type="ml.p9e-gb500.96xlarge").render("model") is not None


def test_values_known_only_at_deployment_are_not_checked() -> None:
    # given
    scope = Stack()
    instance_type = CfnParameter(scope, "Type").value_as_string
    count = CfnParameter(scope, "Count", type="Number").value_as_number

    # when
    variant = InstanceVariant(instance_type=instance_type, instance_count=count)  # type: ignore[arg-type]

    # then
    assert not variant.has_local_storage
    assert ServerlessVariant(memory_mb=count, provisioned_concurrency=count)  # type: ignore[arg-type]


def test_the_name_of_a_variant_is_known_at_synthesis() -> None:
    later = CfnParameter(Stack(), "Name").value_as_string
    for kind in (InstanceVariant, ServerlessVariant):
        with pytest.raises(ValueError, match="name: must be known at synthesis"):
            kind(name=later)


def test_trainium_is_not_taken_for_burstable() -> None:
    InstanceVariant(instance_type="ml.trn1.2xlarge", instance_count=2, scaling=INVOCATIONS)


@pytest.mark.parametrize(
    ("instance_type", "local"),
    [
        ("ml.m5.large", False),
        ("ml.m5d.large", True),
        ("ml.c7i.large", False),
        ("ml.inf2.xlarge", False),
        ("ml.p3.2xlarge", False),
        ("ml.r7gd.medium", True),
        ("ml.g4dn.xlarge", True),
        ("ml.g5.xlarge", True),
        ("ml.g6e.xlarge", True),
        ("ml.p4de.24xlarge", True),
        ("ml.p6-b200.48xlarge", True),
        ("ml.dl1.24xlarge", True),
        ("ml.trn1n.32xlarge", True),
    ],
)
def test_types_with_local_storage_are_known(instance_type: str, local: bool) -> None:
    assert InstanceVariant(instance_type=instance_type).has_local_storage is local


def test_a_variant_cannot_be_changed() -> None:
    variant = InstanceVariant()
    with pytest.raises(FrozenInstanceError):
        variant.weight = 2  # type: ignore[misc]
