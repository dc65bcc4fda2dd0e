"""What the tour may leave on this machine: taking it away, and looking for it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from odyssey.errors import OdysseyError
from odyssey.sandbox import launch, records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MARK = "TOUR_OF_ODYSSEY"
"""The variable by which a program is known that the tour has started, or one of those has."""

PATIENCE = 20.0
"""Seconds that a process may take to be gone which was told to end."""


class Leftovers:
    """Looks at this machine before the tour, cleans up after it, and looks again.

    Args:
        app: The app's folder, which must be gone; its name is that of the image.
        sandbox: The sandbox's name, which must not run.
        in_docker: Whether to look into the Docker engine.
    """

    def __init__(self, app: Path, sandbox: str, *, in_docker: bool) -> None:
        """Look at what killed odysseys have left in the engine before."""
        self._app, self._sandbox, self._in_docker = app, sandbox, in_docker
        self._value = uuid4().hex
        self._before = set(self._in_engine())

    @contextlib.contextmanager
    def marking(self) -> Iterator[None]:
        """Mark all that this process starts in the ``with`` block."""
        os.environ[MARK] = self._value
        try:
            yield
        finally:
            del os.environ[MARK]

    def remove(self) -> None:
        """Take away what there is: the sandbox, the folder, the image, and what still runs."""
        record = records.find(self._sandbox)
        if record is not None:
            launch.stop(record)
        records.log_file(self._sandbox).unlink(missing_ok=True)
        shutil.rmtree(self._app, ignore_errors=True)
        if self._in_docker:
            self._remove_image()
        for pid in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def find(self) -> list[str]:
        """Return what was left: each with its kind."""
        found = [f"process {pid} {words}" for pid, words in self._processes().items()]
        if records.is_running(self._sandbox):
            found.append(f"sandbox {self._sandbox}")
        if self._app.exists():
            found.append(f"folder {self._app}")
        return [*found, *sorted(set(self._in_engine()) - self._before)]

    def places(self) -> str:
        """Return where is looked, in words."""
        processes = ["processes"] if Path("/proc/self/environ").exists() else []
        engine = ["containers, volumes, networks, the image"] if self._in_docker else []
        return ", ".join([*processes, *engine, "the sandbox, the folder"])

    def _in_engine(self) -> Sequence[str]:
        """Return the image, and what was left in the engine by odysseys that have ended."""
        if not self._in_docker:
            return ()
        from odyssey.images import engine, orphans

        with engine.connect() as client, engine.explained("the engine cannot be asked"):
            name = self._app.name
            images = [f"image {name}"] if client.images.list(name) else []
            return [*orphans.left(client), *images]

    def _remove_image(self) -> None:
        from odyssey.images import engine

        with (
            contextlib.suppress(OdysseyError),
            engine.connect() as client,
            engine.explained("the image cannot be removed"),
        ):
            client.images.remove(self._app.name)

    def _processes(self) -> dict[int, str]:
        """Return the processes that have the tour's mark, and do not end by themselves."""
        deadline = time.monotonic() + PATIENCE
        while (found := self._marked()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def _marked(self) -> dict[int, str]:
        mark = f"{MARK}={self._value}".encode()
        found = {}
        # What this process itself was started with has no mark: it came later.
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in environ.read_bytes().split(b"\0"):
                    words = (environ.parent / "cmdline").read_bytes().replace(b"\0", b" ")
                    shown = words.decode("utf-8", "replace").strip()[:60]
                    found[int(environ.parent.name)] = shown
        return found
