"""The events by which a request may come to a function, and the answers that go back."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class HttpAnswer:
    """What an answer to a gateway's event says.

    Args:
        status: Its status; None where it is no such answer.
        body: Its body.
    """

    status: int | None
    body: bytes = b""

    @classmethod
    def of(cls, payload: bytes) -> HttpAnswer:
        """Return what a function's answer says."""
        try:
            answer = json.loads(payload)
            body = answer.get("body") or ""
            content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
            return cls(int(answer["statusCode"]), content)
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls(None, payload)


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


def _text(body: bytes) -> tuple[str, bool]:
    try:
        return body.decode(), False
    except UnicodeDecodeError:
        return base64.b64encode(body).decode(), True
