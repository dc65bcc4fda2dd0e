"""The configuration that a `ModelEndpoint` makes itself, before it is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cdk_constructs.compatibility import check_models
from cdk_constructs.endpoint_config import SageMakerEndpointConfig, check_config

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from constructs import Construct

    from cdk_constructs.inference import AsyncInference, DataCapture
    from cdk_constructs.model import SageMakerModel
    from cdk_constructs.own_model import OwnModel
    from cdk_constructs.validation import Problems
    from cdk_constructs.variants import Variant


@dataclass(frozen=True)
class OwnConfig:
    """The arguments of a `ModelEndpoint` that are those of a `SageMakerEndpointConfig`."""

    variants: Sequence[Variant]
    shadow_variants: Sequence[Variant]
    async_inference: AsyncInference | None
    data_capture: DataCapture | None
    encryption_key: kms.IKey | None

    @property
    def every_variant(self) -> list[Variant]:
        """The variants, and then those in their shadow."""
        return [*self.variants, *self.shadow_variants]

    def check(
        self, problems: Problems, scope: Construct, own: OwnModel, model: SageMakerModel | None
    ) -> None:
        """Add what is wrong with them, and with the model that they serve.

        Args:
            problems: Where it is added.
            scope: The parent of the `ModelEndpoint`.
            own: The model that would be made for variants without one.
            model: The model that is given in its place, or None.
        """
        own.check(problems, scope, model, self.every_variant)
        served = [
            (variant, own if variant.model is None else variant.model)
            for variant in _served(self.every_variant, model)
        ]
        check_models(problems, scope, served, shadowed=bool(self.shadow_variants))
        check_config(problems, scope, **vars(self))

    def make(self, scope: Construct, model: SageMakerModel | None) -> SageMakerEndpointConfig:
        """Return the configuration, as child ``Config``.

        Args:
            scope: The `ModelEndpoint`.
            model: What serves the variants without a model of their own.
        """
        served = {
            "variants": _served(self.variants, model),
            "shadow_variants": _served(self.shadow_variants, model),
        }
        return SageMakerEndpointConfig(scope, "Config", **{**vars(self), **served})


def _served(variants: Sequence[Variant], model: SageMakerModel | None) -> list[Variant]:
    """Return the variants, with a model where they have none."""
    return [replace(each, model=model) if each.model is None else each for each in variants]
