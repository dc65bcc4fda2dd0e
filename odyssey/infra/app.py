"""The CDK app over ``odyssey.toml``: settings in, a cloud assembly out."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from odyssey import config
from odyssey.errors import ConfigError
from odyssey.infra import overrides
from odyssey.infra.agreement import notes, require_own_names
from odyssey.infra.stacks import EndpointStack, FoundationStack, FunctionStack, Place

if TYPE_CHECKING:
    from odyssey.config import Config

CONTEXT = "odyssey"
"""The key of the CDK's context that carries what the command line knows."""

INSPECTED = "odyssey:inspect"
"""The key of the CDK's context that asks for cdk-nag's opinion."""

FLAGS = {
    # One statement for what may be said in one: a policy is read by people.
    "@aws-cdk/aws-iam:minimizePolicies": True,
    # Two stacks that are given one role do not overwrite each other's policy of it.
    "@aws-cdk/aws-iam:importedRoleStackSafeDefaultPolicyName": True,
}
"""Feature flags, set here so that no ``cdk.json`` changes what is synthesized."""


@dataclass(frozen=True)
class Stacks:
    """The stacks of one environment, as ``overrides.py`` is given them.

    Args:
        env: The environment, or None for the settings outside of any.
        settings: Its settings.
        foundation: What stays while models come and go.
        endpoint: The SageMaker endpoint; None before there is an image and a model.
        function: The Lambda functions; None before there is an image.
    """

    env: str | None
    settings: Config
    foundation: FoundationStack
    endpoint: EndpointStack | None = None
    function: FunctionStack | None = None


def synthesize(here: Path) -> None:
    """Write the cloud assembly of the app to where the CDK wants it.

    Args:
        here: The folder of ``cdk.json``.

    Raises:
        OdysseyError: A setting is wrong, or a construct refuses what the settings say.
    """
    app = cdk.App(analytics_reporting=False, stack_traces=False, context=FLAGS)
    request: dict[str, Any] = app.node.try_get_context(CONTEXT) or {}
    folder = (here / request.get("app", ".")).resolve()
    override = overrides.load(folder)
    environments = resolve(folder, request)
    require_own_names(environments)
    for settings in environments:
        for text in notes(settings):
            print(f"Note: {text}", file=sys.stderr)
        override(_made(app, settings))
    if app.node.try_get_context(INSPECTED):
        from cdk_nag import AwsSolutionsChecks

        cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


def _made(app: cdk.App, settings: Config) -> Stacks:
    """Add the stacks of one environment; what a construct refuses is said with its place."""
    try:
        return add_stacks(app, settings)
    except ValueError as error:
        raise ConfigError([f"{config.FILE}{_table(settings)}: {error}"]) from error


def resolve(folder: Path, request: dict[str, Any]) -> list[Config]:
    """Return the settings outside of any environment, then those of each environment.

    Args:
        folder: The app's folder.
        request: What the command line knows: ``env`` and ``flags``.
    """
    environ = {name: value for name, value in os.environ.items() if name != config.ENVIRONMENT}
    chosen = request.get("env")
    return [
        config.load(
            folder,
            env=env,
            flags=request.get("flags") if env == chosen else None,
            environ=environ,
        )
        for env in (None, *config.environments(folder))
    ]


def add_stacks(app: cdk.App, settings: Config) -> Stacks:
    """Add the stacks of one environment to a CDK app.

    Raises:
        ValueError: A construct refuses what the settings say.
    """
    place = _place(settings)
    foundation = FoundationStack(app, settings=settings, place=place)
    stacks = Stacks(settings.env, settings, foundation)
    made = settings.artifacts
    if settings.app.on_lambda and made.image:
        function = FunctionStack(app, settings=settings, place=place, foundation=foundation)
        stacks = replace(stacks, function=function)
    if settings.app.on_sagemaker and made.image and made.model:
        endpoint = EndpointStack(app, settings=settings, place=place, foundation=foundation)
        stacks = replace(stacks, endpoint=endpoint)
    for stack in (stacks.foundation, stacks.endpoint, stacks.function):
        if stack is not None:
            _tag(stack, settings)
    return stacks


def _place(settings: Config) -> Place:
    wanted = settings.aws
    env = None
    if wanted.account or wanted.region:
        env = cdk.Environment(account=wanted.account or None, region=wanted.region or None)
    return Place(env, _synthesizer(settings), _boundary(wanted.permissions_boundary))


def _synthesizer(settings: Config) -> cdk.IStackSynthesizer:
    if settings.aws.bootstrap:
        return cdk.DefaultStackSynthesizer(qualifier=settings.aws.qualifier or None)
    # Whoever deploys acts as themselves. The synthesizer that is called bootstrapless names a
    # bootstrap's roles all the same, and CloudFormation refuses the one that is not there.
    return cdk.LegacyStackSynthesizer()


def _boundary(policy: str) -> cdk.PermissionsBoundary | None:
    if not policy:
        return None
    if policy.startswith("arn:"):
        return cdk.PermissionsBoundary.from_arn(policy)
    return cdk.PermissionsBoundary.from_name(policy)


def _tag(stack: cdk.Stack, settings: Config) -> None:
    tags = {"odyssey:app": settings.app.name, **settings.aws.tags}
    if settings.env:
        tags["odyssey:env"] = settings.env
    for name, value in tags.items():
        cdk.Tags.of(stack).add(name, value)


def _table(settings: Config) -> str:
    return f" [env.{settings.env}]" if settings.env else ""
