"""What a command works on: stacks of the app, the way to AWS, and the CDK that fits them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import config
from odyssey.cloudformation import service
from odyssey.console import note, warn
from odyssey.errors import AwsError, DeploymentError, SynthesisError
from odyssey.infra import assembly, synthesis, toolkit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from odyssey.aws import Access, Clients, Identity
    from odyssey.config import Config
    from odyssey.infra.assembly import Assembly, Stack
    from odyssey.infra.toolkit import Cdk


@dataclass(frozen=True)
class Target:
    """Stacks of an app, as they were synthesized.

    Args:
        assembly: The whole app.
        stacks: Those that were chosen, in the order of deployment.
        clients: The way to AWS.
        cdk: The CDK that deploys them.
        variables: The variables of the CDK.
        fingerprint: The digest of the assembly when it was shown.
        env: The environment whose stacks they are, or None.
    """

    assembly: Assembly
    stacks: tuple[Stack, ...]
    clients: Clients
    cdk: Cdk
    variables: Mapping[str, str]
    fingerprint: str
    env: str | None = None

    def cloudformation(self, stack: Stack) -> Any:
        """Return a client for CloudFormation where a stack is."""
        return self.clients.client("cloudformation", stack.region)

    def sagemaker(self, stack: Stack) -> Any:
        """Return a client for SageMaker where a stack is."""
        return self.clients.client("sagemaker", stack.region)

    def require_unchanged(self) -> None:
        """Make sure that what is going to be deployed is what was shown.

        Raises:
            DeploymentError: The assembly has been written anew meanwhile.
        """
        if self.assembly.fingerprint() != self.fingerprint:
            raise DeploymentError(
                f"{self.assembly.folder} has changed since it was shown; nothing was deployed",
                "run the command again",
            )


def command(*words: str, env: str | None) -> str:
    """Return a command to type, which is for the same environment as this one.

    Args:
        words: What comes after ``odyssey``.
        env: The environment, or None.
    """
    chosen = ("--env", env) if env else ()
    return " ".join(["odyssey", *words, *chosen])


def synthesized(
    settings: Config, words: Sequence[str], *, validate: bool = False, fresh: bool = False
) -> tuple[Assembly, tuple[Stack, ...]]:
    """Return the app as it is synthesized now, and the stacks that words name.

    Args:
        settings: The app's settings, whose environment chooses among the stacks.
        words: Names of stacks; none is all of the environment.
        validate: Let the CDK check the templates.
        fresh: Synthesize even if nothing has changed.

    Raises:
        UsageError: A word names no stack.
        SynthesisError: The CDK app failed.
    """
    made = synthesis.synthesize(settings, validate=validate, fresh=fresh)
    for text in made.notes:
        note(text)
    for finding in made.findings:
        warn(finding)
    whole = assembly.read(made.folder)
    known = config.environments(settings.folder)
    ours = assembly.stacks_of(whole, settings.app.name, settings.env, known)
    chosen = assembly.choose(ours, words)
    _tell_annotations(chosen)
    return whole, chosen


def _tell_annotations(stacks: Iterable[Stack]) -> None:
    """Say what constructs warn of.

    Raises:
        SynthesisError: A construct refuses something.
    """
    for stack in stacks:
        for warning in stack.warnings:
            warn(warning)
    errors = [error for stack in stacks for error in stack.errors]
    if errors:
        raise SynthesisError("the CDK app has errors:\n" + "\n".join(errors))


def resolve(
    settings: Config, words: Sequence[str], access: Access, *, validate: bool = False
) -> Target:
    """Synthesize the app, find the CDK, and make sure that AWS takes the credentials.

    Args:
        settings: The app's settings.
        words: Names of stacks; none is all of the environment.
        access: The way to AWS.
        validate: Let the CDK check the templates.

    Raises:
        UsageError: A word names no stack.
        SynthesisError: The CDK app failed.
        MissingToolError: There is no CDK that fits.
        AwsError: AWS does not take the credentials.
    """
    path = os.environ.get("PATH", os.defpath)
    # Before the synthesis, which is in vain where no CDK reads what the library writes.
    toolkit.find(settings.folder, schema=toolkit.library_schema() or 0, path=path)
    whole, stacks = synthesized(settings, words, validate=validate)
    cdk = toolkit.find(settings.folder, schema=whole.schema, path=path)
    identity = access.identity()
    note(f"Account {identity.account}, {access.region}")
    _require_account(stacks, identity)
    variables = access.environment(os.environ)
    return Target(whole, stacks, access, cdk, variables, whole.fingerprint(), settings.env)


def _require_account(stacks: Sequence[Stack], identity: Identity) -> None:
    for stack in stacks:
        if stack.account not in {None, identity.account}:
            raise AwsError(
                f"{stack.name} is for the account {stack.account}, and these are credentials of "
                f"{identity.account} ({identity.arn})",
                "name the profile of that account with --profile NAME",
            )


def deployed(settings: Config, words: Sequence[str], access: Access) -> tuple[str, ...]:
    """Return the names of an environment's stacks in AWS, without synthesizing anything.

    Args:
        settings: The app's settings, whose environment chooses among the stacks.
        words: Names of stacks; none is all of the environment.
        access: The way to AWS.

    Raises:
        UsageError: A word names no stack.
        AwsError: AWS refuses.
    """
    app, env = settings.app.name, settings.env
    known = config.environments(settings.folder)
    ours = [
        stack.name
        for stack in service.all_stacks(access.client("cloudformation"))
        if stack.name.startswith(f"{app}-")
        and assembly.environment_of(stack.name, app, known) == env
    ]
    return assembly.named(words, ours)
