"""A real server for the tests: rocket/serve of an app's folder, in a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

DOORS = {
    "fast": {"MODEL_SERVER": "fast", "MODEL_SERVER_NGINX": "off"},
    "flask": {"MODEL_SERVER": "flask", "MODEL_SERVER_NGINX": "off"},
    "flask-nginx": {"MODEL_SERVER": "flask", "MODEL_SERVER_NGINX": "on"},
}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        document = self.json
        assert set(document) == {"error"}
        return document["error"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """rocket/serve on a free port of the loopback interface; a context manager."""

    def __init__(self, app: Path, door: str = "fast", root: Path | None = None, **variables: Any):
        self.app = app
        self.port = free_port()
        self.log_path = app / f"server-{self.port}.log"
        self.environ = {
            **{name: value for name, value in os.environ.items() if "MODEL_SERVER" not in name},
            "ROCKET_ML_ROOT": str(root or app),
            "MODEL_SERVER_HOST": "127.0.0.1",
            "MODEL_SERVER_PORT": str(self.port),
            "MODEL_SERVER_WORKERS": "2",
            **DOORS[door],
            **{name: str(value) for name, value in variables.items()},
        }

    def start(self) -> Server:
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(self.app / "rocket" / "serve")],
                env=self.environ,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",  # The server must not care where it is started.
                start_new_session=True,
            )
        return self

    def __enter__(self) -> Server:
        self.start()
        self.wait_until(lambda: self.get("/ping").status == 200)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        code = self.stop()
        if error is None:
            assert code == 0, self.log

    def wait_until(self, condition: Any, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if condition():
                    return
            assert self.process.poll() is None, f"exit {self.process.returncode}\n{self.log}"
            assert time.monotonic() < deadline, f"not within {seconds} s\n{self.log}"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        processes = self.processes()
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(40)
        finally:
            for pid in processes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def connection(self, timeout: float = 30) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def request(
        self, method: str, path: str, body: Any = None, headers: Any = None, timeout: float = 30
    ) -> Answer:
        connection = self.connection(timeout)
        try:
            connection.request(method, path, body, headers or {})
            return read(connection)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def post(self, body: Any, content_type: str = "application/json", **headers: str) -> Answer:
        if not isinstance(body, bytes | str):
            body = json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("POST", "/invocations", body, {"Content-Type": content_type, **named})

    def processes(self) -> dict[int, str]:
        """All processes below rocket/serve, and itself: number to command line."""
        listed = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="],
            capture_output=True,
            text=True,
            check=True,
        )
        rows = [line.split(None, 3) for line in listed.stdout.splitlines()]
        children: dict[int, list[int]] = {}
        commands = {}
        for pid, parent, state, command in rows:
            if not state.startswith("Z"):
                children.setdefault(int(parent), []).append(int(pid))
                commands[int(pid)] = command
        found, pending = {}, [self.process.pid]
        while pending:
            pid = pending.pop()
            if pid in commands:
                found[pid] = commands[pid]
                pending += children.get(pid, [])
        return found

    def workers(self) -> set[int]:
        """The processes that answer predictions: the youngest generation of rocket/serve."""
        listed = [pid for pid, command in self.processes().items() if "rocket/serve" in command]
        parents = {_parent(pid) for pid in listed}
        return {pid for pid in listed if pid not in parents}


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return 0


def read(connection: http.client.HTTPConnection) -> Answer:
    response = connection.getresponse()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())
