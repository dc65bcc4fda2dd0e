"""Tar archives on their way into containers and out of them: never whole in memory."""

from __future__ import annotations

import io
import os
import tarfile
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path


class Packed:
    """A tar archive in pieces, made while it is read, for the length of a ``with`` block.

    Args:
        pack: Puts the members into the archive.
    """

    def __init__(self, pack: Callable[[tarfile.TarFile], object]) -> None:
        """Nothing is packed yet."""
        reader, writer = os.pipe()
        self._pipe = os.fdopen(reader, "rb")
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._write, args=(pack, writer), daemon=True)

    def __enter__(self) -> Self:
        """Begin to pack."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Pack no more."""
        self._pipe.close()
        self._thread.join()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the archive; what went wrong with a file is raised at its end."""
        while chunk := self._pipe.read(1 << 20):
            yield chunk
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _write(self, pack: Callable[[tarfile.TarFile], object], writer: int) -> None:
        try:
            with (
                os.fdopen(writer, "wb") as pipe,
                tarfile.open(fileobj=pipe, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                pack(tar)
        except BrokenPipeError:
            pass  # The engine refused in the middle, which the request itself tells.
        except BaseException as error:  # noqa: BLE001  # raised where it is read
            self._error = error


def fill(
    tar: tarfile.TarFile,
    entries: Iterable[tuple[str, Path | bytes | None]],
    owner: tuple[int, int] = (0, 0),
) -> None:
    """Put files into an archive.

    Args:
        tar: The archive.
        entries: Names, each with a file, a content, or None for a folder.
        owner: The numbers of the user and the group that they belong to. Default: root.
    """
    for name, content in entries:
        _add(tar, name, content, owner)


def _add(
    tar: tarfile.TarFile, name: str, content: Path | bytes | None, owner: tuple[int, int]
) -> None:
    member = tarfile.TarInfo(name)
    member.uid, member.gid = owner
    member.mode, member.mtime = 0o644, int(time.time())
    if content is None:
        member.type, member.mode = tarfile.DIRTYPE, 0o755
        tar.addfile(member)
    elif isinstance(content, bytes):
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    else:
        with content.open("rb") as file:
            member.size = os.fstat(file.fileno()).st_size
            member.mode |= 0o111 if os.access(content, os.X_OK) else 0
            tar.addfile(member, file)


class Pieces(io.RawIOBase):
    """Pieces of bytes as a file to be read.

    Args:
        pieces: The pieces, in order.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Nothing is read yet."""
        self._pieces = iter(pieces)
        self._rest = b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the next piece goes; return how far."""
        while not self._rest:
            try:
                self._rest = next(self._pieces)
            except StopIteration:
                return 0
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count
