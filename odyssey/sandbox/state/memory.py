"""What a sandbox knows: thrown away with it, or kept in its folder."""

from __future__ import annotations

import logging
import pickle
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from odyssey import state
from odyssey.errors import OdysseyError, UsageError
from odyssey.sandbox.s3.bodies import Bodies
from odyssey.sandbox.s3.objects import Objects, on_disk
from odyssey.sandbox.state import snapshot, states
from odyssey.sandbox.state.gate import Gate
from odyssey.sandbox.state.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from odyssey.sandbox.gateway import Application
    from odyssey.sandbox.store import Store

log = logging.getLogger("odyssey.sandbox")

PAUSE = 2.0
"""Seconds between two looks for something new to keep."""

SHARE = 10
"""Times as long as it took to write everything down, it is not done again."""

PATIENCE = 0.5
"""Seconds to wait for the requests that moto is at."""


class Memory:
    """A sandbox's state and the files of its objects.

    Args:
        folder: The sandbox's folder.
        store: What its own services know.
        keep: Whether the state outlives it.
    """

    def __init__(self, folder: Path, store: Store, *, keep: bool) -> None:
        """Nothing is opened yet."""
        self._folder = folder
        self._path = folder / "state"
        self._store = store
        self._keep = keep
        self._open = ExitStack()

    def open(self, moto: Application) -> Application:
        """Take up what was kept, and begin to keep.

        Args:
            moto: What answers.

        Returns:
            What answers in its place.

        Raises:
            UsageError: The folder is another sandbox's, or what is kept in it cannot be used.
            OdysseyError: The folder cannot be written.
        """
        try:
            with ExitStack() as stack:
                self._lock(stack)
                name = "objects" if self._keep else "objects-of-this-run"
                bodies = Bodies(self._folder / name, keep=self._keep)
                stack.enter_context(on_disk(bodies))
                stack.callback(states.forget)
                stack.callback(bodies.close)
                gate = Gate(moto)
                if self._keep:
                    self._load()
                    stack.enter_context(self._saved(gate, bodies))
                bodies.sweep()
                self._open = stack.pop_all()
        except OSError as error:
            raise OdysseyError(f"{self._folder} cannot be used: {error.strerror}") from error
        return Objects(gate, bodies)

    def close(self) -> None:
        """Write down what is kept, throw away what is not."""
        self._open.close()

    def _lock(self, stack: ExitStack) -> None:
        self._folder.chmod(0o700)
        if not stack.enter_context(state.locked(self._folder / "lock")):
            raise UsageError(
                f"{self._folder} is the folder of a sandbox that runs", "odyssey sandbox status"
            )

    def _load(self) -> None:
        kept = snapshot.read(self._path)
        if kept is None:
            return
        try:
            tables = pickle.loads(kept.store)  # noqa: S301 - `read` has seen whose it is
            states.restore(kept.moto)
        except Exception as error:
            raise snapshot.broken(self._path) from error
        with self._store.lock:
            for name, table in tables.items():
                self._store.table(name).update(table)

    @contextmanager
    def _saved(self, gate: Gate, bodies: Bodies) -> Iterator[None]:
        """Write down what changes for the length of a ``with`` block, and all at its end."""
        saver = Saver(self._path, self._store, gate, bodies)
        thread = threading.Thread(target=saver.run, name="saver", daemon=True)
        thread.start()
        try:
            yield
        finally:
            saver.stop.set()
            thread.join()
            try:
                saver.save()
            except (OSError, RuntimeError) as error:
                log.error("%s is not what the sandbox knew when it stopped: %s", self._path, error)


class Saver:
    """Writes snapshots.

    Args:
        path: The file.
        store: What the sandbox's own services know.
        gate: What leads to moto.
        bodies: The files of the objects, whose discarded ones go when no snapshot has them.
    """

    def __init__(self, path: Path, store: Store, gate: Gate, bodies: Bodies) -> None:
        """Nothing is written yet."""
        self._path = path
        self._store = store
        self._gate = gate
        self._bodies = bodies
        self._written = b""
        self.stop = threading.Event()

    def run(self) -> None:
        """Write soon after something has changed, until `stop` is set."""
        pause = PAUSE
        while not self.stop.wait(pause):
            began = time.monotonic()
            try:
                if self._gate.changed.is_set() or self._tables() != self._written:
                    self.save()
            except Exception:
                # The next round may do better: a thread that gave up would lose everything.
                log.exception("the sandbox's state is not kept for now")
            pause = max(PAUSE, SHARE * (time.monotonic() - began))

    def save(self) -> None:
        """Write everything down.

        Raises:
            OSError: The disk is full.
            RuntimeError: Something changed meanwhile.
        """
        began = time.monotonic()
        self._gate.changed.clear()
        tables = self._tables()
        try:
            with self._gate.hold(PATIENCE):
                moto = states.capture()
            snapshot.write(self._path, Snapshot(tables, moto))
        except Exception:
            self._gate.changed.set()
            raise
        self._written = tables
        self._bodies.bury(began)

    def _tables(self) -> bytes:
        with self._store.lock:
            return pickle.dumps(self._store.tables)
