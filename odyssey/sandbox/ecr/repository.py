"""What one of ECR's repositories has: images by digest and tag, and the blobs they are made of."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypedDict

from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.ecr import manifests

if TYPE_CHECKING:
    from odyssey.sandbox.ecr.blobs import Upload
    from odyssey.sandbox.ecr.manifests import Manifest
    from odyssey.sandbox.ecr.repositories import Repositories


NOT_FOUND = "Requested image not found"

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)


class ImageRecord(TypedDict):
    """An image, as the store keeps it; `manifests.Manifest` says what the members mean."""

    media_type: str
    config_type: str
    config: str
    blobs: tuple[str, ...]
    members: tuple[str, ...]
    size: int
    pushed_at: datetime
    scanned_at: datetime | None


class Contents(TypedDict):
    """What a repository has, as the store keeps it: each by its digest, tags with theirs."""

    images: dict[str, ImageRecord]
    tags: dict[str, str]
    blobs: dict[str, int]


@dataclass(frozen=True)
class StoredImage:
    """An image that a repository has.

    Args:
        digest: The digest of its manifest.
        tags: Its tags.
        record: What else is known of it.
    """

    digest: str
    tags: tuple[str, ...]
    record: ImageRecord


class Repository:
    """One repository.

    Args:
        repositories: All of them.
        region: Its region.
        name: Its name.
        described: Its settings, as moto keeps them.
    """

    def __init__(self, repositories: Repositories, region: str, name: str, described: Any) -> None:
        """Look at nothing yet."""
        self._all = repositories
        self._lock = repositories.store.lock
        self.region = region
        self.name = name
        self.arn: str = described.arn
        self._described = described

    @property
    def _contents(self) -> Contents:
        return self._all.contents(self.region, self.name)

    # Blobs

    def begin(self) -> Upload:
        """Begin with a blob that will arrive."""
        upload = self._all.blobs.begin()
        with self._lock:
            self._all.uploads[upload.id] = (self.region, self.name, upload)
        return upload

    def upload(self, name: str) -> Upload:
        """Return a blob that arrives.

        Raises:
            ServiceError: None of this name does.
        """
        with self._lock:
            region, owner, upload = self._all.uploads.get(name, ("", "", None))
        if upload is None or (region, owner) != (self.region, self.name):
            raise self._error(
                "UploadNotFoundException", f"The upload with id '{name}' does not exist"
            )
        return upload

    def finish(self, upload: Upload, digest: str) -> None:
        """Keep a blob that has arrived.

        Raises:
            ServiceError: It is another one than was told.
        """
        if upload.digest != digest:
            self._all.cancel(upload)
            raise ServiceError(
                "InvalidLayerException",
                f"The layer's digest is {upload.digest}, and '{digest}' was told",
            )
        with self._lock:
            self._all.blobs.keep(upload)
            self._contents["blobs"][digest] = upload.size
            self._all.uploads.pop(upload.id, None)

    def mount(self, digest: str, source: Repository) -> bool:
        """Take over a blob that another repository has; return whether it has."""
        with self._lock:
            size = source.size(digest)
            if size is not None:
                self._contents["blobs"][digest] = size
        return size is not None

    def size(self, digest: str) -> int | None:
        """Return the bytes of a blob; None where this repository has it not."""
        with self._lock:
            return self._contents["blobs"].get(digest)

    # Images

    def images(self) -> list[StoredImage]:
        """Return all images, those first that came first."""
        with self._lock:
            return [self._stored(digest) for digest in self._contents["images"]]

    def find(self, reference: str) -> StoredImage | None:
        """Return the image of a tag or a digest."""
        with self._lock:
            contents = self._contents
            digest = contents["tags"].get(reference, reference)
            return self._stored(digest) if digest in contents["images"] else None

    def require(self, reference: str) -> StoredImage:
        """Return the image of a tag or a digest.

        Raises:
            ServiceError: There is none.
        """
        image = self.find(reference)
        if image is None:
            raise ServiceError("ImageNotFoundException", NOT_FOUND)
        return image

    def manifest(self, image: StoredImage) -> bytes:
        """Return an image's manifest.

        Raises:
            ServiceError: It was deleted meanwhile.
        """
        try:
            return self._all.blobs.read(image.digest)
        except FileNotFoundError as error:
            raise ServiceError("ImageNotFoundException", NOT_FOUND) from error

    def tags(self) -> list[str]:
        """Return all tags, sorted."""
        with self._lock:
            return sorted(self._contents["tags"])

    def put(self, content: bytes, media_type: str, tag: str | None) -> StoredImage:
        """Keep an image whose blobs have come.

        Args:
            content: Its manifest.
            media_type: The manifest's type, where it does not say so itself.
            tag: The tag that leads to it from now on.

        Raises:
            ServiceError: The manifest or the tag is none, blobs are missing, or the tag cannot be
                moved.
        """
        manifest = manifests.read(content, media_type)
        if tag is not None and not _TAG.fullmatch(tag):
            raise ServiceError(
                "InvalidParameterException",
                "Invalid parameter at 'imageTag' failed to satisfy constraint: 'must satisfy "
                f"regular expression '{_TAG.pattern}''",
            )
        with self._lock:
            contents = self._contents
            self._require_parts(manifest)
            if tag in contents["tags"] and self._is_fixed(tag):
                raise ServiceError(
                    "ImageTagAlreadyExistsException",
                    f"The image tag '{tag}' already exists in the '{self.name}' repository and "
                    "cannot be overwritten because the tag is immutable.",
                )
            if manifest.digest not in contents["images"]:
                self._all.blobs.put(content)
                contents["images"][manifest.digest] = self._record(manifest)
            if tag is not None:
                contents["tags"][tag] = manifest.digest
            return self._stored(manifest.digest)

    def remove(self, reference: str) -> StoredImage:
        """Take a tag away, or delete the image of a digest with all its tags.

        An image without any other tag goes with its last one, as at ECR.

        Raises:
            ServiceError: There is no such image, or it is a part of another.
        """
        with self._lock:
            image = self.require(reference)
            if reference in image.tags and len(image.tags) > 1:
                del self._contents["tags"][reference]
            else:
                self._delete(image)
            return image

    def scan(self, digest: str) -> None:
        """Remember that somebody wanted an image to be scanned."""
        with self._lock:
            self._contents["images"][digest]["scanned_at"] = datetime.now(UTC)

    def _delete(self, image: StoredImage) -> None:
        contents = self._contents
        images = contents["images"]
        for other, each in images.items():
            if image.digest in each["members"]:
                raise ServiceError("ImageReferencedByManifestList", f"{other} refers to it")
        gone = set(images.pop(image.digest)["blobs"])
        gone -= {blob for each in images.values() for blob in each["blobs"]}
        for blob in gone:
            contents["blobs"].pop(blob, None)
        for tag in image.tags:
            del contents["tags"][tag]
        self._all.remove({image.digest, *gone})

    def _stored(self, digest: str) -> StoredImage:
        contents = self._contents
        tags = tuple(tag for tag, leads in contents["tags"].items() if leads == digest)
        return StoredImage(digest, tags, contents["images"][digest])

    def _record(self, manifest: Manifest) -> ImageRecord:
        now = datetime.now(UTC)
        images = self._contents["images"]
        return {
            "media_type": manifest.media_type,
            "config_type": manifest.config_type,
            "config": manifest.config,
            "blobs": manifest.blobs,
            "members": manifest.members,
            # ECR tells the largest of an index's images.
            "size": max([manifest.size, *(images[each]["size"] for each in manifest.members)]),
            "pushed_at": now,
            "scanned_at": now if self._scans_on_push() else None,
        }

    def _require_parts(self, manifest: Manifest) -> None:
        contents = self._contents
        blobs = [each for each in manifest.blobs if each not in contents["blobs"]]
        if blobs:
            raise self._error(
                "LayersNotFoundException", f"The layers with digests {blobs} do not exist"
            )
        members = [each for each in manifest.members if each not in contents["images"]]
        if members:
            raise self._error(
                "ReferencedImagesNotFoundException",
                f"The images with digests {members} do not exist",
            )

    def _is_fixed(self, tag: str) -> bool:
        """Return whether a tag cannot be moved."""
        filters = self._described.image_tag_mutability_exclusion_filters or ()
        is_excepted = any(fnmatch.fnmatchcase(tag, each["filter"]) for each in filters)
        return self._described.is_tag_immutable() is not is_excepted

    def _scans_on_push(self) -> bool:
        return bool(self._described.image_scanning_configuration.get("scanOnPush"))

    def _error(self, code: str, what: str) -> ServiceError:
        return ServiceError(
            code,
            f"{what} in the repository with name '{self.name}' in the registry with id '{ACCOUNT}'",
        )
