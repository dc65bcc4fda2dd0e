"""The page's HTTP server: on this machine's loopback alone, each request in a thread of its own."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any, Self

from odyssey.client import HOST
from odyssey.errors import ServingError
from odyssey.playground.application import Application
from odyssey.playground.guard import Guard
from odyssey.ports import Ports

if TYPE_CHECKING:
    from types import TracebackType

    from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler

    from odyssey.playground.place import Place

IDLE = 30
"""Seconds that a connection may be silent while it sends."""


class Server:
    """The page of a place, for the length of a ``with`` block.

    Args:
        place: What the page is about.
        port: Its port; None takes a free one.

    Raises:
        ServingError: The port is taken, or for root only.

    Example:
        >>> with Server(place, None) as page:
        ...     print(page.url)
    """

    def __init__(self, place: Place, port: int | None) -> None:
        """Take the port; nothing is answered yet."""
        from werkzeug.serving import make_server

        # werkzeug, left to bind it itself, would end the process where the port is taken.
        with _bound(port) as taken:
            number = int(taken.getsockname()[1])
            self._server: BaseWSGIServer = make_server(
                HOST,
                number,
                Application(place, Guard(number)),
                threaded=True,
                request_handler=_handler(),
                fd=taken.fileno(),
            )
        # A request to a model that is stuck is not waited for.
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self.url = f"http://{HOST}:{number}"

    def __enter__(self) -> Self:
        """Begin to answer."""
        serve = self._server.serve_forever
        threading.Thread(
            target=serve, kwargs={"poll_interval": 0.05}, name="playground", daemon=True
        ).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the port back."""
        self._server.shutdown()
        self._server.server_close()


def _bound(port: int | None) -> socket.socket:
    if port is None:
        with Ports().one() as free:
            return socket.create_server((HOST, free))
    try:
        return socket.create_server((HOST, port))
    except PermissionError:
        raise ServingError(
            f"port {port} (--ui-port) is for root only", "leave --ui-port out: a free one is taken"
        ) from None
    except OSError as error:
        raise ServingError(
            f"port {port} (--ui-port) is in use: {error.strerror}",
            "stop what listens there, or leave --ui-port out: a free one is taken",
        ) from None


def _handler() -> type[WSGIRequestHandler]:
    from werkzeug.serving import WSGIRequestHandler

    class Handler(WSGIRequestHandler):
        """One connection."""

        disable_nagle_algorithm = True
        timeout = IDLE

        def log(self, type: str, message: str, *args: Any) -> None:
            """Keep silent: the terminal is that of the model's server."""

        def version_string(self) -> str:
            """Return the name that clients are told."""
            return "odyssey"

    return Handler
