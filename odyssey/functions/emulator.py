"""AWS Lambda around one function, for this machine: it runs beside the function, in its container.

::

    caller ──HTTP──> Front ──> Function ──> Gate ──runtime API──> awslambdaric, a process of its own
                       │                                                        │
    host   <──tunnels──┘ <────────────────── 127.0.0.1:TUNNEL <─────────────────┘

One file, for any Python from 3.9 on, with nothing but the standard library: it is copied to where
the function is. ``python -I emulator.py --port 8080 -- python -m awslambdaric app.serve``.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html,
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import http.client
import json
import math
import os
import queue
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INIT_LIMIT = 10.0
"""Seconds for the function's start; what takes longer is started again by its first invocation."""

PAYLOAD_LIMIT = 6 * 1024 * 1024 + 100
"""Bytes of an event, and of an answer."""

TUNNEL_WAIT = 30.0
"""Seconds that a connection waits for a tunnel."""

LOOK = 0.1
"""Seconds between two looks at the memory of a function that works."""

PARENT_LOOK = 1.0
"""Seconds between two looks whether the one that started this is still there."""

LOOPBACK = "127.0.0.1"
INVOKE_PATH = "/2015-03-31/functions/function/invocations"
RUNTIME_PATH = "/2018-06-01/runtime"

TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
"""Besides ``text/*``, the bodies that a function URL hands on as they are; others as base64."""

FROM_SERVER = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}
"""Headers of an answer that are the server's to write."""

PR_SET_PDEATHSIG = 1

Document = dict[str, Any]


def say(line: str) -> None:
    """Print a line at once, between those of the function."""
    with contextlib.suppress(OSError):
        os.write(1, (line + "\n").encode("utf-8", "replace"))


def failure(kind: str, message: str) -> Document:
    """Return Lambda's document of a failure that is not the handler's own."""
    return {"errorType": kind, "errorMessage": message}


def encoded(document: object) -> bytes:
    """Return a document as JSON, without spaces as Lambda has it."""
    return json.dumps(document, separators=(",", ":")).encode()


# The function's process


class Life:
    """One life of the function's process.

    Args:
        command: The runtime and what it is told.
        variables: All of its variables.
        lock: Guards what is noted here, and is notified of it.
    """

    def __init__(
        self, command: list[str], variables: dict[str, str], lock: threading.Condition
    ) -> None:
        """Start it; to be called by a thread that stays, for the process ends with it."""
        self.began = time.monotonic()
        self.init_ms: float | None = None
        """Milliseconds until it asked for its first event; None until then."""
        self.error: Document | None = None
        """Why it did not start."""
        self.code: int | None = None
        """How it ended; None while it runs."""
        self.peak_mb = 0
        self._lock = lock
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = subprocess.Popen(
                command,
                env=variables,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_before_exec(),
            )
        except OSError as error:
            told = f"Error: fork/exec {command[0]}: {(error.strerror or '').lower()}"
            self.error = failure("Runtime.InvalidEntrypoint", told)
            self.code = 127
            return
        threading.Thread(target=self._attend, daemon=True, name="attend").start()

    @property
    def is_over(self) -> bool:
        """Whether it takes no event any more."""
        return self.error is not None or self.code is not None

    def kill(self) -> None:
        """Kill all of it, and return when it is gone."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            # A descendant may have a session of its own, as the user's training has.
            others = family(process.pid)[1:]
            for kill, number in [(os.killpg, process.pid), *((os.kill, pid) for pid in others)]:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(number, signal.SIGKILL)
        self.code = process.wait()

    def look(self, most_mb: int) -> None:
        """Note how much memory it has taken so far, and kill it where it has taken too much.

        The kernel cannot: to a container's limit it counts the files in /tmp, which on Lambda is a
        disk, and this process.

        Args:
            most_mb: Megabytes that it may have.
        """
        if self._process is None or self.code is not None:
            return
        pids = family(self._process.pid)
        self.peak_mb = max(self.peak_mb, sum(_kb(pid, "status", "VmHWM:") for pid in pids) >> 10)
        # What processes share is counted once, which takes the kernel a while: only if it matters.
        for file, row in (("status", "VmRSS:"), ("smaps_rollup", "Pss:")):
            if sum(_kb(pid, file, row) for pid in pids) >> 10 <= most_mb:
                return
        self.kill()

    def _attend(self) -> None:
        process = self._process
        assert process is not None  # noqa: S101 - it is there since before this thread
        code = process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)  # What it has left behind.
        with self._lock:
            self.code = code
            self._lock.notify_all()


def _before_exec() -> Callable[[], None] | None:
    """Return what a child does before it starts.

    It dies with this process, and where memory is short the kernel ends it first.
    """
    if not sys.platform.startswith("linux"):
        return None
    library, parent = ctypes.CDLL(None), os.getpid()

    def before_exec() -> None:
        library.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(1)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")

    return before_exec


def family(pid: int) -> list[int]:
    """Return a process and those below it; only itself where there is no /proc."""
    found = [pid]
    for above in found:
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{above}/task"):
                with open(f"/proc/{above}/task/{thread}/children") as children:
                    found += map(int, children.read().split())
    return found


def _kb(pid: int, file: str, row: str) -> int:
    """Return the number in a row of a file about a process; 0 where there is none."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/{file}") as rows:
        for found in rows:
            if found.startswith(row):
                return int(found.split()[1])
    return 0


