"""A model that was made elsewhere, such as in a notebook, on its way to an endpoint."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import archives, artifacts, foundation, rules, storage
from odyssey.console import note, size
from odyssey.errors import UsageError
from odyssey.storage import Uri
from odyssey.workplace import workplace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odyssey.archives import Archive
    from odyssey.aws import Clients
    from odyssey.config import Config

NAME = "model.tar.gz"
FOLDER = "model"
"""Where models are in the app's bucket, and where its jobs and endpoints may read them."""

DIGEST = 12
"""Hexadecimal digits of the digest that are part of a model's URI."""

PACKED = (".tar.gz", ".tgz")


@dataclass(frozen=True)
class UploadedModel:
    """A model in S3.

    Args:
        uri: Where it is.
        files: The names of the files in the archive.
        bytes: The size of the archive.
        digest: The archive's SHA-256.
        recorded: Whether it is the app's model from now on.
        requests: What a dry run would have sent; empty otherwise.
    """

    uri: str
    files: tuple[str, ...]
    bytes: int
    digest: str
    recorded: bool
    requests: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; a dry run is its request and nothing else."""
        if self.requests:
            return self.requests
        return {
            "model": self.uri,
            "files": list(self.files),
            "bytes": self.bytes,
            "digest": f"sha256:{self.digest}",
            "recorded": self.recorded,
        }

    def text(self) -> str:
        """Return it for a reader: the URI, or the request of a dry run."""
        if self.requests:
            import json

            return json.dumps(self.requests, indent=2)
        return self.uri


def upload_model(
    settings: Config,
    access: Clients,
    paths: Sequence[Path],
    prefix: str | None,
    *,
    dry_run: bool = False,
) -> UploadedModel:
    """Pack a model, load it with the app's own code, upload it, and record it.

    The archive is at ``PREFIX/DIGEST/model.tar.gz``: another model is another object, so that a
    deployment sees that it has changed, and a rollback finds what was there before.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        paths: The model's files, folders of them, or one archive that was packed already.
        prefix: The ``s3://`` URI to put it below. Default: ``model/`` in the app's bucket.
        dry_run: Do everything but the upload and the record.

    Raises:
        UsageError: The paths make no archive, or no bucket is known.
        OdysseyError: The app's ``get_model`` cannot load it.
        AwsError: AWS refuses.
    """
    place = _place(settings, access, prefix)
    key = settings.artifacts.kms_key or settings.foundation.kms_key
    with workplace("odyssey-upload-") as made:
        archive = _pack(paths, made)
        note(f"Packed {archive.text()}")
        archives.check(settings, archive.path)
        note("get_model of serve.py has loaded it")
        home = place / archive.digest[:DIGEST]
        uri = storage.destination(archive.path, home)
        if dry_run:
            return _told(archive, uri, recorded=False, requests=_request(uri, archive, key))
        storage.upload(access.client("s3"), archive.path, home, kms_key=key)
    artifacts.record(settings.folder, settings.env, {"model": str(uri)})
    note(f"Recorded in {artifacts.FILE}: odyssey sagemaker serve deploys it")
    return _told(archive, uri, recorded=True)


def _place(settings: Config, access: Clients, prefix: str | None) -> Uri:
    if prefix is not None:
        return _sound(Uri.parse(prefix))
    found = foundation.find(settings, access)
    return Uri(foundation.require_bucket(found, "-m s3://BUCKET/PREFIX"), FOLDER)


def _sound(place: Uri) -> Uri:
    """Return a place if a model below it is one that an endpoint can be given.

    Raises:
        UsageError: It is not.
    """
    broken = rules.model(str(place / NAME))
    if broken:
        raise UsageError(
            f'"{place}": a model below it {broken}, and must not have spaces or any of * ? $',
            "choose another prefix with -m s3://BUCKET/PREFIX",
        )
    return place


def _pack(paths: Sequence[Path], scratch: Path) -> Archive:
    """Pack the paths; what is packed already is packed anew, flat and the same every time."""
    if len(paths) == 1 and _is_packed(paths[0]):
        content = scratch / "content"
        archives.unpack(paths[0], content)
        paths = [content]
    return archives.pack(paths, scratch / NAME)


def _is_packed(path: Path) -> bool:
    return path.name.endswith(PACKED) and path.is_file() and tarfile.is_tarfile(path)


def _told(
    archive: Archive, uri: Uri, *, recorded: bool, requests: dict[str, Any] | None = None
) -> UploadedModel:
    return UploadedModel(
        str(uri), archive.files, archive.bytes, archive.digest, recorded, requests or {}
    )


def _request(uri: Uri, archive: Archive, kms_key: str) -> dict[str, Any]:
    described = f"{NAME}: {size(archive.bytes)}"
    request = {"Bucket": uri.bucket, "Key": uri.key, "Body": described}
    return {"PutObject": {**request, **storage.encryption(kms_key)}}
