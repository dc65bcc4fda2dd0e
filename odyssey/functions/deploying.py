"""``odyssey lambda train``, ``serve`` and ``delete``: the app's functions, by way of their stack.

::

    look at the image and the model -> deploy foundation and functions, and record -> upload data

There is one way to make a function, the stack, so that ``odyssey deploy`` and these commands agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import aws, given, names, roles, serving
from odyssey.cloudformation import target as targets
from odyssey.console import note
from odyssey.errors import AwsError, UsageError
from odyssey.functions import data
from odyssey.functions.image import require_deployable
from odyssey.model_location import is_seen
from odyssey.serving import Deleted, PreparedServing

if TYPE_CHECKING:
    from odyssey.aws import Access
    from odyssey.cloudformation.deployment import Deployed
    from odyssey.config import Config
    from odyssey.consent import Consent
    from odyssey.serving import Resolve

PART = serving.PARTS["lambda"]
"""The last word of the stack's name."""

TRAIN, SERVE = "train", "serve"
"""The two functions of an app."""


@dataclass(frozen=True)
class Functions:
    """Functions that are deployed.

    Args:
        function: The name of the one that the command was for.
        image: The image.
        stacks: The foundation and the functions' stack.
        model: The s3:// URI of the model that it serves, or ``none``; empty of one that trains.
        data: The s3:// URI that it reads its data from; empty of one that serves.
    """

    function: str
    image: str
    stacks: tuple[Deployed, ...]
    model: str = ""
    data: str = ""

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        more = {"model": self.model, "data": self.data}
        return {
            "function": self.function,
            "image": self.image,
            **{name: value for name, value in more.items() if value},
            "stacks": [stack.document() for stack in self.stacks],
        }

    def text(self) -> str:
        """Return the outputs of their stacks for a reader."""
        return "\n".join(stack.text() for stack in self.stacks)


def stack_name(settings: Config) -> str:
    """Return the name of the stack of an app's functions in its environment."""
    return serving.stack_name(settings, PART)


def train(
    settings: Config,
    access: Access,
    consent: Consent,
    *,
    role: str = "",
    dry_run: bool = False,
    method: str = "change-set",
    resolve: Resolve = targets.resolve,
) -> Functions | PreparedServing:
    """Deploy the function that trains, and upload the app's data to where it reads it.

    With a model on record the function that serves is deployed as well: it is in the same stack.

    Args:
        settings: The app's settings; ``artifacts.image`` and ``function.*`` may come from options.
        access: The way to AWS.
        consent: Asks before anything is changed.
        role: The ARN or name of the role that it runs as. Default: as in ``[function]``.
        dry_run: Make change sets, execute none and upload nothing.
        method: ``change-set``, or ``direct``, which is faster and tells less.
        resolve: Synthesizes the app.

    Raises:
        UsageError: There is no image, or Lambda would refuse it.
        DeploymentError: A stack's state forbids it, or the deployment failed.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C, or the answer is no.
    """
    require_functions(settings)
    _require_image(settings)
    settings = _with_role(settings, access, role)
    require_deployable(settings, access)
    done = _deployed(settings, access, consent, dry_run=dry_run, method=method, resolve=resolve)
    if isinstance(done, PreparedServing):
        return done
    name = names.function(settings, TRAIN)
    place = _data_uri(access, name)
    if place:
        data.upload(settings, access, place)
    return Functions(name, settings.artifacts.image, done, data=place)


