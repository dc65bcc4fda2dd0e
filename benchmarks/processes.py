"""A server under measurement: the tree of its processes, their CPU time and memory, from /proc."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import UnavailableError

TICKS = os.sysconf("SC_CLK_TCK")
GRACE_SECONDS = 5.0
MARKER = "BENCHMARK_MARK"
"""Environment variable that marks a server's processes, however they detach themselves."""


@dataclass(frozen=True)
class Launch:
    """How a server is started: its command, variables on top of the clean ones, and folder."""

    argv: list[str]
    variables: dict[str, str]
    folder: Path


class ServerProcesses:
    """A running server and all processes that descend from it."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str, log: Path) -> None:
        """Watch ``process``, whose family carries ``mark`` in its environment."""
        self._process = process
        self._mark = mark
        self._log = log

    def check_alive(self) -> None:
        """Raise `UnavailableError` with the end of the log if the server has ended by itself."""
        if self._process.poll() is not None:
            raise UnavailableError(
                f"server ended with {self._process.returncode}: {self.log_end()}"
            )

    def log_end(self) -> str:
        """Return the last line of the server's output that is not empty."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "no output")

    def pids(self) -> list[int]:
        """Return the ids of the server's processes: its descendants and whoever bears its mark."""
        parents = {pid: stat[1] for pid, stat in _stats()}
        family = {self._process.pid}
        while grown := {pid for pid, parent in parents.items() if int(parent) in family} - family:
            family |= grown
        return sorted({pid for pid in parents if pid in family or self._is_marked(pid)})

    def cpu_seconds(self) -> float:
        """Return user plus system time of all processes, in seconds (resolution: 10 ms)."""
        mine = set(self.pids())
        return sum((int(stat[11]) + int(stat[12])) / TICKS for pid, stat in _stats() if pid in mine)

    def pss_mb(self) -> float:
        """Return the memory of all processes in MB, shared pages counted once (PSS)."""
        return sum(_field(pid, "smaps_rollup", "Pss:") for pid in self.pids()) / 1000

    def reset_peaks(self) -> None:
        """Start the peaks of `peak_mb` anew at the present resident size."""
        for pid in self.pids():
            with contextlib.suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")

    def peak_mb(self) -> float:
        """Return the largest peak resident size of one process since `reset_peaks`, in MB."""
        return max(_field(pid, "status", "VmHWM:") for pid in self.pids()) / 1000

    def stop(self) -> None:
        """End all processes: SIGTERM, and SIGKILL to those that run five seconds later."""
        family = set(self._signal_all(signal.SIGTERM))
        end = time.monotonic() + GRACE_SECONDS
        while time.monotonic() < end and self._remaining():
            time.sleep(0.02)
        while self._remaining():
            family |= set(self._signal_all(signal.SIGKILL))
            time.sleep(0.02)
        self._process.wait()
        for pid in family - {self._process.pid}:
            # Orphans are this process's children now (see `adopt_orphans`).
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)

    def _signal_all(self, number: signal.Signals) -> list[int]:
        # One by one: the id of a process group might be another program's by now, a marked
        # process is the server's.
        marked = self._remaining()
        for pid in marked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return marked

    def _remaining(self) -> list[int]:
        self._process.poll()
        return [pid for pid, _ in _stats() if self._is_marked(pid)]

    def _is_marked(self, pid: int) -> bool:
        return _bears(pid, self._mark)


def bearing(mark: str) -> list[int]:
    """Return the ids of the processes that have a mark in their environment, the dead left out."""
    return [pid for pid, stat in _stats() if stat[0] != "Z" and _bears(pid, mark)]


def machine_cpu_seconds() -> float:
    """Return the time that all cores together have been busy since boot, in seconds."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / TICKS


def adopt_orphans() -> None:
    """Have the kernel hand this process the servers' orphans, so that no zombie stays behind."""
    pr_set_child_subreaper = 36
    ctypes.CDLL(None).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


@contextlib.contextmanager
def running(launch: Launch, clean: dict[str, str], scratch: Path) -> Iterator[ServerProcesses]:
    """Start a server in a session of its own, and end all its processes whatever happens.

    Args:
        launch: What to start.
        clean: The environment variables beneath the launch's own.
        scratch: Folder for the log and the server's temporary files; removed by the caller.
    """
    mark, log = scratch.name, scratch / "server.log"
    home = {"HOME": str(scratch), "TMPDIR": str(scratch), MARKER: mark}
    with log.open("wb") as output:
        process = subprocess.Popen(
            launch.argv,
            cwd=launch.folder,
            env=clean | home | launch.variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = ServerProcesses(process, mark, log)
    try:
        yield server
    finally:
        server.stop()


def wait_until(
    holds: Callable[[], bool], server: ServerProcesses, seconds: float, what: str
) -> None:
    """Wait until ``holds()``, looking every 5 ms.

    Raises:
        UnavailableError: The server ended, or ``seconds`` passed.
    """
    end = time.monotonic() + seconds
    while not holds():
        server.check_alive()
        if time.monotonic() > end:
            raise UnavailableError(f"{what} did not come within {seconds:g} s: {server.log_end()}")
        time.sleep(0.005)


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Yield each process's id and the fields of its stat file from the third (state) on."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                text = (folder / "stat").read_text(encoding="utf-8", errors="replace")
                yield int(folder.name), text.rpartition(")")[2].split()


def _bears(pid: int, mark: str) -> bool:
    try:
        return f"{MARKER}={mark}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _field(pid: int, file: str, name: str) -> int:
    """Return a field given in kB of ``/proc/PID/file``, in units of 1024/1000 kB; 0 if gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/{file}").read_text(encoding="utf-8").splitlines():
            if line.startswith(name):
                return round(int(line.split()[1]) * 1.024)
    return 0
