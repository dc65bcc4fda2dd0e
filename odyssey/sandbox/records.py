"""Which sandboxes run on this machine: each has a name, and a file that tells where it answers."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey import state
from odyssey.errors import OdysseyError, UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

DEFAULT = "default"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True)
class Record:
    """A sandbox that runs.

    Args:
        name: Its name.
        url: Where it answers.
        pid: Its process.
        executor: What runs its jobs: ``docker`` or ``process``.
        folder: Where its files are.
        keeps: Whether its state outlives it.
        enforces_iam: Whether what no policy allows is refused.
    """

    name: str
    url: str
    pid: int
    executor: str
    folder: str
    keeps: bool = False
    enforces_iam: bool = False


def find(name: str) -> Record | None:
    """Return the sandbox of a name that runs; None where none does.

    Raises:
        UsageError: It is no name.
    """
    # One that was killed has left its record, and the kernel has freed its lock.
    return last(name) if is_running(name) else None


def is_running(name: str) -> bool:
    """Return whether a sandbox of a name runs, or has not quite ended."""
    with lock(name) as is_free:
        return not is_free


def last(name: str) -> Record | None:
    """Return the record of a name, whether or not the sandbox runs; None where there is none.

    Raises:
        UsageError: It is no name.
    """
    try:
        text = (_home() / f"{require_name(name)}.json").read_text(encoding="utf-8")
        return Record(**json.loads(text))
    except (OSError, ValueError, TypeError):
        return None


def require(name: str) -> Record:
    """Return the sandbox of a name.

    Raises:
        OdysseyError: It does not run.
    """
    found = find(name)
    if found is None:
        named = "" if name == DEFAULT else f" --name {name}"
        raise OdysseyError(f'the sandbox "{name}" does not run', f"odyssey sandbox start{named}")
    return found


def lock(name: str) -> AbstractContextManager[bool]:
    """Hold the lock of a name for the length of a ``with`` block, which says "it runs".

    Yields:
        Whether it is ours; it is not while another sandbox of that name runs.
    """
    return state.locked(_home() / f"{require_name(name)}.lock")


def write(record: Record) -> None:
    """Tell where a sandbox answers; whoever calls holds its lock."""
    path = _home() / f"{record.name}.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(asdict(record)) + "\n", encoding="utf-8")
    beside.replace(path)


def remove(name: str) -> None:
    """Forget a sandbox that has stopped."""
    (_home() / f"{name}.json").unlink(missing_ok=True)


def log_file(name: str) -> Path:
    """Return the file in which a sandbox of this name tells what happens."""
    return _home() / f"{require_name(name)}.log"


def require_name(name: str) -> str:
    """Return a name that is one.

    Raises:
        UsageError: It is none.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name}" is no name of a sandbox: it must be 1 to 31 lower-case letters, digits and '
            "-, and begin with no -",
        )
    return name


def _home() -> Path:
    """Return the folder of the records, which nobody else may read."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    home = Path(base, "odyssey", "sandboxes")
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise OdysseyError(
            f"{home} cannot be made: {error.strerror}", "set XDG_STATE_HOME to a folder of yours"
        ) from error
    return home
