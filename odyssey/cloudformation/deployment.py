"""``odyssey deploy``: stacks from the assembly into AWS.

::

    look at each stack's state -> show what will change -> ask -> cdk deploy, watched -> verify

What is shown is what is deployed: the CDK is given the finished assembly, never the app. Nothing is
deployed that is there already.
"""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import console, state
from odyssey.cloudformation import differences, endpoint, operation, service
from odyssey.cloudformation.events import INTERVAL, StackProgress
from odyssey.cloudformation.states import clear_failed_creation, require_deployable
from odyssey.console import note
from odyssey.errors import DeploymentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from odyssey.cloudformation.service import StackState
    from odyssey.cloudformation.target import Target
    from odyssey.consent import Consent
    from odyssey.infra.assembly import Stack

LOCK = "deploy.lock"


@dataclass(frozen=True)
class Deployed:
    """A stack that is deployed.

    Args:
        stack: Its name.
        changed: Whether this deployment changed it.
        outputs: Its outputs.
        seconds: How long it took.
    """

    stack: str
    changed: bool
    outputs: Mapping[str, str]
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "stack": self.stack,
            "changed": self.changed,
            "outputs": dict(self.outputs),
            "seconds": round(self.seconds, 1),
        }

    def text(self) -> str:
        """Return its outputs for a reader, without those that are for other stacks."""
        shown = {n: v for n, v in self.outputs.items() if not n.startswith("ExportsOutput")}
        widest = max(map(len, shown), default=0)
        lines = [f"  {name.ljust(widest)}  {value}" for name, value in sorted(shown.items())]
        return "\n".join([self.stack, *lines])


def deploy(
    target: Target, consent: Consent, *, method: str = "change-set", interval: float = INTERVAL
) -> tuple[Deployed, ...]:
    """Deploy the stacks of a target that are not deployed as they are.

    Args:
        target: What to deploy.
        consent: Asks before anything is changed.
        method: ``change-set``, or ``direct``, which is faster and tells less.
        interval: Seconds between two requests for events.

    Returns:
        Every stack of the target.

    Raises:
        DeploymentError: A stack's state forbids it, or the deployment failed.
        AwsError: AWS refuses.
        UsageError: There is nobody to ask.
        InterruptedByUserError: Ctrl-C, or the answer is no.
    """
    with alone(target.assembly.folder.parent):
        for stack in target.stacks:
            client = target.cloudformation(stack)
            clear_failed_creation(client, stack.name, consent, interval=interval)
            require_deployable(client, stack.name, env=target.env)
        changed = changes(target)
        if changed:
            show_changes(target, changed, method)
            _show_consequences(target, changed)
            consent.ask(f"Deploy {_and(stack.name for stack in changed)}?")
            target.require_unchanged()
        return tuple(
            _deploy(target, stack, method, interval)
            if stack in changed
            else _as_it_is(target, stack)
            for stack in target.stacks
        )


def changes(target: Target) -> tuple[Stack, ...]:
    """Return the stacks of a target that are not deployed as they are."""
    found = [stack for stack in target.stacks if not _is_deployed(target, stack)]
    for stack in target.stacks:
        if stack not in found:
            note(f"{stack.name}: nothing to change")
    return tuple(found)


def show_changes(target: Target, stacks: Sequence[Stack], method: str = "change-set") -> None:
    """Print on stderr what would change in stacks."""
    how = "template" if method == "direct" else "auto"
    for difference in differences.find(target, stacks, shown_on=sys.stderr, method=how):
        note(f"{difference.text}\n")


def _show_consequences(target: Target, stacks: Sequence[Stack]) -> None:
    """Print on stderr what follows from the changes, in the words of a review."""
    from odyssey.review import before_deployment

    width = console.width(sys.stderr)
    note(before_deployment.told(target, stacks, paint=console.painted, width=width) + "\n")


@contextmanager
def alone(app: Path) -> Iterator[None]:
    """Be the only one that deploys an app from here, for the length of a ``with`` block.

    Raises:
        DeploymentError: Another odyssey does.
    """
    with state.locked(state.folder(app) / LOCK) as ours:
        if not ours:
            raise DeploymentError(
                "another odyssey deploys this app", "wait until it is done, then run this again"
            )
        yield


def verified(
    client: Any, name: str, body: Mapping[str, Any], sagemaker: Callable[[], Any]
) -> StackState:
    """Return a stack that was deployed, when its endpoint runs what the stack says.

    Args:
        client: A client for CloudFormation.
        name: The stack's name.
        body: Its template.
        sagemaker: Makes a client for SageMaker, where there is an endpoint.

    Raises:
        DeploymentError: The stack is not there, or the endpoint runs something else.
        AwsError: AWS refuses.
    """
    deployed = service.describe(client, name)
    if deployed is None or not deployed.exists:
        raise DeploymentError(f"{name} is not there after its deployment")
    kinds = {resource.get("Type") for resource in body.get("Resources", {}).values()}
    if endpoint.ENDPOINT in kinds:
        endpoint.verify(sagemaker(), service.resources(client, name), body)
    return deployed


def _is_deployed(target: Target, stack: Stack) -> bool:
    client = target.cloudformation(stack)
    deployed = service.describe(client, stack.name)
    return (
        deployed is not None
        and deployed.exists
        and dict(deployed.tags) == dict(stack.tags)
        and deployed.protected == stack.termination_protection
        and service.template(client, stack.name) == stack.body
    )


def _as_it_is(target: Target, stack: Stack) -> Deployed:
    return Deployed(stack.name, changed=False, outputs=_outputs(target, stack))


def _outputs(target: Target, stack: Stack) -> Mapping[str, str]:
    client = target.cloudformation(stack)
    deployed = verified(client, stack.name, stack.body, lambda: target.sagemaker(stack))
    return deployed.outputs


def _deploy(target: Target, stack: Stack, method: str, interval: float) -> Deployed:
    started = time.monotonic()
    client = target.cloudformation(stack)
    shown = StackProgress(f"Deploying {stack.name}", paths=stack.paths)
    words = ["deploy", stack.display_name, "--exclusively", "--require-approval", "never"]
    words += ["--method", method, "--progress", "events"]
    ended = operation.watched(target, stack.name, words, shown, client=client, interval=interval)
    if ended.code != 0:
        what = f"{stack.name} could not be deployed"
        raise operation.failure(
            what, shown, ended.reason(), sagemaker=lambda: target.sagemaker(stack)
        )
    outputs = _outputs(target, stack)
    return Deployed(stack.name, changed=True, outputs=outputs, seconds=time.monotonic() - started)


def _and(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
