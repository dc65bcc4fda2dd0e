from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Environment, Stack
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Annotations, Match

from cdk_constructs.endpoint_config import SageMakerEndpointConfig
from cdk_constructs.images import ModelImage
from cdk_constructs.inference import AsyncInference, DataCapture
from cdk_constructs.model import ModelContainer, SageMakerModel
from cdk_constructs.scaling import Scaling
from cdk_constructs.variants import InstanceVariant, ServerlessVariant
from tests.template.serving import (
    CONFIG,
    IMAGE,
    MODEL,
    NETWORK,
    NEXT_IMAGE,
    POLICY,
    allowed,
    flat,
    of_type,
    properties,
    resources,
    stack,
)

if TYPE_CHECKING:
    from collections.abc import Callable

INVOCATIONS = Scaling.on_invocations(600, min_capacity=1, max_capacity=4)
BACKLOG = Scaling.on_backlog(5, max_capacity=4)


def capture(scope: Stack) -> DataCapture:
    return DataCapture(bucket=s3.Bucket(scope, "Kept"))


def queue(scope: Stack) -> AsyncInference:
    return AsyncInference(bucket=s3.Bucket(scope, "Results"))


def instances(model: SageMakerModel, *names: str, **settings: Any) -> list[InstanceVariant]:
    return [InstanceVariant(model=model, name=name, **settings) for name in names]


def serverless(model: SageMakerModel) -> list[ServerlessVariant]:
    return [ServerlessVariant(model=model)]


def built_for(platform: Any, scope: Stack) -> SageMakerModel:
    """Return a model whose image the CDK builds."""
    folder = str(Path(__file__).parent)
    image = ModelImage.from_asset(folder, file="serving.py", platform=platform)
    return SageMakerModel(scope, "Built", image=image)


def of_region(region: str) -> ModelImage:
    host = f"123456789012.dkr.ecr.{region}.amazonaws.com"
    return ModelImage.from_uri(f"{host}/churn@sha256:{'a' * 64}")


@pytest.fixture(scope="module")
def two_models() -> dict[str, Any]:
    made = stack()
    champion = SageMakerModel(made, "Champion", image=IMAGE)
    challenger = SageMakerModel(made, "Challenger", image=NEXT_IMAGE)
    SageMakerEndpointConfig(
        made,
        "Config",
        variants=[
            InstanceVariant(
                model=champion,
                name="Champion",
                instance_type="ml.c7i.xlarge",
                instance_count=2,
                weight=9,
                volume_gb=50,
                download_timeout_seconds=600,
                routing="LEAST_OUTSTANDING_REQUESTS",
                inference_ami_version="al2-ami-sagemaker-inference-gpu-2",
            ),
            InstanceVariant(model=challenger, name="Challenger"),
        ],
        data_capture=capture(made),
        encryption_key=kms.Key(made, "Key"),
    )
    return resources(made)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (lambda scope, model: {"variants": []}, "0 variants: must be from 1 to 10"),
        (
            lambda scope, model: {"variants": instances(model, *(f"V{n}" for n in range(11)))},
            "11 variants",
        ),
        (
            lambda scope, model: {"variants": instances(model, "A", "A")},
            "name of variants given twice: A",
        ),
        (
            lambda scope, model: {"variants": [InstanceVariant()]},
            "variant AllTraffic without model",
        ),
        (
            lambda scope, model: {"variants": [*serverless(model), *instances(model, "B")]},
            "ServerlessVariant beside another variant",
        ),
        (
            lambda scope, model: {"variants": serverless(model), "data_capture": capture(scope)},
            "data_capture with ServerlessVariant",
        ),
        (
            lambda scope, model: {"variants": serverless(model), "async_inference": queue(scope)},
            "async_inference with ServerlessVariant",
        ),
        (
            lambda scope, model: {
                "variants": serverless(model),
                "encryption_key": kms.Key(scope, "Key"),
            },
            "encryption_key with ServerlessVariant",
        ),
        (
            lambda scope, model: {
                "variants": serverless(model),
                "shadow_variants": instances(model, "Shadow"),
            },
            "shadow_variants with ServerlessVariant",
        ),
        (
            lambda scope, model: {
                "variants": serverless(SageMakerModel(scope, "InVpc", image=IMAGE, network=NETWORK))
            },
            "network of the model of a ServerlessVariant",
        ),
        (
            lambda scope, model: {
                "variants": serverless(
                    SageMakerModel(scope, "Isolated", image=IMAGE, network_isolation=True)
                )
            },
            "network_isolation of the model of a ServerlessVariant",
        ),
        (
            lambda scope, model: {
                "variants": serverless(
                    SageMakerModel(scope, "Line", pipeline=[ModelContainer(image=IMAGE)] * 2)
                )
            },
            "pipeline of the model of a ServerlessVariant",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A", "B"),
                "shadow_variants": instances(model, "Shadow"),
            },
            "1 shadow_variants for 2 variants: must be one for one",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A"),
                "shadow_variants": instances(model, "S", "T"),
            },
            "2 shadow_variants for 1 variants",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A"),
                "shadow_variants": instances(model, "A"),
            },
            "name of variants given twice: A",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A", "B"),
                "async_inference": queue(scope),
            },
            "async_inference with several variants",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A", instance_type="ml.inf1.xlarge"),
                "shadow_variants": instances(model, "Shadow"),
            },
            "shadow_variants with ml.inf1.xlarge: Inf1 instances take none",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A"),
                "shadow_variants": instances(
                    SageMakerModel(scope, "Line", pipeline=[ModelContainer(image=IMAGE)] * 2),
                    "Shadow",
                ),
            },
            "shadow_variants with a pipeline: each model must have one container",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A"),
                "shadow_variants": instances(model, "Shadow"),
                "async_inference": queue(scope),
            },
            "async_inference with several variants: must be one",
        ),
        (
            lambda scope, model: {"variants": instances(model, "A", "B", weight=0)},
            "weight 0 of every variant: one must be above 0",
        ),
        (
            lambda scope, model: {"variants": instances(built_for("linux/arm64", scope), "A")},
            "image for linux/arm64 on ml.m5.large of variant A: must be for linux/amd64",
        ),
        (
            lambda scope, model: {
                "variants": instances(
                    built_for("linux/amd64", scope), "A", instance_type="ml.c7g.large"
                ),
            },
            "image for linux/amd64 on ml.c7g.large of variant A: must be for linux/arm64",
        ),
        (
            lambda scope, model: {
                "variants": instances(model, "A", scaling=INVOCATIONS),
                "async_inference": queue(scope),
            },
            "scaling of variant A on invocations: an asynchronous endpoint publishes none",
        ),
        (
            lambda scope, model: {"variants": instances(model, "A", scaling=BACKLOG)},
            "scaling of variant A on_backlog: needs async_inference",
        ),
    ],
)
def test_a_configuration_refuses(
    arguments: Callable[[Stack, SageMakerModel], dict[str, Any]], said: str
) -> None:
    made = stack()
    given = arguments(made, SageMakerModel(made, "Model", image=IMAGE))
    with pytest.raises(ValueError, match="^Stack/Config: ") as refusal:
        SageMakerEndpointConfig(made, "Config", **given)
    assert said in str(refusal.value)
    assert made.node.try_find_child("Config") is None


