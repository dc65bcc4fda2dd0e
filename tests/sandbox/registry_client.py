"""A client of the registry, which speaks its HTTP API as the specification has it."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import requests

from odyssey.images.manifests import DOCKER
from odyssey.sandbox.sandbox import Sandbox

CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest_of(config: bytes, *layers: bytes) -> bytes:
    """Docker's manifest of an image."""

    def descriptor(kind: str, content: bytes) -> dict[str, Any]:
        return {"mediaType": kind, "size": len(content), "digest": digest_of(content)}

    document = {
        "schemaVersion": 2,
        "mediaType": DOCKER,
        "config": descriptor(CONFIG, config),
        "layers": [descriptor(LAYER, layer) for layer in layers],
    }
    return json.dumps(document).encode()


def password(ecr: Any) -> str:
    told = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    return base64.b64decode(told).decode().partition(":")[2]


@dataclass
class Client:
    """A client with a password, or with none."""

    sandbox: Sandbox
    password: str | None

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        url = (
            path
            if path.startswith("http")
            else f"http://127.0.0.1:{self.sandbox.server.port}{path}"
        )
        auth = ("AWS", self.password) if self.password is not None else None
        return requests.request(method, url, auth=auth, timeout=60, **how)

    def begin(self, name: str) -> str:
        """Begin an upload, and return where it goes on."""
        answer = self.ask("POST", f"/v2/{name}/blobs/uploads/")
        assert answer.status_code == 202, answer.text
        return answer.headers["Location"]

    def bring(self, name: str, content: bytes) -> str:
        """Bring a blob, and return its digest."""
        digest = digest_of(content)
        answer = self.ask("PUT", self.begin(name), params={"digest": digest}, data=content)
        assert answer.status_code == 201, answer.text
        return digest

    def push(self, name: str, reference: str, *layers: bytes, config: bytes = b"{}") -> str:
        """Push an image, and return its digest."""
        for blob in (config, *layers):
            self.bring(name, blob)
        answer = self.put(name, reference, manifest_of(config, *layers))
        assert answer.status_code == 201, answer.text
        return answer.headers["Docker-Content-Digest"]

    def put(
        self, name: str, reference: str, manifest: bytes, kind: str = DOCKER
    ) -> requests.Response:
        headers = {"Content-Type": kind}
        return self.ask("PUT", f"/v2/{name}/manifests/{reference}", data=manifest, headers=headers)


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    """Status, code and message of what the registry refuses."""
    error = answer.json()["errors"][0]
    return answer.status_code, error["code"], error["message"]
