"""The events by which a request may come to a function, and the answers that go back."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class HttpAnswer:
    """What an answer to a gateway's event says.

    Args:
        status: Its status; None where it is no such answer.
        body: Its body.
        content_type: The type of that; empty where none is named.
    """

    status: int | None
    body: bytes = b""
    content_type: str = ""

    @classmethod
    def of(cls, payload: bytes) -> HttpAnswer:
        """Return what a function's answer says."""
        try:
            answer = json.loads(payload)
            body = answer.get("body") or ""
            content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
            named = {str(name).lower(): value for name, value in _headers(answer).items()}
            return cls(int(answer["statusCode"]), content, str(named.get("content-type", "")))
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls(None, payload)


def function_url(
    method: str, path: str, body: bytes, content_type: str, accept: str | None = None
) -> bytes:
    """Return the event that a function URL makes of a request, in payload format 2.0.

    Args:
        method: Its method.
        path: Its path.
        body: Its body.
        content_type: The type of that.
        accept: The type that is wanted in return. Default: not said.
    """
    text, is_base64 = _text(body)
    now = datetime.now(UTC)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": content_type, **({"accept": accept} if accept else {})},
        "requestContext": {
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "odyssey",
            },
            "stage": "$default",
            "time": f"{now:%d/%b/%Y:%H:%M:%S +0000}",
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "body": text,
        "isBase64Encoded": is_base64,
    }
    return json.dumps(event, ensure_ascii=False).encode()


def rest_api(method: str, path: str, body: bytes = b"", content_type: str = "") -> bytes:
    """Return the event that a REST API makes of a request, in payload format 1.0.

    Args:
        method: Its method.
        path: Its path.
        body: Its body.
        content_type: The type of that.
    """
    headers = {"Content-Type": content_type} if content_type else {}
    text, is_base64 = _text(body)
    event: dict[str, Any] = {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "resourcePath": "/{proxy+}",
            "httpMethod": method,
            "path": f"/prod{path}",
            "stage": "prod",
            "protocol": "HTTP/1.1",
            "identity": {"sourceIp": "127.0.0.1", "userAgent": "odyssey"},
        },
        "body": text or None,
        "isBase64Encoded": is_base64,
    }
    return json.dumps(event).encode()


def _headers(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(answer.get("headers") or {})


def _text(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True