def test_an_image_for_the_processors_is_served() -> None:
    made = stack()
    variants = instances(built_for("linux/arm64", made), "A", instance_type="ml.c7g.large")
    assert SageMakerEndpointConfig(made, "Config", variants=variants)


def test_one_variant_may_wait_without_traffic() -> None:
    made = stack()
    model = SageMakerModel(made, "Model", image=IMAGE)
    variants = [*instances(model, "A"), *instances(model, "B", weight=0)]
    assert SageMakerEndpointConfig(made, "Config", variants=variants)


@pytest.mark.parametrize(
    ("account", "region", "said"),
    [
        ("111111111111", "us-east-1", "model of variant A in us-east-1: must be in eu-west-1"),
        ("222222222222", "eu-west-1", "A in 222222222222: must be in 111111111111"),
    ],
)
def test_a_model_of_another_place_is_refused(account: str, region: str, said: str) -> None:
    # given
    app = App()
    here = Stack(app, "Here", env=Environment(account="111111111111", region="eu-west-1"))
    there = Stack(app, "There", env=Environment(account=account, region=region))
    model = SageMakerModel(there, "Model", image=of_region(region))

    # then
    with pytest.raises(ValueError, match=said):
        SageMakerEndpointConfig(here, "Config", variants=instances(model, "A"))
    anywhere = Stack(app, "Anywhere")
    assert SageMakerEndpointConfig(anywhere, "Config", variants=instances(model, "A"))


def test_a_key_of_another_region_is_refused() -> None:
    # given
    env = Environment(account="111111111111", region="eu-west-1")
    made = Stack(App(), "Stack", env=env)
    model = SageMakerModel(made, "Model", image=IMAGE)

    def config(region: str) -> object:
        arn = f"arn:aws:kms:{region}:111111111111:key/11111111-2222-3333-4444-555555555555"
        key = kms.Key.from_key_arn(made, f"Key-{region}", arn)
        return SageMakerEndpointConfig(
            made, f"Config-{region}", variants=instances(model, "A"), encryption_key=key
        )

    # then
    assert config("eu-west-1")
    with pytest.raises(ValueError, match="encryption_key in us-east-1: must be in eu-west-1"):
        config("us-east-1")


