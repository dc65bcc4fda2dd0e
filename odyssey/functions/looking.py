"""``odyssey lambda status`` and ``logs``: how the app's functions stand, and what they print."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey import aws, foundation, names
from odyssey.cloudformation import service
from odyssey.console import clean
from odyssey.errors import AwsError, UsageError
from odyssey.functions import deploying
from odyssey.functions.deploying import SERVE, TRAIN
from odyssey.jobs.logs import Line, Place, Tail
from odyssey.jobs.reading import INTERVAL, RECENT, show_new, show_patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.aws import Clients
    from odyssey.config import Config

LOGS = "/aws/lambda/"
"""What the name of a function's log group begins with."""


@dataclass(frozen=True)
class Standing:
    """A function as it stands.

    Args:
        name: Its name.
        told: What Lambda says of it.
        url: Its URL; None where it has none.
        schedule: When it trains by itself; None where it does not.
    """

    name: str
    told: Mapping[str, Any]
    url: str | None = None
    schedule: str | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; what is not known is null."""
        made, code = self.told["Configuration"], self.told.get("Code", {})
        image = code.get("ResolvedImageUri") or code.get("ImageUri")
        return {
            "function": self.name,
            "state": made.get("State"),
            "state_reason": made.get("StateReason"),
            "last_update": made.get("LastUpdateStatus"),
            "last_update_reason": made.get("LastUpdateStatusReason"),
            "changed": made.get("LastModified"),
            "image": image,
            "model": made.get("Environment", {}).get("Variables", {}).get("MODEL_URI"),
            "memory_mb": made.get("MemorySize"),
            "timeout": made.get("Timeout"),
            "storage_mb": made.get("EphemeralStorage", {}).get("Size"),
            "architecture": ", ".join(made.get("Architectures", ())) or None,
            "url": self.url,
            "schedule": self.schedule,
        }

    def text(self) -> str:
        """Return it for a reader: a line for each thing that is known."""
        known = {k.replace("_", " "): v for k, v in self.document().items() if v is not None}
        heading = f"function {known.pop('function')}"
        widest = max(map(len, known), default=0)
        lines = [f"  {key.ljust(widest)}  {clean(str(value))}" for key, value in known.items()]
        return "\n".join([heading, *lines])


@dataclass(frozen=True)
class Overview:
    """How an app stands on Lambda.

    Args:
        functions: Its functions by their names; None where one is not there.
        stacks: The statuses of its stacks by name; None where one is not deployed.
    """

    functions: Mapping[str, Standing | None]
    stacks: Mapping[str, str | None]

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        there = [found.document() for found in self.functions.values() if found is not None]
        return {
            "functions": there,
            "stacks": [{"stack": name, "status": told} for name, told in self.stacks.items()],
        }

    def text(self) -> str:
        """Return it for a reader."""
        return "\n".join(
            [
                *(
                    found.text() if found else f"there is no function {name}"
                    for name, found in self.functions.items()
                ),
                *(f"stack {name}  {told or 'not deployed'}" for name, told in self.stacks.items()),
            ]
        )


def status(settings: Config, access: Clients, function: str | None = None) -> Overview | Standing:
    """Return how the app's functions stand, or one function alone.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        function: The one function. Default: both of the app, and its stacks.

    Raises:
        UsageError: There is no such function.
        AwsError: AWS refuses.
    """
    stacks = (foundation.stack_name(settings), deploying.stack_name(settings))
    cloudformation = access.client("cloudformation")
    found = {name: service.describe(cloudformation, name) for name in stacks}
    own = found[stacks[1]]
    outputs = own.outputs if own is not None and own.exists else {}
    client = access.client("lambda")
    more = {
        names.function(settings, TRAIN): {"schedule": outputs.get("TrainSchedule")},
        names.function(settings, SERVE): {"url": outputs.get("ServeUrl")},
    }
    if function is not None:
        told = _describe(client, function)
        if told is None:
            raise absent(function)
        return Standing(function, told, **more.get(function, {}))
    functions = {
        name: Standing(name, told, **more[name]) if told else None
        for name, told in ((name, _describe(client, name)) for name in more)
    }
    states = {name: state.status if state else None for name, state in found.items()}
    return Overview(functions, states)


def read(
    access: Clients,
    name: str,
    show: Callable[[str], None],
    *,
    begin: datetime | None = None,
    follow: bool = False,
    interval: float = INTERVAL,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Line]:
    """Show the log of a function line by line, and return it.

    Args:
        access: The way to AWS.
        name: The function.
        show: Shows a line.
        begin: The time of the oldest line. Default: an hour ago.
        follow: Go on until Ctrl-C.
        interval: Seconds between two looks.
        sleep: Waits for some seconds.

    Raises:
        UsageError: There is no such function, and no log of one.
        AwsError: AWS refuses.
    """
    since = datetime.now(UTC) - RECENT if begin is None else begin
    tail = Tail(access.client("logs"), Place(f"{LOGS}{name}"), since=since)
    lines = show_new(tail, show)
    if not tail.streams and _describe(access.client("lambda"), name) is None:
        raise absent(name)
    while follow:
        sleep(interval)
        lines += show_patiently(tail, show)
    return lines


def absent(name: str) -> UsageError:
    """Return the error for a name that no function has."""
    return UsageError(
        f'there is no function "{clean(name)}" here',
        "odyssey lambda status shows what there is; odyssey lambda train or serve makes them",
    )


def _describe(client: Any, name: str) -> Mapping[str, Any] | None:
    try:
        with aws.explained():
            told: Mapping[str, Any] = client.get_function(FunctionName=name)
            return told
    except AwsError as error:
        if aws.answer(error).get("Error", {}).get("Code") == "ResourceNotFoundException":
            return None
        raise
