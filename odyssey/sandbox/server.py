"""The HTTP server: on this machine's loopback alone."""

from __future__ import annotations

import functools
import socket
import threading
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOST = "127.0.0.1"
BACKLOG = 1024
"""Connections that wait to be taken."""


class Handler(MotoRequestHandler):
    """Answers one request: headers and body leave in one piece, and nobody waits for a reply.

    With two small packets, the second would wait for the reply to the first: 40 ms.
    """

    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    timeout = 600

    def handle_expect_100(self) -> bool:
        """Say at once that a body may come: boto3 would wait a second for it, with every upload."""
        super().handle_expect_100()
        self.wfile.flush()
        del self.headers["Expect"]
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep silent: what happens is told by the services."""

    def log_error(self, format: str, *args: Any) -> None:
        """Keep silent: an engine that pushes or pulls tries TLS first, which cannot be read."""

    def version_string(self) -> str:
        """Return the name that clients are told."""
        return "odyssey-sandbox"


class Server:
    """A server in a thread of its own, each connection in another.

    Args:
        port: The port; 0 takes a free one.

    Raises:
        OSError: The port is taken.
    """

    def __init__(self, port: int) -> None:
        """Take the port; nothing is answered yet."""
        self._application: Callable[[dict[str, Any], Any], Iterable[bytes]] | None = None
        # werkzeug, left to bind it itself, would end the process where the port is taken.
        with socket.create_server((HOST, port), backlog=BACKLOG) as taken:
            self._server = make_server(
                HOST, port, self._answer, threaded=True, request_handler=Handler, fd=taken.fileno()
            )
        self._server.daemon_threads = True  # type: ignore[attr-defined]
        self.port: int = self._server.port
        # The CDK finds its staging bucket at a local endpoint only when it has this name.
        self.url = f"http://localhost:{self.port}"

    def start(self, application: Callable[[dict[str, Any], Any], Iterable[bytes]]) -> None:
        """Begin to answer.

        Args:
            application: The WSGI application.
        """
        self._application = application
        # So many seconds may pass until it sees that it is to stop.
        serve = functools.partial(self._server.serve_forever, poll_interval=0.05)
        threading.Thread(target=serve, name="server", daemon=True).start()

    def stop(self) -> None:
        """Give the port back."""
        if self._application is not None:
            self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert self._application is not None  # noqa: S101 - nobody is let in before
        return self._application(environ, start_response)
