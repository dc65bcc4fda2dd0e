"""A SageMaker model: containers, the trained model, and the role they run with.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from cdk_constructs.compatibility import check_role
from cdk_constructs.local_role import local_role
from cdk_constructs.roles import HostingRole, allow_network, wait_for_policies
from cdk_constructs.validation import NAME, NAME_RULE, Problems, is_token

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_iam as iam

    from cdk_constructs.data import ModelData
    from cdk_constructs.images import ModelImage
    from cdk_constructs.network import BoundNetwork, Network

MOST_CONTAINERS = 15
ENVIRONMENT_BYTES = 32 * 1024

_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_ACCESS_KEY = re.compile(r"(?<![A-Z0-9])A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Z0-9])")

_Definition = sagemaker.CfnModel.ContainerDefinitionProperty


@dataclass(frozen=True, kw_only=True)
class ModelContainer:
    """One container of a model.

    Args:
        image: Its image.
        data: What SageMaker unpacks below ``/opt/ml/model``. Default: nothing.
        environment: Up to 100 variables, 1,024 bytes for each name and each value. Everybody who
            may describe the model can read them: no secrets. Default: none.
        hostname: Its name in logs and metrics, 1 to 63 letters, digits and hyphens; either all
            containers of a pipeline have one or none. Default: its place in the pipeline.

    Raises:
        ValueError: A variable or the hostname is not allowed.

    Example:
        >>> ModelContainer(image=image, environment={"THRESHOLD": "0.5"})
    """

    image: ModelImage
    data: ModelData | None = None
    environment: Mapping[str, str] | None = None
    hostname: str | None = None

    def __post_init__(self) -> None:
        """Check the variables and the hostname."""
        problems = Problems("ModelContainer")
        _check_environment(problems, self.environment)
        problems.matches("hostname", self.hostname, NAME, NAME_RULE)
        problems.raise_any()

    def bind(self, scope: Construct, role: iam.IRole) -> _Definition:
        """Return the container as CloudFormation has it, granting the role what it reads.

        Args:
            scope: The model.
            role: The model's role.
        """
        access = self.image.repository_access_mode
        config = None
        if access != "Platform":
            config = sagemaker.CfnModel.ImageConfigProperty(repository_access_mode=access)
        return _Definition(
            image=self.image.bind(scope, role),
            image_config=config,
            model_data_url=None if self.data is None else self.data.bind(scope, role),
            environment=dict(self.environment) if self.environment else None,
            container_hostname=self.hostname,
        )


def check_model(
    problems: Problems,
    scope: Construct,
    *,
    image: ModelImage | None,
    data: ModelData | None,
    environment: Mapping[str, str] | None,
    pipeline: Sequence[ModelContainer] | None,
    role: iam.IRole | None,
    network: Network | None,
) -> None:
    """Add what is wrong with the arguments of a `SageMakerModel` in a scope."""
    if (image is None) == (pipeline is None):
        problems.add("neither image nor pipeline" if image is None else "both image and pipeline")
    if pipeline is not None:
        if data is not None or environment:
            problems.add("data or environment beside pipeline: must be in its containers")
        _check_pipeline(problems, pipeline)
    _check_environment(problems, environment)
    images = [container.image for container in pipeline or ()] + ([image] if image else [])
    if network is None and any(image.repository_access_mode == "Vpc" for image in images):
        problems.add("image of a registry other than ECR without network: must be in a VPC")
    check_role(problems, scope, role)


class SageMakerModel(Construct):
    """An ``AWS::SageMaker::Model``, with a role that may do no more than it needs.

    SageMaker cannot change a model: CloudFormation makes a new one for any change, and deletes the
    old one when nothing uses it any more. Its name is therefore CloudFormation's to choose.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        image: The image of the only container; exactly one of `image` and `pipeline`.
        data: What SageMaker unpacks below ``/opt/ml/model``. Default: nothing.
        environment: Its variables, as of a `ModelContainer`; 32 KB in all.
        pipeline: 1 to 15 containers that each request passes in turn.
        role: The role of the containers, of the model's account. Where it is made in another
            stack, what it is granted for this model is a policy of the model's stack. Default: a
            `HostingRole`, child ``Role``.
        network: Its place in a VPC. Default: none.
        network_isolation: Whether the containers have no network at all. The trained model must
            then be in `data` or in the image, as the container can read nothing from S3.

    Raises:
        ValueError: An argument is not allowed; the message has all that are not.

    Example:
        >>> model = SageMakerModel(stack, "Model", image=image, data=data)
        >>> SageMakerEndpointConfig(stack, "Config", variants=[InstanceVariant(model=model)])
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        image: ModelImage | None = None,
        data: ModelData | None = None,
        environment: Mapping[str, str] | None = None,
        pipeline: Sequence[ModelContainer] | None = None,
        role: iam.IRole | None = None,
        network: Network | None = None,
        network_isolation: bool = False,
    ) -> None:
        problems = Problems.of(scope, construct_id)
        check_model(
            problems,
            scope,
            image=image,
            data=data,
            environment=environment,
            pipeline=pipeline,
            role=role,
            network=network,
        )
        problems.raise_any()
        super().__init__(scope, construct_id)
        if image is not None:
            pipeline = [ModelContainer(image=image, data=data, environment=environment)]
        self.containers = tuple(pipeline or ())
        self.network_isolation = network_isolation
        self.role: iam.IRole = HostingRole(self, "Role") if role is None else role
        self._grantee = local_role(self, self.role)
        self._network = None if network is None else self._join(network)
        self._connections: ec2.Connections | None = None
        self.resource = self._make()
        self.model_name = self.resource.attr_model_name
        self.model_arn = self.resource.ref

    @property
    def images(self) -> list[ModelImage]:
        """The images of the containers."""
        return [container.image for container in self.containers]

    @property
    def in_vpc(self) -> bool:
        """Whether the containers are in a VPC."""
        return self._network is not None

    @property
    def connections(self) -> ec2.Connections:
        """What opens and closes the network to the containers.

        Raises:
            ValueError: The model is in no VPC.
        """
        if self._network is None:
            raise ValueError(f"{self.node.path}: no connections: the model has no network")
        if self._connections is None:
            self._connections = self._network.connections()
        return self._connections

    def _join(self, network: Network) -> BoundNetwork:
        bound = network.bind(self)
        allow_network(
            self._grantee, subnets=bound.subnet_ids, security_groups=bound.security_group_ids
        )
        return bound

    def _make(self) -> sagemaker.CfnModel:
        definitions = [container.bind(self, self._grantee) for container in self.containers]
        alone = len(definitions) == 1
        serial = sagemaker.CfnModel.InferenceExecutionConfigProperty(mode="Serial")
        resource = sagemaker.CfnModel(
            self,
            "Resource",
            execution_role_arn=self.role.role_arn,
            primary_container=definitions[0] if alone else None,
            containers=None if alone else definitions,
            inference_execution_config=None if alone else serial,
            enable_network_isolation=True if self.network_isolation else None,
            vpc_config=self._vpc_config(),
        )
        # SageMaker reads the image and the data as the role when the model is made.
        wait_for_policies(resource, self._grantee)
        return resource

    def _vpc_config(self) -> sagemaker.CfnModel.VpcConfigProperty | None:
        if self._network is None:
            return None
        return sagemaker.CfnModel.VpcConfigProperty(
            subnets=self._network.subnet_ids,
            security_group_ids=self._network.security_group_ids,
        )


