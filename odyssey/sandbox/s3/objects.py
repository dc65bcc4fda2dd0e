"""S3 with its objects on disk: moto's, whose bodies are files instead of memory.

An upload is written to a file before moto hears of it; moto's object then takes the file over.
What moto reads of a large object is a `Body`, which its answers stream.
"""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast
from urllib.parse import parse_qs

from moto.iam.access_control import PermissionResult
from moto.s3 import models, responses
from moto.s3.responses import S3Response
from moto.s3.utils import compute_checksum

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.s3.bodies import Bodies, Body, Stretch, Upload
from odyssey.sandbox.s3.digests import HASHES, Parts, md5, text
from odyssey.sandbox.s3.payloads import Payload
from odyssey.sandbox.wire import Signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from odyssey.sandbox.gateway import Application

WHOLE = 1 << 20
"""Bytes up to which an object is handed to moto as they are."""

BODY = "odyssey.body"
"""Where the environment of a request to moto has what was uploaded."""

ABOUT_OBJECTS = {"acl", "tagging", "retention", "legal-hold"}
"""What a PUT's query names where its body is a document about an object."""

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")

_original_setup = S3Response.setup_class
_original_complete = models.FakeMultipart.complete


class Objects:
    """A WSGI application: moto, before which uploads are written to files.

    Args:
        moto: What answers.
        bodies: The files.
    """

    def __init__(self, moto: Application, bodies: Bodies) -> None:
        """Nothing is asked yet."""
        self._moto = moto
        self._bodies = bodies

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        if not _uploads(environ):
            return self._moto(environ, start_response)
        environ = dict(environ)
        try:
            upload = Payload(environ).store(self._bodies)
        except ServiceError as error:
            return Signed(environ).refusal(error)(environ, start_response)
        environ[BODY] = upload
        try:
            return self._moto(environ, start_response)
        finally:
            if not upload.taken:
                self._bodies.discard(upload.name)


def _uploads(environ: dict[str, Any]) -> bool:
    """Return whether a request's body is an object's, or a part's."""
    path = environ.get("PATH_INFO", "")
    if environ["REQUEST_METHOD"] != "PUT" or "HTTP_X_AMZ_COPY_SOURCE" in environ:
        return False
    if Signed(environ).service != "s3" or path.startswith("/v20180820/"):
        return False
    host = environ.get("HTTP_HOST", "")
    bucket_in_path = host.startswith(LOOPBACK)
    key = path.lstrip("/").partition("/")[2] if bucket_in_path else path.lstrip("/")
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    return bool(key) and not ABOUT_OBJECTS & query.keys()


class StoredKey(models.FakeKey):
    """An object, or a part of one, whose body is a file."""

    bodies: ClassVar[Bodies]

    def __new__(cls, *_args: Any, **_others: Any) -> Self:
        """Make one that moto's list of all objects there ever were does not hold on to."""
        return object.__new__(cls)

    def __init__(self, *args: Any, **others: Any) -> None:
        """Write the body, unless it is written."""
        super().__init__(*args, **others)
        self._value_buffer.close()

    @property  # type: ignore[override]
    def value(self) -> bytes | Body:
        """The body."""
        path = self._bodies.path(self._file)
        return path.read_bytes() if self.contentsize <= WHOLE else Body(path)

    @value.setter
    def value(self, value: bytes | str | Upload | Body | Stretch) -> None:
        value = value.encode() if isinstance(value, str) else value
        self._bodies = type(self).bodies
        self.contentsize = len(value)
        if isinstance(value, Upload):
            self._etag = self._etag or value.etag
            self._file, value.taken = value.name, True
        elif isinstance(value, Body):
            self._file = self._bodies.share(value)
        else:
            self._file = self._bodies.write([value] if isinstance(value, bytes) else value)

    @property
    def etag(self) -> str:
        """The ETag, in quotes."""
        if self._etag is None:
            digest = md5()
            for piece in self.pieces():
                digest.update(piece)
            self._etag = digest.hexdigest()
        return f'"{self._etag}"'

    def pieces(self) -> Iterator[bytes]:
        """Yield the body."""
        value = self.value
        yield from value if isinstance(value, Body) else [value]

    def dispose(self, garbage: bool = False) -> None:
        """Remove the body, unless Python has only forgotten the object."""
        if garbage or self.disposed:
            return
        self.disposed = True
        self._bodies.discard(self._file)
        if self.multipart is not None:
            self.multipart.dispose()

    def __getstate__(self) -> dict[str, Any]:
        """Return what is kept of it: the file's name, and not its bytes."""
        volatile = ("_value_buffer", "_bodies", "lock")
        return {name: value for name, value in vars(self).items() if name not in volatile}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the file up where it lies."""
        vars(self).update(state)
        self._bodies = type(self).bodies
        if not self.disposed:
            self._bodies.claim(self._file)


def _setup(
    self: S3Response, request: Any, full_url: str | None = None, headers: Any = None
) -> None:
    """Read a request, whose body may be a file."""
    _original_setup(self, request, full_url, headers)
    self.body = request.environ.get(BODY, self.body)


def _complete(
    self: models.FakeMultipart, body: Iterable[tuple[int, str]]
) -> tuple[Upload, str, tuple[str, str, int] | None]:
    """Put the parts together in a file, where moto would in memory."""
    listed = list(body)
    # moto checks the list, and finds no bytes.
    outlines = {
        number: SimpleNamespace(etag=part.etag, contentsize=part.contentsize, value=b"")
        for number, part in self.parts.items()
    }
    outline: Any = SimpleNamespace(parts=outlines, metadata={})
    _, etag, _ = _original_complete(outline, iter(listed))
    parts = [cast(StoredKey, self.parts[number]) for number, _ in listed]
    metadata = self.metadata
    checksum = Parts(metadata.get("x-amz-checksum-algorithm"), metadata.get("x-amz-checksum-type"))
    pieces = (piece for part in parts for piece in checksum.over(part.pieces()))
    name = StoredKey.bodies.write(pieces)
    size = sum(part.contentsize for part in parts)
    return Upload(name, size, etag), etag, checksum.told()


def _checksum(body: Any, algorithm: str, encode_base64: bool = True) -> bytes:
    """Return the checksum of a body, of which moto would read everything at once."""
    if not isinstance(body, Body) or algorithm not in HASHES:
        return compute_checksum(body, algorithm, encode_base64)
    digest = HASHES[algorithm]()
    for piece in body:
        digest.update(piece)
    return text(digest.digest()).encode() if encode_base64 else digest.digest()


def _permission(bucket: models.FakeBucket, action: str, resource: str) -> PermissionResult:
    """Leave a bucket's policy to the guard.

    moto reads it without its conditions: a bucket that wants TLS would refuse every object.
    """
    return PermissionResult.NEUTRAL


@contextlib.contextmanager
def on_disk(bodies: Bodies) -> Iterator[None]:
    """Have moto's objects be files for the length of a ``with`` block.

    What moto knows is the whole process's, which can so have one sandbox at a time.

    Args:
        bodies: The files.

    Raises:
        RuntimeError: There is another sandbox in this process.
    """
    if models.FakeKey is StoredKey:
        raise RuntimeError("a sandbox runs in this process: stop it first")
    StoredKey.bodies = bodies
    changes = [
        (models, "FakeKey", StoredKey),
        (models.FakeMultipart, "complete", _complete),
        (models.FakeBucket, "get_permission", _permission),
        (responses, "compute_checksum", _checksum),
        (S3Response, "setup_class", _setup),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in changes]
    for owner, name, value in changes:
        setattr(owner, name, value)
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
