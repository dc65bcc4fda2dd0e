"""What a synthesis was made of, and what it made, as digests that are quick to take again."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, config
from odyssey.infra import overrides
from odyssey.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FILES = (config.FILE, artifacts.FILE, "cdk.json", "cdk.context.json", overrides.FILE)
"""The files of an app that its stacks are made of."""

NOT_READ = {"input", "model", "output", "cdk.out", "__pycache__", "node_modules"}
"""Folders of an app that no override reads; nor those that begin with a dot."""

CODE = Path(__file__).parents[1]


def inputs(app: Path, request: Mapping[str, Any]) -> str:
    """Return a digest of everything that the stacks of an app are made of.

    Args:
        app: The app's folder.
        request: What the CDK app is told beyond the app's files.
    """
    parts = {
        "request": request,
        "files": {name: _content(app / name) for name in FILES},
        "around": _around(app) if (app / overrides.FILE).exists() else [],
        "variables": {name: os.environ.get(name) for name in _variables()},
        "python": sys.version,
        "code": [*_stats(CODE), *_stats(_constructs())],
        # A library that comes, goes or changes changes the folder that it is in.
        "libraries": {
            place: _time(Path(place)) for place in sys.path if place.endswith("-packages")
        },
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def folder(path: Path) -> dict[str, str]:
    """Return the digest of each file of a folder by its relative path.

    Raises:
        OSError: There is no such folder, or it cannot be read.
    """
    if not path.is_dir():
        raise FileNotFoundError(path)
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def _around(app: Path) -> list[tuple[str, int, int]]:
    """Return the files that an override may read, but for those that are read anyway."""
    read = {str(app / name) for name in FILES}
    return [file for file in _stats(app) if file[0] not in read]


def _variables() -> Iterator[str]:
    yield artifacts.SANDBOX
    for key in KEYS.values():
        yield from key.variables


def _content(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return None


def _constructs() -> Path:
    from importlib.util import find_spec

    spec = find_spec("cdk_constructs")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cdk_constructs")
    return Path(spec.origin).parent


def _stats(path: Path) -> Iterator[tuple[str, int, int]]:
    """Walk a folder's files: the path, the size and the time of the last change of each."""
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name in NOT_READ or entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not os.path.exists(os.path.join(entry.path, "pyvenv.cfg")):
                    yield from _stats(Path(entry.path))
            else:
                found = entry.stat()
                yield entry.path, found.st_size, found.st_mtime_ns


def _time(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
