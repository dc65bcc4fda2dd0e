"""``odyssey sagemaker serve`` and ``delete``: the app's endpoint, by way of its stack.

::

    look at the image and the model -> deploy foundation and endpoint -> record the model

There is one way to make an endpoint, the stack, so that ``odyssey deploy`` and this command agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, foundation, given, invocation, names, roles
from odyssey.cloudformation import changesets, deployment, destruction, service
from odyssey.cloudformation import target as targets
from odyssey.console import note, warn
from odyssey.errors import UsageError
from odyssey.model_location import require_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from odyssey.aws import Access
    from odyssey.cloudformation.changesets import Prepared
    from odyssey.cloudformation.deployment import Deployed
    from odyssey.cloudformation.destruction import Doomed
    from odyssey.cloudformation.target import Target
    from odyssey.config import Config
    from odyssey.consent import Consent

    Resolve = Callable[..., Target]

PART = "endpoint"
"""The last word of the stack's name."""

PARTS = {"sagemaker": PART, "lambda": "function"}
"""The same of the stack that serves on each service."""


@dataclass(frozen=True)
class Served:
    """An endpoint that serves.

    Args:
        endpoint: Its name.
        image: The image.
        model: The s3:// URI of the model, or ``none``.
        stacks: The foundation and the endpoint's stack.
    """

    endpoint: str
    image: str
    model: str
    stacks: tuple[Deployed, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "endpoint": self.endpoint,
            "image": self.image,
            "model": self.model,
            "stacks": [stack.document() for stack in self.stacks],
        }

    def text(self) -> str:
        """Return the outputs of its stacks for a reader."""
        return "\n".join(stack.text() for stack in self.stacks)


@dataclass(frozen=True)
class PreparedServing:
    """The change sets that a dry run has made."""

    change_sets: tuple[Prepared, ...]

    def document(self) -> dict[str, Any]:
        """Return them as JSON takes them."""
        return {"change_sets": [each.document() for each in self.change_sets]}

    def text(self) -> str:
        """Return them for a reader."""
        return "\n\n".join(each.text() for each in self.change_sets)


@dataclass(frozen=True)
class Deleted:
    """What is gone with the endpoint's stack, or what would go.

    Args:
        stacks: The stack; empty where there was none.
        planned: Nothing was done.
    """

    stacks: tuple[Doomed, ...]
    planned: bool = False

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {"stacks": [stack.document() for stack in self.stacks]}

    def text(self) -> str:
        """Return it for a reader."""
        return "\n".join(one.text() if self.planned else one.kept() for one in self.stacks)


def stack_name(settings: Config, part: str = PART) -> str:
    """Return the name of a stack of an app in its environment, by default of its endpoint's."""
    return f"{names.qualified(settings.app.name, settings.env)}-{part}"


def serve(
    settings: Config,
    access: Access,
    consent: Consent,
    *,
    role: str = "",
    dry_run: bool = False,
    method: str = "change-set",
    resolve: Resolve = targets.resolve,
) -> Served | PreparedServing:
    """Deploy the endpoint with the image and the model of the settings.

    Args:
        settings: The app's settings; ``artifacts.model`` and ``endpoint.*`` may come from options.
        access: The way to AWS.
        consent: Asks before anything is changed.
        role: The ARN or name of the role that the endpoint runs as. Default: as in ``[endpoint]``.
        dry_run: Make change sets and execute none.
        method: ``change-set``, or ``direct``, which is faster and tells less.
        resolve: Synthesizes the app.

    Raises:
        UsageError: There is no image or no model, or the model is not where it must be.
        DeploymentError: A stack's state forbids it, or the deployment failed.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C, or the answer is no.
    """
    _require_artifacts(settings)
    settings = _with_role(settings, access, role)
    warn_untested(settings, (PART,))
    require_model(settings, access)
    note(_cost(settings))
    made = settings.artifacts
    done = rolled_out(
        settings,
        access,
        consent,
        PART,
        {"model": made.model},
        dry_run=dry_run,
        method=method,
        resolve=resolve,
    )
    if isinstance(done, PreparedServing):
        return done
    return Served(invocation.endpoint_name(settings), made.image, made.model, done)


def rolled_out(
    settings: Config,
    access: Access,
    consent: Consent,
    part: str,
    known: Mapping[str, str],
    *,
    dry_run: bool,
    method: str,
    resolve: Resolve,
) -> tuple[Deployed, ...] | PreparedServing:
    """Deploy the foundation with one more stack of the app, and record what that has.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        consent: Asks before anything is changed.
        part: The last word of the stack's name, of `PARTS`.
        known: What is recorded, by the names of the artifacts.
        dry_run: As for `serve`, as the two that follow are.
        method: The same.
        resolve: The same.

    Raises:
        OdysseyError: As for `serve`.
    """
    stacks = (foundation.stack_name(settings), stack_name(settings, part))
    chosen = resolve(settings, stacks, access, validate=True)
    if dry_run:
        prepared = PreparedServing(changesets.prepare(chosen))
        given.tell_what_is_lost(settings)
        return prepared
    done = deployment.deploy(chosen, consent, method=method)
    artifacts.record(settings.folder, settings.env, known)
    given.tell_what_is_lost(settings)
    return done


