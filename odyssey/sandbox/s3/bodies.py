"""The bodies of S3's objects: files that are written once, and read where they lie."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import threading
import time
import uuid
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

PIECE = 1 << 20
"""Bytes that are held in memory at a time."""

GRACE = 5.0
"""Seconds that a discarded file stays, for a request that has found its object just before."""

OURS = re.compile(r"[0-9a-f]{32}")
"""What the names of the files are."""


class Body(mmap.mmap):
    """A file's bytes, for whoever takes bytes, without being in memory.

    A slice of it is a `Stretch`; iterated over, it yields pieces.

    Args:
        path: The file; it has at least one byte, and never changes.
    """

    path: Path

    def __new__(cls, path: Path) -> Self:
        """Map the file."""
        with path.open("rb") as file:
            body = super().__new__(cls, file.fileno(), 0, access=mmap.ACCESS_READ)
        body.path = path
        return body

    def __getitem__(self, wanted: Any) -> Any:
        """Return a stretch of it, or a byte."""
        if not isinstance(wanted, slice):
            return super().__getitem__(wanted)
        begin, end, _ = wanted.indices(len(self))
        return Stretch(self, begin, max(begin, end))

    def __iter__(self) -> Iterator[bytes]:  # type: ignore[override]
        """Yield all of it."""
        return self.pieces(0, len(self))

    def pieces(self, begin: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `begin` up to `end`."""
        for at in range(begin, end, PIECE):
            yield super().__getitem__(slice(at, min(at + PIECE, end)))
            # What was read counts as this process's memory for as long as it is mapped.
            self.madvise(mmap.MADV_DONTNEED)

    def decode(self, encoding: str = "utf-8") -> str:
        """Return it as text."""
        return str(self, encoding)


class Stretch:
    """Some of a body's bytes, which can be iterated over like it.

    Args:
        body: The body.
        begin: The first byte.
        end: The one after the last.
    """

    def __init__(self, body: Body, begin: int, end: int) -> None:
        """Nothing is read yet."""
        self._body = body
        self._begin = begin
        self._end = end

    def __len__(self) -> int:
        """Return how many bytes it has."""
        return self._end - self._begin

    def __iter__(self) -> Iterator[bytes]:
        """Yield all of it."""
        return self._body.pieces(self._begin, self._end)

    def close(self) -> None:
        """Let go of the body."""
        self._body.close()


@dataclass
class Upload:
    """A new file that no object has yet.

    Args:
        name: Its name.
        size: Bytes that it has.
        etag: The ETag that S3 gives it, without quotes.
        taken: Whether an object has it now.
    """

    name: str
    size: int
    etag: str
    taken: bool = False

    def __len__(self) -> int:
        """Return how many bytes it has."""
        return self.size


class Bodies:
    """The folder of the files.

    Args:
        folder: The folder, which is made.
        keep: Whether a discarded file must stay until `bury` is called, because what is kept on
            disk still speaks of it.
    """

    def __init__(self, folder: Path, *, keep: bool) -> None:
        """Make the folder."""
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._keep = keep
        self._lock = threading.Lock()
        self._discarded: deque[tuple[float, str]] = deque()
        self._claimed: set[str] = set()
        self._closed = False

    def path(self, name: str) -> Path:
        """Return where a file lies."""
        return self._folder / name

    def write(self, pieces: Iterable[bytes]) -> str:
        """Write a new file.

        Returns:
            Its name.

        Raises:
            OSError: It cannot be written; nothing of it stays.
        """
        name = uuid.uuid4().hex
        try:
            with self.path(name).open("xb") as file:
                file.writelines(pieces)
        except BaseException:
            self.path(name).unlink(missing_ok=True)
            raise
        return name

    def share(self, body: Body) -> str:
        """Give the file of a body one more name, which is returned."""
        name = uuid.uuid4().hex
        try:
            os.link(body.path, self.path(name))
        except OSError:  # A file system without hard links.
            return self.write(body)
        return name

    def discard(self, name: str) -> None:
        """Remove a file, soon."""
        with self._lock:
            if self._closed:
                return
            self._discarded.append((time.monotonic(), name))
        if not self._keep:
            self.bury(time.monotonic())

    def bury(self, now: float) -> None:
        """Remove what was discarded well before a time of the monotonic clock."""
        while True:
            with self._lock:
                if not self._discarded or self._discarded[0][0] > now - GRACE:
                    return
                _, name = self._discarded.popleft()
            self.path(name).unlink(missing_ok=True)

    def claim(self, name: str) -> None:
        """Say that an object has a file of the sandbox before this one.

        Raises:
            FileNotFoundError: There is none.
        """
        self.path(name).stat()
        self._claimed.add(name)

    def sweep(self) -> None:
        """Remove the files of ours that nobody has claimed."""
        for path in self._folder.iterdir():
            if OURS.fullmatch(path.name) and path.name not in self._claimed:
                path.unlink()

    def close(self) -> None:
        """Leave the files that are kept as they are; remove the others."""
        with self._lock:
            self._closed = True
        if not self._keep:
            with contextlib.suppress(OSError):
                self.sweep()
                self._folder.rmdir()
