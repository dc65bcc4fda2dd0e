"""The HTTP server: on this machine's loopback alone."""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import ClientDisconnected
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wsgi import LimitedStream, get_content_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HOST = "127.0.0.1"
BACKLOG = 1024
"""Connections that wait to be taken."""

LEFT = 1 << 20
"""Bytes at once of a request that nobody wanted to read."""

log = logging.getLogger("odyssey.sandbox")


class Handler(MotoRequestHandler):
    """Answers the requests of one connection, which stays until the client closes it.

    werkzeug alone would close it after each, because it does not know where a request ends.
    """

    server: _Connected
    disable_nagle_algorithm = True
    # Headers and body leave in one piece: the second of two small packets would wait for the reply
    # to the first, 40 ms.
    wbufsize = 1 << 16
    timeout = 600

    def setup(self) -> None:
        """Let the server know the connection."""
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        """Let the server forget it."""
        self.server.connections.discard(self.connection)
        super().finish()

    def handle_expect_100(self) -> bool:
        """Say at once that a body may come: boto3 would wait a second for it, with every upload."""
        super().handle_expect_100()
        self.wfile.flush()
        del self.headers["Expect"]
        return True

    def run_wsgi(self) -> None:
        """Answer one request, and read what the application has left of it."""
        self.environ = environ = self.make_environ()
        if not environ.get("wsgi.input_terminated"):  # It does not come in chunks.
            length = get_content_length(environ) or 0
            environ["wsgi.input"] = LimitedStream(self.rfile, length)  # type: ignore[arg-type]
            environ["wsgi.input_terminated"] = True
        body = environ["wsgi.input"]
        answer = _Answer(self, environ["REQUEST_METHOD"] == "HEAD")
        try:
            pieces = self.server.app(environ, answer.start)
            try:
                for piece in pieces:
                    answer.write(piece)
                answer.end()
                while body.read(LEFT):
                    pass
            finally:
                if hasattr(pieces, "close"):
                    pieces.close()
        except (OSError, ClientDisconnected):  # The client is gone, or says nothing, or no chunks.
            self.close_connection = True
        except Exception:
            self.close_connection = True
            log.exception("an answer breaks off: a bug in odyssey")

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Keep silent: what happens is told by the services."""

    def log_error(self, format: str, *args: Any) -> None:
        """Keep silent: an engine that pushes or pulls tries TLS first, which cannot be read."""

    def version_string(self) -> str:
        """Return the name that clients are told."""
        return "odyssey-sandbox"


class _Connected(BaseWSGIServer):
    """What makes a server of werkzeug's ours.

    Attributes:
        connections: Those that are open.
    """

    connections: set[socket.socket]


class _Answer:
    """Writes what a WSGI application answers.

    Args:
        handler: The connection.
        is_head: Whether the body stays here.
    """

    def __init__(self, handler: Handler, is_head: bool) -> None:
        self._handler = handler
        self._head: tuple[str, list[tuple[str, str]]] | None = None
        self._has_begun = False
        self._has_body = not is_head
        self._in_chunks = False

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], None]:
        """Take status and headers: WSGI's ``start_response``."""
        self._head = status, headers
        return self.write

    def write(self, piece: bytes) -> None:
        """Send a piece of the body; the head goes with the first."""
        if not self._has_begun:
            self._begin()
        if piece and self._has_body:
            out = self._handler.wfile
            out.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._in_chunks else piece)
            out.flush()

    def end(self) -> None:
        """Send what is still to be sent."""
        if not self._has_begun:
            self._begin()
        if self._in_chunks:
            self._handler.wfile.write(b"0\r\n\r\n")
        self._handler.wfile.flush()

    def _begin(self) -> None:
        self._has_begun = True
        if self._head is None:
            raise ValueError("the application answers without a status")
        status, headers = self._head
        code, _, reason = status.partition(" ")
        self._has_body &= int(code) not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
        handler = self._handler
        handler.send_response(int(code), reason)
        for name, value in headers:
            handler.send_header(name, value)
        if self._has_body and "content-length" not in {name.lower() for name, _ in headers}:
            if handler.request_version == "HTTP/1.0":
                handler.close_connection = True
            else:
                self._in_chunks = True
                handler.send_header("Transfer-Encoding", "chunked")
        if handler.close_connection:
            handler.send_header("Connection", "close")
        handler.end_headers()


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
        self._server.connections = set()  # type: ignore[attr-defined]
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
        """Give the port back; connections end with the answer that is under way."""
        if self._application is not None:
            self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.connections):  # type: ignore[attr-defined]
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RD)

    def _answer(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        assert self._application is not None  # noqa: S101 - nobody is let in before
        return self._application(environ, start_response)