# Its invocations


class Call:
    """An event on its way through the function.

    Args:
        event: The event, as JSON.
        request_id: Its number.
        timeout: Seconds that it may take.
        context: The client's context, as JSON, where it sent one.
    """

    def __init__(self, event: bytes, request_id: str, timeout: float, context: str) -> None:
        """It begins now."""
        self.event = event
        self.request_id = request_id
        self.timeout = timeout
        self.context = context
        self.began = time.monotonic()
        self.deadline = self.began + timeout
        self.deadline_ms = int((time.time() + timeout) * 1000)
        self.answer: bytes | None = None
        self.is_error = False
        self.is_fatal = False
        """Whether the process does not outlive it."""

    def end(self, answer: bytes | Document, *, error: bool = False) -> None:
        """Note its answer."""
        self.answer = answer if isinstance(answer, bytes) else encoded(answer)
        self.is_error = error


class Outcome:
    """What became of an event.

    Args:
        payload: The answer, as JSON.
        error: Whether it is that of a failure.
        request_id: The event's number.
        report: What Lambda reports of it.
    """

    def __init__(self, payload: bytes, error: bool, request_id: str, report: Document) -> None:
        """All is known."""
        self.payload = payload
        self.error = error
        self.request_id = request_id
        self.report = report


class Function:
    """The function: one process at a time, one event at a time.

    Args:
        command: The runtime and what it is told.
        variables: All of its variables.
        timeout: Seconds that an event may take.
        init: Seconds that its first start may take.
        tell: Prints a line for each step of an event.
    """

    def __init__(
        self,
        command: list[str],
        variables: dict[str, str],
        timeout: float,
        init: float,
        tell: Callable[[str], object] = say,
    ) -> None:
        """Nothing runs yet."""
        self.variables = variables
        self.changed = threading.Condition()
        self._command = command
        self._timeout = timeout
        self._memory_mb = int(variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"])
        self._init_limit = init
        self._tell = tell
        self._turn = threading.Lock()
        self._life: Life | None = None
        self._init_error: Document | None = None
        self._call: Call | None = None
        self._is_waiting = False
        self._is_cold = True
        self._started = threading.Event()
        self._wanted: queue.Queue[object] = queue.Queue()

    def run(self, is_orphan: Callable[[], bool]) -> None:
        """Start the function, and start it again where that is wanted; it goes with this call.

        Args:
            is_orphan: Whether there is no use in going on.
        """
        threading.Thread(target=self._start_first, daemon=True, name="init").start()
        try:
            while not is_orphan():
                with contextlib.suppress(queue.Empty):
                    self._wanted.get(timeout=PARENT_LOOK)
                    with self.changed:
                        self._life = Life(self._command, self.variables, self.changed)
                        self.changed.notify_all()
        finally:
            if self._life is not None:
                self._life.kill()

    def health(self) -> Document:
        """Return whether it takes events."""
        with self.changed:
            life, error = self._life, self._init_error
            if error is None and life is not None:
                error = life.error
            init_ms = life.init_ms if life else None
        if error is not None:
            return {"state": "failed", "init_ms": init_ms, "error": error}
        state = "ready" if self._started.is_set() else "starting"
        return {"state": state, "init_ms": init_ms and round(init_ms, 2), "error": None}

    def invoke(self, event: bytes, request_id: str = "", context: str = "") -> Outcome:
        """Give the function an event, when it is done with those before.

        Args:
            event: The event, as JSON.
            request_id: Its number. Default: one is made.
            context: The client's context, as JSON.
        """
        with self._turn:
            self._started.wait()
            call = Call(event, request_id or str(uuid.uuid4()), self._timeout, context)
            self._tell(f"START RequestId: {call.request_id} Version: {self._version}")
            life, init_ms = self._living(call)
            if call.answer is None:
                self._work(call, life)
            duration = (time.monotonic() - call.began) * 1000
            self._tell(f"END RequestId: {call.request_id}")
            return self._reported(call, life, duration, init_ms)

    def next_call(self) -> Call | None:
        """Return the next event, for a runtime that is free; None where it has ended meanwhile."""
        with self.changed:
            life = self._life
            if life is None or life.is_over:
                return None
            if life.init_ms is None:
                life.init_ms = (time.monotonic() - life.began) * 1000
                self.changed.notify_all()
            while self._life is life and not life.is_over:
                if self._is_waiting:
                    self._is_waiting = False
                    return self._call
                self.changed.wait()
        return None

    def answer(self, request_id: str, payload: bytes, *, error: bool = False) -> tuple[int, object]:
        """Take the runtime's answer to an event; return what it is told."""
        with self.changed:
            call = self._call
            if call is None or call.request_id != request_id or call.answer is not None:
                return 400, {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}
            told: tuple[int, object] = 202, {"status": "OK"}
            if len(payload) > PAYLOAD_LIMIT:
                message = (
                    "Response payload size exceeded maximum allowed payload size "
                    f"({PAYLOAD_LIMIT} bytes)."
                )
                call.end(failure("Function.ResponseSizeTooLarge", message), error=True)
                call.is_fatal = True
                told = 413, failure("RequestEntityTooLarge", message)
            else:
                call.end(payload, error=error)
            self.changed.notify_all()
            return told

    def init_failed(self, document: Document) -> None:
        """Take the runtime's word that it cannot start."""
        with self.changed:
            if self._life is not None and self._life.init_ms is None:
                self._life.error = document
                self.changed.notify_all()

    def _start_first(self) -> None:
        """Start the function before any event comes, as Lambda does."""
        life = self._start()
        error = self._init(life, life.began + self._init_limit)
        took = (time.monotonic() - life.began) * 1000
        if error is not None:
            kind = error.get("errorType", "")
            status = "timeout" if kind == "Sandbox.Timedout" else f"error\tError Type: {kind}"
            say(f"INIT_REPORT Init Duration: {took:.2f} ms\tPhase: init\tStatus: {status}")
        with self.changed:
            self._init_error = error
        self._started.set()

    def _start(self) -> Life:
        """Have the main thread start the process, for it would end with any other."""
        with self.changed:
            self._life = None
            self._wanted.put(None)
            while self._life is None:
                self.changed.wait()
            return self._life

    def _init(self, life: Life, deadline: float) -> Document | None:
        """Wait for a start; return why there is none, and what remains of it is killed then."""
        with self.changed:
            while life.init_ms is None and not life.is_over:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(min(left, LOOK))
                life.look(self._memory_mb)
            if life.init_ms is not None:
                return None
            error = life.error
            if error is None and life.code is not None:
                error = exit_error(life.code)
            if error is None:
                limit = f"{deadline - life.began:.2f}"
                error = failure("Sandbox.Timedout", f"Error: Init timed out after {limit} seconds")
            life.error = error
        life.kill()
        return error

    def _living(self, call: Call) -> tuple[Life, float | None]:
        """Return a process that takes the event, and its init's milliseconds at a cold start.

        One that has ended is started again within the time of the event.
        """
        with self.changed:
            life = self._life
        if life is not None and not life.is_over:
            cold, self._is_cold = self._is_cold, False
            return life, life.init_ms if cold else None
        self._is_cold = False
        life = self._start()
        error = self._init(life, call.deadline)
        with self.changed:
            self._init_error = error
        if error is not None:
            if error["errorType"] == "Sandbox.Timedout":
                error = self._timed_out(call)
            call.end(_about(error, call.request_id), error=True)
        return life, None

    def _work(self, call: Call, life: Life) -> None:
        """Hand the event to the process, and wait for its answer or its end."""
        with self.changed:
            self._call, self._is_waiting = call, True
            self.changed.notify_all()
            while call.answer is None and life.code is None:
                left = call.deadline - time.monotonic()
                if left <= 0:
                    break
                self.changed.wait(min(left, LOOK))
                life.look(self._memory_mb)
            self._call, self._is_waiting = None, False
        if call.answer is None and life.code is not None:
            call.end(_about(exit_error(life.code), call.request_id), error=True)
        elif call.answer is None:
            call.is_fatal = True
            call.end(self._timed_out(call), error=True)
        if call.is_fatal:
            life.kill()

    def _timed_out(self, call: Call) -> Document:
        text = f"Task timed out after {call.timeout:.2f} seconds"
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
        say(f"{stamp}.{int(time.time() * 1000) % 1000:03d}Z {call.request_id} {text}")
        return failure("Sandbox.Timedout", f"RequestId: {call.request_id} Error: {text}")

    def _reported(self, call: Call, life: Life, duration: float, init: float | None) -> Outcome:
        """Print Lambda's report of an event, and return it with the answer."""
        kind = ""
        if call.is_error:
            with contextlib.suppress(ValueError, AttributeError):
                kind = str(json.loads(call.answer or b"").get("errorType", ""))
        is_late = kind == "Sandbox.Timedout"
        report = {
            "request_id": call.request_id,
            "duration_ms": round(duration, 2),
            "billed_ms": math.ceil(duration + (init or 0)),
            "max_memory_mb": life.peak_mb,
            "status": "timeout" if is_late else "error" if call.is_error else "success",
        }
        words = [
            f"REPORT RequestId: {call.request_id}",
            f"Duration: {duration:.2f} ms",
            f"Billed Duration: {report['billed_ms']} ms",
            f"Memory Size: {self.variables['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']} MB",
            f"Max Memory Used: {life.peak_mb} MB",
        ]
        if init is not None:
            report["init_ms"] = round(init, 2)
            words.append(f"Init Duration: {init:.2f} ms")
        if is_late:
            words.append("Status: timeout")
        elif kind.startswith(("Runtime.", "Function.")):
            words.append(f"Status: error\tError Type: {kind}")
        self._tell("\t".join(words) + "\t")
        return Outcome(call.answer or b"null", call.is_error, call.request_id, report)

    @property
    def _version(self) -> str:
        return self.variables["AWS_LAMBDA_FUNCTION_VERSION"]


def exit_error(code: int) -> Document:
    """Return Lambda's document of a process that has ended while it was needed."""
    if code == 0:
        return failure("Runtime.ExitError", "Error: Runtime exited without providing a reason")
    how, kind = f"exit status {code}", "Runtime.ExitError"
    if code < 0:
        # The words that the kernel has for its signals, as "killed" and "segmentation fault".
        name = (signal.strsignal(-code) or f"signal {-code}").lower()
        how, kind = f"signal: {name}", kind if code != -9 else "Runtime.OutOfMemory"
    return failure(kind, f"Error: Runtime exited with error: {how}")


def _about(error: Document, request_id: str) -> Document:
    """Return a failure's document with the number of the event that it was the answer to."""
    if "requestId" in error:
        return {**error, "requestId": request_id}
    return {**error, "errorMessage": f"RequestId: {request_id} {error['errorMessage']}"}


# HTTP


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread for each connection.

    Args:
        address: Where it listens.
        handler: Makes the one that answers a connection.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that was lost."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Door(BaseHTTPRequestHandler):
    """Reads requests, and writes each answer's head and body at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, function: Function, *words: Any) -> None:
        """Answer a connection."""
        self.function = function
        super().__init__(*words)

    def __getattr__(self, name: str) -> Any:
        """Whatever the method, there is one way to answer it."""
        if name.startswith("do_"):
            return self.respond
        raise AttributeError(name)

    def log_message(self, *_: object) -> None:
        """Print nothing: Lambda has no log of requests."""

    def respond(self) -> None:
        """Answer a request."""
        raise NotImplementedError

    def body(self) -> bytes:
        """Read the request's body, of which one byte more than Lambda takes is kept."""
        kept = bytearray()
        for piece in self._pieces():
            kept += piece[: PAYLOAD_LIMIT + 1 - len(kept)]
        return bytes(kept)

    def _pieces(self) -> Iterator[bytes]:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            yield from self._read(int(self.headers.get("Content-Length") or 0))
            return
        while True:
            size = int(self.rfile.readline(1 << 16).split(b";")[0], 16)
            if size == 0:
                break
            yield from self._read(size)
            self.rfile.readline(1 << 16)
        while self.rfile.readline(1 << 16) not in (b"\r\n", b"\n", b""):
            pass  # Trailers.

    def _read(self, size: int) -> Iterator[bytes]:
        while size > 0:
            piece = self.rfile.read(min(size, 1 << 20))
            if not piece:
                raise ConnectionError("the body ended early")
            size -= len(piece)
            yield piece

    def send(self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        """Write an answer in one piece.

        Args:
            status: Its status.
            body: Its body.
            headers: All others than the server's own.
        """
        reason = http.client.responses.get(status, "")
        lines = [f"{self.protocol_version} {status} {reason}"]
        for name, value in headers or []:
            lines.append(f"{name}: {value}".replace("\r", " ").replace("\n", " "))
        if status >= 200 and status != 204:
            lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        has_body = self.command != "HEAD" and status not in (204, 304)
        self.wfile.write(head + body if has_body else head)

    def send_json(
        self, status: int, document: object, headers: list[tuple[str, str]] | None = None
    ) -> None:
        """Write an answer that is a document."""
        self.send(
            status, encoded(document), [("Content-Type", "application/json"), *(headers or [])]
        )


class Gate(Door):
    """The runtime API, which the function's process asks for its events."""

    def respond(self) -> None:
        """Answer the runtime."""
        path, body = self.path.partition("?")[0], self.body()
        words = path[len(RUNTIME_PATH) :].strip("/").split("/")
        if not path.startswith(RUNTIME_PATH):
            self.send_json(404, {})
        elif self.command == "GET" and words == ["invocation", "next"]:
            self._give_next()
        elif self.command == "POST" and words == ["init", "error"]:
            self.function.init_failed(_document(body))
            self.send_json(202, {"status": "OK"})
        elif self.command == "POST" and len(words) == 3 and words[2] in ("response", "error"):
            self.send_json(*self.function.answer(words[1], body, error=words[2] == "error"))
        else:
            self.send_json(404, {})

    def _give_next(self) -> None:
        call = self.function.next_call()
        if call is None:
            self.close_connection = True
            return
        number = uuid.uuid4().hex
        trace = f"Root=1-{int(time.time()):08x}-{number[:24]};Parent={number[16:]};Sampled=0"
        headers = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", call.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(call.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", function_arn(self.function.variables)),
            ("Lambda-Runtime-Trace-Id", trace),
        ]
        if call.context:
            headers.append(("Lambda-Runtime-Client-Context", call.context))
        self.send(200, call.event, headers)


