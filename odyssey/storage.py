"""What is kept in S3: ``s3://`` URIs, and files on their way there.

Each function that talks to S3 takes a client of boto3 for ``s3`` first.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import aws, console, rules, transfers, trees
from odyssey.console import Progress, clean, elapsed
from odyssey.errors import AwsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from odyssey.trees import File

LONGEST_KEY = 1024
"""Bytes of a key, which is UTF-8.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
"""

HASH = 12
"""Hexadecimal digits of a content hash."""

_BUCKET_RULE = (
    "a bucket's name is 3 to 63 lower-case letters, digits, dots and hyphens, begins and ends with "
    "a letter or a digit, has no two dots together, and is no IP address"
)
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")


@dataclass(frozen=True)
class Uri:
    """A place in S3: a bucket, and a key or the prefix of keys.

    Args:
        bucket: The bucket's name.
        key: The key; empty is the whole bucket.

    Raises:
        UsageError: S3 takes no such bucket or key. Source:
            https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html

    Example:
        >>> str(Uri.parse("s3://data/iris/") / "train.csv")
        's3://data/iris/train.csv'
    """

    bucket: str
    key: str = ""

    def __post_init__(self) -> None:
        """Check both against the rules of S3."""
        bad = rules.bucket(self.bucket) or ".." in self.bucket or not self.bucket
        if bad or _IP_ADDRESS.fullmatch(self.bucket):
            raise UsageError(
                f'"{clean(self.bucket)}" in {clean(str(self))}: {_BUCKET_RULE}',
                "write it as s3://BUCKET/KEY",
            )
        length = len(self.key.encode())
        if length > LONGEST_KEY:
            raise UsageError(
                f"{clean(self.key[:60])}...: {length} bytes, and {LONGEST_KEY} is the limit of S3"
            )

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Return the place that ``s3://BUCKET/KEY`` means.

        Raises:
            UsageError: It is no such URI, or S3 takes no such bucket or key.
        """
        scheme, separator, rest = text.partition("://")
        if scheme != "s3" or not separator or not text.isprintable():
            raise UsageError(f'"{clean(text)}" is no URI of S3', "write it as s3://BUCKET/KEY")
        bucket, _, key = rest.partition("/")
        return cls(bucket, key)

    def __str__(self) -> str:
        """The URI as AWS takes it."""
        return f"s3://{self.bucket}/{self.key}"

    def __truediv__(self, name: str) -> Uri:
        """Return the place of this name below."""
        gap = "/" if self.key and not self.key.endswith("/") else ""
        return Uri(self.bucket, f"{self.key}{gap}{name}")


@dataclass(frozen=True)
class Upload:
    """Files that are in S3 now.

    Args:
        uri: The object, or the prefix of the objects, which ends with a slash.
        files: How many files.
        bytes: Their size, all together.
        skipped: How many of them were there already.
        others: How many objects are there besides.
    """

    uri: Uri
    files: int
    bytes: int
    skipped: int = 0
    others: int = 0

    def text(self) -> str:
        """Return what was sent for a reader: how many files, how large, where to."""
        files = f"{self.files} file{'' if self.files == 1 else 's'}"
        known = f", {self.skipped} there already" if self.skipped else ""
        return f"{files} ({console.size(self.bytes)}{known}) to {clean(str(self.uri))}"


def content_hash(source: Path) -> str:
    """Return twelve hexadecimal digits that stand for a file, or for what a folder has in it.

    They follow from the names and contents alone. What is below ``place / content_hash(source)``
    never changes, so that jobs can name it and a second upload has nothing to do.

    Args:
        source: The file or folder; its hidden files do not count.

    Raises:
        UsageError: It is empty, or cannot be read.
    """
    digest = hashlib.sha256()
    for file in _files(source):
        with trees.reading(file), file.path.open("rb") as opened:
            content = hashlib.file_digest(opened, "sha256").digest()
        digest.update(file.name.encode() + b"\0" + content)
    return digest.hexdigest()[:HASH]


def destination(source: Path, place: Uri) -> Uri:
    """Return where `upload` puts a file or folder: ``place/NAME``, or ``place/``.

    Args:
        source: The file or folder.
        place: The prefix.
    """
    return place / ("" if source.is_dir() else source.name)


