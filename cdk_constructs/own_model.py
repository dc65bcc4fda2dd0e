"""The model that a `ModelEndpoint` makes itself, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_constructs.model import SageMakerModel, check_model

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from constructs import Construct

    from cdk_constructs.data import ModelData
    from cdk_constructs.images import ModelImage
    from cdk_constructs.model import ModelContainer
    from cdk_constructs.network import Network
    from cdk_constructs.validation import Problems
    from cdk_constructs.variants import Variant


@dataclass(frozen=True)
class OwnModel:
    """The arguments of a `ModelEndpoint` that are those of a `SageMakerModel`."""

    image: ModelImage | None
    data: ModelData | None
    environment: Mapping[str, str] | None
    pipeline: Sequence[ModelContainer] | None
    role: iam.IRole | None
    network: Network | None
    network_isolation: bool

    def names(self) -> list[str]:
        """Return the names of those that are given."""
        return [name for name, value in vars(self).items() if value not in (None, False, {})]

    @property
    def images(self) -> list[ModelImage]:
        """The images of the containers, where they are given."""
        images = [self.image, *(container.image for container in self.pipeline or ())]
        return [image for image in images if image is not None]

    @property
    def in_vpc(self) -> bool:
        """Whether the containers are in a VPC."""
        return self.network is not None

    def check(
        self,
        problems: Problems,
        scope: Construct,
        model: SageMakerModel | None,
        variants: Sequence[Variant],
    ) -> None:
        """Add what is wrong with them.

        Args:
            problems: Where it is added.
            scope: The parent of the `ModelEndpoint`.
            model: The model that is given in their place, or None.
            variants: The variants; those without a model are served by this one.
        """
        needed = not variants or any(variant.model is None for variant in variants)
        if model is not None or not needed:
            there = "model" if model is not None else "the model of each variant"
            for name in self.names():
                problems.add(f"{name} beside {there}: must be in it")
            if model is not None and not needed:
                problems.add("model beside the model of each variant: would serve nothing")
            return
        check_model(
            problems,
            scope,
            image=self.image,
            data=self.data,
            environment=self.environment,
            pipeline=self.pipeline,
            role=self.role,
            network=self.network,
        )

    def make(self, scope: Construct) -> SageMakerModel:
        """Return the model, as child ``Model``."""
        return SageMakerModel(scope, "Model", **vars(self))