class Front(Door):
    """What the outside sees: the Invoke API, a function URL, and the emulator's own paths."""

    def __init__(self, function: Function, tunnels: Tunnels, *words: Any) -> None:
        """Answer a connection."""
        self.tunnels = tunnels
        super().__init__(function, *words)

    def respond(self) -> None:
        """Answer a request."""
        try:
            body = self.body()
        except ValueError as error:
            self.close_connection = True
            self.send_json(400, {"message": f"the body cannot be read: {error}"})
            return
        order = self.command, self.path.partition("?")[0]
        if order == ("GET", "/_emulator/health"):
            self.send_json(200, self.function.health())
        elif order == ("POST", "/_emulator/tunnel"):
            self._be_tunnel()
        elif order == ("POST", INVOKE_PATH):
            self._invoke(body)
        else:
            self._be_url(body)

    def _be_tunnel(self) -> None:
        self.close_connection = True
        self.send(101, b"", [("Connection", "Upgrade"), ("Upgrade", "tunnel")])
        self.tunnels.add(self.connection).wait()

    def _invoke(self, body: bytes) -> None:
        refused = refusal(body)
        if refused is not None:
            status, kind, message = refused
            document = {"Type": "User", "message": message}
            self.send_json(status, document, [("X-Amzn-ErrorType", kind)])
            return
        context = _plain(self.headers.get("X-Amz-Client-Context", ""))
        given = self.headers.get("X-Amzn-RequestId", "")
        outcome = self.function.invoke(body or b"{}", given, context)
        headers = [
            ("Content-Type", "application/json"),
            ("X-Amz-Executed-Version", self.function.variables["AWS_LAMBDA_FUNCTION_VERSION"]),
            *_headers(outcome),
        ]
        if outcome.error:
            headers.append(("X-Amz-Function-Error", "Unhandled"))
        self.send(200, outcome.payload, headers)

    def _be_url(self, body: bytes) -> None:
        number = self.headers.get("X-Amzn-RequestId") or str(uuid.uuid4())
        event = encoded(
            url_event(self.command, self.path, list(self.headers.items()), body, number)
        )
        if len(body) > PAYLOAD_LIMIT or len(event) > PAYLOAD_LIMIT:
            self.send_json(413, {"Message": "Request Entity Too Large"})
            return
        outcome = self.function.invoke(event, number)
        status, headers, content = url_answer(outcome)
        self.send(status, content, [*headers, *_headers(outcome)])


