"""The app's ``.odyssey`` folder: what odyssey keeps there for itself, and the locks on it."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odyssey.errors import OdysseyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ".odyssey"


def folder(app: Path) -> Path:
    """Return an app's ``.odyssey`` folder, made when it is missing and kept out of git.

    Raises:
        OdysseyError: It cannot be made.
    """
    place = app / FOLDER
    try:
        place.mkdir(exist_ok=True)
        ignore = place / ".gitignore"
        if not ignore.exists() or not ignore.stat().st_size:
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise OdysseyError(f"{place} cannot be written: {error.strerror}") from error
    return place


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Hold a lock file for the length of a ``with`` block; the kernel frees it when we die.

    Args:
        path: The lock file; it stays, empty.

    Yields:
        Whether the lock is ours; it is not while another process holds it.
    """
    try:
        file = path.open("a")
    except OSError as error:
        raise OdysseyError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            ours = True
        except BlockingIOError:
            ours = False
        yield ours
