"""What a registry says about an image, read by the HTTP API that all registries have.

Source: https://distribution.github.io/distribution/spec/api/
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from odyssey.console import clean
from odyssey.errors import ImageError
from odyssey.images import manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

ACCEPTED = (manifests.DOCKER, manifests.OCI, manifests.DOCKER_LIST, manifests.OCI_INDEX)
ATTEMPTS = 4
"""Times that a request is sent while the registry is out of order."""

TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and of silence."""

LARGEST = 8_000_000
"""Bytes of a manifest or a configuration; registries themselves take 4 MiB."""

LOG_IN = "odyssey docker push logs in anew each time; look at --profile and --region"

_REFERENCE = re.compile(
    r"(?P<host>[^/]+\.[^/]+|[^/]+:\d+|localhost)/(?P<name>[a-z0-9._/-]+)"
    r"(:(?P<tag>[\w][\w.-]{0,127}))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Credentials:
    """What a registry wants to know of who asks.

    Args:
        username: The name.
        password: The password, or a token; it is never shown.
    """

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Stored:
    """An image as a registry has it.

    Args:
        digest: ``sha256:`` and the digest of its manifest.
        media_type: The type of the manifest.
        manifest: The manifest.
        config: The image's configuration; None where the manifest is an index.
    """

    digest: str
    media_type: str
    manifest: Mapping[str, Any]
    config: Mapping[str, Any] | None

    @property
    def config_digest(self) -> str:
        """The digest of the configuration, which Docker's classic store calls the image's id."""
        return str((self.manifest.get("config") or {}).get("digest", ""))

    @property
    def size(self) -> int:
        """Bytes of its layers, compressed."""
        return sum(int(layer.get("size", 0)) for layer in self.manifest.get("layers", ()))


def manifest(
    uri: str,
    credentials: Credentials | None,
    *,
    insecure: bool = False,
    sleep: Callable[[float], object] = time.sleep,
) -> Stored:
    """Read an image's manifest and configuration, and check that they are what they claim to be.

    Args:
        uri: ``HOST/NAME:TAG`` or ``HOST/NAME@sha256:...``.
        credentials: Who asks; None asks as nobody.
        insecure: Whether the registry speaks plain HTTP.
        sleep: Waits between two attempts.

    Raises:
        ImageError: The registry cannot be reached, refuses, has no such image, or sends what has
            another digest.
    """
    import requests

    match = _REFERENCE.fullmatch(uri)
    if match is None or not (match["tag"] or match["digest"]):
        raise ImageError(
            f'"{uri}" is no image in a registry: HOST/NAME:TAG or HOST/NAME@sha256:...'
        )
    with requests.Session() as session:
        source = _Source(session, match["host"], match["name"], credentials, insecure, sleep)
        answer = source.get(f"manifests/{match['digest'] or match['tag']}", ", ".join(ACCEPTED))
        digest = _verified(uri, answer, match["digest"] or "")
        told = _json(uri, answer.content)
        stored = Stored(digest, str(answer.headers.get("Content-Type", "")), told, None)
        if not stored.config_digest:
            return stored
        blob = source.get(f"blobs/{stored.config_digest}", "*/*")
        _verified(uri, blob, stored.config_digest)
        return Stored(digest, stored.media_type, told, _json(uri, blob.content))


class _Source:
    """One repository of a registry."""

    def __init__(
        self,
        session: requests.Session,
        host: str,
        name: str,
        credentials: Credentials | None,
        insecure: bool,
        sleep: Callable[[float], object],
    ) -> None:
        self._session = session
        self._host = host
        self._base = f"{'http' if insecure else 'https'}://{host}/v2/{name}/"
        self._credentials = credentials
        self._insecure = insecure
        self._sleep = sleep
        self._bearer: str | None = None

    def get(self, path: str, accept: str) -> requests.Response:
        answer = self._send(path, accept)
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status_code == 401 and challenge.lower().startswith("bearer "):
            self._bearer = self._token(dict(_CHALLENGE.findall(challenge)))
            answer = self._send(path, accept)
        if answer.status_code != 200:
            raise self._refused(answer, path)
        if len(answer.content) > LARGEST:
            raise ImageError(f"{self._host} sent {len(answer.content)} bytes for {path}")
        return answer

    def _send(self, path: str, accept: str) -> requests.Response:
        return self._patiently(
            urljoin(self._base, path), auth=self._sign, headers={"Accept": accept}
        )

    def _sign(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # A function, since requests would else look for a password in ~/.netrc.
        import requests

        if self._bearer is not None:
            request.headers["Authorization"] = f"Bearer {self._bearer}"
        elif self._credentials is not None:
            known = self._credentials
            return requests.auth.HTTPBasicAuth(known.username, known.password)(request)
        return request

    def _token(self, challenge: Mapping[str, str]) -> str:
        """Return the token for a registry that leaves passwords to another server."""
        realm = challenge.get("realm", "")
        if urlsplit(realm).scheme != "https" and not self._insecure:
            raise ImageError(f'{self._host} wants the password sent to "{clean(realm)}", not HTTPS')
        self._bearer = None
        asked = {key: challenge[key] for key in ("service", "scope") if key in challenge}
        answer = self._patiently(realm, auth=self._sign, params=asked)
        if answer.status_code != 200:
            raise self._refused(answer, "a token")
        told = _json(realm, answer.content)
        return str(told.get("token") or told.get("access_token") or "")

    def _patiently(self, url: str, **how: Any) -> requests.Response:
        import requests

        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(2.0 ** (attempt - 1))
            try:
                answer = self._session.get(url, timeout=TIMEOUT, **how)
            except requests.RequestException as error:
                problem = f"{type(error).__name__}: {error}"
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
            problem = f"it answers {answer.status_code} {answer.reason}"
        raise ImageError(
            f"the registry {self._host} cannot be read: {clean(problem)}",
            "look at the network, then once more: odyssey docker push",
        )

    def _refused(self, answer: requests.Response, path: str) -> ImageError:
        if answer.status_code == 404:
            return ImageError(f"the registry {self._host} has no {path} in this repository")
        hint = LOG_IN if answer.status_code in (401, 403) else None
        said = clean(answer.text[:300]).strip()
        return ImageError(
            f"the registry {self._host} refuses to send {path}: {answer.status_code} {said}", hint
        )


def _verified(uri: str, answer: requests.Response, wanted: str) -> str:
    """Return the digest of what came, which must be what was asked for and what is claimed."""
    digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    claimed = answer.headers.get("Docker-Content-Digest", digest)
    for other in (wanted or digest, claimed):
        if other != digest:
            raise ImageError(f"{uri}: the registry sent {digest} and called it {clean(other)}")
    return digest


def _json(where: str, content: bytes) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError as error:
        raise ImageError(f"{where}: what the registry sent is no JSON: {error}") from error
    if not isinstance(told, dict):
        raise ImageError(f"{where}: what the registry sent is no manifest")
    return told
