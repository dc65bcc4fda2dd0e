"""Which states of a stack a deployment may begin from, and how it gets out of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.cloudformation import operation, service
from odyssey.cloudformation.events import INTERVAL, StackProgress
from odyssey.cloudformation.target import command
from odyssey.console import note
from odyssey.errors import DeploymentError

if TYPE_CHECKING:
    from odyssey.cloudformation.service import StackState
    from odyssey.consent import Consent

GONE = {"DELETE_COMPLETE", "CREATE_FAILED"}
"""The statuses of a resource of which nothing is left."""


def require_deployable(client: Any, name: str, *, env: str | None = None) -> None:
    """Make sure that CloudFormation would take a deployment of a stack.

    Args:
        client: A client for CloudFormation.
        name: The stack's name.
        env: The environment it is of, or None.

    Raises:
        DeploymentError: Its state forbids it.
        AwsError: AWS refuses.
    """
    state = service.describe(client, name)
    if state is None:
        return
    require_idle(client, state)
    if state.status in service.STUCK:
        raise DeploymentError(
            f"{state.name} is in {state.status}, which only a person gets it out of{_said(state)}",
            _way_out(state),
        )
    if state.status in service.FAILED_CREATION:
        raise DeploymentError(
            f"{state.name} is in {state.status}: it was never made, and can only be deleted",
            f"{command('deploy', name, env=env)}, which asks before it deletes",
        )


def clear_failed_creation(
    client: Any, name: str, consent: Consent, *, interval: float = INTERVAL
) -> None:
    """Delete a stack whose creation failed, with leave: CloudFormation does nothing else with it.

    Args:
        client: A client for CloudFormation.
        name: The stack's name.
        consent: Asks before anything is deleted.
        interval: Seconds between two requests.

    Raises:
        DeploymentError: It could not be deleted.
        AwsError: AWS refuses.
    """
    state = service.describe(client, name)
    if state is None or state.status not in service.FAILED_CREATION:
        return
    left = [r for r in service.resources(client, state.id) if r.status not in GONE]
    note(f"{name} is in {state.status}: it was never made, and can only be deleted")
    for resource in left:
        note(f"  still there: {resource}")
    consent.ask(f"Delete what is left of {name}?", in_person=bool(left))
    _delete(client, state, interval)


def require_idle(client: Any, state: StackState) -> None:
    """Make sure that CloudFormation is not at work on a stack.

    Raises:
        DeploymentError: It is; the message says what it does and who asked for it.
    """
    if not state.busy:
        return
    since = f" since {state.since:%Y-%m-%d %H:%M:%S %Z}" if state.since else ""
    who = service.request_token(client, state.id)
    asked = f", by the request {who}" if who else ""
    raise DeploymentError(
        f"CloudFormation is at work on {state.name}: {state.status}{since}{asked}",
        f"wait until it is done; {operation.looking(state)}",
    )


def _delete(client: Any, state: StackState, interval: float) -> None:
    """Delete a stack and wait until it is gone."""

    def is_over() -> bool:
        now = service.describe(client, state.id)
        return now is None or now.status in {"DELETE_COMPLETE", "DELETE_FAILED"}

    shown = StackProgress(f"Deleting {state.name}", paths={})
    operation.follow(
        client,
        state.id,
        shown,
        start=lambda: service.delete(client, state.id),
        is_over=is_over,
        interval=interval,
    )
    now = service.describe(client, state.id)
    if now is not None and now.status == "DELETE_FAILED":
        raise DeploymentError(f"{state.name} could not be deleted{_said(now)}", _way_out(now))


def _said(state: StackState) -> str:
    return f": {state.reason}" if state.reason else ""


def _way_out(state: StackState) -> str:
    if state.status == "UPDATE_ROLLBACK_FAILED":
        return f"aws cloudformation continue-update-rollback --stack-name {state.name}"
    if state.status == "DELETE_FAILED":
        return f"aws cloudformation delete-stack --stack-name {state.name}"
    return f"aws cloudformation rollback-stack --stack-name {state.name}"
