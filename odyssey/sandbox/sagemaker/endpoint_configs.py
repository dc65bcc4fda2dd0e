"""SageMaker's endpoint configurations: which models an endpoint serves, and on what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.errors import OdysseyError
from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.sagemaker.kinds import Kind
from odyssey.sandbox.sagemaker.models import models
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from odyssey.sandbox.sandbox import Sandbox

    Variant = Mapping[str, Any]

GIGABYTE = 1024
"""MemorySizeInMB goes in steps of this."""

ON_INSTANCES = (
    "InstanceType",
    "InitialInstanceCount",
    "VolumeSizeInGB",
    "AcceleratorType",
    "ManagedInstanceScaling",
    "RoutingConfig",
)
"""Members of a variant that a serverless one has not."""

NOT_HERE = ("ShadowProductionVariants", "ExplainerConfig")
"""Members of a configuration that the sandbox refuses: it would have to ignore them."""


def endpoint_configs(sandbox: Sandbox) -> Kind:
    """Return the records of the endpoint configurations."""
    return Kind(sandbox.store, "endpoint-config", "EndpointConfig", "endpoint configuration")


class EndpointConfigs:
    """The operations on endpoint configurations.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are in the sandbox's store."""
        self._store = sandbox.store
        self._configs = endpoint_configs(sandbox)
        self._models = models(sandbox)

    @operation("sagemaker", "CreateEndpointConfig")
    def create(self, call: Call) -> dict[str, Any]:
        """Make a configuration whose models are there."""
        problems = list(_problems(call.parameters))
        if problems:
            raise ServiceError("ValidationException", "; ".join(problems))
        with self._store.lock:
            for variant in call.parameters["ProductionVariants"]:
                model = self._models.find(call.region, variant["ModelName"])
                if "ServerlessConfig" in variant:
                    _require_serverless(model)
            variants = [
                {"InitialVariantWeight": 1.0, **variant}
                for variant in call.parameters["ProductionVariants"]
            ]
            return self._configs.add(call, ProductionVariants=variants)

    @operation("sagemaker", "DescribeEndpointConfig")
    def describe(self, call: Call) -> dict[str, Any]:
        """Return a configuration."""
        with self._store.lock:
            return dict(self._configs.find(call.region, call.parameters["EndpointConfigName"]))

    @operation("sagemaker", "ListEndpointConfigs")
    def list(self, call: Call) -> dict[str, Any]:
        """Return configurations, page by page."""
        return self._configs.page(call)

    @operation("sagemaker", "DeleteEndpointConfig")
    def delete(self, call: Call) -> dict[str, Any]:
        """Forget a configuration, even one that an endpoint has, as AWS does."""
        self._configs.remove(call.region, call.parameters["EndpointConfigName"])
        return {}


def _problems(asked: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with several members together."""
    variants = asked["ProductionVariants"]
    names = [variant["VariantName"] for variant in variants]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"Production variant names must be unique, and {name} is there more than once"
    if not sum(variant.get("InitialVariantWeight", 1.0) for variant in variants):
        yield "The weights of the production variants must not all be 0"
    for variant in variants:
        yield from _of_variant(variant)
    for member in NOT_HERE:
        if member in asked:
            yield f"The sandbox does not support {member}"
    if any("ServerlessConfig" in variant for variant in variants):
        yield from _of_serverless(asked)
    if "AsyncInferenceConfig" in asked:
        yield from _of_async(asked)
    if "DataCaptureConfig" in asked:
        yield from _of_place("DestinationS3Uri", asked["DataCaptureConfig"])


def _of_variant(variant: Variant) -> Iterator[str]:
    name = variant["VariantName"]
    if "ModelName" not in variant:
        yield f"Production variant {name} needs a ModelName: there are no inference components here"
    if "InstancePools" in variant:
        yield "The sandbox does not support InstancePools"
    serverless = variant.get("ServerlessConfig")
    if serverless is None:
        for member in ("InstanceType", "InitialInstanceCount"):
            if member not in variant:
                yield f"Production variant {name} needs {member} or a ServerlessConfig"
        return
    for member in ON_INSTANCES:
        if member in variant:
            yield f"{member} of production variant {name} is not supported with a ServerlessConfig"
    if serverless["MemorySizeInMB"] % GIGABYTE:
        yield f"MemorySizeInMB of production variant {name} must be in steps of 1024"
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        yield f"ProvisionedConcurrency of {name} must not be greater than its MaxConcurrency"


def _of_serverless(asked: Mapping[str, Any]) -> Iterator[str]:
    if len(asked["ProductionVariants"]) > 1:
        yield "A serverless endpoint has exactly one production variant"
    for member in ("DataCaptureConfig", "AsyncInferenceConfig", "VpcConfig"):
        if member in asked:
            yield f"{member} is not supported for serverless endpoints"


def _of_async(asked: Mapping[str, Any]) -> Iterator[str]:
    if len(asked["ProductionVariants"]) > 1:
        yield "An endpoint with AsyncInferenceConfig has exactly one production variant"
    output = asked["AsyncInferenceConfig"]["OutputConfig"]
    if "S3OutputPath" not in output:
        yield "AsyncInferenceConfig needs an S3OutputPath"
    for member in ("S3OutputPath", "S3FailurePath"):
        yield from _of_place(member, output)


def _of_place(member: str, config: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with a place in S3, where there is one."""
    try:
        Uri.parse(config.get(member, "s3://none/"))
    except OdysseyError:
        yield f"{member} {config[member]} is no URI of S3"


def _require_serverless(model: Mapping[str, Any]) -> None:
    """Return if a model may be served without instances."""
    for member in ("VpcConfig", "EnableNetworkIsolation"):
        if model.get(member):
            told = f"{member} of model {model['ModelName']} is not supported with ServerlessConfig"
            raise ServiceError("ValidationException", told)
