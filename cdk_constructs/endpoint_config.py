"""What an endpoint serves, and on what.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from cdk_constructs.compatibility import check_key, check_models
from cdk_constructs.local_role import local_role
from cdk_constructs.roles import wait_for_policies
from cdk_constructs.scaling import BACKLOG
from cdk_constructs.validation import Problems
from cdk_constructs.variants import InstanceVariant, ServerlessVariant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms

    from cdk_constructs.inference import AsyncInference, DataCapture
    from cdk_constructs.model import SageMakerModel
    from cdk_constructs.variants import Variant

MOST_VARIANTS = 10

_VOLUME_KEY = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey")


def check_config(
    problems: Problems,
    scope: Construct,
    *,
    variants: Sequence[Variant],
    shadow_variants: Sequence[Variant],
    async_inference: AsyncInference | None,
    data_capture: DataCapture | None,
    encryption_key: kms.IKey | None,
) -> None:
    """Add what is wrong with the arguments of a `SageMakerEndpointConfig`, but for its models.

    Args:
        problems: Where it is added.
        scope: Where the configuration is made.
        variants: As of the configuration, as are the others.
        shadow_variants: The shadow variants.
        async_inference: The queue.
        data_capture: What is kept.
        encryption_key: The key of storage volumes.
    """
    problems.count("variants", variants, low=1, high=MOST_VARIANTS)
    problems.unique("name of variants", [each.name for each in (*variants, *shadow_variants)])
    _check_weights(problems, variants)
    check_key(problems, scope, encryption_key)
    _check_shadow(problems, variants, shadow_variants)
    _check_async(problems, variants, shadow_variants, async_inference)
    if any(isinstance(variant, ServerlessVariant) for variant in variants):
        if len(variants) > 1:
            problems.add("ServerlessVariant beside another variant: must be the only one")
        excluded = {
            "async_inference": async_inference,
            "data_capture": data_capture,
            "encryption_key": encryption_key,
        }
        for name, value in excluded.items():
            if value is not None:
                problems.add(f"{name} with ServerlessVariant: needs instances")


class SageMakerEndpointConfig(Construct):
    """An ``AWS::SageMaker::EndpointConfig``: variants and what they share.

    SageMaker cannot change a configuration: CloudFormation makes a new one for any change, moves
    the endpoint to it, and then deletes the old one. Its name is CloudFormation's to choose.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        variants: 1 to 10 variants with a model each, of this region, and different names; one
            of them has a weight above 0. A `ServerlessVariant` only alone.
        shadow_variants: At most one variant on instances, which gets copies of the requests to
            the only variant; its responses go nowhere but to `data_capture`. Not with Inf1
            instances, pipelines or `async_inference`.
        async_inference: Queues requests; only for one variant on instances. Default: requests
            are answered at once.
        data_capture: Keeps requests and responses. Default: nothing is kept.
        encryption_key: The key of the instances' storage volumes, which instance types with
            local NVMe storage do not take. Default: SageMaker's own.

    Raises:
        ValueError: An argument is not allowed; the message has all that are not.

    Example:
        >>> config = SageMakerEndpointConfig(
        ...     stack, "Config", variants=[InstanceVariant(model=model)]
        ... )
        >>> SageMakerEndpoint(stack, "Endpoint", config=config)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        variants: Sequence[Variant],
        shadow_variants: Sequence[Variant] = (),
        async_inference: AsyncInference | None = None,
        data_capture: DataCapture | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        problems = Problems.of(scope, construct_id)
        check_config(
            problems,
            scope,
            variants=variants,
            shadow_variants=shadow_variants,
            async_inference=async_inference,
            data_capture=data_capture,
            encryption_key=encryption_key,
        )
        every = [*variants, *shadow_variants]
        models = _models(problems, every)
        served = [(each, models[each.name]) for each in every if each.name in models]
        check_models(problems, scope, served, shadowed=bool(shadow_variants))
        problems.raise_any()
        super().__init__(scope, construct_id)
        self.variants = tuple(variants)
        self.shadow_variants = tuple(shadow_variants)
        self.async_inference = async_inference
        self.data_capture = data_capture
        self.encryption_key = encryption_key
        self.roles: tuple[iam.IRole, ...] = tuple(
            {id(model.role): model.role for model in models.values()}.values()
        )
        self._grantees = [local_role(self, role) for role in self.roles]
        self._grant()
        self._warn()
        self.resource = self._make(models)
        self.endpoint_config_name = self.resource.attr_endpoint_config_name
        self.endpoint_config_arn = self.resource.ref

    def _grant(self) -> None:
        for role in self._grantees:
            if self.async_inference is not None:
                self.async_inference.grant(role)
            if self.data_capture is not None:
                self.data_capture.grant(role)
            if self.encryption_key is not None:
                self.encryption_key.grant(role, *_VOLUME_KEY)

    def _warn(self) -> None:
        for variant in (*self.variants, *self.shadow_variants):
            if not isinstance(variant, InstanceVariant) or not variant.has_local_storage:
                continue
            given = {"encryption_key": self.encryption_key, "volume_gb": variant.volume_gb}
            for name in (name for name, value in given.items() if value is not None):
                Annotations.of(self).add_warning_v2(
                    f"cdk_constructs:{name}:{variant.name}",
                    f"{name} with {variant.instance_type}: SageMaker refuses it for instances "
                    "with local NVMe storage, which are encrypted by their hardware",
                )

    def _make(self, models: dict[str, SageMakerModel]) -> sagemaker.CfnEndpointConfig:
        production = [variant.render(models[variant.name].model_name) for variant in self.variants]
        shadow = [each.render(models[each.name].model_name) for each in self.shadow_variants]
        key, queue, capture = self.encryption_key, self.async_inference, self.data_capture
        resource = sagemaker.CfnEndpointConfig(
            self,
            "Resource",
            production_variants=production,
            shadow_production_variants=shadow or None,
            async_inference_config=None if queue is None else queue.render(),
            data_capture_config=None if capture is None else capture.render(),
            kms_key_id=None if key is None else key.key_arn,
        )
        # SageMaker checks that the roles may write as soon as there is an endpoint.
        for role in self._grantees:
            wait_for_policies(resource, role)
        return resource


