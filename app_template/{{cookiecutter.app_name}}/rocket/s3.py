"""Amazon S3 for functions on AWS Lambda: models and data in, models out.

boto3 is imported when there is something to transfer, and at no other time.
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import stat
import tarfile
import tempfile
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from rocket.archives import UnsafeArchive, pack, unpack
from rocket.settings import Layout
from rocket.workplace import workplace

log = logging.getLogger("rocket")

#: Times that a model is asked for when the connection breaks before its end.
ATTEMPTS = 3
#: Files that are fetched at once.
FILES = 8
#: Bytes from which on a file is fetched in parts.
LARGE = 64 * 2**20
#: Bytes of an answer that are read at once.
CHUNK = 2**20


class TransferError(Exception):
    """Something could not be fetched or sent; the message has its place and the reason."""


class Place(NamedTuple):
    """A place on S3: a bucket, and a key or what the keys below a folder begin with."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Place:
        """Reads `s3://BUCKET/KEY`; anything else is a TransferError."""
        scheme, _, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise TransferError(f"{uri}: not a place on S3, which is s3://BUCKET/KEY")
        return cls(bucket, key)


def fetch_model(uri: str) -> Layout:
    """Fetches a model below /tmp, and returns the layout that it is the model of.

    What an earlier process of this environment has fetched is there still, and is not fetched
    again unless the object has changed.

    Args:
        uri: The place of a model.tar.gz, which has the model's files at its top.

    Raises:
        TransferError: S3 refuses, the archive is damaged or unsafe, or /tmp is too small.
    """
    from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

    start = time.perf_counter()
    place, home = Place.parse(uri), _home()
    with _explained(uri):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                layout = _fetch_model(place, home)
                break
            except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError) as error:
                if attempt == ATTEMPTS:
                    raise
                log.warning("%s: once more: %s", uri, error)
    log.info("%s fetched in %.2f s", uri, time.perf_counter() - start)
    return layout


def _home() -> Path:
    """The folder of fetched models; whoever could write to it could run code here."""
    home = Path(tempfile.gettempdir()) / f"rocket-models-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    found = home.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise TransferError(f"{home} is no folder of this user alone: set TMPDIR to another place")
    return home


def _fetch_model(place: Place, home: Path) -> Layout:
    answer = _connect().get_object(Bucket=place.bucket, Key=place.key)
    with closing(answer["Body"]) as body:
        name = hashlib.sha256(f"{place} {answer['ETag']}".encode()).hexdigest()[:16]
        layout = Layout(home / name)
        if not layout.root.exists():
            with workplace("rocket-model-") as bench:
                made = Layout(bench / name)
                made.model.mkdir(parents=True)
                unpack(io.BufferedReader(body, CHUNK), made.model)
                made.root.rename(layout.root)
    return layout


def fetch_folder(uri: str, folder: Path) -> None:
    """Fetches every object below a place into a folder, which is made.

    Raises:
        TransferError: There is no object, S3 refuses, or /tmp is too small.
    """
    from boto3.s3.transfer import TransferConfig

    start = time.perf_counter()
    place = Place.parse(uri)
    prefix = place.key and f"{place.key.rstrip('/')}/"
    client = _connect()

    def fetch(found: dict[str, Any]) -> None:
        target = folder / _path(found["Key"].removeprefix(prefix))
        target.parent.mkdir(parents=True, exist_ok=True)
        config = TransferConfig(use_threads=found["Size"] > LARGE)
        client.download_file(place.bucket, found["Key"], str(target), Config=config)

    with _explained(uri):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix)
        listed = [found for page in pages for found in page.get("Contents", ())]
        files = [found for found in listed if not found["Key"].endswith("/")]
        if not files:
            raise TransferError(f"{uri}: there is no data, not one object")
        pool = ThreadPoolExecutor(FILES)
        try:
            for _ in pool.map(fetch, files):
                pass
        finally:
            pool.shutdown(cancel_futures=True)
    log.info("%s: %d file(s) in %.2f s", uri, len(files), time.perf_counter() - start)


def _path(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise TransferError(f"the key ends in {name}, which is no path below a folder")
    return path


def send_archive(folder: Path, uri: str, *, bench: Path) -> None:
    """Packs a folder and sends it to a place.

    Args:
        folder: The folder, whose content comes to the archive's top.
        uri: The place of the archive.
        bench: A folder for the archive on its way.

    Raises:
        TransferError: S3 refuses, or /tmp is too small.
    """
    place = Place.parse(uri)
    with _explained(uri):
        archive = bench / "model.tar.gz"
        pack(folder, archive)
        _connect().upload_file(str(archive), place.bucket, place.key)


def _connect() -> Any:
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=32)
    return boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=config)


@contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Gives every failure within a `with` block the place that it happened at."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except UnsafeArchive as error:
        raise TransferError(f"{uri} is not unpacked: {error}") from error
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise TransferError(f"{uri} is no whole .tar.gz: {error}") from error
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise TransferError(f"{uri}: {error}") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise TransferError(
                f"{uri}: {tempfile.gettempdir()} is full: function.storage_mb in odyssey.toml sets "
                "its size"
            ) from error
        # gzip's own error about a file of another kind is one of these too.
        raise TransferError(f"{uri}: {error}") from error
