"""What the sandbox is asked for that AWS is not: how it stands, faults, and to stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from odyssey.sandbox.sandbox import Sandbox

LARGEST = 1 << 20


class Control:
    """A WSGI application below ``/_sandbox/``.

    ========================  ===========================================================
    ``GET /_sandbox/status``  how it stands
    ``GET … faults``          the faults that are ordered
    ``POST … faults``         order one: a JSON object of `faults.Fault`'s arguments
    ``DELETE … faults``       take all of them back
    ``POST … stop``           stop
    ========================  ===========================================================

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Note what answers what."""
        self._sandbox = sandbox
        self._routes: dict[tuple[str, str], Callable[[Any], Any]] = {
            ("GET", "status"): lambda _: self._status(),
            ("GET", "faults"): lambda _: sandbox.faults.list(),
            ("POST", "faults"): self._order,
            ("DELETE", "faults"): lambda _: sandbox.faults.clear(),
            ("POST", "stop"): lambda _: sandbox.stop_asked.set(),
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if "Origin" in request.headers:
            return _json({"error": "pages of the web have no say here"}, 403)
        route = self._routes.get((request.method, request.path.removeprefix("/_sandbox/")))
        if route is None:
            return _json({"error": f"{request.method} {request.path} is not known"}, 404)
        request.max_content_length = LARGEST
        try:
            body = request.get_data()
            return _json(route(json.loads(body) if body else {}))
        except ValueError as error:
            return _json({"error": str(error)}, 400)

    def _status(self) -> dict[str, Any]:
        sandbox = self._sandbox
        return {
            "url": sandbox.url,
            "executor": sandbox.executor.name,
            "enforce_iam": sandbox.settings.enforce_iam,
            "faults": len(sandbox.faults.list()),
        }

    def _order(self, wanted: Any) -> list[dict[str, Any]]:
        if not isinstance(wanted, dict):
            raise ValueError("a fault is a JSON object")
        self._sandbox.faults.order(wanted)
        return self._sandbox.faults.list()


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
