"""The file that a sandbox's state outlives it in.

Its first line is JSON: which versions wrote it, and the SHA-256 of what follows, a pickle. Pickles
run code when they are read: this one is read only where nobody but its owner can have written it.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import stat
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import odyssey
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.sandbox.state.states import Place

LONGEST_HEAD = 4096


@dataclass(frozen=True)
class Snapshot:
    """What a sandbox knew at some time.

    Args:
        store: The tables of the sandbox's own services, as a pickle.
        moto: What moto's services knew, each as a pickle.
    """

    store: bytes
    moto: dict[Place, bytes]


def write(path: Path, snapshot: Snapshot) -> None:
    """Write a snapshot in the place of the one that is there.

    Raises:
        OSError: It cannot be written; the one before it is still there.
    """
    written = pickle.dumps((snapshot.store, snapshot.moto))
    head = {**_versions(), "sha256": hashlib.sha256(written).hexdigest()}
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    number = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(number, "wb") as file:
        file.write(json.dumps(head).encode() + b"\n")
        file.write(written)
        file.flush()
        os.fsync(number)
    beside.replace(path)


def read(path: Path) -> Snapshot | None:
    """Return the snapshot that is there; None where there is none.

    Raises:
        UsageError: Somebody else may have written it, other versions have, or it is broken.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _refusal(path, f"cannot be read: {error.strerror}") from error
    with open(number, "rb") as file:
        _require_ours(path, os.fstat(number))
        head = _head(path, file.readline(LONGEST_HEAD))
        _require_versions(path, head)
        written = file.read()
    if hashlib.sha256(written).hexdigest() != head.get("sha256"):
        raise broken(path)
    try:
        return Snapshot(*pickle.loads(written))  # noqa: S301 - nobody else can have written it
    except Exception as error:
        raise broken(path) from error


def broken(path: Path) -> UsageError:
    """Return the error that says that a snapshot is not as it was written."""
    return _refusal(path, "is broken")


def _refusal(path: Path, why: str) -> UsageError:
    hint = f"begin anew in another folder, or in this one: rm {path}"
    return UsageError(f"the sandbox's kept state, {path}, {why}", hint)


def _require_ours(path: Path, found: os.stat_result) -> None:
    """Refuse a file that another user may have written."""
    writable = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if found.st_uid != os.geteuid() or writable or not stat.S_ISREG(found.st_mode):
        raise _refusal(path, "is not this user's alone, and so is not trusted")


def _versions() -> dict[str, str]:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"odyssey": odyssey.__version__, "moto": version("moto"), "python": python}


def _head(path: Path, line: bytes) -> dict[str, str]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError) as error:
        raise broken(path) from error


def _require_versions(path: Path, head: dict[str, str]) -> None:
    ours = _versions()
    theirs = {name: head.get(name, "none") for name in ours}
    if theirs != ours:
        said = ", ".join(f"{name} {theirs[name]}" for name in ours if theirs[name] != ours[name])
        here = ", ".join(f"{name} {ours[name]}" for name in ours if theirs[name] != ours[name])
        raise _refusal(path, f"was written by {said}, and this is {here}")
