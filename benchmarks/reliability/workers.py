"""The server's processes killed under load, and what its clients see of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from typing import Any

from benchmarks import load
from benchmarks.reliability.experiment import FAULTS, Experiment, Observed
from benchmarks.reliability.scene import Scene, SetupError, until
from benchmarks.reliability.serving import WHO, Clients, Server, pid_of, serve

CLIENTS, WORKERS = 16, 2
LULL = 2.0
"""Seconds of load before and after."""

RECOVERY = 60.0


def _who(scene: Scene, *words: str) -> Server:
    app = scene.app()
    (app / "serve.py").write_text(WHO, encoding="utf-8")
    server = serve(scene, app, "--workers", str(WORKERS), *words)
    if not until(lambda: len(server.workers()) == WORKERS, 30):
        raise SetupError(f"there are {len(server.workers())} workers instead of {WORKERS}")
    return server


def _kill_a_worker(_: Scene, server: Server) -> Observed:
    clients = Clients(server.port, CLIENTS, '{"sleep": 0.01}')
    with clients.running():
        time.sleep(LULL)
        before = server.workers()
        victim = min(before)
        os.kill(victim, signal.SIGKILL)
        killed = time.monotonic()
        found = until(lambda: _newcomers(clients, before), RECOVERY)
        strong = time.monotonic() - killed
        time.sleep(LULL)
    seen = Observed(
        {
            "requests answered with 200": clients.answers[200],
            "requests lost, of 16 in flight": clients.lost,
            "answered otherwise, with 502 by nginx": sum(clients.answers.values())
            - clients.answers[200],
            "connections refused": clients.refused,
            "until the new worker answers, s": round(strong, 2),
            "slowest answer, ms": round(1000 * clients.slowest),
        }
    )
    if not found:
        seen.faults.append(f"no new worker answers within {RECOVERY:.0f} s")
    return seen


def _newcomers(clients: Clients, before: set[int]) -> bool:
    return any(pid_of(answer) not in before for answer in list(clients.seen))


def _worker_verdict(seen: Observed) -> Iterator[str]:
    names = ("requests lost, of 16 in flight", "answered otherwise, with 502 by nginx")
    if sum(int(seen.figures[name]) for name in names) > CLIENTS:
        yield "more requests were lost than the killed worker can have held"
    if seen.figures["connections refused"]:
        yield "connections were refused while a worker was left"


def _kill_the_command(_: Scene, server: Server) -> Observed:
    begun = time.monotonic()
    server.process.kill()
    server.process.wait()
    gone = until(lambda: not server.pids(), 30)
    seen = Observed({"until all its processes are gone, s": round(time.monotonic() - begun, 2)})
    if not gone:
        seen.faults.append("processes of the server outlive the command line")
    with contextlib.closing(socket.socket()) as probe:
        if probe.connect_ex((load.HOST, server.port)) == 0:
            seen.faults.append("the port is still taken")
    return seen


def _stop_under_load(_: Scene, server: Server) -> Observed:
    clients = Clients(server.port, CLIENTS, '{"sleep": 0.05}')
    with clients.running():
        time.sleep(LULL)
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(60)
    others = {str(status): count for status, count in clients.answers.items() if status != 200}
    seen = Observed(
        {
            "requests answered with 200": clients.answers[200],
            "requests lost": clients.lost,
            "exit code": code,
        }
    )
    if clients.lost or others:
        seen.faults.append(f"{clients.lost} requests were lost, others answered {others}")
    if code not in (0, 130, 143):
        seen.faults.append(f"the command ended with {code}")
    return seen


def _silent(_: Scene, server: Server) -> Observed:
    """Open connections that say half a request and no more, and ask beside them."""
    count = 500
    with contextlib.ExitStack() as stack:
        for number in range(count):
            half = socket.create_connection((load.HOST, server.port), timeout=10)
            stack.enter_context(contextlib.closing(half))
            half.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\n" + b"X: 1" * (number % 2))
        clients = Clients(server.port, 4, '{"sleep": 0}')
        with clients.running():
            time.sleep(LULL)
    seen = Observed(
        {
            "connections that stay silent": count,
            "requests answered beside them": clients.answers[200],
            "lost or refused": clients.lost + clients.refused,
            "slowest answer, ms": round(1000 * clients.slowest),
        }
    )
    if clients.lost + clients.refused or not clients.answers[200]:
        seen.faults.append("those who ask properly are not answered")
    return seen


def _passed(scene: Scene, subject: Any, seen: Observed) -> Observed:
    return seen


def _worker(door: str, title: str) -> Experiment:
    return Experiment(
        f"kill-worker-{door}",
        FAULTS,
        f"One of two workers behind the {title} door is killed (SIGKILL) under load of {CLIENTS} "
        "clients",
        "no more is lost than what the worker held, no connection is refused, and a new worker "
        "answers soon",
        lambda scene: _who(scene, "--kind", door),
        _kill_a_worker,
        _passed,
        _worker_verdict,
    )


EXPERIMENTS = [
    _worker("fast", "fast"),
    _worker("flask", "Flask"),
    Experiment(
        "kill-local-serve",
        FAULTS,
        "`odyssey local serve` itself is killed (SIGKILL)",
        "its workers end, and the port is free",
        _who,
        _kill_the_command,
        _passed,
    ),
    Experiment(
        "stop-under-load",
        FAULTS,
        f"`odyssey local serve` is asked to stop (SIGTERM) under load of {CLIENTS} clients",
        "every request that was taken is answered",
        _who,
        _stop_under_load,
        _passed,
    ),
    Experiment(
        "silent-clients",
        FAULTS,
        "500 clients send half a request and fall silent, while four ask properly",
        "those who ask properly are answered",
        _who,
        _silent,
        _passed,
    ),
]
