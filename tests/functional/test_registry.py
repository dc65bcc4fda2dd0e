"""Reading an image back from registries that behave, and from some that do not."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from odyssey.errors import ImageError
from odyssey.images import manifests, registry

KNOWN = registry.Credentials("AWS", "sesame")
BASIC = "Basic " + base64.b64encode(b"AWS:sesame").decode()


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


GZIP = next(iter(manifests.GZIPPED))
CONFIG = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
MANIFEST = json.dumps(
    {
        "mediaType": manifests.DOCKER,
        "config": {"digest": digest_of(CONFIG)},
        "layers": [{"size": 30, "mediaType": GZIP}, {"size": 12, "mediaType": GZIP}],
    }
).encode()


@dataclass
class World:
    """A registry: what it answers by path, and what it was asked."""

    address: str = ""
    bodies: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    busy: list[int] = field(default_factory=list)
    bearer: str = ""
    """A token that is wanted, from this registry's own /token."""
    realm: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def answer(self, path: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        self.asked.append((path, authorization))
        if self.busy:
            return self.busy.pop(0), {}, b"busy"
        if path.startswith("/token"):
            good = authorization == BASIC
            return (200 if good else 401), {}, json.dumps({"token": self.bearer}).encode()
        if self.bearer and authorization != f"Bearer {self.bearer}":
            realm = self.realm or f"http://{self.address}/token"
            scope = 'service="registry",scope="repository:small:pull"'
            return 401, {"WWW-Authenticate": f'Bearer realm="{realm}",{scope}'}, b""
        if not self.bearer and authorization != BASIC:
            return 401, {"WWW-Authenticate": 'Basic realm="x"'}, b"who \x1b[31mare you"
        if path not in self.bodies:
            return 404, {}, b"{}"
        return 200, self.headers, self.bodies[path]

    def read(self, uri: str = "small:1", known: registry.Credentials | None = KNOWN) -> Any:
        return registry.manifest(
            f"{self.address}/{uri}", known, insecure=True, sleep=lambda seconds: None
        )


@pytest.fixture
def world() -> Iterator[World]:
    here = World()

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told = self.headers.get("Authorization", "")
            status, headers, body = here.answer(self.path, told)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    here.address = f"127.0.0.1:{server.server_port}"
    here.bodies = {
        "/v2/small/manifests/1": MANIFEST,
        f"/v2/small/manifests/{digest_of(MANIFEST)}": MANIFEST,
        f"/v2/small/blobs/{digest_of(CONFIG)}": CONFIG,
    }
    here.headers = {"Content-Type": manifests.DOCKER}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield here
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_image_is_read_by_tag_and_by_digest(world: World) -> None:
    stored = world.read()
    assert stored.digest == digest_of(MANIFEST)
    assert stored.media_type == manifests.DOCKER
    assert stored.config_digest == digest_of(CONFIG)
    assert stored.config == {"os": "linux", "architecture": "amd64"}
    assert stored.size == 42
    assert world.read(f"small@{digest_of(MANIFEST)}") == stored


def test_an_index_has_no_configuration(world: World) -> None:
    world.bodies["/v2/small/manifests/1"] = b'{"manifests": []}'
    assert world.read().config is None


def test_a_registry_that_wants_a_token_gets_the_password_at_its_realm_alone(world: World) -> None:
    world.bearer = "t0ken"
    assert world.read().digest == digest_of(MANIFEST)
    assert [(path.partition("?")[0], who) for path, who in world.asked] == [
        ("/v2/small/manifests/1", BASIC),
        ("/token", BASIC),
        ("/v2/small/manifests/1", "Bearer t0ken"),
        (f"/v2/small/blobs/{digest_of(CONFIG)}", "Bearer t0ken"),
    ]
    assert "service=registry&scope=repository%3Asmall%3Apull" in world.asked[1][0]


def test_a_token_that_is_refused_is_an_error(world: World) -> None:
    world.bearer = "t0ken"
    with pytest.raises(ImageError, match="refuses to send a token: 401"):
        world.read(known=registry.Credentials("AWS", "wrong"))


def test_a_refusal_says_who_and_shows_no_password(world: World) -> None:
    with pytest.raises(ImageError, match="refuses to send manifests/1: 401") as caught:
        world.read(known=registry.Credentials("AWS", "wrong"))
    assert "\x1b" not in caught.value.message
    assert "wrong" not in caught.value.message
    assert "--profile" in str(caught.value.hint)
    with pytest.raises(ImageError, match="401"):
        world.read(known=None)


def test_an_image_that_is_not_there_is_an_error(world: World) -> None:
    with pytest.raises(ImageError, match="has no manifests/2"):
        world.read("small:2")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_registry_is_asked_again(world: World, status: int) -> None:
    world.busy = [status] * 3
    assert world.read().digest == digest_of(MANIFEST)


def test_a_registry_that_stays_busy_is_an_error_with_what_it_answered(world: World) -> None:
    world.busy = [503] * 9
    with pytest.raises(ImageError, match="cannot be read: it answers 503"):
        world.read()
    assert len(world.asked) == registry.ATTEMPTS


def test_a_registry_that_nobody_answers_at_is_an_error() -> None:
    with pytest.raises(ImageError, match="cannot be read: ConnectionError") as caught:
        registry.manifest("127.0.0.1:1/small:1", KNOWN, insecure=True, sleep=lambda seconds: None)
    assert "sesame" not in caught.value.message


def test_what_is_not_what_was_asked_for_is_an_error(world: World) -> None:
    world.bodies[f"/v2/small/manifests/{digest_of(MANIFEST)}"] = b"{}"
    with pytest.raises(ImageError, match=f"sent {digest_of(b'{}')} and called it"):
        world.read(f"small@{digest_of(MANIFEST)}")


def test_a_configuration_of_another_digest_is_an_error(world: World) -> None:
    world.bodies[f"/v2/small/blobs/{digest_of(CONFIG)}"] = b"{}"
    with pytest.raises(ImageError, match=f"called it {digest_of(CONFIG)}"):
        world.read()


def test_a_digest_that_is_claimed_wrongly_is_an_error(world: World) -> None:
    world.headers["Docker-Content-Digest"] = "sha256:0"
    with pytest.raises(ImageError, match="called it sha256:0"):
        world.read()


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_what_is_no_manifest_is_an_error(world: World, body: bytes) -> None:
    world.bodies["/v2/small/manifests/1"] = body
    with pytest.raises(ImageError, match="is no"):
        world.read()


def test_too_much_is_an_error(world: World) -> None:
    world.bodies["/v2/small/manifests/1"] = b" " * (registry.LARGEST + 1)
    with pytest.raises(ImageError, match="sent 8000001 bytes"):
        world.read()


@pytest.mark.parametrize("uri", ["small:1", "host.x/small", "host.x/small:", "host.x/a b:1"])
def test_a_name_without_registry_or_tag_is_an_error(uri: str) -> None:
    with pytest.raises(ImageError, match="is no image in a registry"):
        registry.manifest(uri, KNOWN)


def test_a_password_is_never_sent_to_a_realm_without_encryption(world: World) -> None:
    # The registry itself would be asked by HTTPS, which this one does not speak.
    source = registry._Source(None, "host.x", "small", KNOWN, False, print)  # type: ignore[arg-type]
    with pytest.raises(ImageError, match="not HTTPS"):
        source._token({"realm": "http://elsewhere/token"})
