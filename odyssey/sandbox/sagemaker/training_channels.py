"""The data of a training job: its channels, from S3 to the machines that need them.

The machines find files in both input modes, File and FastFile.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

from __future__ import annotations

import gzip
import json
import shutil
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from odyssey.errors import UsageError
from odyssey.images import layout
from odyssey.sandbox.sagemaker.downloads import PIECE, download, keys
from odyssey.sandbox.sagemaker.training_request import groups, mode
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from odyssey.sandbox.machines import Entry

CHECKPOINTS = "/opt/ml/checkpoints"
"""Where checkpoints are, unless the request says."""

FAILED = "ClientError: Data download failed:"

LARGEST_MANIFEST = 64 << 20
"""Bytes of a manifest that are read."""


class DataError(Exception):
    """The data cannot be had; the text is the FailureReason."""


@dataclass(frozen=True)
class Item:
    """An object of a channel.

    Args:
        name: Its path below the channel's folder.
        place: The object.
    """

    name: str
    place: Uri


class Data:
    """What a job's machines find in ``/opt/ml/input/data``, in files on their way there.

    Args:
        client: A client of boto3 for ``s3``, of the job's role.
        job: The job's record.
        region: The job's region.
        folder: Where the files are until the machines have them.
        check: Called again and again; what it raises ends the download.
    """

    def __init__(
        self,
        client: Any,
        job: Mapping[str, Any],
        region: str,
        folder: Path,
        check: Callable[[], None],
    ) -> None:
        """Nothing is fetched yet."""
        self._client = client
        self._job = job
        self._region = region
        self._folder = folder
        self._check = check
        self._files = 0

    def channels(self) -> dict[str, list[Entry]]:
        """Fetch every channel.

        Returns:
            What each host finds, below the root.

        Raises:
            DataError: Some of it is not there, or cannot be read.
        """
        hosts = [host for group in groups(self._job) for host in group.hosts]
        found: dict[str, list[Entry]] = {host: [] for host in hosts}
        for channel in self._job.get("InputDataConfig", ()):
            home = f"{layout.ROOT}/input/data/{channel['ChannelName']}"
            for host in hosts:
                found[host].append((home, None))
            takers = _takers(self._job, channel)
            sharded = _distribution(channel) == "ShardedByS3Key"
            for number, entry in enumerate(self._entries(channel, home)):
                for host in [takers[number % len(takers)]] if sharded else takers:
                    found[host].append(entry)
        return found

    def checkpoints(self) -> list[Entry]:
        """Fetch the checkpoints that are there already; there may be none.

        Returns:
            What every host finds, below the root; nothing where the job is to keep none.

        Raises:
            DataError: They cannot be read.
        """
        wanted = self._job.get("CheckpointConfig")
        if wanted is None:
            return []
        home = str(wanted.get("LocalPath", CHECKPOINTS)).strip("/")
        found = self._below(Uri.parse(wanted["S3Uri"]) / "")
        _require_apart([item.name for item in found])
        return [(home, None), *((f"{home}/{item.name}", self._fetched(item)) for item in found)]

    def _entries(self, channel: Mapping[str, Any], home: str) -> Iterator[Entry]:
        packed = channel.get("CompressionType") == "Gzip"
        items = self._items(channel["DataSource"]["S3DataSource"])
        names = [item.name.removesuffix(".gz") if packed else item.name for item in items]
        _require_apart(names)
        for item, name in zip(items, names, strict=True):
            path = self._fetched(item)
            if packed:
                self._unpack(path, item)
            yield f"{home}/{name}", path

    def _items(self, source: Mapping[str, Any]) -> list[Item]:
        place = Uri.parse(source["S3Uri"])
        is_manifest = source["S3DataType"] == "ManifestFile"
        found = self._listed(place) if is_manifest else self._below(place)
        if not found:
            raise self._absent(place)
        return found

    def _below(self, place: Uri) -> list[Item]:
        """Return the objects whose keys begin with a prefix."""
        from botocore.exceptions import ClientError

        with _explained(place):
            try:
                found = list(keys(self._client, place))
            except ClientError as error:
                if error.response["Error"].get("Code") in ("NoSuchBucket", "AccessDenied"):
                    raise self._absent(place) from error
                raise
        return [Item(_name(key, place.key), Uri(place.bucket, key)) for key in found]

    def _listed(self, place: Uri) -> list[Item]:
        """Return the objects that a manifest names."""
        path = self._fetched(Item("manifest", place))
        if path.stat().st_size > LARGEST_MANIFEST:
            raise DataError(f"{FAILED} the manifest {place} is too large")
        try:
            first, *names = json.loads(path.read_bytes())
            prefix = Uri.parse(first["prefix"])
            return [
                Item(_safe(name), Uri(prefix.bucket, prefix.key + name))
                for name in map(_text, names)
            ]
        except (ValueError, TypeError, KeyError, UsageError) as error:
            raise DataError(f"{FAILED} the manifest {place} is not valid: {error}") from error

    def _fetched(self, item: Item) -> Path:
        # No name of S3's becomes one of this machine's.
        path = self._folder / str(self._files)
        self._files += 1
        with _explained(item.place):
            download(self._client, item.place, path, self._check)
        return path

    def _unpack(self, path: Path, item: Item) -> None:
        fresh = path.with_suffix(".unpacked")
        try:
            with gzip.open(path) as source, fresh.open("wb") as target:
                shutil.copyfileobj(source, target, PIECE)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"{FAILED} {item.place} is no gzip file: {error}") from error
        fresh.replace(path)

    def _absent(self, place: Uri) -> DataError:
        return DataError(
            f'{FAILED}No S3 objects found under S3 URL "{place}" given in input data source. '
            f"Please ensure that the bucket exists in the selected region ({self._region}), that "
            f'objects exist under that S3 prefix, and that the role "{self._job["RoleArn"]}" has '
            f'"s3:ListBucket" permissions on bucket "{place.bucket}".'
        )


def told(job: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return what ``inputdataconfig.json`` says of a job's channels."""
    return {
        channel["ChannelName"]: layout.channel(
            mode(job, channel),
            distribution=_distribution(channel),
            wrapper=channel.get("RecordWrapperType", "None"),
            content_type=channel.get("ContentType", ""),
        )
        for channel in job.get("InputDataConfig", ())
    }


