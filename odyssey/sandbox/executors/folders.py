"""The folders of machines that are processes: each goes with its machine, or with the next start.

They are in the app's ``.odyssey``: gigabytes do not belong into ``/tmp``, which may be memory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.images import orphans

if TYPE_CHECKING:
    from collections.abc import Iterator

OWNER = "owner"
"""The file that says which process made a folder."""


@contextlib.contextmanager
def folder(home: Path) -> Iterator[Path]:
    """Make a machine's folder for the length of a ``with`` block.

    Args:
        home: Where all of them are.
    """
    place = Path(tempfile.mkdtemp(dir=home))
    try:
        (place / OWNER).write_text(orphans.owner(), encoding="utf-8")
        root = place / "ml"
        root.mkdir()
        yield root
    finally:
        _remove(place)


def sweep(home: Path) -> None:
    """Take away the folders that processes have left which were killed."""
    for owner in home.glob(f"*/{OWNER}"):
        with contextlib.suppress(OSError):
            if orphans.has_died(owner.read_text(encoding="utf-8")):
                _remove(owner.parent)


def _remove(folder: Path) -> None:
    """Take a folder away, although there may be some in it that nobody may write into."""
    for place, names, _ in os.walk(folder):
        for below in (Path(place, name) for name in names):
            if not below.is_symlink():
                below.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
