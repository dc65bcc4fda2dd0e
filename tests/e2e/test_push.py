"""Pushing with a real engine to a real registry that wants a password."""

from __future__ import annotations

import io
import json
import os
import secrets
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odyssey.ecr import Destination
from odyssey.errors import ImageError, InterruptedByUserError
from odyssey.images import engine as engines
from odyssey.images import image as images
from odyssey.images import manifests, push, registry
from odyssey.images.image import Image
from tests.e2e.registry import PASSWORD, USER, Registry, require_registry
from tests.functional.conftest import until

AMD = "linux/amd64"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    require_registry()
    with Registry(tmp_path_factory.mktemp("registry")) as here:
        yield here


@pytest.fixture
def small(engine: Any) -> Iterator[Image]:
    """An image of one random layer, which no registry has yet."""
    yield from made(engine, 200_000)


def made(engine: Any, size: int) -> Iterator[Image]:
    name = f"odyssey-push-{secrets.token_hex(4)}:latest"
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo("weights")
        member.size = size
        tar.addfile(member, io.BytesIO(secrets.token_bytes(size)))
    engine.api.import_image_from_data(archive.getvalue(), repository=name.partition(":")[0])
    image = images.find(engine, name)
    yield image
    engine.api.remove_image(name, force=True)


def destination(store: Registry, name: str, password: str = PASSWORD) -> Destination:
    return Destination(f"{store.host}/{name}", USER, password, f"http://{store.host}")


def names_in(engine: Any, store: Registry) -> list[str]:
    tags = [tag for image in engine.api.images() for tag in image["RepoTags"] or ()]
    return [tag for tag in tags if tag.startswith(store.host)]


def send(engine: Any, image: Image, where: Destination, **how: Any) -> push.Pushed:
    asked = {"platform": AMD, "tested": True, "sleep": lambda seconds: None, **how}
    return push.push(engine, image, where, **asked)


def test_what_arrives_is_one_manifest_of_schema_2_with_the_image_s_id(
    engine: Any, store: Registry, small: Image
) -> None:
    # when
    pushed = send(engine, small, destination(store, "arrives"))
    # then
    assert pushed.uri == f"{store.host}/arrives@{pushed.digest}"
    assert (pushed.layers_pushed, pushed.layers_there) == (1, 0)
    known = registry.Credentials(USER, PASSWORD)
    stored = registry.manifest(f"{store.host}/arrives:{pushed.tag}", known, insecure=True)
    assert stored.digest == pushed.digest
    assert stored.config_digest == small.id
    assert stored.media_type == manifests.DOCKER
    assert stored.size == pushed.size > 200_000
    assert names_in(engine, store) == []
    assert images.find(engine, small.reference).id == small.id


def test_the_digest_is_what_an_engine_pulls(engine: Any, store: Registry, small: Image) -> None:
    pushed = send(engine, small, destination(store, "pulled"))
    engine.api.remove_image(small.reference)
    login = {"username": USER, "password": PASSWORD}
    engine.api.pull(pushed.uri, auth_config=login)
    assert images.find(engine, pushed.uri).id == small.id
    engine.api.tag(small.id, small.reference.partition(":")[0], "latest")
    engine.api.remove_image(pushed.uri)


def test_pushing_again_sends_nothing_and_gives_the_same(
    engine: Any, store: Registry, small: Image, capsys: pytest.CaptureFixture[str]
) -> None:
    first = send(engine, small, destination(store, "twice"))
    assert " pushed" in capsys.readouterr().err
    again = send(engine, small, destination(store, "twice"))
    assert again.uri == first.uri
    assert (again.layers_pushed, again.layers_there) == (0, 1)
    assert " there already" in capsys.readouterr().err


def test_a_real_base_arrives_whole(engine: Any, store: Registry, base_image: str) -> None:
    image = images.find(engine, base_image)
    pushed = send(engine, image, destination(store, "base"))
    assert pushed.layers_pushed >= 1
    assert pushed.size < image.size


def test_a_wrong_password_is_refused_and_shown_nowhere(
    engine: Any, store: Registry, small: Image, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ImageError, match="could not be pushed: unauthorized") as caught:
        send(engine, small, destination(store, "refused", "xyzzy"))
    assert caught.value.exit_code == 1
    assert "xyzzy" not in caught.value.message + "".join(capsys.readouterr())
    assert names_in(engine, store) == []
    assert not store.has("refused")


def test_a_registry_that_is_not_there_is_an_error_after_some_attempts(
    engine: Any, small: Image
) -> None:
    where = Destination("127.0.0.1:1/small", USER, PASSWORD, "http://127.0.0.1:1")
    with pytest.raises(ImageError, match=r"\(4 times\).*connection refused") as caught:
        send(engine, small, where)
    assert "pushing again" in str(caught.value.hint)


@pytest.mark.parametrize("there", [False, True], ids=["without", "with a broken helper"])
def test_the_user_s_docker_configuration_is_neither_needed_nor_written(
    store: Registry, small: Image, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / ".docker"))
    file = tmp_path / ".docker" / "config.json"
    bogus = {"credsStore": "no-such-helper", "auths": {store.host: {"auth": "bm86bm8="}}}
    if there:
        file.parent.mkdir()
        file.write_text(json.dumps(bogus))
    before = [(path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")]
    # when
    with engines.connect() as client:
        send(client, small, destination(store, "config"))
    # then
    assert [(path, path.stat().st_mtime_ns) for path in tmp_path.rglob("*")] == before
    assert file.exists() is there


def test_an_image_for_another_processor_is_refused_before_anything_is_sent(
    engine: Any, store: Registry, small: Image
) -> None:
    with pytest.raises(ImageError, match="it is for linux/amd64, and its instances are linux/arm"):
        send(engine, small, destination(store, "arm"), platform="linux/arm64")
    assert not store.has("arm")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_push_stops_and_pushing_again_finishes_it(
    engine: Any, store: Registry, number: signal.Signals
) -> None:
    # given
    name = f"interrupted-{number}"
    layers = made(engine, 30_000_000)
    image = next(layers)
    store.pause()
    timer = threading.Timer(1.5, os.kill, (os.getpid(), number))
    timer.start()
    # when
    with pytest.raises(InterruptedByUserError, match="the push was interrupted") as caught:
        send(engine, image, destination(store, name))
    # then
    assert "pushing again finishes it" in str(caught.value.hint)
    assert names_in(engine, store) == []
    store.go_on()
    time.sleep(2)
    assert not store.has(name)
    # and
    pushed = send(engine, image, destination(store, name))
    assert pushed.uri.startswith(f"{store.host}/{name}@sha256:")
    until(lambda: store.has(name))
    next(layers, None)