def _check_pipeline(problems: Problems, pipeline: Sequence[ModelContainer]) -> None:
    problems.count("containers in pipeline", pipeline, low=1, high=MOST_CONTAINERS)
    names = [container.hostname for container in pipeline if container.hostname is not None]
    if names and len(names) < len(pipeline):
        problems.add("hostname of some containers in pipeline: must be of all or of none")
    problems.unique("hostname", names)
    size = sum(_size(container.environment) for container in pipeline)
    if size > ENVIRONMENT_BYTES:
        problems.add(f"environments of {size} bytes: must be at most {ENVIRONMENT_BYTES} in all")


def _check_environment(problems: Problems, environment: Mapping[str, str] | None) -> None:
    values = environment or {}
    problems.environment("environment", values, most=100, each=1024, total=ENVIRONMENT_BYTES)
    for key, value in values.items():
        # The value is not repeated: it may be the secret.
        if key in _CREDENTIALS:
            problems.add(f"environment variable {key}: credentials come from the model's role")
        elif isinstance(value, str) and not is_token(value) and _ACCESS_KEY.search(value):
            problems.add(f"environment variable {key}: must hold no AWS access key")


def _size(environment: Mapping[str, str] | None) -> int:
    items = (environment or {}).items()
    return sum(len(str(text).encode()) for item in items for text in item if not is_token(text))
