"""What the page asks for: its own files, the state, samples, the log, and to send a request."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import __version__
from odyssey.client import JSON, Body
from odyssey.errors import OdysseyError, UsageError
from odyssey.playground import example, guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from werkzeug.wrappers import Request, Response

    from odyssey.playground.guard import Guard
    from odyssey.playground.place import Place, Target

ASSETS = Path(__file__).with_name("assets")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
BYTES = "application/octet-stream"
WAIT = 20.0
"""Seconds that a question for news of the log waits for some."""

log = logging.getLogger("odyssey.playground")


class Application:
    """A WSGI application.

    =======================  ========================================================
    ``GET /``, ``/page.js``  the page and its files
    ``GET /api/state``       the token, how it stands, targets, samples
    ``GET /api/sample``      the bytes of a sample: ``name``
    ``GET /api/log``         news of the log, when there are any: ``target``, ``after``
    ``POST /api/send``       the body of a request: ``target``, ``type``, ``accept``;
                             its answer, with what is known of it in ``X-Playground``
    =======================  ========================================================

    Args:
        place: What the page is about.
        guard: Who is let in.
    """

    def __init__(self, place: Place, guard: Guard) -> None:
        """Read the page's files."""
        self._place = place
        self._guard = guard
        self._routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            ("GET", "/api/state"): self._state,
            ("GET", "/api/sample"): self._sample,
            ("GET", "/api/log"): self._log,
            ("POST", "/api/send"): self._send,
        }
        for file in sorted(ASSETS.iterdir()):
            if file.suffix in TYPES:
                path = "/" if file.name == "index.html" else f"/{file.name}"
                self._routes["GET", path] = _file(file.read_bytes(), TYPES[file.suffix])

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        from werkzeug.wrappers import Request

        response = self._answer(Request(environ))
        response.headers.update(guard.HEADERS)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        refused = self._guard.refusal(request)
        if refused:
            return _error(refused, HTTPStatus.FORBIDDEN)
        method = "GET" if request.method == "HEAD" else request.method
        route = self._routes.get((method, request.path))
        if route is None:
            return self._absent(request)
        try:
            return route(request)
        except OdysseyError as error:
            wrong = isinstance(error, UsageError)
            status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.BAD_GATEWAY
            return _error(error.message, status, error.hint)
        except Exception:
            log.exception("%s %s: a bug in odyssey", request.method, request.path)
            return _error(
                "a bug in odyssey; the terminal has more", HTTPStatus.INTERNAL_SERVER_ERROR
            )

    def _absent(self, request: Request) -> Response:
        allowed = [method for method, path in self._routes if path == request.path]
        if not allowed:
            return _error(f"there is no {request.path} here", HTTPStatus.NOT_FOUND)
        response = _error(f"use {allowed[0]}", HTTPStatus.METHOD_NOT_ALLOWED)
        response.headers["Allow"] = ", ".join(allowed)
        return response

    def _state(self, _request: Request) -> Response:
        place = self._place
        return _json(
            {
                "token": self._guard.token,
                "version": __version__,
                "name": place.name,
                "again": place.again,
                "targets": [{**each.document(), "limit": each.limit} for each in place.targets()],
                **place.state().document(),
                **example.document(place.app, place.samples),
            }
        )

    def _sample(self, request: Request) -> Response:
        name = request.args.get("name", "")
        for sample in example.samples(self._place.app, self._place.samples):
            if sample.name == name:
                return _bytes(sample.body)
        raise UsageError(f"there is no sample {name} any more")

    def _log(self, request: Request) -> Response:
        after = request.args.get("after", 0, type=int)
        found = self._target(request).log
        news = found.wait(after, request.args.get("phase", ""), WAIT)
        response = _json(news)
        response.call_on_close(lambda: found.left(news["phase"]))
        return response

    def _send(self, request: Request) -> Response:
        from werkzeug.exceptions import RequestEntityTooLarge

        target = self._target(request)
        request.max_content_length = target.limit
        try:
            body = request.get_data(cache=False)
        except RequestEntityTooLarge:
            return _error(
                f"the request has more than the {target.limit:,} bytes that are taken here",
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
        sent = Body(body, _header(request, "type") or JSON)
        reply = target.send(sent, _header(request, "accept") or None)
        response = _bytes(reply.body)
        response.headers["X-Playground"] = json.dumps(reply.head())
        return response

    def _target(self, request: Request) -> Target:
        key = request.args.get("target", "")
        for target in self._place.targets():
            if target.key == key:
                return target
        raise UsageError(f"there is no {key} here any more")


def _header(request: Request, name: str) -> str:
    """Return what is to be said in a header of the model's request.

    Raises:
        UsageError: No header can say it.
    """
    value = request.args.get(name, "").strip()
    if not (value.isascii() and (value.isprintable() or not value)):
        raise UsageError(f"no header can say {value!r}")
    return value


def _file(content: bytes, content_type: str) -> Callable[[Request], Response]:
    from werkzeug.wrappers import Response

    return lambda _: Response(content, content_type=content_type)


def _bytes(content: bytes) -> Response:
    """Return bytes that no browser takes for a page of ours, whatever they are."""
    from werkzeug.wrappers import Response

    headers = {"Content-Disposition": "attachment"}
    return Response(content, headers=headers, content_type=BYTES)


def _json(value: Any, status: int = 200) -> Response:
    from werkzeug.wrappers import Response

    return Response(json.dumps(value), status, content_type=JSON)


def _error(message: str, status: HTTPStatus, hint: str | None = None) -> Response:
    return _json({"error": message, "hint": hint}, int(status))