def _headers(outcome: Outcome) -> list[tuple[str, str]]:
    return [
        ("X-Amzn-RequestId", outcome.request_id),
        ("X-Odyssey-Report", encoded(outcome.report).decode()),
    ]


def _plain(text: str) -> str:
    """Return what a header has as base64; "" where that cannot be read."""
    try:
        return base64.b64decode(text).decode("latin-1")
    except ValueError:
        return ""


def _document(body: bytes) -> Document:
    """Return the document of a failure to start; one that says so where it cannot be read."""
    with contextlib.suppress(ValueError):
        document = json.loads(body)
        if isinstance(document, dict) and "errorType" in document:
            return document
    return failure("Runtime.Unknown", body[:1000].decode("utf-8", "replace"))


def refusal(event: bytes) -> tuple[int, str, str] | None:
    """Return the status, the kind and the message with which Lambda takes no event."""
    if len(event) > PAYLOAD_LIMIT:
        limit = 6 * 1024 * 1024
        message = f"Request must be smaller than {limit} bytes for the InvokeFunction operation"
        return 413, "RequestTooLargeException", message
    try:
        json.loads(event or b"{}")
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        return 400, "InvalidRequestContentException", message
    return None


def function_arn(variables: dict[str, str]) -> str:
    """Return the ARN that the function is told as its own."""
    if "ODYSSEY_FUNCTION_ARN" in variables:
        return variables["ODYSSEY_FUNCTION_ARN"]
    region = variables.get("AWS_REGION", "us-east-1")
    name = variables["AWS_LAMBDA_FUNCTION_NAME"]
    return f"arn:aws:lambda:{region}:000000000000:function:{name}"


