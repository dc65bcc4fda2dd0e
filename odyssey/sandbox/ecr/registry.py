"""The registry behind ECR: what ``docker push`` and ``docker pull`` speak with.

It is below ``/v2/`` of the sandbox's own address, which the engine takes without TLS since it is
on loopback. That address names no region, as ECR's would: a name is looked up in the region in
which the password was asked for, so that repositories stay regional; their blobs are kept once.

Source: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.ecr.passwords import USER
from odyssey.sandbox.ecr.registry_blobs import BlobRequests
from odyssey.sandbox.ecr.registry_manifests import ManifestRequests
from odyssey.sandbox.ecr.visits import Visit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.sandbox.ecr.passwords import Password, Passwords
    from odyssey.sandbox.ecr.repositories import Repositories
    from odyssey.sandbox.iam.guard import Guard

log = logging.getLogger("odyssey.sandbox")

VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}

CODES = {
    "ImageDigestDoesNotMatchException": ("DIGEST_INVALID", 400),
    "ImageNotFoundException": ("MANIFEST_UNKNOWN", 404),
    "ImageReferencedByManifestList": ("DENIED", 409),
    "ImageTagAlreadyExistsException": ("TAG_INVALID", 400),
    "InvalidLayerException": ("DIGEST_INVALID", 400),
    "InvalidLayerPartException": ("BLOB_UPLOAD_INVALID", 416),
    "InvalidParameterException": ("MANIFEST_INVALID", 400),
    "LayerNotFoundException": ("BLOB_UNKNOWN", 404),
    "LayersNotFoundException": ("MANIFEST_BLOB_UNKNOWN", 400),
    "ReferencedImagesNotFoundException": ("MANIFEST_BLOB_UNKNOWN", 400),
    "RepositoryNotFoundException": ("NAME_UNKNOWN", 404),
    "Unauthorized": ("UNAUTHORIZED", 401),
    "UnknownOperationException": ("UNSUPPORTED", 405),
    "UploadNotFoundException": ("BLOB_UPLOAD_UNKNOWN", 404),
}
"""ECR's codes as a registry calls them, and their statuses; all others are ``DENIED``."""


class Registry:
    """A WSGI application below ``/v2/``.

    Args:
        repositories: The repositories.
        passwords: The passwords that open them.
        guard: Who may do what.
    """

    def __init__(self, repositories: Repositories, passwords: Passwords, guard: Guard) -> None:
        """Say what answers what."""
        self._repositories = repositories
        self._passwords = passwords
        self._guard = guard
        self._routes = {**BlobRequests(repositories).routes, **ManifestRequests().routes}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""
        request = Request(environ)
        try:
            response = self._answer(request)
        except ServiceError as error:
            response = _refusal(request, error)
        except HTTPException as error:  # The client went away, or wants a part that is not there.
            response = error.get_response(environ)
        except Exception as error:
            if not isinstance(error, OSError):
                log.exception("a request to the registry: a bug in odyssey")
            response = _document(500, "UNKNOWN", str(error))
        response.headers.update(VERSION)
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        password = self._password(request)
        path = request.path.removeprefix("/v2/")
        if not path:
            return Response("{}", content_type="application/json")
        for pattern, methods in self._routes.items():
            found = re.fullmatch(rf"(.+){pattern}", path)
            if found is None:
                continue
            if request.method not in methods:
                raise ServiceError("UnknownOperationException", "the registry does not do that")
            action, answer = methods[request.method]
            repository = self._repositories.open(password.region, found[1])
            self._guard.require(password.principal, f"ecr:{action}", repository.arn)
            return answer(Visit(request, repository, found[2]))
        raise ServiceError("UnknownOperationException", "the registry does not know that path")

    def _password(self, request: Request) -> Password:
        told = request.authorization
        text = ""
        if told is not None and told.type == "basic" and told.username == USER:
            text = told.password or ""
        elif request.method == "GET":
            text = request.args.get("password", "")  # A URL of GetDownloadUrlForLayer.
        password = self._passwords.find(text)
        if password is None:
            # In the specification's own words, Docker would take it for a thing that passes.
            raise ServiceError(
                "Unauthorized", "the password is none that GetAuthorizationToken has given out"
            )
        if password.has_expired:
            raise ServiceError(
                "ExpiredTokenException",
                "Your authorization token has expired. Reauthenticate and try again.",
            )
        return password


def _refusal(request: Request, error: ServiceError) -> Response:
    code, status = CODES.get(error.code, ("DENIED", 403))
    response = _document(status, code, error.message)
    response.headers.update(error.headers)
    if status == 401:
        response.headers["WWW-Authenticate"] = (
            f'Basic realm="{request.host_url}",service="ecr.amazonaws.com"'
        )
    return response


def _document(status: int, code: str, message: str) -> Response:
    document = json.dumps({"errors": [{"code": code, "message": message}]})
    return Response(document, status, content_type="application/json")
