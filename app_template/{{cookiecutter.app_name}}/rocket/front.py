"""nginx in front of gunicorn: starts both, and ends both when one of them ends."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from rocket.processes import die_with_parent
from rocket.settings import Settings, nginx_program

log = logging.getLogger("rocket")

#: Seconds in which nginx may finish what it has begun; SageMaker sends SIGKILL after 30.
GRACE = 20


def serve_behind_nginx(settings: Settings, serve: Callable[[str], int]) -> int:
    """Runs `serve` on a unix socket in a child process, and nginx before it.

    Args:
        settings: Where nginx listens, and its limits.
        serve: Serves on the address it is given until SIGTERM; returns the exit code.

    Returns:
        0 after a stop by a signal; otherwise 1, or gunicorn's own exit code, if one of the two
        ended by itself, which ends the other too.
    """
    # The path of a unix socket has to fit into about a hundred bytes.
    short = len(tempfile.gettempdir()) < 70
    folder = Path(tempfile.mkdtemp(prefix="rocket-", dir=None if short else "/tmp"))  # noqa: S108
    folder.chmod(0o755)  # nginx's workers are another user.
    try:
        return Front(settings, folder).run(serve)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Front:
    """The two processes and the signals between them."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.folder = folder
        self.socket = folder / "rocket.sock"
        self.stopping: int | None = None

    def run(self, serve: Callable[[str], int]) -> int:
        """Starts gunicorn, then nginx, and waits for a signal or for one of them to end."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            signal.signal(number, self._note)
        self.pid = os.getpid()
        gunicorn = os.fork()
        if gunicorn == 0:
            self._be_gunicorn(serve)
        nginx: subprocess.Popen[bytes] | None = None
        code: int | None = None
        while code is None and self.stopping is None:
            if nginx is None and self._accepts():
                nginx = self._start_nginx()
            if nginx is not None and nginx.poll() is not None:
                log.error("nginx ended with exit code %d", nginx.returncode)
                break
            code = _ended(gunicorn)
            time.sleep(0.05)
        if code is not None and self.stopping is None:
            log.error("gunicorn ended with exit code %d", code)
        stopped = self._stop(nginx, gunicorn, code)
        return stopped if self.stopping is not None else stopped or 1

    def _note(self, number: int, _: FrameType | None) -> None:
        self.stopping = number

    def _be_gunicorn(self, serve: Callable[[str], int]) -> None:
        # A group of its own: a Ctrl-C in the terminal must reach nginx first.
        os.setpgid(0, 0)
        die_with_parent(self.pid)
        code = 1
        try:
            code = serve(f"unix:{self.socket}")
        finally:
            logging.shutdown()
            sys.stderr.flush()
            os._exit(code)

    def _accepts(self) -> bool:
        """Whether gunicorn listens; nginx before that would answer 502."""
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def _start_nginx(self) -> subprocess.Popen[bytes]:
        settings = self.settings
        values = {
            "FOLDER": str(self.folder),
            "LISTEN": settings.address,
            "MAX_PAYLOAD": str(settings.max_payload),
            "TIMEOUT": str(int(settings.timeout) + 10),
            "USER": "user root;" if os.geteuid() == 0 else "",
        }
        text = (Path(__file__).parent / "nginx.conf").read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(text, encoding="utf-8")
        command = [str(nginx_program()), "-c", str(configuration), "-p", str(self.folder)]
        return subprocess.Popen(  # noqa: S603 - our own program and files
            [*command, "-e", "stderr"],
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(self.pid),
        )

    def _stop(self, nginx: subprocess.Popen[bytes] | None, gunicorn: int, code: int | None) -> int:
        """Ends nginx, which finishes what it has begun, and then gunicorn."""
        graceful = self.stopping != signal.SIGINT
        if nginx is not None and nginx.poll() is None:
            nginx.send_signal(signal.SIGQUIT if graceful else signal.SIGTERM)
            deadline = time.monotonic() + GRACE
            while nginx.poll() is None and time.monotonic() < deadline:
                if self.stopping == signal.SIGINT:
                    break
                time.sleep(0.05)
        if nginx is not None:
            # Its workers outlive a master that was killed, and would keep the port.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(nginx.pid, signal.SIGKILL)
            nginx.wait()
        if code is None:
            os.kill(gunicorn, signal.SIGTERM if graceful else signal.SIGINT)
            _, status = os.waitpid(gunicorn, 0)
            code = os.waitstatus_to_exitcode(status)
        return code


def _ended(child: int) -> int | None:
    pid, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if pid else None
