"""ECR's repositories: which there are, and which blobs any of them has.

That a repository exists, and what its settings are, moto knows. What is pushed into it is known
here, by the repository's region and name; the blobs themselves are kept once for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.ecr.repository import Contents, Repository

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.sandbox.calls import Call
    from odyssey.sandbox.ecr.blobs import Blobs, Upload
    from odyssey.sandbox.store import Store

TABLE = "ecr_images"


class Repositories:
    """The repositories of every region.

    Args:
        store: Where it is remembered what they have.
        blobs: Where the blobs are.
    """

    def __init__(self, store: Store, blobs: Blobs) -> None:
        """Nothing is arriving."""
        self.store = store
        self.blobs = blobs
        self.uploads: dict[str, tuple[str, str, Upload]] = {}

    def open(self, region: str, name: str, registry: str = ACCOUNT) -> Repository:
        """Return a repository.

        Args:
            region: Its region.
            name: Its name.
            registry: The account that it is said to be of.

        Raises:
            ServiceError: ECR does not know it.
        """
        from moto.ecr.models import ecr_backends

        described = ecr_backends[ACCOUNT][region].repositories.get(name)
        if described is None or registry != ACCOUNT:
            raise ServiceError(
                "RepositoryNotFoundException",
                f"The repository with name '{name}' does not exist in the registry with id "
                f"'{registry}'",
            )
        return Repository(self, region, name, described)

    def asked(self, call: Call) -> Repository:
        """Return the repository that a request to ECR is about.

        Raises:
            ServiceError: ECR does not know it.
        """
        asked = call.parameters
        return self.open(call.region, asked["repositoryName"], asked.get("registryId", ACCOUNT))

    def contents(self, region: str, name: str) -> Contents:
        """Return what a repository has; the store's lock is held."""
        empty: Contents = {"images": {}, "tags": {}, "blobs": {}}
        return cast("Contents", self.store.table(TABLE).setdefault((region, name), empty))

    def drop(self, region: str, name: str) -> None:
        """Forget all that a repository has, and what is arriving."""
        with self.store.lock:
            had: Contents | None = self.store.table(TABLE).pop((region, name), None)
            if had is not None:
                self.remove({*had["images"], *had["blobs"]})
            for owner, of, upload in list(self.uploads.values()):
                if (owner, of) == (region, name):
                    self.cancel(upload)

    def cancel(self, upload: Upload) -> None:
        """Forget a blob that was arriving."""
        with self.store.lock:
            self.uploads.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)

    def remove(self, digests: Iterable[str]) -> None:
        """Remove those blobs that no repository has; the store's lock is held."""
        everything: list[Contents] = list(self.store.table(TABLE).values())
        for digest in digests:
            if not any(digest in each["images"] or digest in each["blobs"] for each in everything):
                self.blobs.remove(digest)

    def sweep(self) -> None:
        """Remove what came after the state was last saved, and what had not come whole."""
        with self.store.lock:
            self.blobs.forget_uploads()
            self.remove(self.blobs)
