"""``odyssey deploy --dry-run`` and ``--execute``: change sets that somebody looks at in between."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from odyssey import console
from odyssey.cloudformation import deployment, operation, service, templates
from odyssey.cloudformation import target as targets
from odyssey.cloudformation.deployment import Deployed
from odyssey.cloudformation.events import INTERVAL, StackProgress
from odyssey.cloudformation.states import require_deployable, require_idle
from odyssey.console import Progress, note
from odyssey.errors import DeploymentError, InterruptedByUserError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from odyssey.aws import Clients
    from odyssey.cloudformation.service import Change, ChangeSet
    from odyssey.cloudformation.target import Target
    from odyssey.consent import Consent
    from odyssey.infra.assembly import Stack

RUNNING = {"AVAILABLE", "EXECUTE_IN_PROGRESS"}
"""The execution statuses of a change set that was started and has not ended."""


@dataclass(frozen=True)
class Prepared:
    """A change set that waits to be executed.

    Args:
        stack: The name of its stack.
        name: Its own name.
        changes: What it would change.
        is_new: The stack is not there yet: it stands in REVIEW_IN_PROGRESS, without a resource.
        command: The command that executes it.
    """

    stack: str
    name: str
    changes: tuple[Change, ...]
    is_new: bool
    command: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "stack": self.stack,
            "change_set": self.name,
            "new_stack": self.is_new,
            "changes": [asdict(change) for change in self.changes],
            "execute": self.command,
        }

    def text(self) -> str:
        """Return it for a reader."""
        review = f"\n{self.stack} now stands in {service.REVIEW}, empty" * self.is_new
        shown = changes_table(self.changes)
        return f"{self.stack}: change set {self.name}\n{shown}{review}\nExecute it: {self.command}"


def changes_table(changes: Iterable[Change]) -> str:
    """Return changes for a reader."""
    rows = [
        {
            "action": change.action,
            "resource": change.logical_id,
            "type": change.type,
            "replacement": change.replacement or "-",
        }
        for change in changes
    ]
    return console.table(rows) if rows else "no resource changes"


def prepare(target: Target, name: str | None = None) -> tuple[Prepared, ...]:
    """Make a change set for each stack that would change, and execute none.

    Args:
        target: What would be deployed.
        name: The name of the change sets. Default: one that follows from the template and tags.

    Raises:
        DeploymentError: A stack's state forbids it, or there is no change set in the end.
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C.
    """
    with deployment.alone(target.assembly.folder.parent):
        for stack in target.stacks:
            require_deployable(target.cloudformation(stack), stack.name, env=target.env)
        found = []
        for stack in deployment.changes(target):
            absent = _absent_dependencies(target, stack)
            if absent:
                note(
                    f"{stack.name}: no change set, since it takes values from {', '.join(absent)}, "
                    "which must be deployed before"
                )
            else:
                found.append(_prepare(target, stack, name or default_name(stack)))
        return tuple(found)


def default_name(stack: Stack) -> str:
    """Return a name for a change set, the same for the same template and tags."""
    tags = json.dumps(dict(stack.tags), sort_keys=True).encode()
    return f"odyssey-{hashlib.sha256(stack.template.read_bytes() + tags).hexdigest()[:12]}"


def execute(
    clients: Clients,
    stacks: Iterable[str],
    name: str,
    consent: Consent,
    *,
    env: str | None = None,
    interval: float = INTERVAL,
) -> Deployed:
    """Execute a change set just as it was prepared; nothing is synthesized.

    Args:
        clients: The way to AWS.
        stacks: The stacks that may have it.
        name: Its name.
        consent: Asks before it is executed.
        env: The environment of the stacks, or None.
        interval: Seconds between two requests.

    Raises:
        DeploymentError: It is not there, cannot be executed, or failed.
        AwsError: AWS refuses.
        UsageError: Several stacks have it, or there is nobody to ask.
        InterruptedByUserError: Ctrl-C, or the answer is no.
    """
    client = clients.client("cloudformation")
    change_set = _find(client, stacks, name, env)
    _require_executable(change_set, env)
    state = service.describe(client, change_set.stack)
    if state is None:
        raise DeploymentError(f"{change_set.stack} is gone")
    require_idle(client, state)
    note(changes_table(change_set.changes))
    consent.ask(f"Execute the change set {name} of {change_set.stack}?")
    return _execute(clients, client, state.id, change_set, interval)


def _prepare(target: Target, stack: Stack, name: str) -> Prepared:
    client = target.cloudformation(stack)
    before = service.describe(client, stack.name)
    progress = Progress(f"Preparing {stack.name}")
    words = ["deploy", stack.display_name, "--exclusively", "--require-approval", "never"]
    ended = target.cdk.run(
        *words,
        *("--method", "prepare-change-set", "--change-set-name", name),
        assembly=target.assembly.folder,
        env=target.variables,
        on_turn=progress.tick,
    )
    progress.end()
    if ended.stopped_by is not None:
        raise InterruptedByUserError("interrupted; nothing was executed")
    made = service.change_set(client, stack.name, name) if ended.code == 0 else None
    if made is None:
        what = f"no change set could be made for {stack.name}"
        shown = StackProgress(stack.name, paths=stack.paths)
        told = ended.reason() if ended.code else "CloudFormation has none of this name"
        raise operation.failure(what, shown, told, sagemaker=lambda: target.sagemaker(stack))
    is_new = before is None or not before.exists
    command = targets.command("deploy", stack.name, "--execute", name, env=target.env)
    return Prepared(stack.name, name, made.changes, is_new, command)


def _absent_dependencies(target: Target, stack: Stack) -> list[str]:
    by_name = {other.name: other for other in target.assembly.stacks}
    absent = []
    for name in stack.dependencies:
        state = service.describe(target.cloudformation(by_name[name]), name)
        if state is None or not state.exists:
            absent.append(name)
    return absent


def _find(client: Any, stacks: Iterable[str], name: str, env: str | None) -> ChangeSet:
    found = [made for stack in stacks if (made := service.change_set(client, stack, name))]
    if not found:
        hint = targets.command("deploy", "--dry-run", env=env)
        raise DeploymentError(f"no stack has a change set {name}", hint)
    if len(found) > 1:
        names = ", ".join(change_set.stack for change_set in found)
        raise UsageError(
            f"several stacks have a change set {name}: {names}",
            targets.command("deploy", found[0].stack, "--execute", name, env=env),
        )
    return found[0]


def _require_executable(change_set: ChangeSet, env: str | None) -> None:
    if change_set.status == "CREATE_COMPLETE" and change_set.execution == "AVAILABLE":
        return
    reason = f": {change_set.reason}" if change_set.reason else ""
    raise DeploymentError(
        f"the change set {change_set.name} of {change_set.stack} cannot be executed: "
        f"{change_set.status}, {change_set.execution}{reason}",
        f"{targets.command('deploy', change_set.stack, '--dry-run', env=env)} makes a new one",
    )


def _execute(
    clients: Clients, client: Any, stack_id: str, change_set: ChangeSet, interval: float
) -> Deployed:
    started = time.monotonic()
    name, stack = change_set.name, change_set.stack
    body = service.template(client, stack, name)
    shown = StackProgress(f"Deploying {stack}", paths=templates.paths(body, stack))
    operation.follow(
        client,
        stack_id,
        shown,
        start=lambda: service.execute(client, stack, name),
        is_over=_is_over(client, stack, name),
        interval=interval,
    )

    def sagemaker() -> Any:
        return clients.client("sagemaker")

    now = service.describe(client, stack)
    if now is None or not now.done:
        told = f"{now.status} {now.reason}".rstrip() if now else "it is gone"
        what = f"{stack} could not be deployed"
        raise operation.failure(what, shown, told, sagemaker=sagemaker)
    outputs = deployment.verified(client, stack, body, sagemaker).outputs
    return Deployed(stack, changed=True, outputs=outputs, seconds=time.monotonic() - started)


def _is_over(client: Any, stack: str, name: str) -> Callable[[], bool]:
    def is_over() -> bool:
        # The stack itself may still be in its old state when the execution has just begun.
        made = service.change_set(client, stack, name)
        if made is not None and made.execution in RUNNING:
            return False
        state = service.describe(client, stack)
        return state is None or not state.busy

    return is_over
