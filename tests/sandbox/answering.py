"""Containers for tests: servers in this process, which answer as a function says."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from odyssey.sandbox.machines import Entry, Machine, Task


@dataclass(frozen=True)
class Asked:
    """A request to a container."""

    path: str
    body: bytes
    headers: Mapping[str, str]


Answer = bytes | tuple[int, bytes] | None
"""The body of a good answer, a status with a body, or a connection that breaks."""


@dataclass
class Containers:
    """An executor. `answer` is asked for ``/invocations`` alone, unless `paths` has others."""

    answer: Callable[[Asked], Answer]
    paths: dict[str, Answer] = field(default_factory=dict)
    printed: bytes = b"ready\n"
    name: str = "answering"
    tasks: list[Task] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    is_ended: bool = False
    """Whether a container has been asked to stop."""

    @contextmanager
    def machine(self, task: Task) -> Iterator[Machine]:
        self.tasks.append(task)
        container = Container(self)
        try:
            yield container
        finally:
            container.stop(0)

    def network(self) -> AbstractContextManager[str]:
        raise NotImplementedError

    def begin(self, answer: Callable[[Asked], Answer], **more: Any) -> None:
        """Begin anew, with containers that answer otherwise."""
        self.__init__(answer, **more)  # type: ignore[misc]

    def bodies(self) -> list[bytes]:
        return [each.body for each in self.asked if each.path == "/invocations"]


class Container:
    """A machine."""

    was_out_of_memory = False

    def __init__(self, executor: Containers) -> None:
        self._executor = executor
        self._server: ThreadingHTTPServer | None = None
        self.exit_code: int | None = None

    def put(self, folder: str, entries: Iterable[Entry]) -> None:
        pass

    def start(self, on_output: Callable[[bytes], None]) -> None:
        executor = self._executor

        class Handler(_Handler):
            def answered(self, asked: Asked) -> Answer:
                executor.asked.append(asked)
                if asked.path == "/invocations":
                    return executor.answer(asked)
                return executor.paths.get(asked.path, (200 if asked.path == "/ping" else 404, b""))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        on_output(executor.printed)

    def wait(self, seconds: float) -> int | None:
        return self.exit_code

    def stop(self, grace: float) -> None:
        self.exit_code = 0
        self._executor.is_ended = True
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def take(self, path: str) -> Any:
        raise NotImplementedError

    @property
    def address(self) -> tuple[str, int]:
        assert self._server is not None
        return "127.0.0.1", self._server.server_port


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def answered(self, asked: Asked) -> Answer:
        raise NotImplementedError

    def do_GET(self) -> None:
        asked = Asked(self.path, self._body(), dict(self.headers))
        answer = self.answered(asked)
        if answer is None:
            self.close_connection = True
            return
        status, body = (200, answer) if isinstance(answer, bytes) else answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - http.server's name

    def _body(self) -> bytes:
        if "Transfer-Encoding" not in self.headers:
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        found = b""
        while size := int(self.rfile.readline(), 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return found

    def log_message(self, format: str, *args: Any) -> None:
        pass
