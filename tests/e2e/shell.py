"""A terminal into which the command blocks of a page are typed, line by line."""

import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

# What somebody who reads the pages types where a command asks.
KEYS = ("SANDBOXACCESSKEY", "sandbox", "eu-west-1", "")
ANSWERS = {"odyssey configure": KEYS} | dict.fromkeys(
    (
        "odyssey deploy",
        "odyssey sagemaker serve",
        "odyssey lambda train --run",
        "odyssey lambda serve",
        "odyssey lambda delete",
        "odyssey destroy",
    ),
    ("y",),
)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Shell:
    """Types lines into a shell, one after another; what serves goes on in the background."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.environ = environ
        self.servers: list[subprocess.Popen[bytes]] = []
        self.heard = ""

    def type(self, line: str, *, fails: bool = False) -> str:
        """Type a line and return its stdout; it must succeed, or fail where that is said."""
        if line.startswith("cd "):
            self.folder /= line[3:]
            return ""
        if line.startswith("odyssey local serve"):
            return self.serve(line)
        if line.startswith(("eval ", "export ")):
            return self.enter(line)
        if line in ANSWERS:
            # One after another: a prompt for a secret drops what was typed before it.
            typed = "; ".join(f"sleep 2; echo {shlex.quote(word)}" for word in ANSWERS[line])
            line = f"{{ {typed}; }} | script -qec {shlex.quote(line)} /dev/null"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line],
            cwd=self.folder,
            env=self.environ,
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=600,
        )
        assert (done.returncode != 0) == fails, f"$ {line}\n{done.stdout}\n{done.stderr}"
        self.heard += done.stdout + done.stderr
        return done.stdout

    def take(self) -> str:
        """Return all that was printed since this was asked last."""
        heard, self.heard = self.heard, ""
        return heard

    def enter(self, line: str) -> str:
        """Take over the variables that a line sets, as the shell does that it is typed into."""
        before = self.heard
        variables = self.type(f"builtin {line}; env -0").split("\0")
        self.environ = dict(pair.split("=", 1) for pair in variables if pair)
        self.heard = before
        return ""

    def serve(self, line: str) -> str:
        """Start a server, in a terminal of its own; one that serves already is stopped before."""
        self.stop()
        server = subprocess.Popen(line.split(), cwd=self.folder, env=self.environ)
        self.servers.append(server)
        deadline = time.monotonic() + 120
        port = int(self.environ["ODYSSEY_LOCAL_PORT"])
        while not listens(port):
            assert server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return ""

    def stop(self) -> None:
        for server in self.servers:
            server.send_signal(signal.SIGINT)
            assert server.wait(30) == 0
        self.servers.clear()