def upload(
    client: Any,
    source: Path,
    place: Uri,
    *,
    progress: Progress | None = None,
    kms_key: str = "",
    changing: bool = False,
) -> Upload:
    """Put a file, or the files of a folder, below a prefix that is theirs alone.

    An object that is there already with the same size is not sent again, so that an upload that
    was interrupted is finished by the next. Therefore the prefix has to follow from the content,
    as ``place / content_hash(source)`` does, unless what is there may change.

    Args:
        client: The client.
        source: The file or folder; hidden files (``.gitkeep``, ``.DS_Store``) stay here.
        place: The prefix.
        progress: Tells how far it is. Default: a bar on stderr.
        kms_key: The ARN of the KMS key that encrypts them. Default: the bucket's own.
        changing: The prefix is that of earlier content, too: an object that is older than its file
            is sent again.

    Raises:
        UsageError: There is nothing to send, or S3 takes no such key.
        OdysseyError: A file cannot be read.
        AwsError: S3 refuses.
    """
    files = {
        destination(source, place) if source.is_file() else place / file.name: file
        for file in _files(source)
    }
    there = _there(client, place)
    missing = {
        uri: file
        for uri, file in files.items()
        if not _is_there(there.get(uri.key), file, changing=changing)
    }
    if progress is None:
        progress = Progress(f"Uploading {clean(source.resolve().name)}")
    with _explained(place.bucket):
        transfers.send(client, missing, progress, encryption(kms_key))
    total = sum(file.size for file in files.values())
    others = len(there.keys() - {uri.key for uri in files})
    skipped = len(files) - len(missing)
    made = Upload(destination(source, place), len(files), total, skipped, others)
    progress.say(f"Uploaded {made.text()} in {elapsed(progress.seconds)}")
    return made


def size(client: Any, uri: Uri) -> int | None:
    """Return the size of an object in bytes, or None where there is none.

    Raises:
        AwsError: S3 refuses.
    """
    answer = _unless_absent(client.head_object, uri)
    return None if answer is None else int(answer["ContentLength"])


def read(client: Any, uri: Uri) -> bytes | None:
    """Return the content of an object, or None where there is none.

    Raises:
        AwsError: S3 refuses. Who may not list the bucket is refused what is not there, too.
    """
    answer = _unless_absent(client.get_object, uri)
    if answer is None:
        return None
    with _explained(uri.bucket):
        return bytes(answer["Body"].read())


def write(client: Any, uri: Uri, body: bytes, content_type: str, *, kms_key: str = "") -> None:
    """Put bytes into an object.

    Args:
        client: The client.
        uri: The object.
        body: The bytes.
        content_type: Their type, such as ``text/csv``.
        kms_key: The ARN of the KMS key that encrypts it. Default: the bucket's own.

    Raises:
        AwsError: S3 refuses.
    """
    with _explained(uri.bucket):
        client.put_object(
            Bucket=uri.bucket,
            Key=uri.key,
            Body=body,
            ContentType=content_type,
            **encryption(kms_key),
        )


def _files(source: Path) -> tuple[File, ...]:
    found = trees.files(source, lambda name: name.startswith("."))
    if not found:
        raise UsageError(f"{clean(str(source))} has no file in it: there is nothing to upload")
    return found


def encryption(kms_key: str) -> dict[str, str]:
    """Return the arguments of a request that encrypt an object with a KMS key, or none."""
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key} if kms_key else {}


def _there(client: Any, place: Uri) -> dict[str, tuple[int, datetime]]:
    """Return sizes and times of what is below a prefix; nothing where listing it is forbidden."""
    prefix = (place / "").key
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=prefix)
    found: dict[str, tuple[int, datetime]] = {}
    try:
        with _explained(place.bucket):
            for page in pages:
                listed = page.get("Contents", ())
                found |= {one["Key"]: (one["Size"], one["LastModified"]) for one in listed}
    except AwsError as error:
        if _code(error) != "AccessDenied":
            raise
    return found


def _is_there(known: tuple[int, datetime] | None, file: File, *, changing: bool) -> bool:
    if known is None or known[0] != file.size:
        return False
    with trees.reading(file):
        return not changing or known[1].timestamp() >= file.path.stat().st_mtime


@contextmanager
def _explained(bucket: str) -> Iterator[None]:
    """Turn what S3 refuses within a ``with`` block into an `AwsError`."""
    try:
        with aws.explained():
            yield
    except AwsError as error:
        if _code(error) != "NoSuchBucket":
            raise
        raise AwsError(
            f"there is no bucket {bucket}",
            "odyssey deploy makes the app's own; name another as s3://BUCKET/PREFIX",
        ) from error


def _unless_absent(call: Any, uri: Uri) -> dict[str, Any] | None:
    try:
        with _explained(uri.bucket):
            answer: dict[str, Any] = call(Bucket=uri.bucket, Key=uri.key)
            return answer
    except AwsError as error:
        if _code(error) in {"NoSuchKey", "404"}:
            return None
        raise


def _code(error: AwsError) -> str:
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
