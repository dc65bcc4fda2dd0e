"""A function of a few lines behind the emulator, in a process of its own."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, Self

from odyssey.functions import emulated
from odyssey.functions.emulated import Emulated

HANDLER = """
import base64, http.client, json, os, subprocess, sys, time
print("loading")
def handle(event, context):
    verb, argument = next(iter(event.items()), ("", None)) if isinstance(event, dict) else ("", 0)
    if verb == "raise":
        raise KeyError(argument)
    if verb == "exit":
        os._exit(argument)
    if verb == "signal":
        os.kill(os.getpid(), argument)
    if verb == "sleep":
        time.sleep(argument)
    if verb == "child":
        child = subprocess.Popen(["sleep", "600"], start_new_session=True)
        open(argument, "w").write(str(child.pid))
        time.sleep(600)
    if verb == "allocate":
        return len(bytearray(argument << 20))
    if verb == "hold":
        held = b"x" * (argument << 20)
        time.sleep(600)
    if verb == "long":
        return "x" * argument
    if verb == "ask":
        connection = http.client.HTTPConnection("127.0.0.1", argument)
        connection.request("POST", "/echo", b"y" * 300000)
        return connection.getresponse().read().decode()
    if verb == "answer":
        return argument
    if verb == "context":
        left = context.get_remaining_time_in_millis()
        names = sorted(name for name in os.environ if "LAMBDA" in name)
        return {"id": context.aws_request_id, "left": left, "arn": context.invoked_function_arn,
                "memory": context.memory_limit_in_mb, "names": names, "pid": os.getpid()}
    return event
"""


class Function:
    """A handler behind the emulator, for the length of a ``with`` block.

    Args:
        folder: Where it is.
        handler: Its words for the runtime.
        timeout: Seconds that an event may take.
        tunnel: The port of the tunnel.
        source: What the module ``handler`` says.
        runtime: In the place of the real one.
        init: Seconds that its first start may take.
    """

    def __init__(
        self,
        folder: Path,
        handler: str = "handler.handle",
        *,
        timeout: float = 20,
        tunnel: int | None = None,
        source: str = HANDLER,
        runtime: list[str] | None = None,
        init: float = 10,
        **environ: str,
    ) -> None:
        (folder / "handler.py").write_text(source)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: tuple[str, int] = probe.getsockname()
        self.log_path = folder / "log"
        self._log: IO[bytes] = self.log_path.open("wb")
        words = emulated.command(
            runtime or [sys.executable, *emulated.RUNTIME, handler],
            timeout=timeout,
            python=sys.executable,
            source=str(emulated.SOURCE),
            host=self.address[0],
            port=self.address[1],
            tunnel=tunnel,
        )
        words.insert(words.index("--"), f"--init={init}")
        self.process = subprocess.Popen(
            words, cwd=folder, env={**os.environ, **environ}, stdout=self._log, stderr=self._log
        )
        self.emulated = Emulated(self.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            assert self.process.wait(10) == 0, self.log
        finally:
            self.process.kill()
            self._log.close()

    @property
    def log(self) -> str:
        return self.log_path.read_text()

    def ready(self) -> Emulated:
        health = self.emulated.await_ready(15, lambda: self.process.poll() is None)
        assert health.state == "ready", health.reason
        return self.emulated

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, told, answer.read()
        finally:
            connection.close()
