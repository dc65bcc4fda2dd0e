"""``odyssey destroy``: stacks out of AWS, after saying what goes and what stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.cloudformation import deployment, operation, service, templates
from odyssey.cloudformation.events import INTERVAL, StackProgress
from odyssey.cloudformation.states import require_idle
from odyssey.cloudformation.target import command
from odyssey.console import note
from odyssey.errors import DeploymentError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odyssey.cloudformation.service import Resource, StackState
    from odyssey.cloudformation.target import Target
    from odyssey.consent import Consent
    from odyssey.infra.assembly import Stack


@dataclass(frozen=True)
class Doomed:
    """A stack that is going to be destroyed.

    Args:
        stack: The stack.
        id: Its ARN, by which it is still found when it is gone.
        goes: The resources that go with it.
        stays: The resources that its template keeps.
    """

    stack: Stack
    id: str
    goes: tuple[Resource, ...]
    stays: tuple[Resource, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "stack": self.stack.name,
            "goes": [resource.document() for resource in self.goes],
            "stays": [resource.document() for resource in self.stays],
        }

    def text(self) -> str:
        """Return for a reader what goes and what stays."""
        goes = [f"  goes   {resource}" for resource in self.goes]
        return "\n".join([self.stack.name, *goes, *self._stays()])

    def kept(self) -> str:
        """Return for a reader what has stayed."""
        return "\n".join([f"{self.stack.name}: destroyed", *self._stays()])

    def _stays(self) -> list[str]:
        return [f"  stays  {resource}" for resource in self.stays]


def plan(target: Target) -> tuple[Doomed, ...]:
    """Return which stacks of a target can be destroyed, in the order of their destruction.

    Raises:
        DeploymentError: One is protected, or CloudFormation is at work on it.
        UsageError: A stack that stays needs one that would go.
        AwsError: AWS refuses.
    """
    found = []
    for stack in reversed(target.stacks):
        client = target.cloudformation(stack)
        state = service.describe(client, stack.name)
        if state is None:
            note(f"{stack.name}: there is nothing to destroy")
            continue
        require_idle(client, state)
        _require_unprotected(state)
        found.append(_doomed(client, stack, state))
    _require_free(target, [doomed.stack for doomed in found])
    return tuple(found)


def destroy(target: Target, consent: Consent, *, interval: float = INTERVAL) -> tuple[Doomed, ...]:
    """Destroy the stacks of a target.

    Args:
        target: What to destroy.
        consent: Asks before anything is destroyed.
        interval: Seconds between two requests for events.

    Returns:
        The stacks that were destroyed, with what stays of them.

    Raises:
        DeploymentError: A stack's state forbids it, or a resource could not be deleted.
        AwsError: AWS refuses.
        UsageError: There is nobody to ask, or another stack needs one of these.
        InterruptedByUserError: Ctrl-C, or the answer is no.
    """
    with deployment.alone(target.assembly.folder.parent):
        doomed = plan(target)
        for each in doomed:
            note(each.text())
        if doomed:
            names = ", ".join(each.stack.name for each in doomed)
            consent.ask(f"Destroy {names}? What goes cannot be had back.")
        for each in doomed:
            _destroy(target, each, interval)
    return doomed


def _doomed(client: Any, stack: Stack, state: StackState) -> Doomed:
    kept = templates.retained(service.template(client, state.id))
    there = [
        resource
        for resource in service.resources(client, state.id)
        if resource.status not in {"DELETE_COMPLETE", "DELETE_SKIPPED"}
    ]
    goes = tuple(resource for resource in there if resource.logical_id not in kept)
    stays = tuple(resource for resource in there if resource.logical_id in kept)
    return Doomed(stack, state.id, goes, stays)


def _destroy(target: Target, doomed: Doomed, interval: float) -> None:
    stack = doomed.stack
    client = target.cloudformation(stack)
    shown = StackProgress(f"Destroying {stack.name}", paths=stack.paths)
    words = ["destroy", stack.display_name, "--force", "--exclusively"]
    # By its ARN: a stack that is gone is not found by its name.
    ended = operation.watched(target, doomed.id, words, shown, client=client, interval=interval)
    now = service.describe(client, doomed.id)
    if ended.code == 0 and (now is None or now.status == "DELETE_COMPLETE"):
        return
    told = ended.reason() if ended.code else f"it is in {now.status if now else 'no state'}"
    what = f"{stack.name} could not be destroyed"
    raise operation.failure(what, shown, told, sagemaker=lambda: target.sagemaker(stack))


def _require_unprotected(state: StackState) -> None:
    if state.protected:
        raise DeploymentError(
            f"{state.name} has termination protection: it refuses to be deleted",
            "set termination_protection = false under [aws] in odyssey.toml and deploy, or: "
            "aws cloudformation update-termination-protection "
            f"--no-enable-termination-protection --stack-name {state.name}",
        )


def _require_free(target: Target, doomed: Sequence[Stack]) -> None:
    """Make sure that no stack that stays needs one that goes."""
    going = {stack.name for stack in doomed}
    for other in target.assembly.stacks:
        needed = going & set(other.dependencies)
        if other.name in going or not needed:
            continue
        state = service.describe(target.cloudformation(other), other.name)
        if state is not None and state.exists:
            raise UsageError(
                f"{other.name} needs {', '.join(sorted(needed))}, and stays",
                command("destroy", other.name, *sorted(needed), env=target.env),
            )
