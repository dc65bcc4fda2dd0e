"""Folders compared: which files there are, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

PASSING = ("__pycache__", ".lock")
"""Endings of names of what Python and locks leave beside anything."""


def digests(folder: Path, clean: Callable[[bytes], bytes] = bytes) -> dict[str, str]:
    """Return the digest of each file below a folder, by its path there.

    Args:
        folder: The folder.
        clean: Takes out of a file's content what may differ.
    """
    return {
        str(path.relative_to(folder)): hashlib.sha256(clean(path.read_bytes())).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.endswith(PASSING) for part in path.parts)
    }


def strangers(folder: Path, known: tuple[str, ...]) -> list[str]:
    """Return the names in a folder that are not among the known ones."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.name not in known)
