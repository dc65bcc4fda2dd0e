"""The files of a folder, in an order and with names that are the same on every machine."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.console import clean
from odyssey.errors import OdysseyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True)
class File:
    """A file, and what it is called below the folder that was listed.

    Args:
        name: Its path below the folder, with ``/`` between.
        path: Where it is.
        size: Its bytes.
    """

    name: str
    path: Path
    size: int


def files(source: Path, leave_out: Callable[[str], bool]) -> tuple[File, ...]:
    """Return the files of a folder, or the one file that it is, sorted by name.

    Links are followed, and a link back into a folder that it is in, which has no end, is not.

    Args:
        source: A folder, or a file.
        leave_out: Whether a file or folder of this name, below `source`, is left out.

    Raises:
        UsageError: Something there is no file, cannot be read, or has a name that is no text.
    """
    try:
        found = list(_walk(source, leave_out)) if source.is_dir() else [(source.name, source)]
        return tuple(sorted(map(_file, _named(found)), key=lambda file: file.name))
    except OSError as error:
        raise UsageError(f"{clean(str(error.filename))}: {error.strerror}") from error


@contextmanager
def reading(file: File) -> Iterator[None]:
    """Turn a failure to read a file within a ``with`` block into an error that names it.

    Raises:
        OdysseyError: The file cannot be read, or changed meanwhile.
    """
    try:
        yield
    except OSError as error:
        raise unreadable(file, error) from error


def unreadable(file: File, error: OSError) -> OdysseyError:
    """Return the error for a file that could not be read."""
    return OdysseyError(f"{clean(str(file.path))} cannot be read: {error.strerror or error}")


def _walk(root: Path, leave_out: Callable[[str], bool]) -> Iterator[tuple[str, Path]]:
    # A folder with the real paths of those that it is in, by which a loop of links shows.
    todo: list[tuple[Path, str, tuple[Path, ...]]] = [(root, "", (root.resolve(),))]
    while todo:
        folder, prefix, above = todo.pop()
        for entry in os.scandir(folder):
            path = Path(entry.path)
            if leave_out(entry.name):
                continue
            if not entry.is_dir():
                yield prefix + entry.name, path
            elif (real := path.resolve()) not in above:
                todo.append((path, f"{prefix}{entry.name}/", (*above, real)))


def _named(found: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    for name, path in found:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UsageError(
                f"{ascii(str(path))}: the name is no UTF-8 text, which it must be", "rename it"
            ) from None
        yield name, path


def _file(named: tuple[str, Path]) -> File:
    name, path = named
    if not path.exists():
        what = "leads nowhere: it is a broken link" if path.is_symlink() else "does not exist"
        raise UsageError(f"{clean(str(path))} {what}")
    if not path.is_file():
        raise UsageError(f"{clean(str(path))} is neither a file nor a folder")
    return File(name, path, path.stat().st_size)
