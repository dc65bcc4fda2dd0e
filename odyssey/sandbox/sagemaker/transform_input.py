"""The objects that a transform job is to read, and their bytes."""

from __future__ import annotations

import json
import re
import zlib
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.sagemaker.transform_errors import JobFailedError, ObjectFailedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PIECE = 1 << 20
"""Bytes that are read at once."""

ATTEMPTS = 4
"""How often a download that breaks off is taken up again, from where it broke off."""

URI = re.compile(r"s3://([^/]+)/?(.*)")


@dataclass(frozen=True)
class Source:
    """An object of the input.

    Args:
        bucket: Its bucket.
        key: Its key.
        name: The end of its key, by which its output is named: what comes after the last slash of
            the prefix that the request or the manifest has.
    """

    bucket: str
    key: str
    name: str

    def __str__(self) -> str:
        """Return it as SageMaker's log names it."""
        return f"{self.bucket}/{self.key}"


def sources(client: Any, wanted: Mapping[str, Any], region: str, role: str) -> list[Source]:
    """Return the objects of an input, in the order of their keys, or of the manifest.

    Args:
        client: A client of boto3 for ``s3``.
        wanted: The request's ``S3DataSource``.
        region: The job's region, for the reason.
        role: The ARN of the job's role, for the reason.

    Raises:
        JobFailedError: There are none, or they cannot be listed.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    uri = wanted["S3Uri"]
    bucket, key = split(uri)
    told = ""
    try:
        if wanted["S3DataType"] == "ManifestFile":
            return list(_of_manifest(client, bucket, key))
        found = list(_of_prefix(client, bucket, key))
    except (BotoCoreError, ClientError) as error:
        found, told = [], f" Error message from S3: {error}"
    if not found:
        raise JobFailedError(
            f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. '
            f"Please ensure that the bucket exists in the selected region ({region}), that "
            f'objects exist under that S3 prefix, and that the role "{role}" has '
            f'"s3:ListBucket" permissions on bucket "{bucket}".{told}'
        )
    return found


def split(uri: str) -> tuple[str, str]:
    """Return the bucket and the key of an ``s3://`` URI."""
    found = URI.fullmatch(uri)
    if found is None:
        raise JobFailedError(f'ClientError: "{uri}" is no URI of S3')
    return found[1], found[2]


def _of_prefix(client: Any, bucket: str, prefix: str) -> Iterator[Source]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for found in page.get("Contents", ()):
            # What ends in a slash stands for a folder in S3's console, and is empty.
            if not found["Key"].endswith("/"):
                yield _source(bucket, found["Key"], prefix)


def _of_manifest(client: Any, bucket: str, key: str) -> Iterator[Source]:
    # In a with block of its own a body of botocore's is a raw one, which may be short unnoticed.
    with closing(client.get_object(Bucket=bucket, Key=key)["Body"]) as body:
        written = body.read()
    invalid = JobFailedError(f"ClientError: s3://{bucket}/{key} is no manifest")
    try:
        first, *names = json.loads(written)
        found = URI.fullmatch(first["prefix"])
    except (ValueError, TypeError, LookupError) as error:
        raise invalid from error
    if found is None or not names or not all(isinstance(name, str) for name in names):
        raise invalid
    for name in names:
        yield _source(found[1], found[2] + name, found[2])


def _source(bucket: str, key: str, prefix: str) -> Source:
    return Source(bucket, key, key[prefix.rfind("/") + 1 :])


def content(client: Any, source: Source, compression: str) -> Iterator[bytes]:
    """Yield an object's bytes.

    Args:
        client: A client of boto3 for ``s3``.
        source: The object.
        compression: ``None`` or ``Gzip``.

    Raises:
        ObjectFailedError: It cannot be read.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    pieces = _pieces(client, source)
    try:
        yield from _inflated(pieces) if compression == "Gzip" else pieces
    except (BotoCoreError, ClientError) as error:
        raise ObjectFailedError(f"Unable to read the object: {error}") from error
    except zlib.error as error:
        raise ObjectFailedError(f"Unable to decompress the object: {error}") from error


def _pieces(client: Any, source: Source) -> Iterator[bytes]:
    from botocore.exceptions import BotoCoreError

    asked: dict[str, str] = {"Bucket": source.bucket, "Key": source.key}
    position = 0
    for attempt in range(1, ATTEMPTS + 1):
        answer = client.get_object(**asked)
        try:
            with closing(answer["Body"]) as body:
                while piece := body.read(PIECE):
                    position += len(piece)
                    yield piece
                return
        except BotoCoreError:
            if attempt == ATTEMPTS:
                raise
            asked |= {"Range": f"bytes={position}-", "IfMatch": answer["ETag"]}


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what was compressed, a piece at a time, however well it was."""
    stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for piece in pieces:
        left = piece
        while left:
            if stream.eof:  # A file of gzip's may have several streams.
                stream = zlib.decompressobj(zlib.MAX_WBITS | 16)
            yield stream.decompress(left, PIECE)
            left = stream.unused_data if stream.eof else stream.unconsumed_tail
    yield stream.flush()
    if not stream.eof:
        raise zlib.error("it breaks off")
