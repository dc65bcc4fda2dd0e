"""Folders below /tmp that are there for a while, even where processes are killed.

An environment of AWS Lambda is used again: what a call leaves in /tmp, the next one finds, and
its size counts.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def workplace(prefix: str) -> Iterator[Path]:
    """Makes a folder for the length of a `with` block, below /tmp or where TMPDIR says.

    What processes that were killed have left under the same prefix is removed first.

    Args:
        prefix: What its name begins with.
    """
    sweep(prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        with _held(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(prefix: str) -> None:
    """Removes the folders whose makers are gone: the lock of one goes with its process."""
    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError), _held(left, wait=False):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _held(folder: Path, *, wait: bool = True) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)
