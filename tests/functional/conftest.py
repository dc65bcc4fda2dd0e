"""A small app whose rocket is two short scripts, and ways to run the command line in it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import odyssey as package
from odyssey.cli import main

TRAIN = """
import os, pathlib, sys
root = pathlib.Path(os.environ["ROCKET_ML_ROOT"])
text = (root / "input/data/training/numbers").read_text()
print("reading", len(text), "characters")
print("a word on stderr", file=sys.stderr)
(root / "model" / "deep").mkdir()
(root / "model" / "deep" / "weights").write_text(text)
"""

SERVE = """
import http.server, json, os, pathlib, signal, sys
root = pathlib.Path(os.environ["ROCKET_ML_ROOT"])
model = (root / "model" / "weights").read_text()
names = sorted(name for name in os.environ if name.startswith("MODEL_SERVER"))
class Door(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"bad":
            self.answer(400, b'{"error": "no \\\\u001b[31mgood"}')
        elif body == b"html":
            self.answer(502, b"<h1>Bad gateway</h1>\\n<p>", "text/html")
        elif body == b"bytes":
            self.answer(200, b"\\xff\\xfe", "application/octet-stream")
        elif body == b"nan":
            self.answer(200, b"NaN")
        elif body == b"die":
            os._exit(3)
        else:
            heard = {"path": self.path, "type": self.headers["Content-Type"],
                     "accept": self.headers["Accept"], "body": body.decode(), "model": model,
                     "settings": {name: os.environ[name] for name in names}}
            self.answer(200, json.dumps(heard).encode())
    def log_message(self, *words):
        print("request", words[1], file=sys.stderr)
def stop(*_):
    print("draining", file=sys.stderr)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
host, port = os.environ["MODEL_SERVER_HOST"], int(os.environ["MODEL_SERVER_PORT"])
http.server.ThreadingHTTPServer((host, port), Door).serve_forever()
"""


@dataclass(frozen=True)
class Done:
    """A command line that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Running:
    """A command line that runs in a process of its own."""

    process: subprocess.Popen[str]
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def err(self) -> str:
        return self.log.read_text()

    def until_it_says(self, text: str) -> None:
        until(lambda: text in self.err or self.process.poll() is not None)
        assert text in self.err

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def finish(self) -> Done:
        out, _ = self.process.communicate(timeout=60)
        return Done(self.process.returncode, out, self.err)


@dataclass(frozen=True)
class SmallApp:
    """An app's folder with a rocket of two scripts."""

    folder: Path
    port: int
    running: list[Running] = field(default_factory=list)

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def tree(self) -> dict[str, str]:
        """Every file of the app but odyssey's own, with its content."""
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and ".odyssey" not in path.parts
        }

    def leftovers(self) -> list[str]:
        """What lies in odyssey's own folder and is no lock."""
        names = [path.name for path in (self.folder / ".odyssey").glob("*")]
        return [name for name in names if not name.endswith((".lock", ".gitignore"))]

    def start(self, *words: str, **environ: str) -> Running:
        """Start a command line in a process of its own, in the app's folder."""
        log = self.folder.parent / f"stderr-{len(self.running)}"
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "odyssey", *words],
                cwd=self.folder,
                env={**os.environ, **environ},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        self.running.append(Running(process, log))
        return self.running[-1]

    def run(self, *words: str, **environ: str) -> Done:
        return self.start(*words, **environ).finish()


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be collected by its parent does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings from outside, and a package that is found wherever a program runs."""
    for name in list(os.environ):
        if name.startswith(("ODYSSEY_", "MODEL_SERVER")) or name == "NO_COLOR":
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYTHONPATH", str(Path(package.__file__).parent.parent))


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def small_app(tmp_path: Path, free_port: int) -> Iterator[SmallApp]:
    app = SmallApp(tmp_path / "small", free_port)
    app.write("odyssey.toml", f'[app]\nname = "small"\n[local]\nport = {free_port}\n')
    app.write("rocket/train", TRAIN)
    app.write("rocket/serve", SERVE)
    app.write("requirements.txt", "")
    app.write("input/data/training/numbers", "1 2 3")
    app.write("model/.gitkeep", "")
    app.write("model/weights", "old")
    yield app
    for running in app.running:
        running.process.kill()
        running.process.communicate()


@pytest.fixture
def odyssey(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Done]:
    """Run a command line in this process: `odyssey("config", "show", at=folder)`."""

    def run(*words: str, at: Path = tmp_path) -> Done:
        monkeypatch.chdir(at)
        capfd.readouterr()
        code = main(words)
        out, err = capfd.readouterr()
        return Done(code, out, err)

    return run
