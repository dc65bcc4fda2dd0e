"""Reusable AWS CDK constructs for models on SageMaker and Lambda.

Every name is imported when it is first used, since each service's module of the CDK takes time
to load::

    from cdk_constructs import ModelData, ModelEndpoint, ModelImage
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdk_constructs.bucket import ArtifactBucket as ArtifactBucket
    from cdk_constructs.data import ModelData as ModelData
    from cdk_constructs.deployer import DeployerPolicy as DeployerPolicy
    from cdk_constructs.endpoint import SageMakerEndpoint as SageMakerEndpoint
    from cdk_constructs.endpoint_config import SageMakerEndpointConfig as SageMakerEndpointConfig
    from cdk_constructs.function import ContainerFunction as ContainerFunction
    from cdk_constructs.images import ModelImage as ModelImage
    from cdk_constructs.inference import AsyncInference as AsyncInference
    from cdk_constructs.inference import DataCapture as DataCapture
    from cdk_constructs.model import ModelContainer as ModelContainer
    from cdk_constructs.model import SageMakerModel as SageMakerModel
    from cdk_constructs.model_endpoint import EndpointAlarms as EndpointAlarms
    from cdk_constructs.model_endpoint import ModelEndpoint as ModelEndpoint
    from cdk_constructs.network import Network as Network
    from cdk_constructs.repository import ModelRepository as ModelRepository
    from cdk_constructs.roles import HostingRole as HostingRole
    from cdk_constructs.roles import TrainingRole as TrainingRole
    from cdk_constructs.rollouts import AllAtOnce as AllAtOnce
    from cdk_constructs.rollouts import Canary as Canary
    from cdk_constructs.rollouts import Linear as Linear
    from cdk_constructs.rollouts import Rolling as Rolling
    from cdk_constructs.scaling import Scaling as Scaling
    from cdk_constructs.schedule import RetrainingSchedule as RetrainingSchedule
    from cdk_constructs.variants import InstanceVariant as InstanceVariant
    from cdk_constructs.variants import ServerlessVariant as ServerlessVariant

_HOMES = {
    "AllAtOnce": "rollouts",
    "ArtifactBucket": "bucket",
    "AsyncInference": "inference",
    "Canary": "rollouts",
    "ContainerFunction": "function",
    "DataCapture": "inference",
    "DeployerPolicy": "deployer",
    "EndpointAlarms": "model_endpoint",
    "HostingRole": "roles",
    "InstanceVariant": "variants",
    "Linear": "rollouts",
    "ModelContainer": "model",
    "ModelData": "data",
    "ModelEndpoint": "model_endpoint",
    "ModelImage": "images",
    "ModelRepository": "repository",
    "Network": "network",
    "RetrainingSchedule": "schedule",
    "Rolling": "rollouts",
    "SageMakerEndpoint": "endpoint",
    "SageMakerEndpointConfig": "endpoint_config",
    "SageMakerModel": "model",
    "Scaling": "scaling",
    "ServerlessVariant": "variants",
    "TrainingRole": "roles",
}
"""The module of each name."""

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
