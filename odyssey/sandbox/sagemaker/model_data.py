"""A model's files: from S3, as the model's role, into a folder of this machine."""

from __future__ import annotations

import gzip
import tarfile
import tempfile
import time
import zlib
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from odyssey import extraction
from odyssey.errors import OdysseyError
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from odyssey.sandbox.machines import Entry
    from odyssey.sandbox.sandbox import Sandbox

PIECE = 1 << 20
"""Bytes that are held at once."""


class ModelDataError(Exception):
    """The files cannot be had; the text is AWS's."""


class Source:
    """Where a model's files are.

    Args:
        container: A ``ContainerDefinition`` of a request's.

    Attributes:
        uri: What the request says; empty where the image has all that it needs.
        is_url: Whether it is a ModelDataUrl.
        is_prefix: Whether it stands for every object below.
        is_archive: Whether the object is a ``tar.gz``.
    """

    def __init__(self, container: Mapping[str, Any]) -> None:
        """Read it from either member."""
        found = container.get("ModelDataSource", {}).get("S3DataSource", {})
        self.uri: str = container.get("ModelDataUrl", "") or found.get("S3Uri", "")
        self.is_url = not found
        self.is_prefix = found.get("S3DataType") == "S3Prefix"
        self.is_archive = self.is_url or found.get("CompressionType") == "Gzip"


def container(model: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the one container of a model."""
    found: Mapping[str, Any] = model.get("PrimaryContainer") or model["Containers"][0]
    return found


@contextmanager
def fetched(
    sandbox: Sandbox,
    model: Mapping[str, Any],
    region: str,
    seconds: float,
    cancelled: Callable[[], bool],
) -> Iterator[list[Entry]]:
    """Bring a model's files here for the length of a ``with`` block.

    Args:
        sandbox: The sandbox; the files are below its folder meanwhile.
        model: The record of the model.
        region: Where the model is.
        seconds: The longest that it may take.
        cancelled: Whether nobody wants them any more.

    Yields:
        The folders and files, by their names below ``/opt/ml/model``.

    Raises:
        ModelDataError: They are not there, cannot be read, or are no archive.
    """
    source = Source(container(model))
    home = sandbox.settings.folder
    with tempfile.TemporaryDirectory(prefix="model-", dir=home) as folder:
        if source.uri:
            client = sandbox.clients.client("s3", region, model["ExecutionRoleArn"])
            watch = _Watch(source.uri, time.monotonic() + seconds, cancelled)
            _bring(client, source, Path(folder), watch)
        root = Path(folder)
        below = ((path, path.relative_to(root)) for path in sorted(root.rglob("*")))
        yield [(str(name), None if path.is_dir() else path) for path, name in below]


def _bring(client: Any, source: Source, folder: Path, watch: _Watch) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    uri = Uri.parse(source.uri)
    try:
        if source.is_archive:
            _unpack(client, uri, folder, watch)
        else:
            _copy(client, uri, folder, watch, is_prefix=source.is_prefix)
    except (BotoCoreError, ClientError, _TooLateError) as error:
        raise ModelDataError(
            f'Failed to download model data for container "container_1" from URL: "{source.uri}". '
            "Please ensure that there is an object located at the URL and that the role passed to "
            "CreateModel has permissions to download the object."
        ) from error
    except (tarfile.TarError, zlib.error, EOFError, OSError, OdysseyError) as error:
        raise ModelDataError(
            'Failed to extract model data archive for container "container_1" from URL '
            f'"{source.uri}". Please ensure that the object located at the URL is a valid '
            f"tar.gz archive. ({_said(error)})"
        ) from error


def _said(error: Exception) -> str:
    """Return what went wrong, without the name of a file of the sandbox's own."""
    return str((isinstance(error, OSError) and error.strerror) or error)


def _unpack(client: Any, uri: Uri, folder: Path, watch: _Watch) -> None:
    body = client.get_object(Bucket=uri.bucket, Key=uri.key)["Body"]
    with (
        body,
        # Not tarfile's own "r|gz", which holds all that a piece unpacks to, and copies it anew with
        # each member.
        gzip.GzipFile(fileobj=watch.over(body)) as unpacked,
        tarfile.open(
            fileobj=unpacked, mode="r|", bufsize=1 << 16, tarinfo=extraction.Header
        ) as archive,
    ):
        for _ in extraction.extract(archive, folder):
            pass


def _copy(client: Any, uri: Uri, folder: Path, watch: _Watch, *, is_prefix: bool) -> None:
    for key in _keys(client, uri) if is_prefix else [uri.key]:
        name = PurePosixPath(key.removeprefix(uri.key) if is_prefix else PurePosixPath(key).name)
        if name.is_absolute() or ".." in name.parts:
            raise OdysseyError(f"its key {key} would land outside of the folder")
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with (
            # As a context manager it is the raw stream, which misses an end that is too early.
            closing(client.get_object(Bucket=uri.bucket, Key=key)["Body"]) as body,
            place.open("wb") as file,
        ):
            source = watch.over(body)
            while piece := source.read(PIECE):
                file.write(piece)


def _keys(client: Any, uri: Uri) -> Iterator[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=uri.bucket, Prefix=uri.key)
    for page in pages:
        # What ends in a slash stands for a folder in S3's console, and is empty.
        yield from (
            found["Key"] for found in page.get("Contents", ()) if not found["Key"].endswith("/")
        )


class _TooLateError(Exception):
    """It takes too long, or nobody waits for it."""


class _Watch:
    """Looks at the time and at whether somebody waits, while a body is read."""

    def __init__(self, uri: str, deadline: float, cancelled: Callable[[], bool]) -> None:
        self._uri = uri
        self._deadline = deadline
        self._cancelled = cancelled

    def over(self, body: Any) -> Any:
        """Return a file that reads a body."""
        return _Watched(body, self)

    def check(self) -> None:
        if self._cancelled() or time.monotonic() > self._deadline:
            raise _TooLateError(self._uri)


class _Watched:
    def __init__(self, body: Any, watch: _Watch) -> None:
        self._body = body
        self._watch = watch

    def read(self, most: int) -> bytes:
        self._watch.check()
        read: bytes = self._body.read(most)
        return read
