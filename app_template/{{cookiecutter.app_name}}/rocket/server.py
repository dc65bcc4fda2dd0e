"""What `docker run IMAGE serve` does: loads the model, then lets gunicorn serve a door.

rocket/serve ── gunicorn ─┬─ worker ── door ── core      fast door, or Flask without nginx
                          └─ worker ── door ── core

rocket/serve ─┬─ nginx ── unix socket ─┐                 with nginx (see front.py)
              └─ gunicorn ─────────────┴─ worker ...
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from rocket import reload, sockets
from rocket.model import Model
from rocket.settings import Layout, Settings, cores

if TYPE_CHECKING:
    from gunicorn.workers.base import Worker

    from rocket.asgi import Door

log = logging.getLogger("rocket")

#: What gunicorn's first process tells a worker to stop with.
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

#: Seconds between SIGTERM and the end; SageMaker sends SIGKILL after 30.
GRACE = 25
#: Seconds in which every busy connection is told to close before the worker stops.
GOODBYE = 0.5


def main() -> int:
    """Serves until a signal; returns the exit code."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    log.setLevel(logging.INFO)
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        log.error("%s", error)  # noqa: TRY400 - a setting is wrong, not the code
        return 2
    share_cores(settings.workers)
    share_heap()
    if settings.nginx:
        from rocket.front import serve_behind_nginx

        return serve_behind_nginx(settings, lambda address: serve(settings, address))
    return serve(settings, settings.address)


def share_cores(workers: int) -> None:
    """Gives each worker its share of the cores for the threads of BLAS and OpenMP.

    Has to come before numpy is imported. Variables that are set already stay as they are.
    """
    share = str(max(1, cores() // workers))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, share)


def share_heap() -> None:
    """Lets the threads of a process share one heap, where glibc would give each its own.

    A worker's memory is then what its largest request needs, not that times its threads.
    """
    m_arena_max = -8
    if sys.platform == "linux" and "MALLOC_ARENA_MAX" not in os.environ:
        with contextlib.suppress(AttributeError):  # musl
            ctypes.CDLL(None).mallopt(m_arena_max, 1)


def serve(settings: Settings, address: str) -> int:
    """Loads the model, unless each worker has to, and runs gunicorn."""
    for number in (signal.SIGTERM, signal.SIGINT):
        # Until gunicorn listens there is nothing to drain; and the first process of a container
        # is deaf to signals that it does not handle.
        signal.signal(number, lambda *_: os._exit(0))
    model = Model(Layout.from_environment())
    if not settings.reload:
        start = time.perf_counter()
        try:
            model.import_code()
            if not model.per_worker:
                model.load()
        except (Exception, SystemExit):
            log.exception("the model cannot be loaded")
            return 1
        seconds = time.perf_counter() - start
        log.info(
            "serve.py%s loaded in %.2f s", "" if model.per_worker else " and its model", seconds
        )
    door = make_door(model, settings)
    log.info("%s door, %d worker(s), on %s", settings.door, settings.workers, address)
    try:
        Server(settings, address, model, door).run()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def make_door(model: Model, settings: Settings) -> Door:
    """The door that `MODEL_SERVER` asks for."""
    from rocket import asgi
    from rocket.core import Core

    core = Core(model, settings)
    if settings.door == "fast":
        return asgi.FastDoor(core)
    from rocket.predictor import create_app

    return asgi.FlaskDoor(core, create_app(core))


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with this server's settings, and hooks where its defaults fall short."""

    def __init__(self, settings: Settings, address: str, model: Model, door: Door) -> None:
        self.settings = settings
        self.address = address
        self.model = model
        self.door = door
        super().__init__()

    def load_config(self) -> None:
        """Sets gunicorn's configuration; its own files and variables are not read."""
        settings = self.settings
        options: dict[str, Any] = {
            "bind": self.address,
            "workers": settings.workers,
            "worker_class": "asgi",
            "asgi_loop": "asyncio",
            "asgi_lifespan": "off",
            "preload_app": True,
            # The heartbeat of a worker's event loop; predictions have a clock of their own.
            "timeout": int(settings.timeout) + 5,
            "graceful_timeout": GRACE,
            "keepalive": 5,
            "loglevel": "warning",
            "accesslog": "-" if settings.access_log else None,
            "access_log_format": "%(r)s %(s)s %(B)s bytes %(M)s ms",
            # Heartbeats on a disk can block for seconds.
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108
            "control_socket_disable": True,
            "when_ready": self.when_ready,
            "post_fork": self.post_fork,
            "post_worker_init": self.post_worker_init,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Door:
        """The application that gunicorn's workers run."""
        return self.door

    def when_ready(self, arbiter: Arbiter) -> None:
        """Before the first fork: keeps memory shared, and arranges for a stop without loss."""
        # Objects that the collector never visits again are never copied into a worker's memory.
        gc.collect()
        gc.freeze()
        stop = arbiter.handle_term

        def drain_and_stop() -> None:
            sockets.stop_accepting(arbiter.LISTENERS)
            stop()

        arbiter.handle_term = drain_and_stop
        spawn = arbiter.spawn_worker

        def spawn_worker() -> int:
            # A signal to a worker that is just being born waits until its own handlers are there.
            mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
            try:
                return int(spawn())
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, mask)

        arbiter.spawn_worker = spawn_worker

    def post_fork(self, arbiter: Arbiter, worker: Worker) -> None:
        """In each worker, at once: the arbiter's handlers would swallow a signal to stop."""
        for number in STOPS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)

    def post_worker_init(self, worker: Worker) -> None:
        """In each worker, before its event loop starts."""
        from gunicorn.asgi.protocol import ASGIProtocol

        from rocket.runner import Runner
        from rocket.watch import Watch

        sockets.share_fairly(worker.sockets)
        # Stopping gracefully makes gunicorn start another worker in this one's place.
        runner = Runner(
            self.settings.threads,
            self.settings.timeout,
            worn_out=lambda: os.kill(os.getpid(), signal.SIGTERM),
        )
        self.door.open(runner)

        def adopt(connection: socket.socket) -> None:
            accepting = worker.loop.connect_accepted_socket(
                lambda: ASGIProtocol(worker), connection
            )
            asyncio.run_coroutine_threadsafe(accepting, worker.loop)

        listeners = (listener.sock for listener in worker.sockets)
        self.watch = Watch(self.door.core, runner, listeners, adopt)
        self.watch.start()
        worker.loop.add_signal_handler(signal.SIGTERM, self._close_and_stop, worker)
        if self.model.trouble is not None:
            # In a thread, so that /ping says 503 and the reason while a large model loads.
            threading.Thread(target=self._load_here, name="load", daemon=True).start()

    def _close_and_stop(self, worker: Worker) -> None:
        """Says goodbye on every connection first.

        gunicorn alone would close a connection that it has just promised to keep, together with
        the request that is already on its way.
        """
        self.watch.close()
        self.door.closing = True
        worker.loop.call_later(GOODBYE, worker.handle_exit_signal)

    def _load_here(self) -> None:
        if self.settings.reload:
            reload.watch(self.model.layout)
        try:
            self.model.import_code()
            self.model.load()
        except BaseException:
            log.exception("the model cannot be loaded")
            if not self.settings.reload:
                logging.shutdown()
                # The code by which gunicorn knows that starting another worker is of no use.
                os._exit(Arbiter.WORKER_BOOT_ERROR)
