"""Pushing with an engine that says what a test wants, to a registry that has what it wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from docker.errors import APIError

from odyssey.ecr import Destination
from odyssey.errors import ImageError, InterruptedByUserError
from odyssey.images import manifests, push
from odyssey.images.image import Image
from tests.functional.test_registry import CONFIG, MANIFEST, World, digest_of, world

__all__ = ["world"]

AMD = "linux/amd64"
ID = digest_of(CONFIG)
DIGEST = digest_of(MANIFEST)
TAG = f"sha-{ID[7:19]}"
DONE = [
    {"status": "The push refers to repository [x]"},
    {"status": "Preparing", "progressDetail": {}, "id": "a1"},
    {"status": "Pushing", "progressDetail": {"current": 512, "total": 2048}, "id": "a1"},
    {"status": "Pushed", "progressDetail": {}, "id": "a1"},
    {"status": "Layer already exists", "progressDetail": {}, "id": "b2"},
    {"status": "Mounted from base", "progressDetail": {}, "id": "c3"},
    {"progressDetail": {}, "aux": {"Tag": TAG, "Digest": DIGEST, "Size": 1}},
]


def error(message: str) -> list[dict[str, Any]]:
    return [{"errorDetail": {"message": message}, "error": message}]


class Api:
    """The engine's API, as far as a push uses it; each push takes the next of `streams`."""

    def __init__(self, *streams: list[Any]) -> None:
        self.streams = list(streams) or [DONE]
        self.names = ["small:latest"]
        self.pushes: list[tuple[str, str, dict[str, str]]] = []
        self.closed = 0

    def inspect_image(self, name: str) -> dict[str, Any]:
        return {"RepoTags": list(self.names)}

    def tag(self, name: str, repository: str, tag: str) -> None:
        self.names = sorted({*self.names, f"{repository}:{tag}"})

    def remove_image(self, name: str, *, noprune: bool) -> None:
        assert noprune
        self.names.remove(name)

    def push(self, repository: str, tag: str, **how: Any) -> Iterator[Any]:
        assert f"{repository}:{tag}" in self.names
        assert (how["stream"], how["decode"]) == (True, True)
        self.pushes.append((repository, tag, how["auth_config"]))
        return self._events(self.streams.pop(0))

    def _events(self, stream: list[Any]) -> Iterator[Any]:
        try:
            for event in stream:
                if isinstance(event, BaseException):
                    raise event
                yield event
        finally:
            self.closed += 1


class Engine:
    def __init__(self, *streams: list[Any]) -> None:
        self.api = Api(*streams)


IMAGE = Image(id=ID, reference="small:latest", platform=AMD)


def send(world: World, engine: Any, image: Image = IMAGE, **how: Any) -> push.Pushed:
    where = Destination(f"{world.address}/small", "AWS", "sesame", f"http://{world.address}")
    world.bodies[f"/v2/small/manifests/{TAG}"] = world.bodies["/v2/small/manifests/1"]
    asked = {"platform": AMD, "tested": True, "sleep": pauses.append, **how}
    pauses.clear()
    return push.push(engine, image, where, **asked)


pauses: list[float] = []


def test_a_push_gives_the_digest_and_leaves_no_name_behind(world: World) -> None:
    engine = Engine()
    pushed = send(world, engine)
    assert pushed.uri == f"{world.address}/small@{DIGEST}"
    assert (pushed.tag, pushed.size) == (TAG, 42)
    assert (pushed.layers_pushed, pushed.layers_there) == (1, 2)
    assert engine.api.names == ["small:latest"]
    assert engine.api.pushes == [
        (f"{world.address}/small", TAG, {"username": "AWS", "password": "sesame"})
    ]


def test_the_result_is_a_document_and_a_line(world: World) -> None:
    pushed = send(world, Engine())
    document = json.loads(json.dumps(pushed.document()))
    assert document.pop("seconds") >= 0
    assert document == {
        "image": pushed.uri,
        "digest": DIGEST,
        "tag": TAG,
        "bytes": 42,
        "layers": {"pushed": 1, "there_already": 2},
    }
    assert f"Pushed {pushed.uri} in 0 s: 42 B compressed, 1 layers sent" in pushed.summary()


def test_each_layer_that_is_done_gets_a_line(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    send(world, Engine())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "  a1 pushed, 2.0 kB",
        "  b2 there already",
        "  c3 there already",
    ]


