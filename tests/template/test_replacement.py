"""What CloudFormation does to a deployed endpoint when one argument of a construct changes.

Every argument is in `CHANGES`, with what is replaced, updated, added and removed. Which properties
CloudFormation cannot update in place is read from its own schemas, which cfn-lint ships.
"""

from __future__ import annotations

import dataclasses
import inspect
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]

from cdk_constructs.data import ModelData
from cdk_constructs.endpoint import SageMakerEndpoint
from cdk_constructs.endpoint_config import SageMakerEndpointConfig
from cdk_constructs.inference import AsyncInference, DataCapture
from cdk_constructs.model import ModelContainer, SageMakerModel
from cdk_constructs.model_endpoint import EndpointAlarms, ModelEndpoint
from cdk_constructs.network import Network
from cdk_constructs.rollouts import AllAtOnce, Canary, Linear, Rolling, Rollout
from cdk_constructs.scaling import BACKLOG, INVOCATIONS, Scaling
from cdk_constructs.variants import InstanceVariant, ServerlessVariant
from tests.template.serving import (
    ALARM,
    CONFIG,
    ENDPOINT,
    IMAGE,
    MODEL,
    NETWORK,
    NEXT_IMAGE,
    POLICY,
    SCALING_POLICY,
    SCALING_TARGET,
    of_type,
    resources,
    stack,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from aws_cdk import Stack

ROLE = "AWS::IAM::Role"
DASHBOARD = "AWS::CloudWatch::Dashboard"
LOGS = "AWS::Logs::LogGroup"
GROUP = "AWS::EC2::SecurityGroup"

Resources = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Effect:
    """Types of the resources that an update touches, and how."""

    replaced: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()

    def __or__(self, other: Effect) -> Effect:
        mine, others = dataclasses.astuple(self), dataclasses.astuple(other)
        return Effect(*(one | another for one, another in zip(mine, others, strict=True)))


def replaced(*types: str) -> Effect:
    return Effect(replaced=frozenset(types))


def updated(*types: str) -> Effect:
    return Effect(updated=frozenset(types))


def added(*types: str) -> Effect:
    return Effect(added=frozenset(types))


def removed(*types: str) -> Effect:
    return Effect(removed=frozenset(types))


def moved(*types: str) -> Effect:
    """Return that resources leave, and others of the same types come."""
    return added(*types) | removed(*types)


NEW_CONFIG = replaced(CONFIG) | updated(ENDPOINT)
NEW_MODEL = NEW_CONFIG | replaced(MODEL)


class Shared:
    """What may be in the stack beside the construct, made when it is first asked for."""

    def __init__(self, scope: Stack) -> None:
        self.scope = scope

    @cached_property
    def bucket(self) -> s3.Bucket:
        return s3.Bucket(self.scope, "Bucket")

    @cached_property
    def other_bucket(self) -> s3.Bucket:
        return s3.Bucket(self.scope, "OtherBucket")

    @cached_property
    def key(self) -> kms.Key:
        return kms.Key(self.scope, "Key")

    @cached_property
    def topic(self) -> sns.Topic:
        return sns.Topic(self.scope, "Topic")

    @cached_property
    def other_topic(self) -> sns.Topic:
        return sns.Topic(self.scope, "OtherTopic")

    @cached_property
    def model(self) -> SageMakerModel:
        return SageMakerModel(self.scope, "SharedModel", image=IMAGE)

    @cached_property
    def other_model(self) -> SageMakerModel:
        return SageMakerModel(self.scope, "OtherModel", image=NEXT_IMAGE)

    @cached_property
    def config(self) -> SageMakerEndpointConfig:
        return config(self.scope, "SharedConfig", self.model)

    @cached_property
    def other_config(self) -> SageMakerEndpointConfig:
        return config(self.scope, "OtherConfig", self.other_model)

    @cached_property
    def role(self) -> iam.IRole:
        arn = "arn:aws:iam::123456789012:role/other"
        return iam.Role.from_role_arn(self.scope, "Role", arn)

    @cached_property
    def alarm(self) -> cloudwatch.IAlarm:
        arn = "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:other"
        return cloudwatch.Alarm.from_alarm_arn(self.scope, "Alarm", arn)

    @cached_property
    def group(self) -> ec2.ISecurityGroup:
        return ec2.SecurityGroup.from_security_group_id(self.scope, "Group", "sg-0a1b2c09")

    @cached_property
    def vpc(self) -> ec2.IVpc:
        return vpc(self.scope, 1)

    @cached_property
    def other_vpc(self) -> ec2.IVpc:
        return vpc(self.scope, 2)


def config(scope: Stack, construct_id: str, model: SageMakerModel) -> SageMakerEndpointConfig:
    variant = InstanceVariant(model=model)
    return SageMakerEndpointConfig(scope, construct_id, variants=[variant])


Arguments = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One argument that is changed, and what comes of it.

    Args:
        effect: What CloudFormation does.
        before: The arguments at first.
        after: Those that are changed.
        make: The construct, or what else takes the arguments.
    """

    effect: Effect
    after: Callable[[Shared], Arguments]
    before: Callable[[Shared], Arguments]
    make: Callable[[Stack, Arguments], object] = field(
        default=lambda scope, given: ModelEndpoint(scope, "Churn", **given)
    )

    def templates(self) -> tuple[Resources, Resources]:
        return self._template(changed=False), self._template(changed=True)

    def _template(self, *, changed: bool) -> Resources:
        made = stack()
        shared = Shared(made)
        # Both are asked for, so that what is shared is in both templates.
        before, after = self.before(shared), self.after(shared)
        self.make(made, before | after if changed else before)
        return resources(made)


SCALING = Scaling.on_invocations(600, min_capacity=1, max_capacity=4)
VARIANT = InstanceVariant(scaling=SCALING)
SERVERLESS = ServerlessVariant(
    provisioned_concurrency=2,
    scaling=Scaling.on_provisioned_concurrency(0.7, min_capacity=1, max_capacity=5),
)
ALARMS = EndpointAlarms()
WATCHED = AllAtOnce(termination_wait_seconds=120)
CONTAINER = ModelContainer(image=IMAGE, hostname="first", environment={"A": "1"})
SECOND = ModelContainer(image=IMAGE, hostname="second")
DATA = ModelData.from_uri("s3://models/1/model.tar.gz")
NEXT_DATA = ModelData.from_uri("s3://models/2/model.tar.gz")


def base(shared: Shared) -> Arguments:
    """Return an endpoint that scales, and is watched while it is updated."""
    return {
        "image": IMAGE,
        "data": DATA,
        "environment": {"A": "1"},
        "variants": [VARIANT],
        "endpoint_name": "churn",
        "rollout": Canary(),
        "alarms": ALARMS,
    }


def plain(shared: Shared) -> Arguments:
    return {"image": IMAGE}


def endpoint(effect: Effect, **after: Any) -> Change:
    return Change(effect, lambda shared: after, base)


def shared_endpoint(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    return Change(effect, after, base)


def variant(effect: Effect, **after: Any) -> Change:
    return endpoint(effect, variants=[replace(VARIANT, **after)])


def serverless(effect: Effect, **after: Any) -> Change:
    return Change(
        effect,
        lambda shared: {"variants": [replace(SERVERLESS, **after)]},
        lambda shared: {"image": IMAGE, "variants": [SERVERLESS]},
    )


def scaling(effect: Effect, **after: Any) -> Change:
    return variant(effect, scaling=replace(SCALING, **after))


def rollout(before: Rollout, **after: Any) -> Change:
    return Change(
        updated(ENDPOINT),
        lambda shared: {"rollout": replace(before, **after)},
        lambda shared: base(shared) | {"rollout": before},
    )


def alarms(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    return shared_endpoint(effect, lambda shared: {"alarms": replace(ALARMS, **after(shared))})


def queue(shared: Shared) -> AsyncInference:
    return AsyncInference(bucket=shared.bucket, success_topic=shared.topic)


def queued(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    return Change(
        effect,
        lambda shared: {"async_inference": replace(queue(shared), **after(shared))},
        lambda shared: plain(shared) | {"async_inference": queue(shared)},
    )


def captured(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    def capture(shared: Shared) -> DataCapture:
        return DataCapture(bucket=shared.bucket)

    return Change(
        effect,
        lambda shared: {"data_capture": replace(capture(shared), **after(shared))},
        lambda shared: plain(shared) | {"data_capture": capture(shared)},
    )


def container(effect: Effect, **after: Any) -> Change:
    return Change(
        effect,
        lambda shared: {"pipeline": [replace(CONTAINER, **after), SECOND]},
        lambda shared: {"pipeline": [CONTAINER, SECOND]},
    )


def by_ids(**after: list[str]) -> Change:
    ids = {"subnets": ["subnet-0a1b2c01"], "security_groups": ["sg-0a1b2c01"]}
    return Change(
        NEW_MODEL | updated(POLICY),
        lambda shared: {"network": Network.from_ids(**ids | after)},
        lambda shared: plain(shared) | {"network": Network.from_ids(**ids)},
    )


def by_vpc(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    """Change an argument of a network in a VPC, where the model has a group of its own."""

    def network(shared: Shared, more: Arguments) -> Arguments:
        given: Arguments = {"vpc": shared.vpc, **more}
        return {"network": Network.from_vpc(**given)}

    return Change(
        effect,
        lambda shared: network(shared, after(shared)),
        lambda shared: plain(shared) | network(shared, {}),
    )


def vpc(scope: Stack, number: int) -> ec2.IVpc:
    return ec2.Vpc.from_vpc_attributes(
        scope,
        f"Vpc{number}",
        vpc_id=f"vpc-0a1b2c{number:02}",
        availability_zones=["eu-west-1a"],
        public_subnet_ids=[f"subnet-0a1b2c{number:02}"],
        private_subnet_ids=[f"subnet-0a1b2d{number:02}"],
    )


def model(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    """Change an argument of a model that an endpoint serves."""

    def make(scope: Stack, given: Arguments) -> object:
        made = SageMakerModel(scope, "Model", **given)
        made_config = config(scope, "Config", made)
        return SageMakerEndpoint(scope, "Endpoint", config=made_config)

    return Change(effect, after, lambda shared: {"image": IMAGE, "data": DATA}, make)


def endpoint_config(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    """Change an argument of a configuration that an endpoint has."""

    def make(scope: Stack, given: Arguments) -> object:
        made = SageMakerEndpointConfig(scope, "Config", **given)
        return SageMakerEndpoint(scope, "Endpoint", config=made)

    return Change(
        effect, after, lambda shared: {"variants": [InstanceVariant(model=shared.model)]}, make
    )


def bare_endpoint(effect: Effect, after: Callable[[Shared], Arguments]) -> Change:
    return Change(
        effect,
        after,
        lambda shared: {"config": shared.config, "endpoint_name": "churn"},
        lambda scope, given: SageMakerEndpoint(scope, "Endpoint", **given),
    )


def load(before: str, after: str) -> Change:
    """Change what a scaling measures, which changes the kind of endpoint too."""

    def make(scope: Stack, given: Arguments) -> object:
        of = replace(SCALING, load=given["load"])
        return of.bind(scope, "churn", "AllTraffic")

    return Change(
        updated(SCALING_POLICY),
        lambda shared: {"load": after},
        lambda shared: {"load": before},
        make,
    )


ANOTHER_MODEL = {"image": None, "data": None, "environment": None}
SCALING_MOVES = moved(SCALING_TARGET, SCALING_POLICY)

CHANGES: Mapping[str, Change] = {
    "ModelEndpoint.image": endpoint(NEW_MODEL, image=NEXT_IMAGE),
    "ModelEndpoint.data": endpoint(NEW_MODEL | updated(POLICY), data=NEXT_DATA),
    "ModelEndpoint.environment": endpoint(NEW_MODEL, environment={"A": "2"}),
    "ModelEndpoint.pipeline": endpoint(
        NEW_MODEL | updated(POLICY), **ANOTHER_MODEL, pipeline=[CONTAINER, SECOND]
    ),
    "ModelEndpoint.role": shared_endpoint(
        NEW_MODEL | removed(ROLE) | moved(POLICY) | updated(POLICY),
        lambda shared: {"role": shared.role},
    ),
    "ModelEndpoint.network": endpoint(NEW_MODEL | updated(POLICY), network=NETWORK),
    "ModelEndpoint.network_isolation": endpoint(NEW_MODEL, network_isolation=True),
    "ModelEndpoint.model": shared_endpoint(
        NEW_CONFIG | removed(MODEL, ROLE, POLICY) | updated(POLICY),
        lambda shared: ANOTHER_MODEL | {"model": shared.model},
    ),
    "ModelEndpoint.variants": endpoint(
        NEW_CONFIG | added(ALARM) | updated(POLICY),
        variants=[VARIANT, InstanceVariant(name="Challenger")],
    ),
    "ModelEndpoint.shadow_variants": endpoint(
        NEW_CONFIG, shadow_variants=[InstanceVariant(name="Shadow")]
    ),
    "ModelEndpoint.async_inference": Change(
        NEW_CONFIG | updated(POLICY), lambda shared: {"async_inference": queue(shared)}, plain
    ),
    "ModelEndpoint.data_capture": shared_endpoint(
        NEW_CONFIG | updated(POLICY),
        lambda shared: {"data_capture": DataCapture(bucket=shared.bucket)},
    ),
    "ModelEndpoint.encryption_key": shared_endpoint(
        NEW_CONFIG | updated(POLICY), lambda shared: {"encryption_key": shared.key}
    ),
    "ModelEndpoint.endpoint_name": endpoint(
        replaced(ENDPOINT, SCALING_TARGET, SCALING_POLICY) | updated(ALARM),
        endpoint_name="churn-2",
    ),
    "ModelEndpoint.rollout": endpoint(updated(ENDPOINT), rollout=Linear()),
    "ModelEndpoint.alarms": endpoint(updated(ALARM), alarms=EndpointAlarms(errors_5xx=9)),
    "ModelEndpoint.rollback_alarms": shared_endpoint(
        updated(ENDPOINT, POLICY), lambda shared: {"rollback_alarms": [shared.alarm]}
    ),
    "ModelEndpoint.retain_variant_properties": endpoint(
        updated(ENDPOINT), retain_variant_properties=False
    ),
    "ModelEndpoint.dashboard": endpoint(added(DASHBOARD), dashboard=True),
    "ModelEndpoint.log_retention_days": endpoint(added(LOGS), log_retention_days=30),
    "SageMakerModel.image": model(NEW_MODEL, lambda shared: {"image": NEXT_IMAGE}),
    "SageMakerModel.data": model(NEW_MODEL | updated(POLICY), lambda shared: {"data": NEXT_DATA}),
    "SageMakerModel.environment": model(NEW_MODEL, lambda shared: {"environment": {"A": "2"}}),
    "SageMakerModel.pipeline": model(
        NEW_MODEL | updated(POLICY),
        lambda shared: {"image": None, "data": None, "pipeline": [CONTAINER, SECOND]},
    ),
    "SageMakerModel.role": model(
        NEW_MODEL | removed(ROLE) | moved(POLICY), lambda shared: {"role": shared.role}
    ),
    "SageMakerModel.network": model(
        NEW_MODEL | updated(POLICY), lambda shared: {"network": NETWORK}
    ),
    "SageMakerModel.network_isolation": model(
        NEW_MODEL, lambda shared: {"network_isolation": True}
    ),
    "SageMakerEndpointConfig.variants": endpoint_config(
        NEW_CONFIG,
        lambda shared: {"variants": [InstanceVariant(model=shared.model, instance_count=2)]},
    ),
    "SageMakerEndpointConfig.shadow_variants": endpoint_config(
        NEW_CONFIG,
        lambda shared: {
            "shadow_variants": [InstanceVariant(model=shared.other_model, name="Shadow")]
        },
    ),
    "SageMakerEndpointConfig.async_inference": endpoint_config(
        NEW_CONFIG | updated(POLICY), lambda shared: {"async_inference": queue(shared)}
    ),
    "SageMakerEndpointConfig.data_capture": endpoint_config(
        NEW_CONFIG | updated(POLICY),
        lambda shared: {"data_capture": DataCapture(bucket=shared.bucket)},
    ),
    "SageMakerEndpointConfig.encryption_key": endpoint_config(
        NEW_CONFIG | updated(POLICY), lambda shared: {"encryption_key": shared.key}
    ),
    "SageMakerEndpoint.config": bare_endpoint(
        updated(ENDPOINT), lambda shared: {"config": shared.other_config}
    ),
    "SageMakerEndpoint.endpoint_name": bare_endpoint(
        replaced(ENDPOINT), lambda shared: {"endpoint_name": "churn-2"}
    ),
    "SageMakerEndpoint.rollout": bare_endpoint(
        updated(ENDPOINT), lambda shared: {"rollout": Canary()}
    ),
    "SageMakerEndpoint.alarms": bare_endpoint(
        updated(ENDPOINT) | added(POLICY), lambda shared: {"alarms": [shared.alarm]}
    ),
    "SageMakerEndpoint.retain_variant_properties": bare_endpoint(
        updated(ENDPOINT), lambda shared: {"retain_variant_properties": True}
    ),
    "ModelContainer.image": container(NEW_MODEL, image=NEXT_IMAGE),
    "ModelContainer.data": container(NEW_MODEL | updated(POLICY), data=DATA),
    "ModelContainer.environment": container(NEW_MODEL, environment={"A": "2"}),
    "ModelContainer.hostname": container(NEW_MODEL, hostname="other"),
    "InstanceVariant.model": endpoint_config(
        NEW_CONFIG, lambda shared: {"variants": [InstanceVariant(model=shared.other_model)]}
    ),
    "InstanceVariant.instance_type": variant(NEW_CONFIG, instance_type="ml.c7i.large"),
    "InstanceVariant.instance_count": variant(NEW_CONFIG, instance_count=2),
    "InstanceVariant.name": variant(
        NEW_CONFIG | SCALING_MOVES | moved(ALARM) | updated(POLICY), name="Blue"
    ),
    "InstanceVariant.weight": variant(NEW_CONFIG, weight=2),
    "InstanceVariant.scaling": variant(
        removed(SCALING_TARGET, SCALING_POLICY) | updated(ENDPOINT), scaling=None
    ),
    "InstanceVariant.volume_gb": variant(NEW_CONFIG, volume_gb=50),
    "InstanceVariant.download_timeout_seconds": variant(NEW_CONFIG, download_timeout_seconds=600),
    "InstanceVariant.startup_timeout_seconds": variant(NEW_CONFIG, startup_timeout_seconds=600),
    "InstanceVariant.routing": variant(NEW_CONFIG, routing="RANDOM"),
    "InstanceVariant.inference_ami_version": variant(
        NEW_CONFIG, inference_ami_version="al2-ami-sagemaker-inference-gpu-2"
    ),
    "ServerlessVariant.model": endpoint_config(
        NEW_CONFIG, lambda shared: {"variants": [ServerlessVariant(model=shared.other_model)]}
    ),
    "ServerlessVariant.memory_mb": serverless(NEW_CONFIG, memory_mb=4096),
    "ServerlessVariant.max_concurrency": serverless(NEW_CONFIG, max_concurrency=10),
    "ServerlessVariant.provisioned_concurrency": serverless(NEW_CONFIG, provisioned_concurrency=3),
    "ServerlessVariant.name": serverless(NEW_CONFIG | SCALING_MOVES, name="Blue"),
    "ServerlessVariant.weight": serverless(NEW_CONFIG, weight=2),
    "ServerlessVariant.scaling": serverless(
        removed(SCALING_TARGET, SCALING_POLICY) | updated(ENDPOINT), scaling=None
    ),
    "Scaling.load": load(INVOCATIONS, BACKLOG),
    "Scaling.target": scaling(updated(SCALING_POLICY), target=60),
    "Scaling.min_capacity": Change(
        updated(SCALING_TARGET),
        lambda shared: {
            "variants": [
                replace(VARIANT, scaling=replace(SCALING, min_capacity=2), instance_count=2)
            ]
        },
        lambda shared: base(shared) | {"variants": [replace(VARIANT, instance_count=2)]},
    ),
    "Scaling.max_capacity": scaling(updated(SCALING_TARGET), max_capacity=9),
    "Scaling.scale_in_cooldown_seconds": scaling(
        updated(SCALING_POLICY), scale_in_cooldown_seconds=60
    ),
    "Scaling.scale_out_cooldown_seconds": scaling(
        updated(SCALING_POLICY), scale_out_cooldown_seconds=60
    ),
    "AsyncInference.bucket": queued(
        NEW_CONFIG | updated(POLICY), lambda shared: {"bucket": shared.other_bucket}
    ),
    "AsyncInference.prefix": queued(
        NEW_CONFIG | updated(POLICY), lambda shared: {"prefix": "results/"}
    ),
    "AsyncInference.failure_prefix": queued(
        NEW_CONFIG | updated(POLICY), lambda shared: {"failure_prefix": None}
    ),
    "AsyncInference.input_prefix": queued(
        updated(POLICY), lambda shared: {"input_prefix": "requests/"}
    ),
    "AsyncInference.max_concurrent_per_instance": queued(
        NEW_CONFIG, lambda shared: {"max_concurrent_per_instance": 4}
    ),
    "AsyncInference.success_topic": queued(
        NEW_CONFIG | updated(POLICY), lambda shared: {"success_topic": shared.other_topic}
    ),
    "AsyncInference.error_topic": queued(
        NEW_CONFIG | updated(POLICY), lambda shared: {"error_topic": shared.other_topic}
    ),
    "AsyncInference.encryption_key": queued(
        NEW_CONFIG | updated(POLICY), lambda shared: {"encryption_key": shared.key}
    ),
    "DataCapture.bucket": captured(
        NEW_CONFIG | updated(POLICY), lambda shared: {"bucket": shared.other_bucket}
    ),
    "DataCapture.prefix": captured(NEW_CONFIG | updated(POLICY), lambda shared: {"prefix": "k/"}),
    "DataCapture.sampling_percent": captured(NEW_CONFIG, lambda shared: {"sampling_percent": 10}),
    "DataCapture.capture_input": captured(NEW_CONFIG, lambda shared: {"capture_input": False}),
    "DataCapture.capture_output": captured(NEW_CONFIG, lambda shared: {"capture_output": False}),
    "DataCapture.encryption_key": captured(
        NEW_CONFIG | updated(POLICY), lambda shared: {"encryption_key": shared.key}
    ),
    "DataCapture.csv_content_types": captured(NEW_CONFIG, lambda shared: {"csv_content_types": []}),
    "DataCapture.json_content_types": captured(
        NEW_CONFIG, lambda shared: {"json_content_types": []}
    ),
    "AllAtOnce.termination_wait_seconds": rollout(WATCHED, termination_wait_seconds=60),
    "AllAtOnce.max_execution_seconds": rollout(WATCHED, max_execution_seconds=3600),
    "Canary.percent": rollout(Canary(), percent=20),
    "Canary.instances": Change(
        updated(ENDPOINT),
        lambda shared: {"rollout": Canary(instances=2)},
        lambda shared: (
            base(shared)
            | {"variants": [InstanceVariant(instance_count=4)], "rollout": Canary(instances=1)}
        ),
    ),
    "Canary.wait_seconds": rollout(Canary(), wait_seconds=60),
    "Canary.termination_wait_seconds": rollout(Canary(), termination_wait_seconds=60),
    "Canary.max_execution_seconds": rollout(Canary(), max_execution_seconds=3600),
    "Linear.step_percent": rollout(Linear(), step_percent=50),
    "Linear.wait_seconds": rollout(Linear(), wait_seconds=60),
    "Linear.termination_wait_seconds": rollout(Linear(), termination_wait_seconds=60),
    "Linear.max_execution_seconds": rollout(Linear(), max_execution_seconds=3600),
    "Rolling.batch_percent": rollout(Rolling(), batch_percent=50),
    "Rolling.wait_seconds": rollout(Rolling(), wait_seconds=60),
    "Rolling.rollback_batch_percent": rollout(Rolling(), rollback_batch_percent=100),
    "Rolling.max_execution_seconds": rollout(Rolling(), max_execution_seconds=3600),
    "EndpointAlarms.errors_5xx": alarms(updated(ALARM), lambda shared: {"errors_5xx": 9}),
    "EndpointAlarms.model_latency_ms": alarms(
        added(ALARM) | updated(ENDPOINT, POLICY), lambda shared: {"model_latency_ms": 100}
    ),
    "EndpointAlarms.evaluation_periods": alarms(
        updated(ALARM), lambda shared: {"evaluation_periods": 3}
    ),
    "EndpointAlarms.period_seconds": alarms(updated(ALARM), lambda shared: {"period_seconds": 300}),
    "EndpointAlarms.topic": alarms(updated(ALARM), lambda shared: {"topic": shared.topic}),
    "Network.from_ids.subnets": by_ids(subnets=["subnet-0a1b2c02"]),
    "Network.from_ids.security_groups": by_ids(security_groups=["sg-0a1b2c02"]),
    "Network.from_vpc.vpc": by_vpc(
        NEW_MODEL | replaced(GROUP) | updated(POLICY), lambda shared: {"vpc": shared.other_vpc}
    ),
    "Network.from_vpc.subnets": by_vpc(
        NEW_MODEL | updated(POLICY),
        lambda shared: {"subnets": ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC)},
    ),
    "Network.from_vpc.security_groups": by_vpc(
        NEW_MODEL | removed(GROUP) | updated(POLICY),
        lambda shared: {"security_groups": [shared.group]},
    ),
}

OWNERS = (
    ModelEndpoint,
    SageMakerModel,
    SageMakerEndpointConfig,
    SageMakerEndpoint,
    ModelContainer,
    InstanceVariant,
    ServerlessVariant,
    Scaling,
    AsyncInference,
    DataCapture,
    AllAtOnce,
    Canary,
    Linear,
    Rolling,
    EndpointAlarms,
)
FACTORIES = {
    "Network.from_ids": Network.from_ids,
    "Network.from_vpc": Network.from_vpc,
}
NOT_SETTINGS = {"self", "scope", "construct_id"}

EVERY = pytest.mark.parametrize("argument", CHANGES)


def arguments() -> Iterable[str]:
    """Yield every argument of the serving constructs, as `CHANGES` names it."""
    # The metaclass of constructs hides the arguments of the class itself.
    takers: dict[str, Any] = {owner.__name__: vars(owner)["__init__"] for owner in OWNERS}
    for name, taker in (takers | FACTORIES).items():
        for parameter in inspect.signature(taker).parameters:
            if parameter not in NOT_SETTINGS:
                yield f"{name}.{parameter}"


@cache
def templates(argument: str) -> tuple[Resources, Resources]:
    return CHANGES[argument].templates()


@cache
def fixed(kind: str) -> tuple[tuple[str, ...], ...]:
    """Return the paths of the properties of a type that CloudFormation cannot update."""
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    pointers = schema.get("createOnlyProperties", [])
    return tuple(tuple(pointer.removeprefix("/properties/").split("/")) for pointer in pointers)


def at(path: Iterable[str], resource: Mapping[str, Any]) -> Any:
    value: Any = resource.get("Properties", {})
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def refers(value: Any, names: set[str]) -> bool:
    """Return whether a value of a template refers to one of some resources."""
    match value:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return name in names
        case dict():
            return any(refers(each, names) for each in value.values())
        case list():
            return any(refers(each, names) for each in value)
    return False


def effect(before: Resources, after: Resources) -> Effect:
    """Return what CloudFormation does to get from one template to another.

    What refers to a replaced resource gets another value, and may thus be replaced in turn.
    """
    kept = before.keys() & after.keys()
    gone: set[str] = set()
    while True:
        more = {
            name
            for name in kept - gone
            for path in fixed(after[name]["Type"])
            if at(path, before[name]) != at(path, after[name])
            or refers(at(path, after[name]), gone)
        }
        if not more:
            break
        gone |= more
    touched = {
        name
        for name in kept - gone
        if before[name].get("Properties") != after[name].get("Properties")
        or refers(after[name].get("Properties"), gone)
    }

    def types(found: Resources, names: Iterable[str]) -> frozenset[str]:
        return frozenset(found[name]["Type"] for name in names)

    return Effect(
        replaced=types(after, gone),
        updated=types(after, touched),
        added=types(after, after.keys() - before.keys()),
        removed=types(before, before.keys() - after.keys()),
    )


def test_every_argument_is_in_the_table() -> None:
    assert set(CHANGES) == set(arguments())


def test_the_schemas_say_what_is_replaced() -> None:
    assert fixed(ENDPOINT) == (("EndpointName",),)
    assert set(fixed(SCALING_TARGET)) == {
        ("ResourceId",),
        ("ScalableDimension",),
        ("ServiceNamespace",),
    }
    assert ("ProductionVariants",) in fixed(CONFIG)
    assert ("PrimaryContainer",) in fixed(MODEL)


@EVERY
def test_a_change_does_this_and_nothing_else(argument: str) -> None:
    before, after = templates(argument)
    assert effect(before, after) == CHANGES[argument].effect


def test_a_scaled_count_stays_while_a_variant_does_not_scale() -> None:
    # The way to another instance type, which SageMaker refuses while a variant scales.
    # given
    def template(**more: Any) -> Resources:
        made = stack()
        ModelEndpoint(made, "Churn", image=IMAGE, **more)
        return resources(made)

    fixed_count = {"retain_variant_properties": True}
    other_type = InstanceVariant(instance_type="ml.c7i.large")
    steps = [
        template(variants=[VARIANT]),
        template(**fixed_count),
        template(variants=[other_type], **fixed_count),
        template(variants=[replace(other_type, scaling=SCALING)]),
    ]

    # when
    first, second, third = (effect(*pair) for pair in pairwise(steps))

    # then
    assert first == removed(SCALING_TARGET, SCALING_POLICY)
    assert second == NEW_CONFIG
    assert third == added(SCALING_TARGET, SCALING_POLICY)
    assert "retain_variant_properties=True" in str(Scaling.__doc__)


@EVERY
def test_every_change_is_seen(argument: str) -> None:
    assert CHANGES[argument].effect != Effect()


def test_only_a_new_name_replaces_an_endpoint() -> None:
    replacing = {
        argument for argument, change in CHANGES.items() if ENDPOINT in change.effect.replaced
    }
    assert replacing == {"ModelEndpoint.endpoint_name", "SageMakerEndpoint.endpoint_name"}
    for owner in (ModelEndpoint, SageMakerEndpoint):
        assert "a change replaces the endpoint" in str(owner.__doc__)


@EVERY
def test_an_endpoint_and_its_configuration_keep_their_logical_ids(argument: str) -> None:
    before, after = templates(argument)
    for kind in (ENDPOINT, CONFIG):
        assert of_type(before, kind).keys() == of_type(after, kind).keys()


@EVERY
def test_a_model_keeps_its_logical_id_unless_another_is_served(argument: str) -> None:
    before, after = templates(argument)
    kept = of_type(before, MODEL).keys() == of_type(after, MODEL).keys()
    assert kept is (argument != "ModelEndpoint.model")


@EVERY
def test_what_is_replaced_has_no_name_of_its_own(argument: str) -> None:
    names = {MODEL: "ModelName", CONFIG: "EndpointConfigName"}
    for template in templates(argument):
        for kind, name in names.items():
            found = of_type(template, kind).values()
            assert bool(found) is (argument != "Scaling.load")
            assert all(name not in each["Properties"] for each in found)


def test_a_replaced_resource_is_found_through_others() -> None:
    # given
    before = {
        "Model": {"Type": MODEL, "Properties": {"PrimaryContainer": {"Image": "one"}}},
        "Config": {
            "Type": CONFIG,
            "Properties": {"ProductionVariants": [{"ModelName": {"Fn::GetAtt": ["Model", "X"]}}]},
        },
        "Endpoint": {
            "Type": ENDPOINT,
            "Properties": {"EndpointConfigName": {"Fn::GetAtt": ["Config", "X"]}},
        },
    }
    after = before | {
        "Model": {"Type": MODEL, "Properties": {"PrimaryContainer": {"Image": "two"}}}
    }

    # then
    assert effect(before, after) == NEW_MODEL
    assert effect(before, before) == Effect()
