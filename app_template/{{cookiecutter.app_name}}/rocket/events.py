"""The third door: events of AWS Lambda in, answers of the core out.

An event is a request over HTTP when it looks like one of these; anything else is what `predict`
gets, as if it had come as application/json.

    httpMethod             API Gateway's REST APIs (payload format 1.0), load balancers
    requestContext.http    API Gateway's HTTP APIs and function URLs (payload format 2.0)

A gateway's routes decide which path leads here, so every path is `/invocations`, but for those
that end in `/ping`.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from rocket.core import Core, Response, too_large
from rocket.errors import RequestError

JSON = "application/json"


def answer(core: Core, event: Any) -> Any:
    """Answers an event in the shape that its sender expects.

    Raises:
        Exception: What `predict` raises, where the event is no request over HTTP.
    """
    request = Request.of(event)
    if request is None:
        return _plain(core, event)
    try:
        response = _routed(core, request)
    except RequestError as error:
        response = Response.of_error(error)
    if request.method == "HEAD":
        response = response._replace(body=b"")
    return _as_event(response)


class Request(NamedTuple):
    """A request over HTTP, as an event has it."""

    method: str
    path: str
    headers: Mapping[str, str]
    event: Mapping[str, Any]

    @classmethod
    def of(cls, event: Any) -> Request | None:
        """The request that an event is, or None."""
        if not isinstance(event, dict):
            return None
        context = event.get("requestContext")
        http = context.get("http") if isinstance(context, dict) else None
        if event.get("version") == "2.0" and isinstance(http, dict):
            method, path = http.get("method"), event.get("rawPath")
        elif "httpMethod" in event:
            method, path = event["httpMethod"], event.get("path")
        else:
            return None
        return cls(str(method or "POST").upper(), str(path or "/"), _headers(event), event)

    def body(self) -> bytes:
        """The body's bytes; API Gateway writes what is no text in base64."""
        body = self.event.get("body")
        if body is None:
            return b""
        if not isinstance(body, str):
            raise RequestError(400, f"the event's body is a {type(body).__name__}, not a string")
        if not self.event.get("isBase64Encoded"):
            return body.encode(errors="surrogatepass")
        try:
            return base64.b64decode(body, validate=True)
        except ValueError as error:
            raise RequestError(400, f"the event's body is not base64: {error}") from None


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers, their names in lower case; a load balancer may send them as lists only."""
    several = event.get("multiValueHeaders") or {}
    headers = event.get("headers") or {name: values[-1] for name, values in several.items()}
    return {name.lower(): str(value) for name, value in headers.items()}


def _routed(core: Core, request: Request) -> Response:
    if request.path.rstrip("/").endswith("/ping"):
        _allow(request, "GET", "HEAD")
        return core.ping()
    _allow(request, "POST")
    body = request.body()
    if len(body) > core.settings.max_payload:
        raise too_large(core.settings.max_payload)
    headers = request.headers
    return core.answer(headers.get("content-type", ""), headers.get("accept", ""), body)


def _allow(request: Request, *allowed: str) -> None:
    if request.method not in allowed:
        named = ", ".join(allowed)
        message = f"{request.method} is not allowed here: use {named}"
        raise RequestError(405, message, (("Allow", named),))


def _as_event(response: Response) -> dict[str, Any]:
    try:
        body, encoded = response.body.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(response.body).decode(), True
    return {
        "statusCode": response.status,
        "headers": {"content-type": response.media_type, **dict(response.headers)},
        "body": body,
        "isBase64Encoded": encoded,
    }


def _plain(core: Core, event: Any) -> Any:
    """What `predict` makes of the event itself, as the JSON value that an endpoint would send."""
    try:
        predicted = core.model.predict(event)
    except SystemExit as end:
        # Else the runtime would end, and with it the environment that has the model.
        raise RuntimeError(f"predict called sys.exit({end.code!r})") from end
    body = core.encode(predicted, JSON, (JSON,)).body
    try:
        return json.loads(body)
    except ValueError:
        kind = type(predicted).__name__
        raise TypeError(
            f"predict returned {kind} that are no JSON: send it an HTTP event"
        ) from None