def test_an_image_that_was_not_tested_is_pushed_with_a_warning(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    send(world, Engine(), tested=False)
    assert "has not passed the container contract test: odyssey docker test" in (
        capsys.readouterr().err
    )


def test_a_bad_image_is_refused_with_all_reasons_and_nothing_is_pushed(world: World) -> None:
    engine = Engine()
    bad = Image(ID, "small", "linux/arm64", ("/bin/sh", "-c", "x"), size=manifests.LIMIT + 1)
    with pytest.raises(ImageError, match="it is not pushed") as caught:
        send(world, engine, bad)
    assert len(caught.value.message.splitlines()) == 4
    assert engine.api.pushes == []


def test_a_bad_manifest_that_arrived_is_an_error(world: World) -> None:
    document = {**json.loads(MANIFEST), "mediaType": manifests.OCI}
    body = json.dumps(document).encode()
    world.bodies[f"/v2/small/manifests/{digest_of(body)}"] = body
    engine = Engine([{"aux": {"Digest": digest_of(body)}}])
    with pytest.raises(ImageError, match="OCI") as caught:
        send(world, engine)
    assert "as it arrived at" in caught.value.message
    assert engine.api.names == ["small:latest"]


def test_another_image_that_arrived_is_an_error(world: World) -> None:
    with pytest.raises(ImageError, match="is not the image that was pushed"):
        send(world, Engine(), Image("sha256:" + "0" * 64, "small", AMD))


def test_an_image_of_the_containerd_store_is_known_by_its_manifest(world: World) -> None:
    there = Image(DIGEST, "small", AMD, media_type=manifests.DOCKER)
    world.bodies[f"/v2/small/manifests/{push.tag_of(there)}"] = MANIFEST
    assert send(world, Engine(), there).digest == DIGEST


@pytest.mark.parametrize(
    "message",
    [
        "read tcp 1.2.3.4:443: connection reset by peer",
        "unexpected EOF",
        "received unexpected HTTP status: 503 Service Unavailable",
        "net/http: TLS handshake timeout",
        "toomanyrequests: Rate exceeded",
    ],
)
def test_a_failure_that_passes_is_tried_again(
    world: World, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = Engine(error(message), error(message), DONE)
    assert send(world, engine).digest == DIGEST
    assert pauses == [2.0, 4.0]
    assert f"{message}: once more in 2 s" in capsys.readouterr().err


def test_a_failure_that_stays_is_an_error_after_some_attempts(world: World) -> None:
    engine = Engine(*[error("connection reset by peer")] * 9)
    with pytest.raises(ImageError, match=r"\(4 times\): connection reset") as caught:
        send(world, engine)
    assert "pushing again finishes it" in str(caught.value.hint)
    assert len(engine.api.pushes) == push.ATTEMPTS
    assert engine.api.names == ["small:latest"]


@pytest.mark.parametrize(
    ("message", "advice"),
    [
        ("denied: User: u is not authorized to perform: ecr:PutImage", ", PutImage"),
        ("unauthorized: authentication required", ", PutImage"),
        ("denied: Your authorization token has expired. Reauthenticate", "12 hours"),
        ("no basic auth credentials", "--region"),
        ("name unknown: The repository with name 'x' does not exist in the registry", "deleted"),
        ("LimitExceededException", "expire old images"),
    ],
)
def test_a_refusal_is_not_tried_again_and_comes_with_what_to_do(
    world: World, message: str, advice: str
) -> None:
    engine = Engine(error(message))
    with pytest.raises(ImageError) as caught:
        send(world, engine)
    assert caught.value.message == f"the image could not be pushed: {message}"
    assert advice in str(caught.value.hint)
    assert pauses == []
    assert engine.api.names == ["small:latest"]


def test_a_refusal_with_control_characters_is_shown_clean(world: World) -> None:
    with pytest.raises(ImageError) as caught:
        send(world, Engine(error("denied \x1b[2J")))
    assert "\x1b" not in caught.value.message


TAKEN = "tag invalid: The image tag 'x' already exists in the 'small' repository and cannot be "


def test_a_tag_that_the_same_image_has_already_is_fine(world: World) -> None:
    assert send(world, Engine(error(TAKEN + "overwritten"))).digest == DIGEST


def test_a_tag_that_another_image_has_is_an_error(world: World) -> None:
    other = Image("sha256:" + "0" * 64, "small", AMD)
    world.bodies[f"/v2/small/manifests/{push.tag_of(other)}"] = MANIFEST
    with pytest.raises(ImageError, match="is taken by another image") as caught:
        send(world, Engine(error(TAKEN + "overwritten")), other)
    assert DIGEST in caught.value.message


def test_ctrl_c_closes_the_connection_and_says_how_to_finish(world: World) -> None:
    engine = Engine([*DONE[:3], KeyboardInterrupt()])
    with pytest.raises(InterruptedByUserError, match="interrupted") as caught:
        send(world, engine)
    assert caught.value.exit_code == 130
    assert "pushing again finishes it: odyssey docker push" in str(caught.value.hint)
    assert engine.api.closed == 1
    assert engine.api.names == ["small:latest"]


def test_an_engine_that_fails_is_an_error(world: World) -> None:
    engine = Engine([APIError("server error", explanation="no space left on device")])
    with pytest.raises(ImageError, match="no space left on device"):
        send(world, engine)
    assert engine.api.names == ["small:latest"]


def test_a_name_that_was_there_before_stays(world: World) -> None:
    engine = Engine()
    engine.api.names.append(f"{world.address}/small:{TAG}")
    send(world, engine)
    assert f"{world.address}/small:{TAG}" in engine.api.names


def test_an_image_without_any_other_name_keeps_this_one(world: World) -> None:
    engine = Engine()
    engine.api.names = []
    send(world, engine)
    assert engine.api.names == [f"{world.address}/small:{TAG}"]
