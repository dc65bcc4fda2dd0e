"""Load on a server: windows of single-record requests by wrk, and CSV batches one at a time."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import UnavailableError

HOST = "127.0.0.1"
# Longer than any answer under the heaviest load here; wrk counts what exceeds it as an error.
TIMEOUT_SECONDS = 20

_SCRIPT = """
wrk.method = "POST"
wrk.body = [==[%s]==]
wrk.headers["Content-Type"] = "application/json"
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    "\\nRESULT %%d %%d %%d %%d %%d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True)
class Window:
    """What wrk saw in one window; latencies in milliseconds."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    errors: int


def window(port: int, path: str, body: str, *, connections: int, seconds: float) -> Window:
    """Load ``POST path`` from kept-alive connections, one request in flight on each.

    Args:
        port: The server's port on 127.0.0.1.
        path: The route that predicts.
        body: One record as JSON.
        connections: How many requests are in flight at once.
        seconds: The window's length; at least 1, wrk knows whole seconds only.

    Raises:
        UnavailableError: wrk itself failed.
    """
    argv = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency"]
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="utf-8") as script:
        script.write(_SCRIPT % body)
        script.flush()
        argv += ["--timeout", f"{TIMEOUT_SECONDS}s", "-s", script.name]
        argv += [f"http://{HOST}:{port}{path}"]
        done = subprocess.run(
            argv, capture_output=True, text=True, check=False, timeout=seconds + 60
        )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            requests, duration, p50, p99, errors = map(int, line.split()[1:])
            return Window(requests, duration / 1e6, p50 / 1e3, p99 / 1e3, errors)
    raise UnavailableError(f"wrk gave no result: {(done.stderr or done.stdout).strip()[-200:]}")


@dataclass(frozen=True)
class Answer:
    """A server's answer to one request."""

    status: int
    body: bytes
    seconds: float


def ask(
    port: int,
    path: str,
    body: bytes | None = None,
    content_type: str = "application/json",
    timeout: float = 60,
) -> Answer:
    """Send one request (POST if there is a body) on a connection of its own.

    Raises:
        OSError: Nothing listens there, or no answer came within ``timeout`` seconds.
        http.client.HTTPException: The answer was not HTTP.
    """
    start = time.perf_counter()
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    headers = {"Connection": "close"}
    if body is not None:
        headers |= {"Content-Type": content_type, "Accept": content_type}
    try:
        connection.request("POST" if body is not None else "GET", path, body, headers)
        response = connection.getresponse()
        content = response.read()
        return Answer(response.status, content, time.perf_counter() - start)
    finally:
        connection.close()


def answers_200(port: int, path: str) -> bool:
    """Return whether ``GET path`` is answered with 200 now."""
    try:
        return ask(port, path, timeout=10).status == 200
    except (OSError, http.client.HTTPException):
        return False


def predicted(port: int, path: str, body: str) -> object:
    """Return the JSON answer to one record, or None while the server refuses.

    Raises:
        ValueError: The answer was 200, but no JSON.
    """
    try:
        answer = ask(port, path, body.encode())
    except (OSError, http.client.HTTPException):
        return None
    return json.loads(answer.body) if answer.status == 200 else None


def batch(port: int, path: str, csv: Path, times: int) -> list[Answer]:
    """Send the file ``csv`` ``times`` times after a first one that is dropped."""
    body = csv.read_bytes()
    return [ask(port, path, body, "text/csv") for _ in range(times + 1)][1:]