def url_event(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes, number: str
) -> Document:
    """Return the event that a function URL makes of a request, in payload format 2.0.

    Args:
        method: Its method.
        target: Its path and query.
        headers: Its headers.
        body: Its body.
        number: The number of the request.
    """
    path, _, query = target.partition("?")
    joined: dict[str, str] = {}
    for name, value in headers:
        name = name.lower()
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    cookies = joined.pop("cookie", "")
    now = time.time()
    event: Document = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": urllib.parse.unquote(path),
        "rawQueryString": query,
        "headers": joined,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "function",
            "domainName": joined.get("host", LOOPBACK),
            "domainPrefix": "function",
            "http": {
                "method": method,
                "path": urllib.parse.unquote(path),
                "protocol": "HTTP/1.1",
                "sourceIp": LOOPBACK,
                "userAgent": joined.get("user-agent", ""),
            },
            "requestId": number,
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies.split("; ")
    if query:
        asked: dict[str, str] = {}
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            asked[name] = f"{asked[name]},{value}" if name in asked else value
        event["queryStringParameters"] = asked
    if body:
        event["body"], event["isBase64Encoded"] = _text(body, joined.get("content-type", ""))
    return event


def _text(body: bytes, content_type: str) -> tuple[str, bool]:
    """Return a body as text, and whether that is base64."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind.startswith("text/") or kind in TEXT_TYPES:
        with contextlib.suppress(UnicodeDecodeError):
            return body.decode(), False
    return base64.b64encode(body).decode(), True


def url_answer(outcome: Outcome) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return the status, the headers and the body that a function URL makes of an answer."""
    kind = [("Content-Type", "application/json")]
    refused = 502, kind, encoded({"message": "Internal Server Error"})
    if outcome.error:
        return refused
    try:
        answer = json.loads(outcome.payload)
    except ValueError:
        return refused
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return 200, kind, outcome.payload
    try:
        status = int(answer["statusCode"])
        headers = [(str(name), str(value)) for name, value in (answer.get("headers") or {}).items()]
        headers += [("Set-Cookie", str(cookie)) for cookie in answer.get("cookies") or ()]
        text = answer.get("body") or ""
        content = text if isinstance(text, str) else json.dumps(text)
        body = base64.b64decode(content) if answer.get("isBase64Encoded") else content.encode()
    except (ValueError, TypeError, AttributeError):
        return refused
    if not 200 <= status <= 599:
        return refused
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers += kind
    return status, [pair for pair in headers if pair[0].lower() not in FROM_SERVER], body


