"""Folders that are there for a while, and go even where odyssey is killed.

A folder is locked for as long as its maker lives, and the kernel frees the lock when that ends, by
whatever way. So the next command that works at the same place knows what nobody needs any more.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SUFFIX = ".tmp"
"""The end of the names, so that no folder of the user's is taken for one of ours."""


@contextmanager
def workplace(prefix: str, home: Path | None = None) -> Iterator[Path]:
    """Make a folder for the length of a ``with`` block.

    What runs that were killed have left there under the same prefix is removed first.

    Args:
        prefix: What its name begins with.
        home: The folder to make it in. Default: the one for temporary files.

    Raises:
        OSError: It cannot be made.
    """
    home = home or Path(tempfile.gettempdir())
    _sweep(home, prefix)
    with contextlib.ExitStack() as stack:
        folder = _made(home, prefix, stack)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def _made(home: Path, prefix: str, stack: contextlib.ExitStack) -> Path:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=SUFFIX, dir=home))
        with contextlib.suppress(OSError):
            stack.enter_context(_held(folder, wait=True))
        # Between the two lines another odyssey may have taken it for a left one.
        if folder.exists():
            return folder


def _sweep(home: Path, prefix: str) -> None:
    ours = re.compile(rf"{re.escape(prefix)}[a-z0-9_]{{8}}{re.escape(SUFFIX)}")
    for left in home.glob(f"{prefix}*{SUFFIX}"):
        if ours.fullmatch(left.name):
            with contextlib.suppress(OSError), _held(left, wait=False):
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _held(folder: Path, *, wait: bool) -> Iterator[None]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)
