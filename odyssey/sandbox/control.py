"""What the sandbox is asked for that AWS is not: how it stands, faults, and to stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from werkzeug.wrappers import Request, Response

from odyssey.sandbox.lambda_.functions import TABLE as FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from odyssey.sandbox.sandbox import Sandbox

LARGEST = 1 << 20

RUNS = {
    "stacks": ("stack", "StackName", "StackStatus"),
    "training-jobs": ("training job", "TrainingJobName", "TrainingJobStatus"),
    "endpoints": ("endpoint", "EndpointName", "EndpointStatus"),
    "transform-jobs": ("transform job", "TransformJobName", "TransformJobStatus"),
}
"""The tables of what a reader asks about: how it is called, and where its name and status are."""


class Control:
    """A WSGI application below ``/_sandbox/``.

    ========================  ===========================================================
    ``GET /_sandbox/status``  how it stands
    ``GET … faults``          the faults that are ordered
    ``POST … faults``         order one: a JSON object of `faults.Fault`'s arguments
    ``DELETE … faults``       take all of them back
    ``GET … permissions``     what was asked for, and which rights were never used
    ``DELETE … permissions``  forget what was asked for
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
            ("GET", "permissions"): lambda _: sandbox.guard.report(),
            ("DELETE", "permissions"): lambda _: sandbox.guard.record.clear(),
            ("POST", "stop"): lambda _: sandbox.stop_asked.set(),
        }

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
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
            "runs": self._runs(),
        }

    def _runs(self) -> list[dict[str, str]]:
        """Return what there is that runs, has run, or can: the newest last."""
        store = self._sandbox.store
        with store.lock:
            found = [
                (record.get("CreationTime"), kind, region, str(record[name]), str(record[status]))
                for table, (kind, name, status) in RUNS.items()
                for (region, _), record in store.table(table).items()
            ]
            functions = list(store.table(FUNCTIONS).items())
        # How many environments there are is known without the store.
        for (region, name), record in functions:
            found.append(
                (record["CreationTime"], "function", region, name, self._ready(region, name))
            )
        heads = ("kind", "region", "name", "status")
        return [dict(zip(heads, row[1:], strict=True)) for row in sorted(found, key=lambda r: r[0])]

    def _ready(self, region: str, name: str) -> str:
        count = self._sandbox.environments.count(region, name)
        return f"Active, {count} environment{'s' if count != 1 else ''}" if count else "Active"

    def _order(self, wanted: Any) -> list[dict[str, Any]]:
        if not isinstance(wanted, dict):
            raise ValueError("a fault is a JSON object")
        self._sandbox.faults.order(wanted)
        return self._sandbox.faults.list()


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
