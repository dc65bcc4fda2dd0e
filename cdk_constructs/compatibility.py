"""What a model must be for the variant that serves it, and where it must be.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
    https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from aws_cdk import Stack
from constructs import Construct

from cdk_constructs.validation import is_token
from cdk_constructs.variants import InstanceVariant, ServerlessVariant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms

    from cdk_constructs.images import ModelImage
    from cdk_constructs.validation import Problems
    from cdk_constructs.variants import Variant


class Hosted(Protocol):
    """A model, made or about to be made."""

    @property
    def images(self) -> Sequence[ModelImage]:
        """The images of its containers."""

    @property
    def in_vpc(self) -> bool:
        """Whether its containers are in a VPC."""

    @property
    def network_isolation(self) -> bool:
        """Whether its containers have no network at all."""


def check_models(
    problems: Problems,
    scope: Construct,
    served: Sequence[tuple[Variant, Hosted]],
    *,
    shadowed: bool,
) -> None:
    """Add what keeps models from the variants that are to serve them.

    Args:
        problems: Where it is added.
        scope: Where the endpoint configuration is made.
        served: Every variant, shadow variants too, with its model.
        shadowed: Whether one of them is a shadow variant.
    """
    for variant, model in served:
        if isinstance(variant, ServerlessVariant):
            _check_serverless(problems, model)
        else:
            _check_architecture(problems, variant, model)
        if isinstance(model, Construct):
            _check_place(problems, scope, variant, model)
    if shadowed and any(len(model.images) > 1 for _, model in served):
        problems.add("shadow_variants with a pipeline: each model must have one container")


def check_key(problems: Problems, scope: Construct, key: kms.IKey | None) -> None:
    """Add that the key of storage volumes is in another region than the volumes."""
    if key is not None:
        name, ours = "encryption_key", Stack.of(scope).region
        _check_same(problems, name, key.env.region, ours)


def check_role(problems: Problems, scope: Construct, role: iam.IRole | None) -> None:
    """Add that a model's role is of another account than the model."""
    account = None if role is None else role.principal_account
    if account is not None:
        _check_same(problems, "role", account, Stack.of(scope).account)


def _check_serverless(problems: Problems, model: Hosted) -> None:
    excluded = {
        "network": model.in_vpc,
        "network_isolation": model.network_isolation,
        "pipeline": len(model.images) > 1,
    }
    for name in (name for name, found in excluded.items() if found):
        problems.add(f"{name} of the model of a ServerlessVariant: needs instances")


def _check_architecture(problems: Problems, variant: InstanceVariant, model: Hosted) -> None:
    wanted = variant.platform
    for image in model.images:
        built = image.platform
        if built is not None and wanted is not None and built != wanted:
            problems.add(
                f"image for {built} on {variant.instance_type} of variant {variant.name}: "
                f"must be for {wanted}"
            )


def _check_place(problems: Problems, scope: Construct, variant: Variant, model: Construct) -> None:
    theirs, ours = Stack.of(model), Stack.of(scope)
    name = f"model of variant {variant.name}"
    _check_same(problems, name, theirs.region, ours.region)
    _check_same(problems, name, theirs.account, ours.account)


def _check_same(problems: Problems, name: str, theirs: str, ours: str) -> None:
    if theirs != ours and not is_token(theirs) and not is_token(ours):
        problems.add(f"{name} in {theirs}: must be in {ours}")