def serve(
    settings: Config,
    access: Access,
    consent: Consent,
    *,
    role: str = "",
    dry_run: bool = False,
    method: str = "change-set",
    resolve: Resolve = targets.resolve,
) -> Functions | PreparedServing:
    """Deploy the function that serves the model of the settings, and record both.

    The function that trains is in the same stack, and gets the same image.

    Args:
        settings: As for `train`, and ``artifacts.model``.
        access: The way to AWS.
        consent: Asks before anything is changed.
        role: As for `train`.
        dry_run: Make change sets and execute none.
        method: As for `train`.
        resolve: Synthesizes the app.

    Raises:
        UsageError: There is no image or no model, or Lambda would refuse the image.
        DeploymentError: A stack's state forbids it, or the deployment failed.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C, or the answer is no.
    """
    require_functions(settings)
    _require_image(settings)
    made = settings.artifacts
    if not made.model:
        raise UsageError(
            "no model is recorded: there is nothing to serve",
            f"odyssey lambda train, then odyssey lambda invoke -n {names.function(settings, TRAIN)}"
            "; or name a model with -m s3://BUCKET/KEY.tar.gz",
        )
    settings = _with_role(settings, access, role)
    require_deployable(settings, access)
    is_seen(made.model, access, "odyssey lambda train")
    done = _deployed(settings, access, consent, dry_run=dry_run, method=method, resolve=resolve)
    if isinstance(done, PreparedServing):
        return done
    return Functions(names.function(settings, SERVE), made.image, done, model=made.model)


def delete(
    settings: Config,
    access: Access,
    consent: Consent,
    dry_run: bool = False,
    *,
    resolve: Resolve = targets.resolve,
) -> Deleted:
    """Destroy the functions' stack; the foundation stays, with the bucket and the images.

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
    require_functions(settings)
    told = f"The functions of {stack_name(settings)} go, with their logs; what the foundation keeps"
    return serving.removed(
        settings,
        access,
        consent,
        PART,
        dry_run,
        lacking="" if settings.artifacts.image else "no image",
        told=f"{told} stays",
        resolve=resolve,
    )


def require_functions(settings: Config) -> None:
    """Make sure that an app is for Lambda.

    Raises:
        UsageError: It is not.
    """
    if not settings.app.on_lambda:
        raise UsageError(
            f'app.service is "{settings.app.service}": the app has an endpoint and no functions',
            'service = "sagemaker+lambda" under [app] in odyssey.toml, or odyssey sagemaker serve',
        )


def _require_image(settings: Config) -> None:
    if not settings.artifacts.image:
        raise UsageError("no image is recorded: there is nothing to deploy", "odyssey docker push")


def _with_role(settings: Config, access: Access, role: str) -> Config:
    """Return the settings with the role of ``-r``, as if its ARN had been an option."""
    return given.also(settings, {"function.role": roles.arn(role, access)}) if role else settings


def _deployed(
    settings: Config,
    access: Access,
    consent: Consent,
    *,
    dry_run: bool,
    method: str,
    resolve: Resolve,
) -> tuple[Deployed, ...] | PreparedServing:
    serving.warn_untested(settings, (PART,))
    note(_cost(settings))
    made = {"image": settings.artifacts.image, "model": settings.artifacts.model}
    return serving.rolled_out(
        settings,
        access,
        consent,
        PART,
        {name: uri for name, uri in made.items() if uri},
        dry_run=dry_run,
        method=method,
        resolve=resolve,
    )


def _cost(settings: Config) -> str:
    """Return what the functions cost."""
    wanted = settings.function
    size = f"{wanted.memory_mb} MB and up to {wanted.timeout} s a call"
    ready = wanted.provisioned_concurrency
    if ready and settings.artifacts.model:
        return (
            f"The functions have {size}; {ready} of the one that serves are kept ready, and cost "
            "by the hour for as long as they are there"
        )
    return f"The functions have {size}, and cost while they run"


def _data_uri(access: Access, name: str) -> str:
    """Return where the function that trains reads its data; empty where nothing says."""
    try:
        with aws.explained():
            told = access.client("lambda").get_function(FunctionName=name)
    except AwsError as error:
        if not aws.is_refusal(error.message):
            raise
        note(f"where {name} reads its data cannot be looked at with these credentials")
        return ""
    variables = told["Configuration"].get("Environment", {}).get("Variables", {})
    return str(variables.get("DATA_URI", ""))
