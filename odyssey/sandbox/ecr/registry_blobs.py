"""The registry's requests about blobs: those that come, and those that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.ecr.blobs import PIECE
from odyssey.sandbox.ecr.visits import Route, Visit, made

if TYPE_CHECKING:
    from odyssey.sandbox.ecr.blobs import Upload
    from odyssey.sandbox.ecr.repositories import Repositories
    from odyssey.sandbox.ecr.repository import Repository


class BlobRequests:
    """What answers them.

    Args:
        repositories: The repositories.
    """

    def __init__(self, repositories: Repositories) -> None:
        """Say what answers what."""
        self._repositories = repositories
        self.routes: dict[str, Route] = {
            r"/blobs/uploads/?()": {"POST": ("InitiateLayerUpload", self._begin)},
            r"/blobs/uploads/([^/]+)": {
                "GET": ("UploadLayerPart", self._tell),
                "PATCH": ("UploadLayerPart", self._take),
                "PUT": ("CompleteLayerUpload", self._finish),
                "DELETE": ("UploadLayerPart", self._cancel),
            },
            r"/blobs/([^/]+)": {
                "HEAD": ("BatchCheckLayerAvailability", self._blob),
                "GET": ("GetDownloadUrlForLayer", self._blob),
            },
        }

    def _begin(self, visit: Visit) -> Response:
        args, repository = visit.request.args, visit.repository
        digest = args.get("mount", "")
        if digest and args.get("from") and self._mount(visit, digest, args["from"]):
            return made(repository, "blobs", digest)
        upload = repository.begin()
        if "digest" in args:
            upload.append(visit.request.stream)
            repository.finish(upload, args["digest"])
            return made(repository, "blobs", args["digest"])
        return _progress(repository, upload, 202)

    def _mount(self, visit: Visit, digest: str, name: str) -> bool:
        try:
            source = self._repositories.open(visit.repository.region, name)
        except ServiceError:
            return False  # Then the client sends the blob.
        return visit.repository.mount(digest, source)

    def _tell(self, visit: Visit) -> Response:
        return _progress(visit.repository, visit.repository.upload(visit.reference), 204)

    def _take(self, visit: Visit) -> Response:
        upload = visit.repository.upload(visit.reference)
        _require_next(upload, visit.request.headers.get("Content-Range", ""))
        upload.append(visit.request.stream)
        return _progress(visit.repository, upload, 202)

    def _finish(self, visit: Visit) -> Response:
        repository, digest = visit.repository, visit.request.args.get("digest", "")
        upload = repository.upload(visit.reference)
        _require_next(upload, visit.request.headers.get("Content-Range", ""))
        upload.append(visit.request.stream)
        repository.finish(upload, digest)
        return made(repository, "blobs", digest)

    def _cancel(self, visit: Visit) -> Response:
        self._repositories.cancel(visit.repository.upload(visit.reference))
        return Response(status=204)

    def _blob(self, visit: Visit) -> Response:
        digest = visit.reference
        size = visit.repository.size(digest)
        if size is None:
            raise ServiceError("LayerNotFoundException", f"the blob {digest} does not exist")
        headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"'}
        kind = "application/octet-stream"
        if visit.request.method == "HEAD":
            headers |= {"Content-Length": str(size), "Accept-Ranges": "bytes"}
            return Response(headers=headers, content_type=kind)
        file = self._open(digest)
        response = Response(
            FileWrapper(file, PIECE), headers=headers, content_type=kind, direct_passthrough=True
        )
        response.content_length = size
        try:
            return response.make_conditional(
                visit.request.environ, accept_ranges=True, complete_length=size
            )
        except HTTPException:
            file.close()
            raise

    def _open(self, digest: str) -> BinaryIO:
        try:
            return self._repositories.blobs.open(digest)
        except FileNotFoundError as error:
            raise ServiceError("LayerNotFoundException", f"the blob {digest} is gone") from error


def _require_next(upload: Upload, told: str) -> None:
    """Return if what comes is what follows what has come.

    Args:
        upload: What has come.
        told: Which bytes are said to come, such as ``100-199``; "" says nothing.
    """
    if told and told.partition("-")[0].strip() != str(upload.size):
        raise ServiceError(
            "InvalidLayerPartException",
            f"bytes {told} were sent, and {upload.size} have come",
            headers={"Range": _range(upload)},
        )


def _range(upload: Upload) -> str:
    return f"0-{max(0, upload.size - 1)}"


def _progress(repository: Repository, upload: Upload, status: int) -> Response:
    headers = {
        "Location": f"/v2/{repository.name}/blobs/uploads/{upload.id}",
        "Docker-Upload-UUID": upload.id,
        "Range": _range(upload),
    }
    return Response(status=status, headers=headers)
