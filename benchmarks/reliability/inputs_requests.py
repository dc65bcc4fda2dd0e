"""Bad requests to the server: bodies, types, sizes and what is no HTTP at all."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import load
from benchmarks.reliability.experiment import INPUTS, Experiment, Observed
from benchmarks.reliability.scene import Scene
from benchmarks.reliability.serving import ANSWER, BODY, Server, serve

HEAD = ["request", "status", "answer"]
LIMIT_MB = 1


@dataclass(frozen=True)
class Request:
    """One bad request.

    Attributes:
        what: What is bad about it.
        body: Its body.
        content_type: Its type; None for none.
        statuses: Those that are proper.
        headers: More headers, as lines.
        start: The request's first line.
        raw: All of its bytes instead.
    """

    what: str
    body: bytes = b"{}"
    content_type: str | None = "application/json"
    statuses: tuple[int, ...] = (400,)
    headers: tuple[str, ...] = ()
    start: str = "POST /invocations HTTP/1.1"
    raw: bytes | None = None

    def sent(self) -> bytes:
        """Return its bytes."""
        if self.raw is not None:
            return self.raw
        lines = [self.start, "Host: x", "Connection: close", *self.headers]
        lines += [f"Content-Type: {self.content_type}"] if self.content_type is not None else []
        if not any(line.lower().startswith(("content-length", "transfer-enc")) for line in lines):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + self.body


CSV = "text/csv"
REQUESTS = [
    Request("a body that is no JSON", b"{observation: 1}"),
    Request("a body of no bytes", b""),
    Request("half a document", b'{"observation": [5.1, 3.5'),
    Request("bytes that are no UTF-8", b'{"observation": "\xff\xfe"}'),
    Request("a lone surrogate", b'{"observation": ["\\ud800"]}'),
    Request("a document nested 100,000 deep", b"[" * 100_000 + b"]" * 100_000),
    Request("a number of 100,000 digits", b'{"observation": [' + b"9" * 100_000 + b"]}"),
    Request("a key that is missing", b'{"observed": [1, 2, 3, 4]}'),
    Request("too few numbers", b'{"observation": [1, 2]}'),
    Request("text for numbers", b'{"observation": ["a", "b", "c", "d"]}'),
    Request("a document of another kind", b'"text"'),
    Request("null", b"null"),
    Request("NaN for a number", b'{"observation": [NaN, 1, 1, 1]}'),
    Request("a row that is too short", b"5.1,3.5,1.4,0.2\n1\n", CSV),
    Request("words in a CSV", b"a,b,c,d\n", CSV),
    Request("a CSV of no bytes", b"", CSV),
    Request("a CSV with a quote that never ends", b'"5.1,3.5\n' * 10, CSV),
    Request("lines of which one is no JSON", BODY.encode() + b"\n{oops\n", "application/jsonlines"),
    Request("a type that nobody knows", b"<a/>", "application/x-unknown", (415,)),
    Request("a type that is no type", b"{}", "\u2603", (400, 415)),
    Request("a pickle", b"\x80\x04N.", "application/x-pickle", (415,)),
    Request(
        "an Accept that nothing meets",
        BODY.encode(),
        statuses=(406,),
        headers=("Accept: image/png",),
    ),
    Request("a body over the limit", b" " * (LIMIT_MB * 2**20 + 1), statuses=(413,)),
    Request(
        "a length of 10 TB", b"{}", statuses=(413,), headers=("Content-Length: 10000000000000",)
    ),
    Request("a length below nothing", b"{}", statuses=(400,), headers=("Content-Length: -5",)),
    Request(
        "a length that is no number", b"{}", statuses=(400,), headers=("Content-Length: many",)
    ),
    Request(
        "two lengths that differ",
        b"{}",
        statuses=(400,),
        headers=("Content-Length: 2", "Content-Length: 7"),
    ),
    Request(
        "chunks of a wrong form",
        b"zz\r\n{}\r\n",
        statuses=(400,),
        headers=("Transfer-Encoding: chunked",),
    ),
    Request(
        "a gzip for JSON",
        b"\x1f\x8b\x08\x00" + b"\0" * 20,
        statuses=(400, 415),
        headers=("Content-Encoding: gzip",),
    ),
    Request("a path that is not there", statuses=(404,), start="POST /admin HTTP/1.1"),
    Request("a path that leads out", statuses=(404, 400), start="GET /../../etc/passwd HTTP/1.1"),
    Request("a method that is not allowed", statuses=(405,), start="DELETE /invocations HTTP/1.1"),
    Request(
        "a header of 1 MB",
        BODY.encode(),
        statuses=(400, 413, 431),
        headers=(f"X-Long: {'a' * 2**20}",),
    ),
    Request(
        "2,000 headers",
        BODY.encode(),
        statuses=(400, 431),
        headers=tuple(f"X-{n}: 1" for n in range(2000)),
    ),
    Request(
        "what is no HTTP",
        raw=b"\x16\x03\x01\x02\x00\x01\xfc\x03\x03" * 20 + b"\r\n\r\n",
        statuses=(400, 0),
    ),
    Request("a version from the future", statuses=(400, 505), start="POST /invocations HTTP/9.9"),
]


def _setup(scene: Scene) -> Server:
    app = scene.app()
    return serve(scene, app, MODEL_SERVER_MAX_PAYLOAD_MB=str(LIMIT_MB))


def _setup_flask(scene: Scene) -> Server:
    return serve(scene, scene.app(), "--kind", "flask", MODEL_SERVER_MAX_PAYLOAD_MB=str(LIMIT_MB))


Tried = list[tuple[Request, int, str]]


def _inject(_: Scene, server: Server) -> Tried:
    return [(request, *_answer(server.port, request.sent())) for request in REQUESTS]


def _answer(port: int, sent: bytes) -> tuple[int, str]:
    """Return the status and the body; status 0 where the connection was closed without a word."""
    received = b""
    with socket.create_connection((load.HOST, port), timeout=30) as connection:
        # It may be refused before all of it is sent: then the answer is there.
        with contextlib.suppress(OSError):
            connection.sendall(sent)
        with contextlib.suppress(ConnectionError):
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except TimeoutError:
                return -1, "no answer within 30 s"
    head, _, body = received.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    return status, body.decode("utf-8", "replace")


def _observe(_: Scene, server: Server, tried: Tried) -> Observed:
    seen = Observed({"requests": len(tried)}, [HEAD])
    for request, status, body in tried:
        seen.table.append([request.what, str(status or "closed"), body.strip()])
        seen.faults += [f"{request.what}: {fault}" for fault in _faults(request, status, body)]
    answer = load.predicted(server.port, "/invocations", BODY)
    seen.figures["the request after them is answered"] = "yes" if answer == ANSWER else f"{answer}"
    if answer != ANSWER:
        seen.faults.append("the server does not answer a good request any more")
    return seen


def _faults(request: Request, status: int, body: str) -> Iterator[str]:
    if status not in request.statuses:
        yield f"status {status} instead of {' or '.join(map(str, request.statuses))}: {body[:100]}"
    if "Traceback" in body or 'File "' in body:
        yield "a traceback in the answer"
    if status and body.startswith("{") and set(json.loads(body)) != {"error"}:
        yield "an error of another shape"


def _experiment(name: str, door: str, setup: Callable[[Scene], Server]) -> Experiment:
    return Experiment(
        name,
        INPUTS,
        f"Bad requests to the {door} door: {len(REQUESTS)} of them",
        "each is refused with the status for its kind of error, never 500 or 200, and the server "
        "answers a good request after them",
        setup,
        _inject,
        _observe,
    )


EXPERIMENTS = [
    _experiment("inputs-requests", "fast", _setup),
    _experiment("inputs-requests-flask", "Flask", _setup_flask),
]
