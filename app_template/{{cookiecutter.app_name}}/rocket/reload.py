"""Restarts a worker when the user's code or the model's files change; for development."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from rocket.settings import APP, Layout

log = logging.getLogger("rocket")

#: Folders of the app that hold no code to watch; rocket itself is loaded before the workers.
PASSED_OVER = {"rocket", "tests", "input", "output", "model", "cdk.out", "venv", "__pycache__"}

_Snapshot = dict[str, tuple[int, int]]


def watch(layout: Layout) -> None:
    """Watches from now on, in a thread; a change ends this worker, and gunicorn starts another.

    Has to come before the user's code is imported: an edit between the two counts as a change.
    """
    # Two edits within a second can leave byte code that looks current.
    sys.dont_write_bytecode = True
    before = snapshot(layout)
    threading.Thread(target=_compare, args=(layout, before), name="reload", daemon=True).start()


def _compare(layout: Layout, before: _Snapshot) -> None:
    while True:
        time.sleep(0.5)
        now = snapshot(layout)
        changed = {path for path, _ in before.items() ^ now.items()}
        if changed:
            names = sorted(os.path.relpath(path, APP) for path in changed)
            log.info("%s changed: restarting", ", ".join(names[:3]))
            os.kill(os.getpid(), signal.SIGTERM)
            return


def snapshot(layout: Layout) -> _Snapshot:
    """Every watched file with its time of change and its size."""
    found: _Snapshot = {}
    for folder, folders, files in os.walk(APP):
        # Further down, `model` may well be a package.
        passed_over = PASSED_OVER if folder == str(APP) else {"__pycache__"}
        folders[:] = [name for name in folders if name not in passed_over and name[0] != "."]
        _note(found, folder, [name for name in files if name.endswith(".py")])
    for folder, _, files in os.walk(layout.model):
        _note(found, folder, files)
    return found


def _note(found: _Snapshot, folder: str, names: list[str]) -> None:
    for name in names:
        path = Path(folder, name)
        try:
            status = path.stat()
        except OSError:  # Removed in between.
            continue
        found[str(path)] = (status.st_mtime_ns, status.st_size)