def test_a_role_made_in_another_stack_may_capture_to_this_one() -> None:
    # given
    app = App()
    models, configs = Stack(app, "Models"), Stack(app, "Configs")
    model = SageMakerModel(models, "Model", image=IMAGE)

    # when
    SageMakerEndpointConfig(
        configs, "Config", variants=instances(model, "A"), data_capture=capture(configs)
    )

    # then
    found = resources(configs)
    (policy,) = of_type(found, POLICY)
    (config,) = of_type(found, CONFIG).values()
    assert flat(allowed(found, "s3:PutObject")[0]).startswith("<Kept")
    assert config["DependsOn"] == [policy]


def test_every_setting_of_a_variant_is_passed_on(two_models: dict[str, Any]) -> None:
    champion, challenger = properties(two_models, CONFIG)["ProductionVariants"]
    assert flat(champion.pop("ModelName")).startswith("<Champion")
    assert champion == {
        "VariantName": "Champion",
        "InstanceType": "ml.c7i.xlarge",
        "InitialInstanceCount": 2,
        "InitialVariantWeight": 9,
        "VolumeSizeInGB": 50,
        "ModelDataDownloadTimeoutInSeconds": 600,
        "ContainerStartupHealthCheckTimeoutInSeconds": 300,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-2",
    }
    assert challenger["ModelName"]["Fn::GetAtt"][1] == "ModelName"


def test_every_model_s_role_may_capture_and_use_the_key(two_models: dict[str, Any]) -> None:
    assert len(of_type(two_models, POLICY)) == 2
    assert len(allowed(two_models, "s3:PutObject")) == 2
    assert len(allowed(two_models, "kms:CreateGrant")) == 2


def test_the_configuration_waits_for_the_policies_and_has_no_name(
    two_models: dict[str, Any],
) -> None:
    (config,) = of_type(two_models, CONFIG).values()
    assert set(of_type(two_models, POLICY)) <= set(config["DependsOn"])
    assert "EndpointConfigName" not in config["Properties"]


def test_a_role_that_models_share_is_granted_once() -> None:
    # given
    made = stack()
    champion = SageMakerModel(made, "Champion", image=IMAGE)
    challenger = SageMakerModel(made, "Challenger", image=NEXT_IMAGE, role=champion.role)

    # when
    config = SageMakerEndpointConfig(
        made,
        "Config",
        variants=[*instances(champion, "A"), *instances(challenger, "B")],
        data_capture=capture(made),
    )

    # then
    assert config.roles == (champion.role,)
    assert len(allowed(resources(made), "s3:PutObject")) == 1


def test_a_shadow_variant_gets_copies_of_the_requests() -> None:
    # given
    made = stack()
    champion = SageMakerModel(made, "Champion", image=IMAGE)
    challenger = SageMakerModel(made, "Challenger", image=NEXT_IMAGE)

    # when
    SageMakerEndpointConfig(
        made,
        "Config",
        variants=[InstanceVariant(model=champion)],
        shadow_variants=[InstanceVariant(model=challenger, name="Shadow", weight=0.5)],
    )

    # then
    (shadow,) = properties(resources(made), CONFIG)["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["InitialVariantWeight"]) == ("Shadow", 0.5)
    assert flat(shadow["ModelName"]).startswith("<Challenger")


def test_serverless_has_no_instances() -> None:
    # given
    made = stack()
    model = SageMakerModel(made, "Model", image=IMAGE)
    variant = ServerlessVariant(model=model, memory_mb=4096, provisioned_concurrency=2)

    # when
    SageMakerEndpointConfig(made, "Config", variants=[variant])

    # then
    found = resources(made)
    (model_id,) = of_type(found, MODEL)
    assert properties(found, CONFIG) == {
        "ProductionVariants": [
            {
                "VariantName": "AllTraffic",
                "ModelName": {"Fn::GetAtt": [model_id, "ModelName"]},
                "InitialVariantWeight": 1,
                "ServerlessConfig": {
                    "MemorySizeInMB": 4096,
                    "MaxConcurrency": 5,
                    "ProvisionedConcurrency": 2,
                },
            }
        ]
    }


@pytest.mark.parametrize(
    ("instance_type", "warnings"), [("ml.m5.large", 0), ("ml.g5.xlarge", 2), ("ml.m5d.large", 2)]
)
def test_a_volume_or_key_for_local_storage_is_warned_of(instance_type: str, warnings: int) -> None:
    # given
    made = stack()
    model = SageMakerModel(made, "Model", image=IMAGE)

    # when
    SageMakerEndpointConfig(
        made,
        "Config",
        variants=[InstanceVariant(model=model, instance_type=instance_type, volume_gb=10)],
        encryption_key=kms.Key(made, "Key"),
    )

    # then
    found = Annotations.from_stack(made).find_warning(
        "*", Match.string_like_regexp(f"with {instance_type}: SageMaker refuses it")
    )
    assert len(found) == warnings
