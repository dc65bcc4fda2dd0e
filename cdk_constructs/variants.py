"""The variants of an endpoint: what serves a model, on instances or serverless.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker

from cdk_constructs.scaling import BACKLOG, INVOCATIONS, PROVISIONED_CONCURRENCY
from cdk_constructs.validation import Problems, is_token

if TYPE_CHECKING:
    from cdk_constructs.model import SageMakerModel
    from cdk_constructs.scaling import Scaling

INSTANCE_TYPE = r"ml\.[a-z][a-z0-9-]*\.[a-z0-9]+"
ROUTING = ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")

_Properties = sagemaker.CfnEndpointConfig.ProductionVariantProperty

_BURSTABLE = re.compile(r"ml\.t\d")
_LOCAL_STORAGE = re.compile(
    r"ml\.([a-z]+\d+[a-z]*d[a-z]*|dl\d|g[5-9]e?|gr\d|i\d\w*|p[5-9][a-z0-9-]*|trn\d\w*)\.\w+"
)
"""Instance types with local NVMe storage: a ``d`` after the number, and some families."""

_ARM = re.compile(r"ml\.([a-z]+\d+g[a-z]*|p\d+e-gb\d+)\.\w+")
"""Instance types with Graviton or Grace processors: a ``g`` after the number."""


@dataclass(frozen=True, kw_only=True)
class InstanceVariant:
    """A variant that runs on instances.

    Args:
        model: The model that it serves. Default: the model of the `ModelEndpoint`.
        instance_type: ``ml.FAMILY.SIZE``.
        instance_count: Instances at the start, 1 or more. When the variant scales, an update
            keeps the count that scaling has reached instead.
        name: 1 to 63 letters, digits and hyphens. A new name is a new variant: SageMaker then
            moves all traffic at once, whatever the endpoint's rollout says.
        weight: Its share of the traffic, relative to the other variants, 0 or more; for a
            shadow variant, the share of the requests that it gets copies of.
        scaling: `Scaling.on_invocations`, or `Scaling.on_backlog` for an asynchronous endpoint;
            burstable types, ``ml.t2`` and the like, do not scale. Default: the count is fixed.
        volume_gb: Size of each instance's storage volume, 1 to 512 GB. Default: SageMaker's
            for the type.
        download_timeout_seconds: Time to download and unpack the model data, 60 to 3600.
            Default: SageMaker's.
        startup_timeout_seconds: Time for the container to answer ``/ping``, 60 to 3600.
        routing: ``LEAST_OUTSTANDING_REQUESTS`` or ``RANDOM``. Default: SageMaker's, random.
        inference_ami_version: A preconfigured machine image, such as
            ``al2-ami-sagemaker-inference-gpu-2``. Default: SageMaker's for the type.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> InstanceVariant(instance_type="ml.c7i.xlarge", instance_count=2).name
        'AllTraffic'
    """

    model: SageMakerModel | None = None
    instance_type: str = "ml.m5.large"
    instance_count: int = 1
    name: str = "AllTraffic"
    weight: float = 1.0
    scaling: Scaling | None = None
    volume_gb: int | None = None
    download_timeout_seconds: int | None = None
    startup_timeout_seconds: int = 300
    routing: str | None = None
    inference_ami_version: str | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        problems = Problems("InstanceVariant")
        rule = 'must be "ml.FAMILY.SIZE", such as "ml.m5.large"'
        problems.matches("instance_type", self.instance_type, INSTANCE_TYPE, rule)
        problems.whole("instance_count", self.instance_count, low=1)
        _check_name(problems, self.name)
        problems.between("weight", self.weight, low=0)
        problems.whole("volume_gb", self.volume_gb, low=1, high=512)
        for timeout in ("download_timeout_seconds", "startup_timeout_seconds"):
            problems.whole(timeout, getattr(self, timeout), low=60, high=3600)
        problems.one_of("routing", self.routing, ROUTING)
        rule = 'must be the name of a version, such as "al2-ami-sagemaker-inference-gpu-2"'
        version = self.inference_ami_version
        problems.matches("inference_ami_version", version, r"[a-zA-Z0-9](-*[a-zA-Z0-9])*", rule)
        if self.scaling is not None:
            self._check(self.scaling, problems)
        problems.raise_any()

    def _check(self, scaling: Scaling, problems: Problems) -> None:
        if scaling.load not in (INVOCATIONS, BACKLOG):
            problems.add(f"scaling on {scaling.load}: must be on_invocations or on_backlog")
        if _BURSTABLE.match(self.instance_type):
            problems.add(f"scaling of {self.instance_type}: burstable types do not scale")
        scaling.check_start(problems, "instance_count", self.instance_count)

    @property
    def has_local_storage(self) -> bool:
        """Whether its instances have local NVMe storage, in place of a storage volume.

        Source: https://docs.aws.amazon.com/sagemaker/latest/dg/host-instance-storage.html
        """
        return not is_token(self.instance_type) and bool(
            _LOCAL_STORAGE.fullmatch(self.instance_type)
        )

    @property
    def fewest_instances(self) -> int:
        """How many instances it has at least, while it serves."""
        return self.instance_count if self.scaling is None else self.scaling.min_capacity

    @property
    def platform(self) -> str | None:
        """What its images must be for, or None if its type is known only at deployment."""
        if is_token(self.instance_type):
            return None
        return "linux/arm64" if _ARM.fullmatch(self.instance_type) else "linux/amd64"

    @property
    def is_inferentia1(self) -> bool:
        """Whether its instances are of Inf1, which SageMaker updates all at once."""
        return self.instance_type.startswith("ml.inf1.")

    def render(self, model_name: str) -> _Properties:
        """Return the variant as CloudFormation has it, serving a model by name."""
        config = sagemaker.CfnEndpointConfig
        routing = None
        if self.routing is not None:
            routing = config.RoutingConfigProperty(routing_strategy=self.routing)
        return config.ProductionVariantProperty(
            variant_name=self.name,
            model_name=model_name,
            initial_variant_weight=self.weight,
            instance_type=self.instance_type,
            initial_instance_count=self.instance_count,
            volume_size_in_gb=self.volume_gb,
            model_data_download_timeout_in_seconds=self.download_timeout_seconds,
            container_startup_health_check_timeout_in_seconds=self.startup_timeout_seconds,
            routing_config=routing,
            inference_ami_version=self.inference_ami_version,
        )


@dataclass(frozen=True, kw_only=True)
class ServerlessVariant:
    """A variant without instances, which costs nothing while nobody calls it.

    An endpoint has no other variant beside it. It takes no GPU, VPC, network isolation, data
    capture or pipeline, and requests and responses of up to 4 MB.

    Args:
        model: The model that it serves. Default: the model of the `ModelEndpoint`.
        memory_mb: 1024 to 6144 MB in steps of 1024.
        max_concurrency: Requests at a time, 1 to 200.
        provisioned_concurrency: Requests at a time without a cold start, 1 to
            `max_concurrency`; billed by the hour. Default: none.
        name: 1 to 63 letters, digits and hyphens.
        weight: Its share of the traffic, 0 or more.
        scaling: `Scaling.on_provisioned_concurrency`, which needs `provisioned_concurrency`.
            Default: the concurrency is fixed.

    Raises:
        ValueError: A value is out of its range.

    Source: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html

    Example:
        >>> ServerlessVariant(memory_mb=4096).max_concurrency
        5
    """

    model: SageMakerModel | None = None
    memory_mb: int = 2048
    max_concurrency: int = 5
    provisioned_concurrency: int | None = None
    name: str = "AllTraffic"
    weight: float = 1.0
    scaling: Scaling | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        problems = Problems("ServerlessVariant")
        problems.whole("memory_mb", self.memory_mb, low=1024, high=6144, step=1024)
        problems.whole("max_concurrency", self.max_concurrency, low=1, high=200)
        most = 200 if is_token(self.max_concurrency) else self.max_concurrency
        provisioned = self.provisioned_concurrency
        problems.whole("provisioned_concurrency", provisioned, low=1, high=most)
        _check_name(problems, self.name)
        problems.between("weight", self.weight, low=0)
        if self.scaling is not None:
            self._check(self.scaling, most, problems)
        problems.raise_any()

    def _check(self, scaling: Scaling, most: int, problems: Problems) -> None:
        if scaling.load != PROVISIONED_CONCURRENCY:
            problems.add(f"scaling on {scaling.load}: must be on_provisioned_concurrency")
        if self.provisioned_concurrency is None:
            problems.add("scaling without provisioned_concurrency: there is nothing to scale")
        scaling.check_start(problems, "provisioned_concurrency", self.provisioned_concurrency)
        problems.between("max_capacity of scaling", scaling.max_capacity, high=most)

    def render(self, model_name: str) -> _Properties:
        """Return the variant as CloudFormation has it, serving a model by name."""
        config = sagemaker.CfnEndpointConfig
        return config.ProductionVariantProperty(
            variant_name=self.name,
            model_name=model_name,
            initial_variant_weight=self.weight,
            serverless_config=config.ServerlessConfigProperty(
                memory_size_in_mb=self.memory_mb,
                max_concurrency=self.max_concurrency,
                provisioned_concurrency=self.provisioned_concurrency,
            ),
        )


def _check_name(problems: Problems, name: str) -> None:
    problems.name("name", name)
    if is_token(name):
        problems.add("name: must be known at synthesis, as scaling and metrics are named after it")


Variant = InstanceVariant | ServerlessVariant
