"""A server for an experiment: ``odyssey local serve`` of an app, and clients that ask it."""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import load
from benchmarks.processes import bearing
from benchmarks.reliability.scene import Scene, SetupError, until
from benchmarks.subjects import free_port

BODY = '{"observation": [5.1, 3.5, 1.4, 0.2]}'
ANSWER = {"prediction": "Iris-setosa"}
START = 90.0

WHO = """
import os, time


def get_model(model_path):
    return "the model"


def predict(input_data, model):
    time.sleep(input_data.get("sleep", 0))
    return {"pid": os.getpid()}
"""
"""A serve.py that says which process has answered, after so many seconds."""


@dataclass
class Server:
    """``odyssey local serve``, ready.

    Attributes:
        app: The app's folder.
        port: Where it listens, on 127.0.0.1.
        process: The command line that runs it.
        mark: Its processes have it.
    """

    app: Path
    port: int
    process: subprocess.Popen[str]
    mark: str

    def pids(self) -> list[int]:
        """Return the ids of its processes, the command line's among them."""
        return bearing(self.mark)

    def workers(self) -> set[int]:
        """Return the processes that answer predictions: those of the rocket without children."""
        rocket = {pid for pid in self.pids() if b"rocket/serve" in _words(pid)}
        return rocket - {_parent(pid) for pid in rocket}

    def memory_mb(self) -> float:
        """Return the memory of all its processes, shared pages counted once."""
        return sum(_pss(pid) for pid in self.pids()) / 1000

    def answers(self) -> bool:
        """Return whether ``GET /ping`` is answered with 200 now."""
        return load.answers_200(self.port, "/ping")


def serve(scene: Scene, app: Path, *words: str, **variables: str) -> Server:
    """Serve an app with ``odyssey local serve``, for as long as the scene lasts.

    Args:
        scene: Where.
        app: The app's folder.
        words: More words of the command.
        variables: More variables of its environment.

    Raises:
        SetupError: It does not answer.
    """
    port, mark = free_port(), f"{scene.folder.name}-serve"
    log = (scene.folder / "serve.log").open("w", encoding="utf-8")
    scene.stack.callback(log.close)
    process = subprocess.Popen(
        [*scene.workshop.program, "local", "serve", "--quiet", "--port", str(port), *words],
        cwd=app,
        env=scene.environment(BENCHMARK_MARK=mark, **variables),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(app, port, process, mark)
    scene.stack.callback(_stop, server)
    if not until(lambda: process.poll() is not None or server.answers(), START, 0.1):
        raise SetupError(f"the server does not answer: {Path(log.name).read_text()[-300:]}")
    if process.poll() is not None:
        raise SetupError(f"the server has ended: {Path(log.name).read_text()[-300:]}")
    return server


def _stop(server: Server) -> None:
    if server.process.poll() is None:
        server.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(60)
    server.process.kill()
    server.process.wait()


@dataclass
class Clients:
    """Clients that send one request after another, each on its connection.

    Attributes:
        answers: How many answers there were, by status.
        lost: Requests that were sent and never answered.
        refused: Connections that nobody took.
        slowest: The longest that an answer took, in seconds.
        seen: The bodies of answers with 200, counted, where they are small.
    """

    port: int
    count: int
    body: str = BODY
    path: str = "/invocations"
    answers: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    refused: int = 0
    slowest: float = 0.0
    times: list[float] = field(default_factory=list)
    seen: Counter[bytes] = field(default_factory=Counter)
    last: dict[bytes, float] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[Clients]:
        """Ask for the length of a ``with`` block, and until what is under way is answered."""
        stop, lock = threading.Event(), threading.Lock()
        threads = [
            threading.Thread(target=self._client, args=(stop, lock)) for _ in range(self.count)
        ]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _client(self, stop: threading.Event, lock: threading.Lock) -> None:
        connection = http.client.HTTPConnection(load.HOST, self.port, timeout=60)
        with contextlib.closing(connection):
            while not stop.is_set():
                try:
                    if connection.sock is None:
                        connection.connect()
                except OSError:
                    self.refused += 1
                    stop.wait(0.01)
                    continue
                self._ask(connection, lock)

    def _ask(self, connection: http.client.HTTPConnection, lock: threading.Lock) -> None:
        begin = time.monotonic()
        try:
            connection.request("POST", self.path, self.body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            with lock:
                self.lost += 1
            return
        seconds = time.monotonic() - begin
        with lock:
            self.answers[answer.status] += 1
            self.slowest = max(self.slowest, seconds)
            self.times.append(seconds)
            if answer.status == 200 and len(body) < 200:
                self.seen[body] += 1
                self.last[body] = time.monotonic()


def percentile_ms(times: list[float], share: float) -> float:
    """Return what so many of the times are at most, in milliseconds; 0 of none."""
    ordered = sorted(times)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def pid_of(answer: bytes) -> int:
    """Return the process that has answered, of an answer of `WHO`."""
    return int(json.loads(answer)["pid"])


def _words(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _parent(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return round(int(line.split()[1]) * 1.024)
    return 0
