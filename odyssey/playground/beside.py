"""The page beside a server that `odyssey local serve` runs."""

from __future__ import annotations

from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from odyssey import client, limits
from odyssey.errors import OdysseyError, UsageError
from odyssey.functions.local import port_option
from odyssey.playground.log import Log
from odyssey.playground.place import ENDED, READY, Reply, State
from odyssey.playground.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from odyssey.client import Body
    from odyssey.config import Config

GOODBYE = 1.0
"""Seconds that pages are given to hear that the server has ended."""


class LocalServer:
    """The one target of the page: the app's server on this machine.

    Args:
        settings: The app's settings.
        on_lambda: Whether it is a function's, behind the emulator.
    """

    key = "local"

    def __init__(self, settings: Config, *, on_lambda: bool) -> None:
        """It does not answer yet."""
        self.log = Log()
        self._settings = settings
        self._on_lambda = on_lambda
        self._address = f"http://{client.HOST}:{settings.local.port}/invocations"

    @cached_property
    def limit(self) -> int:
        """Bytes of the largest request."""
        if self._on_lambda:
            return limits.LARGEST_EVENT
        return self._settings.server.max_payload_mb << 20

    def document(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        env = f" --env {self._settings.env}" if self._settings.env else ""
        return {
            "key": self.key,
            "name": self._settings.app.name,
            "kind": "function" if self._on_lambda else "server",
            "url": self._address,
            "command": f"odyssey local request{port_option(self._settings)}{env}",
            "where": "In the app's folder",
            "curl": "curl -sS",
        }

    def send(self, sent: Body, accept: str | None) -> Reply:
        """Send a request and return its answer."""
        settings = self._settings
        longest = settings.function.timeout if self._on_lambda else settings.server.timeout
        answer = client.exchange(settings.local.port, sent, accept, longest + client.SPARE)
        return Reply(
            answer.status,
            answer.reason,
            answer.content_type,
            answer.body,
            answer.milliseconds,
            failed=answer.status >= HTTPStatus.BAD_REQUEST,
        )


class ServedApp:
    """An app that is served on this machine.

    Args:
        settings: The app's settings.
        target: Its server.
        again: The command that serves it, with its page.
    """

    def __init__(self, settings: Config, target: LocalServer, again: str) -> None:
        """Note what there is."""
        self.name = settings.app.name
        self.again = again
        self.app: Path | None = settings.folder
        self.samples = settings.docker.samples
        self._target = target

    def targets(self) -> Sequence[LocalServer]:
        """Return its one server."""
        return [self._target]

    def state(self) -> State:
        """Return how the server stands."""
        return self._target.log.state


def _sentence(error: OdysseyError) -> str:
    """Return an error as the page says it, where the log is below."""
    words = error.message.removesuffix(" above")
    return f"{words[:1].upper()}{words[1:]}."


def serve(
    settings: Config,
    run: Callable[..., None],
    *,
    port: int | None,
    on_lambda: bool,
    when_ready: Callable[[str, str, str], None],
) -> None:
    """Run the app's server with the page beside it, until it is asked to stop.

    Args:
        settings: The app's settings.
        run: Runs the server: `odyssey.host.serve`, or that of a function.
        port: The page's port; None takes a free one.
        on_lambda: Whether the server is a function's.
        when_ready: As in `odyssey.host.serve`, with the page's URL after that.

    Raises:
        UsageError: The page's port is the server's.
        ServingError: The page's port is taken, or what `run` raises.
    """
    if port == settings.local.port:
        raise UsageError(
            f"--ui-port {port} is the port of the app's own server",
            "leave --ui-port out: a free one is taken",
        )
    target = LocalServer(settings, on_lambda=on_lambda)
    again = f"odyssey local serve --ui{port_option(settings)}"
    again += f" --ui-port {port}" if port is not None else ""
    with Server(ServedApp(settings, target, again), port) as page:

        def ready(url: str, option: str) -> None:
            target.log.tell(State(READY))
            when_ready(url, option, page.url)

        try:
            run(when_ready=ready, on_output=target.log.feed)
            target.log.tell(State(ENDED, "It was stopped."))
        except OdysseyError as error:
            target.log.tell(State(ENDED, _sentence(error)))
            raise
        finally:
            target.log.until_told(GOODBYE)
