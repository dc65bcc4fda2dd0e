"""Objects of S3 on their way to files: piece by piece, and again where a connection breaks."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from odyssey.storage import Uri

PIECE = 1 << 20
"""Bytes that are held at once."""

TRIES = 5
"""How often an object is asked for."""


def download(client: Any, place: Uri, target: Path, check: Callable[[], None]) -> None:
    """Write an object to a file.

    Args:
        client: A client of boto3 for ``s3``.
        place: The object.
        target: The file.
        check: Called before each piece; what it raises ends the download.

    Raises:
        ClientError: S3 refuses.
        BotoCoreError: The connection breaks each time.
    """
    from botocore.exceptions import BotoCoreError

    for left in reversed(range(TRIES)):
        try:
            # From the beginning: what is there may be of an object that was replaced meanwhile.
            body = client.get_object(Bucket=place.bucket, Key=place.key)["Body"]
            # Not "with body": that would give the stream behind it, which may end too early.
            with closing(body), target.open("wb") as file:
                while True:
                    check()
                    piece = body.read(PIECE)
                    if not piece:
                        return
                    file.write(piece)
        except BotoCoreError:
            if not left:
                raise


def keys(client: Any, place: Uri) -> Iterator[str]:
    """Yield the keys that begin with a prefix, sorted, but for those that stand for folders.

    Args:
        client: A client of boto3 for ``s3``.
        place: The prefix.

    Raises:
        ClientError: S3 refuses.
    """
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
    for page in pages:
        for found in page.get("Contents", ()):
            if not found["Key"].endswith("/"):
                yield found["Key"]
