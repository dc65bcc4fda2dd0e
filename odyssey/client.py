"""One HTTP request to the local server."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.errors import RequestError, UsageError

if TYPE_CHECKING:
    from odyssey.config import Config

HOST = "127.0.0.1"
JSON = "application/json"
TYPES = {".csv": "text/csv", ".json": JSON, ".jsonl": "application/jsonlines"}
"""The content type that a file's suffix stands for."""

SPARE = 10
"""Seconds that we wait longer than the server lets a prediction take."""


@dataclass(frozen=True)
class Body:
    """What is sent.

    Args:
        content: The bytes.
        content_type: Their type, such as ``text/csv``.
    """

    content: bytes
    content_type: str = JSON


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        status: The HTTP status, such as 200.
        reason: The status in words.
        content_type: The type of the body; empty when the server names none.
        body: The bytes.
        milliseconds: From sending the request to having the whole answer.
    """

    status: int
    reason: str
    content_type: str
    body: bytes
    milliseconds: float

    def document(self) -> dict[str, Any]:
        """Return the answer as JSON takes it.

        The body is a JSON value when it is JSON, else text; ``body_base64`` instead when it is
        neither.
        """
        seen = {"status": self.status, "content_type": self.content_type}
        spent = {"milliseconds": round(self.milliseconds, 3)}
        try:
            return {**seen, "body": self._value(), **spent}
        except UnicodeDecodeError:
            return {**seen, "body_base64": base64.b64encode(self.body).decode(), **spent}

    def error(self) -> str:
        """Return what an answer that is an error says: its ``error``, else its first line."""
        try:
            value = self._value()
        except UnicodeDecodeError:
            return f"{len(self.body)} bytes that are no text"
        if isinstance(value, dict) and "error" in value:
            return str(value["error"])
        lines = str(value).strip().splitlines()
        return lines[0] if lines else "no message"

    def _value(self) -> Any:
        text = self.body.decode()
        if self.content_type.partition(";")[0].strip() != JSON:
            return text
        try:
            return json.loads(text, parse_constant=_refuse)
        except ValueError:
            return text


def body(
    data: str | None,
    source: Path | None,
    content_type: str | None = None,
    *,
    command: str = "odyssey local request",
) -> Body:
    """Return what to send, from the options of a command such as ``odyssey local request``.

    Args:
        data: The text itself, ``@FILE`` for a file's content, or ``-`` for stdin's.
        source: A file; exactly one of `data` and `source` is given.
        content_type: Its type. Default: what the file's suffix stands for, else JSON.
        command: The command, for hints.

    Raises:
        UsageError: None or both are given, or the file cannot be read.
    """
    if (data is None) == (source is None):
        raise UsageError(
            "give one of --data and --file",
            f"{command} --data '{{\"observation\": [5.1, 3.5, 1.4, 0.2]}}'",
        )
    if data is not None and data.startswith("@"):
        source = Path(data[1:])
    if source is not None:
        kind = content_type or TYPES.get(source.suffix.lower(), JSON)
        return Body(_read(source), kind)
    if data == "-":
        return Body(sys.stdin.buffer.read(), content_type or JSON)
    return Body((data or "").encode(errors="surrogateescape"), content_type or JSON)


def send(
    settings: Config,
    sent: Body,
    *,
    accept: str | None = None,
    server: str = "odyssey local serve",
) -> Answer:
    """Send a prediction request to the local server and return its answer.

    Args:
        settings: The app's settings; ``local.port`` and ``server.timeout`` are used.
        sent: What to send.
        accept: The type of the answer. Default: the server chooses.
        server: The command that starts the server.

    Raises:
        RequestError: Nothing listens, no answer came in time, or the answer is an error.
        UsageError: A type is no header value.
    """
    port = settings.local.port
    option = f" --port {port}" if settings.origin("local.port") == "--port" else ""
    patience = settings.server.timeout + SPARE
    answer = exchange(port, sent, accept, patience, server=f"{server}{option}")
    if not 200 <= answer.status < 300:
        raise RequestError(f"{answer.status} {answer.reason}: {answer.error()}")
    return answer


def exchange(
    port: int,
    sent: Body,
    accept: str | None,
    patience: float,
    *,
    server: str = "odyssey local serve",
) -> Answer:
    """Send a prediction request to a port of this machine and return its answer, also an error.

    Args:
        port: The port.
        sent: What to send.
        accept: The type of the answer; None lets the server choose.
        patience: Seconds to wait for the answer.
        server: The command that starts the server.

    Raises:
        RequestError: Nothing listens, or no answer came in time.
        UsageError: A type is no header value.
    """
    headers = {"Content-Type": sent.content_type}
    if accept is not None:
        headers["Accept"] = accept
    connection = http.client.HTTPConnection(HOST, port, timeout=patience)
    try:
        return _exchange(connection, sent.content, headers)
    except ConnectionRefusedError:
        raise RequestError(f"nothing listens on {HOST}:{port}", server) from None
    except TimeoutError:
        raise RequestError(f"no answer from {HOST}:{port} within {patience} s") from None
    except ValueError as error:
        raise UsageError(f"--content-type or --accept: no header can say it: {error}") from error
    except (OSError, http.client.HTTPException) as error:
        what = f"{type(error).__name__}: {error}"
        raise RequestError(f"{HOST}:{port} gave no answer that is HTTP: {what}") from error
    finally:
        connection.close()


def ping(port: int, *, timeout: float = 2.0) -> tuple[bool, str]:
    """Ask the local server whether its model is loaded.

    Args:
        port: Its port.
        timeout: Seconds to wait; SageMaker itself allows 2.

    Returns:
        Whether it is, and what the server says when it is not; empty when nothing answers.
    """
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        connection.request("GET", "/ping")
        answer = _answer(connection.getresponse(), time.perf_counter())
    except (OSError, http.client.HTTPException):
        return False, ""
    finally:
        connection.close()
    return answer.status == 200, "" if answer.status == 200 else answer.error()


def _exchange(
    connection: http.client.HTTPConnection, content: bytes, headers: dict[str, str]
) -> Answer:
    start = time.perf_counter()
    connection.connect()
    # A server that refuses a body says why and hangs up before it has read all of it.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.request("POST", "/invocations", body=content, headers=headers)
    return _answer(connection.getresponse(), start)


def _answer(response: http.client.HTTPResponse, start: float) -> Answer:
    content = response.read()
    return Answer(
        status=response.status,
        reason=response.reason,
        content_type=response.getheader("Content-Type", ""),
        body=content,
        milliseconds=(time.perf_counter() - start) * 1000,
    )


def _read(source: Path) -> bytes:
    try:
        return source.read_bytes()
    except OSError as error:
        raise UsageError(f"{source}: cannot be read: {error.strerror}") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