def _check_shadow(
    problems: Problems, variants: Sequence[Variant], shadow_variants: Sequence[Variant]
) -> None:
    if not shadow_variants:
        return
    if len(shadow_variants) > 1 or len(variants) > 1:
        counts = f"{len(shadow_variants)} shadow_variants for {len(variants)} variants"
        problems.add(f"{counts}: must be one for one")
    for each in (*variants, *shadow_variants):
        if isinstance(each, ServerlessVariant):
            problems.add("shadow_variants with ServerlessVariant: needs instances")
        elif each.is_inferentia1:
            problems.add(f"shadow_variants with {each.instance_type}: Inf1 instances take none")


def _check_async(
    problems: Problems,
    variants: Sequence[Variant],
    shadow_variants: Sequence[Variant],
    async_inference: AsyncInference | None,
) -> None:
    if async_inference is not None and len(variants) + len(shadow_variants) > 1:
        problems.add("async_inference with several variants: must be one")
    for variant in (*variants, *shadow_variants):
        scaling = variant.scaling
        if scaling is None or isinstance(variant, ServerlessVariant):
            continue
        if async_inference is not None and scaling.load != BACKLOG:
            problems.add(
                f"scaling of variant {variant.name} on {scaling.load}: an asynchronous endpoint "
                "publishes none, it must be on_backlog"
            )
        if async_inference is None and scaling.load == BACKLOG:
            problems.add(f"scaling of variant {variant.name} on_backlog: needs async_inference")


def _check_weights(problems: Problems, variants: Sequence[Variant]) -> None:
    if variants and all(variant.weight == 0 for variant in variants):
        problems.add("weight 0 of every variant: one must be above 0")


def _models(problems: Problems, variants: Sequence[Variant]) -> dict[str, SageMakerModel]:
    """Return each variant's model by the variant's name."""
    for variant in variants:
        if variant.model is None:
            problems.add(f"variant {variant.name} without model")
    return {variant.name: variant.model for variant in variants if variant.model is not None}
