"""ECR: its repositories, whose addresses lead to the registry, and the passwords for it.

What is only said of a repository, such as its policies and tags, moto keeps.
"""

from __future__ import annotations

import base64
import contextlib
from datetime import UTC
from typing import TYPE_CHECKING, Any

from odyssey.sandbox import listing
from odyssey.sandbox.calls import ACCOUNT, Call, ServiceError, operation
from odyssey.sandbox.ecr.passwords import USER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from odyssey.sandbox.sandbox import Sandbox

PAGE = 100
"""Entries of an answer where the request does not say."""


class Ecr:
    """The operations on repositories.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """Nothing is asked yet."""
        self._store = sandbox.store
        self._repositories = sandbox.repositories
        self._passwords = sandbox.passwords
        self._host = f"127.0.0.1:{sandbox.server.port}"

    def resume(self) -> None:
        """Remove what no repository knows of, after a restart."""
        self._repositories.sweep()

    @operation("ecr", "GetAuthorizationToken")
    def token(self, call: Call) -> dict[str, Any]:
        """Give out a password for the registry."""
        password = self._passwords.give(call.principal, call.region)
        told = {
            "authorizationToken": base64.b64encode(f"{USER}:{password.text}".encode()).decode(),
            "expiresAt": password.expires,
            "proxyEndpoint": f"http://{self._host}",
        }
        return {"authorizationData": [told] * len(call.parameters.get("registryIds", [ACCOUNT]))}

    @operation("ecr", "CreateRepository")
    def create(self, call: Call) -> dict[str, Any]:
        """Make a repository."""
        asked = call.parameters
        with self._store.lock, _told_by_moto():
            made = _moto(call.region).create_repository(
                repository_name=asked["repositoryName"],
                registry_id=None,
                encryption_config=asked.get("encryptionConfiguration"),
                image_scan_config=asked.get("imageScanningConfiguration"),
                image_tag_mutability=asked.get("imageTagMutability"),
                image_tag_mutability_exclusion_filters=asked.get(
                    "imageTagMutabilityExclusionFilters"
                ),
                tags=asked.get("tags", []),
            )
        return {"repository": self._description(made)}

    @operation("ecr", "DescribeRepositories")
    def describe(self, call: Call) -> dict[str, Any]:
        """Describe repositories."""
        asked = call.parameters
        with _told_by_moto():
            found = _moto(call.region).describe_repositories(
                asked.get("registryId"), asked.get("repositoryNames")
            )
        return page(call, found, "repositories", self._description)

    @operation("ecr", "DeleteRepository")
    def delete(self, call: Call) -> dict[str, Any]:
        """Delete a repository; one that has images, only with ``force``."""
        asked, name = call.parameters, call.parameters["repositoryName"]
        with self._store.lock, _told_by_moto():
            if self._repositories.asked(call).images() and not asked.get("force"):
                raise ServiceError(
                    "RepositoryNotEmptyException",
                    f"The repository with name '{name}' in registry with id '{ACCOUNT}' cannot be "
                    "deleted because it still contains images",
                )
            gone = _moto(call.region).delete_repository(name, ACCOUNT, force=True)
            self._repositories.drop(call.region, name)
        return {"repository": self._description(gone)}

    def _description(self, repository: Any) -> dict[str, Any]:
        told = {
            "repositoryArn": repository.arn,
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "repositoryUri": f"{self._host}/{repository.name}",
            "createdAt": repository.created_at.replace(tzinfo=UTC),
            "imageTagMutability": repository.image_tag_mutability,
            "imageScanningConfiguration": repository.image_scanning_configuration,
            "encryptionConfiguration": repository.encryption_configuration,
        }
        filters = repository.image_tag_mutability_exclusion_filters
        return {**told, "imageTagMutabilityExclusionFilters": filters} if filters else told


def page(
    call: Call, records: Sequence[Any], member: str, summary: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return an answer of ECR's in pages, as `listing.page` does.

    Args:
        call: What was asked for.
        records: All that are asked for.
        member: The answer's member that takes them.
        summary: Returns what is told of a record.
    """
    asked = call.parameters
    wanted = {"NextToken": asked.get("nextToken"), "MaxResults": asked.get("maxResults", PAGE)}
    answer = listing.page(records, wanted, member, summary)
    if "NextToken" in answer:
        answer["nextToken"] = answer.pop("NextToken")
    return answer


def _moto(region: str) -> Any:
    from moto.ecr.models import ecr_backends

    return ecr_backends[ACCOUNT][region]


@contextlib.contextmanager
def _told_by_moto() -> Iterator[None]:
    """Turn moto's refusals within a ``with`` block into ours."""
    from moto.core.exceptions import ServiceException

    try:
        yield
    except ServiceException as error:
        raise ServiceError(error.code, error.message) from error
