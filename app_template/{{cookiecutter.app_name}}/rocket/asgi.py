"""The doors: ASGI applications that gunicorn's own ASGI worker runs.

`Door` does what both have in common: it reads the body within the limit, and sends one answer.
`FastDoor` goes straight to the core. `FlaskDoor` takes the same requests through the Flask
application of predictor.py; it exists so that a Flask view, too, never blocks `/ping` and never
waits for a slow client.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from rocket.batching import Batcher
from rocket.core import Core, Response, too_large
from rocket.errors import RequestError
from rocket.formats import FORMATS
from rocket.runner import Runner

log = logging.getLogger("rocket")

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

#: Seconds, and bytes, that an over-long body is still read, so that its sender sees the 413.
LINGER, LINGER_BYTES = 5, 256 * 2**20
#: Bytes of a JSON body that may share a micro-batch.
SMALL = 64 * 2**10


class Disconnected(Exception):
    """The client left before its request was complete."""


class Door:
    """Reads requests and sends answers; what lies between is a subclass's `respond`.

    Attributes:
        closing: Tell each client not to send another request on its connection.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.closing = False

    def open(self, runner: Runner) -> None:
        """Takes the runner of the worker's event loop; called once in each worker."""
        self.runner = runner

    async def respond(self, scope: Message, headers: dict[bytes, bytes], body: bytes) -> Response:
        """Answers one request; raises `RequestError` where it cannot be."""
        raise NotImplementedError

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """The ASGI entry."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not spoken here")
        headers = dict(scope["headers"])
        try:
            body = await self._body(headers, receive)
            response = await self.respond(scope, headers, body)
        except RequestError as error:
            response = Response.of_error(error)
        except Disconnected:
            return
        await self._send(response, send)
        if response.status == 413:
            await self._linger(receive)

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """The request's body, refused as soon as it is known to be too large."""
        limit = self.core.settings.max_payload
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > limit:
            raise too_large(limit)
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return message.get("body", b"")  # type: ignore[no-any-return]
        chunks: list[bytes] = []
        size = 0
        while message["type"] == "http.request":
            chunk = message.get("body", b"")
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            if not message.get("more_body"):
                return b"".join(chunks)
            message = await receive()
        raise Disconnected

    async def _send(self, response: Response, send: Send) -> None:
        headers = [
            (b"content-type", response.media_type.encode("latin-1")),
            (b"content-length", b"%d" % len(response.body)),
        ]
        headers += [(name.encode(), value.encode()) for name, value in response.headers]
        if self.closing:
            headers.append((b"connection", b"close"))
        start = {"type": "http.response.start", "status": response.status, "headers": headers}
        await send(start)
        await send({"type": "http.response.body", "body": response.body})

    async def _linger(self, receive: Receive) -> None:
        """Reads on for a while: closing at once would destroy the answer on its way."""
        size = 0
        try:
            async with asyncio.timeout(LINGER):
                while size < LINGER_BYTES:
                    message = await receive()
                    if message["type"] != "http.request" or not message.get("more_body"):
                        return
                    size += len(message.get("body", b""))
        except TimeoutError:
            return


class FastDoor(Door):
    """From the socket to the core and back, with micro-batches where serve.py allows them."""

    def open(self, runner: Runner) -> None:
        """Takes the worker's runner and, with `predict_batch`, starts to gather records."""
        super().open(runner)
        self.batcher = Batcher(self.core, runner)

    async def respond(self, scope: Message, headers: dict[bytes, bytes], body: bytes) -> Response:
        """Routes the three paths of the contract."""
        path, method = scope["path"], scope["method"]
        if path == "/invocations":
            _allow(method, "POST")
            return await self._invoke(headers, body)
        if path == "/ping":
            _allow(method, "GET", "HEAD")
            return self.core.ping()
        if path == "/execution-parameters":
            _allow(method, "GET", "HEAD")
            return self.core.execution_parameters()
        raise RequestError(404, f"{path}: no such path; POST to /invocations")

    async def _invoke(self, headers: dict[bytes, bytes], body: bytes) -> Response:
        core = self.core
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        accept = headers.get(b"accept", b"").decode("latin-1")
        if core.model.predict_batch is not None and len(body) <= SMALL:
            media_type, choices, data = core.decode(content_type, accept, body)
            if not FORMATS[media_type].many and media_type == "application/json":
                answer = await self.batcher.predict(data)
                return core.encode(answer, accept, choices)
        kind = core.kind(content_type, body)
        return await self.runner.run(  # type: ignore[no-any-return]
            kind, lambda: core.answer(content_type, accept, body)
        )


class FlaskDoor(Door):
    """Carries requests to a WSGI application, here Flask's, in the place that suits each.

    Args:
        core: Knows the payload limit.
        app: The WSGI application.
    """

    def __init__(self, core: Core, app: Callable[..., Any]) -> None:
        super().__init__(core)
        self.app = app

    async def respond(self, scope: Message, headers: dict[bytes, bytes], body: bytes) -> Response:
        """Calls the application: on the loop what is short, in a thread what may be long."""
        environ = _environ(scope, body)
        if scope["path"] == "/ping":
            return self._call(environ)
        if scope["path"] != "/invocations":
            return await self.runner.run("view", lambda: self._call(environ))  # type: ignore[no-any-return]
        kind = self.core.kind(headers.get(b"content-type", b"").decode("latin-1"), body)
        return await self.runner.run(kind, lambda: self._call(environ))  # type: ignore[no-any-return]

    def _call(self, environ: dict[str, Any]) -> Response:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            started[:] = [int(status[:3]), headers]

        chunks = self.app(environ, start_response)
        try:
            body = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = started
        ours = {"content-length", "content-type"}
        media_type = {name.lower(): value for name, value in headers}.get(
            "content-type", "application/octet-stream"
        )
        rest = tuple((name, value) for name, value in headers if name.lower() not in ours)
        return Response(status, media_type, body, rest)


def _environ(scope: Message, body: bytes) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of an ASGI request."""
    server = scope.get("server") or ("localhost", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": str((scope.get("client") or ("",))[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope["headers"]:
        key = name.decode("latin-1").upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.decode("latin-1")
    # The body is whole by now, however it came.
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _allow(method: str, *allowed: str) -> None:
    if method not in allowed:
        named = ", ".join(allowed)
        raise RequestError(405, f"{method} is not allowed here: use {named}", (("Allow", named),))
