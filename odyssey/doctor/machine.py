"""The machine: room on its disks, the app's port, and what stopped runs have left in the app."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey import ports, state
from odyssey.console import clean, size
from odyssey.doctor import engine
from odyssey.doctor.result import FAIL, PASS, SKIP, WARN, Repair, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.doctor.result import Place

MEGABYTE = 10**6
ROOM = {
    "the app": (200 * MEGABYTE, 2_000 * MEGABYTE, "its Python environment and its models"),
    "temporary files": (100 * MEGABYTE, 1_000 * MEGABYTE, "archives are packed there"),
    "the Docker engine": (500 * MEGABYTE, 10_000 * MEGABYTE, "layers of images"),
}
"""Bytes below which nothing works, bytes below which it soon may not, and what takes them."""

LISTENS = "0A"
"""The state of a socket that listens, in ``/proc/net/tcp``."""


def disk(place: Place) -> list[Result]:
    """Look at how much room is left where odyssey writes."""
    folders = {"the app": place.folder, "temporary files": Path(tempfile.gettempdir())}
    if (root := engine.root(place)) is not None:
        folders["the Docker engine"] = root
    found = {}
    for name, folder in folders.items():
        with contextlib.suppress(OSError):
            found[name] = shutil.disk_usage(folder).free
    low = {name: free for name, free in found.items() if free < ROOM[name][1]}
    if not low:
        least = min(found, key=lambda name: found[name])
        reason = f"{size(found[least])} are free, for {', '.join(found)}"
        return [Result("disk space", PASS, reason)]
    status = FAIL if any(free < ROOM[name][0] for name, free in low.items()) else WARN
    reasons = [
        f"{size(free)} for {name} ({folders[name]}); {size(ROOM[name][1])} are good, for "
        f"{ROOM[name][2]}"
        for name, free in low.items()
    ]
    mend = "make room; docker system prune removes what no image or container uses"
    return [Result("disk space", status, "; ".join(reasons), mend)]


def port(place: Place) -> list[Result]:
    """Look at whether the port of the app's local server is free, and who has it."""
    if place.settings is None:
        return [Result("port", SKIP, "there is no app here")]
    number = place.settings.local.port
    try:
        ports.probe(number)
    except PermissionError:
        reason = f"{number} is for root alone"
        return [Result("port", WARN, reason, "port = 8080 under [local] in odyssey.toml")]
    except OSError:
        who = _listener(number) or "another program"
        mend = f"odyssey local serve --port {number + 1}, or stop that program"
        return [Result("port", WARN, f"{number} is taken by {who}", mend)]
    return [Result("port", PASS, f"{number} is free")]


def leftovers(place: Place) -> list[Result]:
    """Look at files that a run left which was stopped in the middle."""
    name = "half made"
    if place.settings is None:
        return [Result(name, SKIP, "there is no app here")]
    home = place.folder / state.FOLDER
    stale = sorted(home.glob("*.new")) if home.is_dir() else []
    if not stale:
        return [Result(name, PASS, f"nothing in {state.FOLDER}")]

    def remove() -> str:
        with _alone(home) as alone:
            if not alone:
                return "nothing was removed: another odyssey is at work in this app"
            for path in stale:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
        return f"removed {names}"

    names = ", ".join(f"{state.FOLDER}/{path.name}" for path in stale)
    return [
        Result(
            name,
            WARN,
            f"{names}: left by a run that was killed, or one is at work now",
            "odyssey doctor --fix",
            repair=Repair(f"remove {names}", remove),
        )
    ]


@contextlib.contextmanager
def _alone(home: Path) -> Iterator[bool]:
    """Hold every lock of an app's folder; yields whether all are ours."""
    with ExitStack() as held:
        ours = [held.enter_context(state.locked(lock)) for lock in home.glob("*.lock")]
        yield all(ours)


def _listener(number: int) -> str | None:
    """Return which process listens on a port, as far as the kernel tells this user."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(number)}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            for handle in (process / "fd").iterdir():
                if os.readlink(handle) in sockets:
                    return _called(process)
    return None


def _inodes(number: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                words = line.split()
                if words[3] == LISTENS and int(words[1].rpartition(":")[2], 16) == number:
                    yield words[9]


def _called(process: Path) -> str:
    words = (process / "cmdline").read_bytes().split(b"\0")
    line = " ".join(word.decode(errors="replace") for word in words if word)
    shown = f"{line[:60]}..." if len(line) > 60 else line
    return f"process {process.name} ({clean(shown)})"