# Tunnels


class Tunnels:
    """Connections that wait to lead somewhere else: to what the host can reach."""

    def __init__(self) -> None:
        """There is none yet."""
        self._waiting: queue.Queue[tuple[socket.socket, threading.Event]] = queue.Queue()

    def add(self, connection: socket.socket) -> threading.Event:
        """Let a connection wait; return what is set when it is of no more use."""
        over = threading.Event()
        self._waiting.put((connection, over))
        return over

    def listen(self, port: int) -> None:
        """Give each connection that is made to a port of this machine to one that waits."""
        listener = socket.create_server((LOOPBACK, port), backlog=128)
        threading.Thread(target=self._accept, args=(listener,), daemon=True, name="tunnel").start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=self._lead, args=(connection,), daemon=True).start()

    def _lead(self, connection: socket.socket) -> None:
        deadline = time.monotonic() + TUNNEL_WAIT
        with connection:
            while True:
                try:
                    left = max(0.0, deadline - time.monotonic())
                    tunnel, over = self._waiting.get(timeout=left)
                except queue.Empty:
                    return
                try:
                    if _is_open(tunnel):
                        tunnel.sendall(b"\x01")
                        splice(connection, tunnel)
                        return
                except OSError:
                    continue
                finally:
                    over.set()


def _is_open(connection: socket.socket) -> bool:
    """Whether a connection on which nothing is to come is still there."""
    connection.setblocking(False)
    try:
        return bool(connection.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True
    finally:
        connection.setblocking(True)


def splice(one: socket.socket, other: socket.socket) -> None:
    """Pass on what comes from each of two connections to the other, until both have ended."""
    for connection in (one, other):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    back = threading.Thread(target=_pump, args=(other, one), daemon=True)
    back.start()
    _pump(one, other)
    back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            piece = source.recv(1 << 16)
            if not piece:
                break
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


# The program


def variables(command: list[str], gate: int, given: dict[str, str]) -> dict[str, str]:
    """Return the variables of the function's process.

    Args:
        command: The runtime and what it is told.
        gate: The port of the runtime API.
        given: The variables of this process, which go before what is made up here.
    """
    name = given.get("AWS_LAMBDA_FUNCTION_NAME", "function")
    day = time.strftime("%Y/%m/%d", time.gmtime())
    return {
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"{day}/[$LATEST]{uuid.uuid4().hex}",
        "LAMBDA_TASK_ROOT": os.getcwd(),
        "TZ": ":UTC",
        "_HANDLER": command[-1],
        **given,
        "AWS_LAMBDA_RUNTIME_API": f"{LOOPBACK}:{gate}",
    }


def arguments(words: list[str]) -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="AWS Lambda around one function.")
    parser.add_argument("--port", type=int, default=8080, help="where it listens")
    parser.add_argument("--host", default=LOOPBACK, help="the address there")
    parser.add_argument("--timeout", type=float, default=3.0, help="seconds for an event")
    parser.add_argument("--init", type=float, default=INIT_LIMIT, help="seconds for a start")
    parser.add_argument("--quiet", action="store_true", help="no line for each event")
    parser.add_argument("--tunnel", type=int, help="the port that leads to the host")
    parser.add_argument("command", nargs="+", help="the runtime and what it is told")
    return parser.parse_args(words)


def main(words: list[str]) -> int:
    """Run the function until it is asked to end, or nobody is left to ask."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    given, parent, tunnels = arguments(words), os.getppid(), Tunnels()
    gate = Server((LOOPBACK, 0), lambda *words: Gate(served, *words))
    environment = variables(given.command, gate.server_address[1], dict(os.environ))
    tell = (lambda _: None) if given.quiet else say
    served = Function(given.command, environment, given.timeout, given.init, tell)
    try:
        address = (given.host, given.port)
        front = Server(address, lambda *words: Front(served, tunnels, *words))
        if given.tunnel is not None:
            tunnels.listen(given.tunnel)
    except OSError as error:
        say(f"the emulator cannot listen: {error}")
        return 1
    for server in (gate, front):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    served.run(lambda: os.getppid() != parent)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
