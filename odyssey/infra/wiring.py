"""Settings of ``odyssey.toml`` as the value objects of ``cdk_constructs``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Aws
from constructs import Construct

from cdk_constructs import (
    AllAtOnce,
    AsyncInference,
    Canary,
    DataCapture,
    EndpointAlarms,
    InstanceVariant,
    Linear,
    ModelData,
    Network,
    Rolling,
    Scaling,
    ServerlessVariant,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns

    from odyssey.config import Config

    OwnBucket = Callable[[Construct], s3.IBucket]

    Rollout = AllAtOnce | Canary | Linear | Rolling

NO_MODEL = "none"
"""The model of an image that has its model inside."""


def model_data(scope: Construct, settings: Config) -> ModelData:
    """Return where the model is."""
    uri = settings.artifacts.model
    if uri == NO_MODEL:
        return ModelData.none()
    arn = settings.artifacts.kms_key or settings.foundation.kms_key
    return ModelData.from_uri(uri, encryption_key=key(scope, "ModelKey", arn))


def variant(settings: Config) -> InstanceVariant | ServerlessVariant:
    """Return the one variant of the endpoint."""
    endpoint = settings.endpoint
    if endpoint.kind == "serverless":
        return ServerlessVariant(
            memory_mb=endpoint.memory_mb,
            max_concurrency=endpoint.max_concurrency,
            provisioned_concurrency=endpoint.provisioned_concurrency or None,
            scaling=scaling(settings),
        )
    return InstanceVariant(
        instance_type=endpoint.instance_type,
        instance_count=endpoint.instance_count,
        volume_gb=endpoint.volume_gb or None,
        startup_timeout_seconds=endpoint.startup_timeout,
        scaling=scaling(settings),
    )


def scaling(settings: Config) -> Scaling | None:
    """Return how capacity follows load, or None without a maximum."""
    wanted = settings.scaling
    if not wanted.max_capacity:
        return None
    limits = {
        "min_capacity": wanted.min_capacity,
        "max_capacity": wanted.max_capacity,
        "scale_in_cooldown_seconds": wanted.scale_in_cooldown,
        "scale_out_cooldown_seconds": wanted.scale_out_cooldown,
    }
    if settings.endpoint.kind == "serverless":
        return Scaling.on_provisioned_concurrency(wanted.utilization, **limits)
    if settings.endpoint.kind == "async":
        return Scaling.on_backlog(wanted.backlog_per_instance, **limits)
    return Scaling.on_invocations(wanted.invocations_per_instance, **limits)


def rollout(settings: Config) -> Rollout | None:
    """Return how traffic moves to what is new, or None where SageMaker moves it at once."""
    wanted = settings.rollout
    at_once = wanted.kind == "all-at-once" and not wanted.termination_wait
    if at_once or settings.endpoint.kind == "serverless":
        return None
    end = {"termination_wait_seconds": wanted.termination_wait}
    if wanted.kind == "canary":
        return Canary(percent=wanted.percent, wait_seconds=wanted.wait, **end)
    if wanted.kind == "linear":
        return Linear(step_percent=wanted.percent, wait_seconds=wanted.wait, **end)
    if wanted.kind == "rolling":
        return Rolling(batch_percent=wanted.percent, wait_seconds=wanted.wait)
    return AllAtOnce(**end)


def alarms(scope: Construct, settings: Config) -> EndpointAlarms | None:
    """Return the alarms that were asked for, or that a gradual rollout needs; else None."""
    wanted = settings.alarms
    gradual = settings.rollout.kind != "all-at-once" and settings.endpoint.kind != "serverless"
    errors = wanted.errors_5xx or (1 if gradual else None)
    if errors is None and not wanted.model_latency_ms:
        return None
    return EndpointAlarms(
        errors_5xx=errors,
        model_latency_ms=wanted.model_latency_ms or None,
        topic=topic(scope, "AlarmTopic", wanted.topic),
    )


def data_capture(scope: Construct, settings: Config, own: OwnBucket) -> DataCapture | None:
    """Return the capture of requests and answers, or None without a share."""
    wanted = settings.data_capture
    if not wanted.percent:
        return None
    bucket, prefix = place(scope, "CaptureBucket", wanted.uri, own, "capture/")
    return DataCapture(
        bucket=bucket,
        prefix=prefix,
        sampling_percent=wanted.percent,
        encryption_key=key(scope, "CaptureKey", wanted.kms_key),
    )


def async_inference(scope: Construct, settings: Config, own: OwnBucket) -> AsyncInference | None:
    """Return the queue of an endpoint of kind async, or None for another."""
    wanted = settings.async_inference
    if settings.endpoint.kind != "async":
        return None
    bucket, prefix = place(scope, "AnswerBucket", wanted.uri, own, "async/")
    return AsyncInference(
        bucket=bucket,
        prefix=f"{prefix}output/",
        failure_prefix=f"{prefix}failures/",
        input_prefix=f"{prefix}input/",
        max_concurrent_per_instance=wanted.max_concurrent or None,
        success_topic=topic(scope, "SuccessTopic", wanted.success_topic),
        error_topic=topic(scope, "ErrorTopic", wanted.error_topic),
        encryption_key=key(scope, "AnswerKey", wanted.kms_key),
    )


def network(settings: Config) -> Network | None:
    """Return the VPC that the containers are in, or None."""
    wanted = settings.network
    if not wanted.subnets and not wanted.security_groups:
        return None
    return Network.from_ids(
        subnets=list(wanted.subnets), security_groups=list(wanted.security_groups)
    )


def place(
    scope: Construct, construct_id: str, uri: str, own: OwnBucket, prefix: str
) -> tuple[s3.IBucket, str]:
    """Return the bucket and the prefix of an ``s3://BUCKET/PREFIX``, or the app's own."""
    if not uri:
        return own(Construct(scope, construct_id)), prefix
    from aws_cdk import aws_s3 as s3

    name, _, rest = uri.removeprefix("s3://").partition("/")
    return s3.Bucket.from_bucket_name(scope, construct_id, name), rest.rstrip("/") + "/"


def key(scope: Construct, construct_id: str, arn: str) -> kms.IKey | None:
    """Return the KMS key of an ARN, or None without one."""
    if not arn:
        return None
    from aws_cdk import aws_kms as kms

    return kms.Key.from_key_arn(scope, construct_id, arn)


def policy_arn(name: str) -> str:
    """Return the ARN of a policy of this account, given that or its name."""
    if name.startswith("arn:"):
        return name
    return f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:policy/{name}"


def role(scope: Construct, construct_id: str, arn: str) -> iam.IRole | None:
    """Return the role of an ARN, or None without one."""
    if not arn:
        return None
    from aws_cdk import aws_iam as iam

    return iam.Role.from_role_arn(scope, construct_id, arn)


def topic(scope: Construct, construct_id: str, arn: str) -> sns.ITopic | None:
    """Return the SNS topic of an ARN, or None without one."""
    if not arn:
        return None
    from aws_cdk import aws_sns as sns

    return sns.Topic.from_topic_arn(scope, construct_id, arn)
