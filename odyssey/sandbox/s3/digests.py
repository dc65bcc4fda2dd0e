"""The checksums by which S3 and its clients know bodies."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Hash(Protocol):
    """What Python's hashes have in common."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""

    def digest(self) -> bytes:
        """Return the checksum of all that was taken in."""


class Crc32:
    """CRC-32, as Python's hashes are."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._value = 0

    def update(self, data: bytes, /) -> None:
        """Take more bytes in."""
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        """Return the checksum of all that was taken in."""
        return self._value.to_bytes(4, "big")


HASHES: Mapping[str, Callable[[], Hash]] = {
    "CRC32": Crc32,
    "SHA1": lambda: hashlib.sha1(usedforsecurity=False),
    "SHA256": hashlib.sha256,
}
"""S3's algorithms that Python has. CRC32C and CRC64NVME it has not: what a client says of them is
believed."""


def md5() -> hashlib._Hash:
    """Return the hash of ETags."""
    return hashlib.md5(usedforsecurity=False)


def text(digest: bytes) -> str:
    """Return a checksum as headers have it."""
    return base64.b64encode(digest).decode("ascii")


class Parts:
    """The checksum of an object that was uploaded in parts.

    Args:
        algorithm: The algorithm; None, or one that Python has not, for none.
        kind: ``COMPOSITE`` is the checksum of the parts' checksums, ``FULL_OBJECT`` that of all.
    """

    def __init__(self, algorithm: str | None, kind: str | None) -> None:
        """Begin with no part."""
        self._make = HASHES.get(algorithm or "")
        self._kind = kind or "COMPOSITE"
        self._hash = self._make() if self._make else None
        self._count = 0

    def over(self, part: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the bytes of the next part, and take them in."""
        if self._make is None or self._hash is None:
            yield from part
            return
        composite = self._kind == "COMPOSITE"
        digest = self._make() if composite else self._hash
        for piece in part:
            digest.update(piece)
            yield piece
        if composite:
            self._hash.update(digest.digest())
        self._count += 1

    def told(self) -> tuple[str, str, int] | None:
        """Return the kind, the checksum as headers have it, and the number of parts."""
        if self._hash is None:
            return None
        return self._kind, text(self._hash.digest()), self._count
