"""One operation of CloudFormation on one stack: shown while it lasts, explained when it fails."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.cloudformation import endpoint, service
from odyssey.cloudformation.events import INTERVAL, StackProgress, Watcher
from odyssey.console import clean
from odyssey.errors import AwsError, DeploymentError, InterruptedByUserError, OdysseyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odyssey.cloudformation.events import Event
    from odyssey.cloudformation.service import StackState
    from odyssey.cloudformation.target import Target
    from odyssey.infra.toolkit import Ended

TURN = 0.25
"""Seconds between two looks at what the watcher has found."""

BOOTSTRAP = (
    "cdk bootstrap, for this account and region; or bootstrap = false under [aws] in odyssey.toml"
)


def turn(watcher: Watcher, shown: StackProgress) -> Callable[[], float]:
    """Return what to do again and again while an operation lasts: show what is new.

    Args:
        watcher: Where events come from.
        shown: Where they go.
    """
    said = False

    def show() -> float:
        nonlocal said
        shown.show(watcher.new())
        if watcher.problem and not said:
            said = True
            shown.progress.say(f"  The events cannot be read: {clean(watcher.problem.message)}")
        return min(shown.progress.tick(), TURN)

    return show


def watched(
    target: Target,
    stack: str,
    words: Sequence[str],
    shown: StackProgress,
    *,
    client: Any,
    interval: float = INTERVAL,
) -> Ended:
    """Run a command of the CDK that works on one stack, and show the stack's events meanwhile.

    Args:
        target: Whose CDK and assembly it is.
        stack: The stack's name or ARN.
        words: The command.
        shown: Where the events go.
        client: A client for CloudFormation.
        interval: Seconds between two requests for events.

    Raises:
        InterruptedByUserError: Ctrl-C; the operation goes on.
    """
    with Watcher(client, stack, interval=interval) as watcher:
        ended = target.cdk.run(
            *words,
            assembly=target.assembly.folder,
            env=target.variables,
            on_turn=turn(watcher, shown),
        )
    shown.show(watcher.new())
    shown.progress.end()
    if ended.stopped_by is not None:
        raise detached(client, stack)
    return ended


def follow(
    client: Any,
    stack: str,
    shown: StackProgress,
    *,
    start: Callable[[], None],
    is_over: Callable[[], bool],
    interval: float = INTERVAL,
) -> None:
    """Start an operation, and show its events until it is over.

    Args:
        client: A client for CloudFormation.
        stack: The stack's ARN.
        shown: Where to show them.
        start: Starts it.
        is_over: Asks AWS whether it has ended.
        interval: Seconds between two requests.

    Raises:
        AwsError: AWS refuses.
        InterruptedByUserError: Ctrl-C; the operation goes on.
    """
    try:
        with Watcher(client, stack, interval=interval) as watcher:
            show = turn(watcher, shown)
            start()
            while not is_over():
                asked = time.monotonic()
                while time.monotonic() < asked + interval:
                    time.sleep(min(show(), interval))
        shown.show(watcher.new())
    except KeyboardInterrupt:
        raise detached(client, stack) from None
    finally:
        shown.progress.end()


def detached(client: Any, stack: str) -> InterruptedByUserError:
    """Return what to say when nobody watches any longer, and CloudFormation perhaps goes on.

    Args:
        client: A client for CloudFormation.
        stack: The stack's name or ARN.
    """
    state = None
    with contextlib.suppress(AwsError):
        state = service.describe(client, stack)
    if state is None or not state.busy:
        how = f"{state.name} is in {state.status}" if state else "there is no such stack"
        return InterruptedByUserError(f"interrupted; CloudFormation is not at work: {how}")
    return InterruptedByUserError(
        f"stopped watching; {state.name} goes on in CloudFormation ({state.status})",
        f"{looking(state)}; {_taking_back(state)}",
    )


def looking(state: StackState) -> str:
    """Return the command that shows how an operation stands."""
    return f"aws cloudformation describe-stack-events --stack-name {state.name} --max-items 5"


def _taking_back(state: StackState) -> str:
    if state.status == "UPDATE_IN_PROGRESS":
        return f"aws cloudformation cancel-update-stack --stack-name {state.name} takes it back"
    if state.status == "CREATE_IN_PROGRESS":
        return f"aws cloudformation delete-stack --stack-name {state.name} takes it back"
    return "it cannot be taken back now"


def failure(
    what: str, shown: StackProgress, told: str, *, sagemaker: Callable[[], Any]
) -> OdysseyError:
    """Return the error for an operation that failed.

    Args:
        what: What failed, such as ``app-endpoint could not be deployed``.
        shown: Its events, which know the resource that failed first.
        told: What is known where no resource has failed.
        sagemaker: Makes a client for SageMaker, for an endpoint's own reason.
    """
    first = shown.first_failure
    if first is None:
        return _without_resource(what, told)
    reason = clean(first.reason) or "CloudFormation gives no reason"
    message = f"{what}: {first.type} {shown.name(first)}: {reason}"
    if first.type == endpoint.ENDPOINT and first.physical_id:
        message += endpoint.explain(sagemaker(), first.physical_id)
        name = _last_part(first)
        return DeploymentError(
            message, f"odyssey why {name} looks for the cause; {endpoint.log_command(name)}"
        )
    if aws.is_refusal(reason):
        return aws.refusal(message)
    return DeploymentError(message, "correct the cause, then run the command again")


def _without_resource(what: str, told: str) -> OdysseyError:
    message = f"{what}: {told}"
    if aws.is_refusal(told):
        return aws.refusal(message)
    return DeploymentError(message, BOOTSTRAP if "bootstrap" in told else None)


def _last_part(event: Event) -> str:
    return event.physical_id.rpartition("/")[2]
