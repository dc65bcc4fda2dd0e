"""Requests to the registry about one repository, and how they are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from odyssey.sandbox.ecr.repository import Repository


@dataclass(frozen=True)
class Visit:
    """A request about a repository.

    Args:
        request: The request.
        repository: The repository.
        reference: What of it: a digest, a tag, or the name of an upload.
    """

    request: Request
    repository: Repository
    reference: str


Route = dict[str, tuple[str, Callable[[Visit], Response]]]
"""By its method, which operation of ECR's a request needs a permission for, and what answers it."""


def made(repository: Repository, kind: str, digest: str) -> Response:
    """Return the answer that something is there now.

    Args:
        repository: Where.
        kind: ``blobs`` or ``manifests``.
        digest: Its digest.
    """
    headers = {
        "Location": f"/v2/{repository.name}/{kind}/{digest}",
        "Docker-Content-Digest": digest,
    }
    return Response(status=201, headers=headers)
