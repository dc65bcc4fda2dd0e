"""What a client uploads to S3: its bytes, freed of their wrapping and checked, in a file."""

from __future__ import annotations

import base64
import binascii
import io
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import get_input_stream

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.s3.bodies import PIECE, Upload
from odyssey.sandbox.s3.digests import HASHES, Hash, md5, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.sandbox.s3.bodies import Bodies

LARGEST = 5 << 30
"""Bytes that one request may upload.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
"""

LINE = 8192
"""Bytes that a line between two chunks may have."""

CHECKSUM = "HTTP_X_AMZ_CHECKSUM_"
ALGORITHM = "HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM"
NO_CHECKSUMS = {CHECKSUM + name for name in ("ALGORITHM", "MODE", "TYPE")}

INCOMPLETE = ServiceError("IncompleteBody", "The request body terminated unexpectedly", 400)
MISSING_LENGTH = ServiceError(
    "MissingContentLength", "You must provide the Content-Length HTTP header.", 411
)
TOO_LARGE = ServiceError(
    "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size", 400
)


class Payload:
    """The body of a request that uploads an object or a part of one.

    Args:
        environ: WSGI's environment; its headers are changed to what they would be, had the
            client sent the bytes as they are and said their checksum before them.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        """Nothing is read yet."""
        self._environ = environ
        self._wrapped = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith("STREAMING-")
        self._md5 = md5()
        self._hashes: dict[str, Hash] = {}

    def store(self, bodies: Bodies) -> Upload:
        """Write the bytes to a file.

        Args:
            bodies: Where.

        Raises:
            ServiceError: They are too many, too few, or not those that a checksum speaks of.
        """
        length = self._length()
        if length < 0:
            raise MISSING_LENGTH
        if length > LARGEST:
            raise TOO_LARGE
        self._hashes = {name: HASHES[name]() for name in self._named() if name in HASHES}
        try:
            name = bodies.write(self._hashed(length))
        except (ClientDisconnected, ValueError) as error:
            raise INCOMPLETE from error
        except OSError as error:
            raise ServiceError("InternalError", f"{error.strerror or error}", 500) from error
        size = bodies.path(name).stat().st_size
        try:
            self._check(size, length)
        except ServiceError:
            bodies.path(name).unlink()
            raise
        self._tell_plain()
        return Upload(name, size, self._md5.hexdigest())

    def _length(self) -> int:
        """Return how many bytes are announced; -1 where none are."""
        header = "HTTP_X_AMZ_DECODED_CONTENT_LENGTH" if self._wrapped else "CONTENT_LENGTH"
        told = self._environ.get(header) or "-1"
        return int(told) if told.isdecimal() else -1

    def _named(self) -> set[str]:
        """Return the algorithms of the checksums that the client speaks of."""
        trailer = self._environ.get("HTTP_X_AMZ_TRAILER", "").strip().upper()
        asked = self._environ.get(ALGORITHM, "").upper()
        return {*self._told(), trailer.removeprefix("X-AMZ-CHECKSUM-"), asked}

    def _told(self) -> list[str]:
        """Return the algorithms of the checksums that the client says."""
        found = (key for key in self._environ if key.startswith(CHECKSUM))
        return [key.removeprefix(CHECKSUM) for key in found if key not in NO_CHECKSUMS]

    def _hashed(self, length: int) -> Iterator[bytes]:
        stream = io.BufferedReader(get_input_stream(self._environ), PIECE)  # type: ignore[type-var]
        for piece in self._unwrapped(stream) if self._wrapped else _pieces(stream, length):
            length -= len(piece)
            if length < 0:
                raise ValueError("there are more bytes than were announced")
            for each in (self._md5, *self._hashes.values()):
                each.update(piece)
            yield piece

    def _unwrapped(self, stream: io.BufferedIOBase) -> Iterator[bytes]:
        """Yield the bytes of a body in the encoding ``aws-chunked``, and read its trailers.

        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
        """
        while size := int(stream.readline(LINE).partition(b";")[0], 16):
            yield from _pieces(stream, size)
            if stream.read(2) != b"\r\n":
                raise ValueError("a chunk does not end where it should")
        while line := stream.readline(LINE).strip():
            name, _, value = line.decode("latin-1").partition(":")
            if name.lower().startswith("x-amz-checksum-"):
                self._environ["HTTP_" + name.upper().replace("-", "_")] = value.strip()

    def _check(self, size: int, length: int) -> None:
        if size != length:
            raise INCOMPLETE
        self._check_md5()
        for algorithm, value in self._hashes.items():
            seen = text(value.digest())
            # Where the client only asks for a checksum, it is told this one.
            if self._environ.setdefault(CHECKSUM + algorithm, seen) != seen:
                what = f"The {algorithm} you specified did not match the calculated checksum."
                raise ServiceError("BadDigest", what, 400)

    def _check_md5(self) -> None:
        told = self._environ.get("HTTP_CONTENT_MD5")
        if told is None:
            return
        try:
            digest = base64.b64decode(told, validate=True)
        except binascii.Error:
            digest = b""
        if len(digest) != self._md5.digest_size:
            raise ServiceError("InvalidDigest", "The Content-MD5 you specified was invalid.", 400)
        if digest != self._md5.digest():
            what = "The Content-MD5 you specified did not match what we received."
            raise ServiceError("BadDigest", what, 400)

    def _tell_plain(self) -> None:
        environ = self._environ
        environ["wsgi.input"] = io.BytesIO()
        environ["CONTENT_LENGTH"] = "0"
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ.pop(ALGORITHM, None)
        for algorithm in self._told():
            environ[ALGORITHM] = algorithm
        if self._wrapped:
            environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
            environ.pop("HTTP_X_AMZ_TRAILER", None)


def _pieces(stream: io.BufferedIOBase, size: int) -> Iterator[bytes]:
    """Yield the next bytes of a stream.

    Raises:
        ValueError: There are fewer.
    """
    while size > 0:
        piece = stream.read(min(PIECE, size))
        if not piece:
            raise ValueError("the body ends too early")
        yield piece
        size -= len(piece)