def _distribution(channel: Mapping[str, Any]) -> str:
    source = channel["DataSource"]["S3DataSource"]
    return str(source.get("S3DataDistributionType", "FullyReplicated"))


def _takers(job: Mapping[str, Any], channel: Mapping[str, Any]) -> list[str]:
    """Return the hosts that have a channel's data."""
    wanted = channel["DataSource"]["S3DataSource"].get("InstanceGroupNames")
    return [
        host for group in groups(job) if not wanted or group.name in wanted for host in group.hosts
    ]


def _name(key: str, prefix: str) -> str:
    """Return the path of an object below its channel's folder.

    Example:
        >>> [_name(key, "data/train") for key in ("data/train/a/b", "data/train.csv")]
        ['a/b', 'train.csv']
    """
    rest = key[len(prefix) :]
    if prefix.endswith("/") or rest.startswith("/"):
        return _safe(rest)
    # The prefix ends within a word: what it begins is the name of a file or a folder.
    return _safe(key[prefix.rfind("/") + 1 :])


def _safe(name: str) -> str:
    path = PurePosixPath(name.lstrip("/"))
    if ".." in path.parts or not path.parts or "\0" in name:
        raise DataError(f"{FAILED} {name!r} is no name of a file")
    return str(path)


def _text(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"{name!r} is no text")
    return name


def _require_apart(names: Sequence[str]) -> None:
    """Return if no object has the name of another, or of a folder that another is in."""
    known = set(names)
    if len(known) < len(names):
        raise DataError(f"{FAILED} two objects have the same name")
    for name in names:
        above = next((str(a) for a in PurePosixPath(name).parents if str(a) in known), None)
        if above:
            raise DataError(f"{FAILED} {above} is an object, and a folder with {name} in it")


@contextmanager
def _explained(place: Uri) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code, message = (error.response["Error"].get(key, "") for key in ("Code", "Message"))
        raise DataError(f"{FAILED} {place}: {code}: {message}") from error
    except BotoCoreError as error:
        raise DataError(f"{FAILED} {place}: {error}") from error