def delete(
    settings: Config,
    access: Access,
    consent: Consent,
    dry_run: bool = False,
    *,
    resolve: Resolve = targets.resolve,
) -> Deleted:
    """Destroy the endpoint's stack; the foundation stays, with the bucket and the images.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        consent: Asks before anything is destroyed.
        dry_run: Say what would go, and destroy nothing.
        resolve: Synthesizes the app.

    Raises:
        DeploymentError: The stack's state forbids it, or a resource could not be deleted.
        AwsError: AWS refuses.
        UsageError: There is nobody to ask, or the stack cannot be synthesized.
        InterruptedByUserError: Ctrl-C, or the answer is no.
    """
    made = settings.artifacts
    return removed(
        settings,
        access,
        consent,
        PART,
        dry_run,
        lacking="" if made.image and made.model else "no image or no model",
        told=f"{_cost(settings)}; what the foundation keeps in S3 and ECR stays",
        resolve=resolve,
    )


def removed(
    settings: Config,
    access: Access,
    consent: Consent,
    part: str,
    dry_run: bool,
    *,
    lacking: str,
    told: str,
    resolve: Resolve,
) -> Deleted:
    """Destroy one stack of the app beside the foundation.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        consent: Asks before anything is destroyed.
        part: The last word of the stack's name, of `PARTS`.
        dry_run: Say what would go, and destroy nothing.
        lacking: What is not recorded, without which the app has no such stack; "" for nothing. The
            stack is destroyed by the CDK, which needs it in the app.
        told: What the one who is asked should know.
        resolve: Synthesizes the app.

    Raises:
        OdysseyError: As for `delete`.
    """
    name = stack_name(settings, part)
    if service.describe(access.client("cloudformation"), name) is None:
        note(f"{name}: there is nothing to delete")
        return Deleted((), dry_run)
    if lacking:
        raise UsageError(
            f"{lacking} is recorded, so that the app has no stack {name}",
            f"aws cloudformation delete-stack --stack-name {name}",
        )
    chosen = resolve(settings, (name,), access)
    if dry_run:
        return Deleted(destruction.plan(chosen), planned=True)
    note(told)
    return Deleted(destruction.destroy(chosen, consent))


def warn_untested(settings: Config, stacks: Iterable[str]) -> None:
    """Say so where the image that is going to be deployed has not passed its contract test.

    There is a test for each service that a stack is for.

    Args:
        settings: The app's settings.
        stacks: The names of the stacks that are going to be deployed.
    """
    image = settings.artifacts.image
    if not image or artifacts.stands_in(image):
        return
    for each in settings.app.services:
        others = tuple({foundation.PART, *PARTS.values()} - {PARTS[each]})
        if all(name.endswith(others) for name in stacks):
            continue
        if not artifacts.is_tested(settings.folder, image.rpartition("@")[2], (each,)):
            acting = f" --as {each}" if len(settings.app.services) > 1 else ""
            warn(f"{image} has not passed `odyssey docker test{acting}`")


def _require_artifacts(settings: Config) -> None:
    if not settings.app.on_sagemaker:
        raise UsageError(
            f'app.service is "{settings.app.service}": the app has functions and no endpoint',
            "odyssey lambda serve",
        )
    if not settings.artifacts.image:
        raise UsageError("no image is recorded: there is nothing to serve", "odyssey docker push")
    if not settings.artifacts.model:
        raise UsageError(
            "no model is recorded: there is nothing to serve",
            "odyssey sagemaker train, or name one with -m s3://BUCKET/KEY.tar.gz",
        )


def _with_role(settings: Config, access: Access, role: str) -> Config:
    """Return the settings with the role of ``-r``, as if its ARN had been an option."""
    if not role:
        return settings
    arn = roles.arn(role, access)
    if arn == foundation.find(settings, access).training_role:
        warn(
            "the endpoint is going to run as the role of the training jobs, which may write data "
            "and models; without -r the stack makes a role that may only read this model"
        )
    return given.also(settings, {"endpoint.role": arn})


def _cost(settings: Config) -> str:
    """Return what the endpoint costs for as long as it is there."""
    name, wanted = invocation.endpoint_name(settings), settings.endpoint
    if wanted.kind == "serverless":
        ready = wanted.provisioned_concurrency
        if not ready:
            return f"The endpoint {name} is serverless, and costs while it answers"
        return f"The endpoint {name} keeps {ready} requests' room ready, and costs by the hour"
    machines = f"{wanted.instance_count} x {wanted.instance_type}"
    return f"The endpoint {name} is {machines}, and costs by the hour for as long as it is there"
