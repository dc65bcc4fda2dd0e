"""The model that a `ModelEndpoint` makes itself, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_constructs.endpoint_config import check_serverless_model
from cdk_constructs.model import SageMakerModel, check_model
from cdk_constructs.variants import ServerlessVariant

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
        return [name for name, value in vars(self).items() if value not in (None, False)]

    def check(
        self, problems: Problems, model: SageMakerModel | None, variants: Sequence[Variant]
    ) -> None:
        """Add what is wrong with them.

        Args:
            problems: Where it is added.
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
            image=self.image,
            data=self.data,
            environment=self.environment,
            pipeline=self.pipeline,
            network=self.network,
        )
        if any(isinstance(each, ServerlessVariant) and each.model is None for each in variants):
            check_serverless_model(
                problems,
                in_vpc=self.network is not None,
                network_isolation=self.network_isolation,
                containers=len(self.pipeline or (self.image,)),
            )

    def make(self, scope: Construct) -> SageMakerModel:
        """Return the model, as child ``Model``."""
        return SageMakerModel(scope, "Model", **vars(self))
