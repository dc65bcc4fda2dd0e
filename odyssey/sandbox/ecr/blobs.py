"""The registry's blobs: files named by their digests, which arrive piece by piece."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import threading
import uuid
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    class Readable(Protocol):
        """What a blob is read from."""

        def read(self, size: int, /) -> bytes:
            """Return at most so many bytes; none is the end."""


DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""The digests that there are."""

PIECE = 1 << 20
"""Bytes that are in memory at once."""


class Upload:
    """A blob that arrives: what has come is in a file of its own.

    Args:
        folder: Where the file is.

    Attributes:
        id: Its name.
        size: Bytes that have come.
    """

    def __init__(self, folder: Path) -> None:
        """Make an empty file."""
        self.id = str(uuid.uuid4())
        self.size = 0
        self.path = folder / self.id
        self.path.touch()
        self._lock = threading.Lock()
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """The digest of what has come."""
        return f"sha256:{self._hash.hexdigest()}"

    def append(self, source: Readable) -> None:
        """Take what comes next, to its end.

        What came before the source broke off stays, and is followed by the next source.
        """
        with self._lock, self.path.open("r+b") as file:
            # Of a piece that was not written whole, nothing counts.
            file.truncate(self.size)
            file.seek(self.size)
            while piece := source.read(PIECE):
                file.write(piece)
                self._hash.update(piece)
                self.size += len(piece)


class Blobs:
    """Blobs on disk, whichever repositories have them.

    Args:
        folder: A folder of their own; it is made when the first blob comes.
    """

    def __init__(self, folder: Path) -> None:
        """Nothing is arriving."""
        self._home = folder
        self._folder = folder / "sha256"
        self._arriving = folder / "uploads"

    def begin(self) -> Upload:
        """Begin with an empty blob."""
        self._home.mkdir(mode=0o700, exist_ok=True)
        self._arriving.mkdir(exist_ok=True)
        return Upload(self._arriving)

    def keep(self, upload: Upload) -> None:
        """Keep what has arrived, under its digest."""
        path = self._path(upload.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        upload.path.replace(path)

    def put(self, content: bytes) -> None:
        """Keep a blob that is small, such as a manifest."""
        upload = self.begin()
        upload.append(io.BytesIO(content))
        self.keep(upload)

    def open(self, digest: str) -> BinaryIO:
        """Open a blob.

        Raises:
            FileNotFoundError: It is not there.
        """
        return self._path(digest).open("rb")

    def read(self, digest: str) -> bytes:
        """Return a blob that is small, such as a manifest."""
        return self._path(digest).read_bytes()

    def remove(self, digest: str) -> None:
        """Remove a blob; whoever reads it reads on."""
        self._path(digest).unlink(missing_ok=True)

    def forget_uploads(self) -> None:
        """Remove what was arriving when the sandbox stopped."""
        shutil.rmtree(self._arriving, ignore_errors=True)

    def __iter__(self) -> Iterator[str]:
        """Return the digests of all."""
        for path in self._folder.glob("*/*"):
            yield f"sha256:{path.name}"

    def _path(self, digest: str) -> Path:
        if not DIGEST.fullmatch(digest):
            raise FileNotFoundError(digest)
        name = digest.partition(":")[2]
        return self._folder / name[:2] / name
