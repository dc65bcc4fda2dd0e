"""The registry's requests about manifests and tags."""

from __future__ import annotations

import json
from urllib.parse import quote

from werkzeug.wrappers import Response

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.ecr import manifests
from odyssey.sandbox.ecr.visits import Route, Visit, made


class ManifestRequests:
    """What answers them."""

    def __init__(self) -> None:
        """Say what answers what."""
        self.routes: dict[str, Route] = {
            r"/manifests/([^/]+)": {
                "HEAD": ("BatchGetImage", self._manifest),
                "GET": ("BatchGetImage", self._manifest),
                "PUT": ("PutImage", self._put),
                "DELETE": ("BatchDeleteImage", self._delete),
            },
            r"/tags/list()": {"GET": ("ListImages", self._tags)},
        }

    def _manifest(self, visit: Visit) -> Response:
        image = visit.repository.require(visit.reference)
        content = visit.repository.manifest(image)
        headers = {"Docker-Content-Digest": image.digest, "ETag": f'"{image.digest}"'}
        return Response(content, headers=headers, content_type=image.record["media_type"])

    def _put(self, visit: Visit) -> Response:
        request, reference = visit.request, visit.reference
        request.max_content_length = manifests.LARGEST
        content = request.get_data()
        is_digest = ":" in reference
        seen = manifests.read(content, request.mimetype).digest
        if is_digest and seen != reference:
            raise ServiceError(
                "ImageDigestDoesNotMatchException", f"the manifest's digest is {seen}"
            )
        tag = None if is_digest else reference
        image = visit.repository.put(content, request.mimetype, tag)
        return made(visit.repository, "manifests", image.digest)

    def _delete(self, visit: Visit) -> Response:
        visit.repository.remove(visit.reference)
        return Response(status=202)

    def _tags(self, visit: Visit) -> Response:
        name, args = visit.repository.name, visit.request.args
        tags = [tag for tag in visit.repository.tags() if tag > args.get("last", "")]
        most = args.get("n", type=int)
        headers = {}
        if most is not None and 0 < most < len(tags):
            tags = tags[:most]
            headers["Link"] = f'</v2/{name}/tags/list?n={most}&last={quote(tags[-1])}>; rel="next"'
        document = json.dumps({"name": name, "tags": tags})
        return Response(document, headers=headers, content_type="application/json")
