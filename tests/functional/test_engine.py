"""Finding an engine, and what is done with one that says what a test wants."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import docker
import pytest
from docker.credentials import StoreError
from docker.errors import APIError

from odyssey import config
from odyssey.errors import ImageError, TrainingError
from odyssey.host import MOST_SHOWN, Trained
from odyssey.images import build, layout, orphans
from odyssey.images.containers import Container, Recipe
from odyssey.images.engine import require_near
from odyssey.images.fittings import volume
from odyssey.images.image import Image
from tests.functional.conftest import SmallApp

IMAGE = Image("sha256:1", "small", "linux/amd64")


class Api:
    """The engine's API, as far as these tests use it."""

    def __init__(self, *events: Any) -> None:
        self.events = events
        self.gone = False
        self.there: list[dict[str, Any]] = []
        self.base_url = "http+docker://localhost"
        self.interrupted_by = ""
        self.removed: list[str] = []
        self.packed: list[str] = []
        self.temporary: list[str] = []

    def containers(self, **_: Any) -> list[Any]:
        return self.there

    def volumes(self, **_: Any) -> dict[str, Any]:
        return {"Volumes": None}

    def networks(self, **_: Any) -> list[Any]:
        return []

    def create_host_config(self, **_: Any) -> dict[str, Any]:
        return {}

    def create_container(self, *_: Any, **__: Any) -> dict[str, Any]:
        self.interrupt("container")
        return {"Id": "c1"}

    def create_volume(self, **_: Any) -> dict[str, Any]:
        self.interrupt("volume")
        return {"Name": "v1"}

    def interrupt(self, what: str) -> None:
        if what == self.interrupted_by:
            signal.raise_signal(signal.SIGINT)

    def remove_container(self, name: str, **_: Any) -> None:
        if self.gone:
            raise APIError("cut off")
        self.removed.append(name)

    remove_volume = remove_container

    def build(self, *, fileobj: IO[bytes], **_: Any) -> Iterator[Any]:
        with tarfile.open(fileobj=fileobj) as context:
            self.packed = context.getnames()
        self.temporary = os.listdir(tempfile.gettempdir())
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event

    def inspect_image(self, name: str) -> dict[str, Any]:
        return {"Id": name, "Os": "linux", "Architecture": "amd64"}


class Engine:
    """An engine with that API."""

    def __init__(self, *events: Any) -> None:
        self.api = Api(*events)


def engine(*events: Any) -> tuple[docker.DockerClient, Api]:
    made = Engine(*events)
    return cast("docker.DockerClient", made), made.api


@pytest.fixture
def settings(tmp_path: Path) -> config.Config:
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "small"\n')
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    return config.load(tmp_path)


class TestContext:
    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"):
            monkeypatch.delenv(name, raising=False)
        (tmp_path / ".docker").mkdir()
        return tmp_path

    def test_one_that_is_not_there_is_named(self, small_app: SmallApp) -> None:
        done = small_app.run("docker", "build", DOCKER_CONTEXT="nowhere")
        assert done.code == 7
        assert '"nowhere" of DOCKER_CONTEXT' in done.err
        assert "docker context ls" in done.err

    def test_one_that_was_chosen_and_is_gone_is_an_error(
        self, home: Path, small_app: SmallApp
    ) -> None:
        (home / ".docker/config.json").write_text('{"currentContext": "gone"}')
        done = small_app.run("docker", "build")
        assert done.code == 7
        assert "the Docker context that is chosen is not there" in done.err

    def test_that_of_the_variable_is_used(self, home: Path, small_app: SmallApp) -> None:
        (home / ".docker/config.json").write_text("{}")
        meta = home / ".docker/contexts/meta" / hashlib.sha256(b"dead").hexdigest() / "meta.json"
        meta.parent.mkdir(parents=True)
        where = {"docker": {"Host": "unix:///nowhere/at-all.sock", "SkipTLSVerify": False}}
        meta.write_text(json.dumps({"Name": "dead", "Metadata": {}, "Endpoints": where}))
        done = small_app.run("docker", "build", DOCKER_CONTEXT="dead")
        assert done.code == 7
        assert "no Docker engine answers: No such file or directory\n" in done.err


class TestOrphans:
    @pytest.mark.parametrize(("owner", "goes"), [("killed", True), ("running", False)])
    def test_what_a_killed_odyssey_left_goes_although_nobody_has_looked_at_its_end(
        self, owner: str, goes: bool
    ) -> None:
        client, api = engine()
        with subprocess.Popen(["sleep", "60"]) as process:
            if owner == "killed":
                process.kill()
                # It has ended when this returns, and is not yet collected by its parent, us.
                os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            label = {orphans.LABEL: f"{socket.gethostname()}:{process.pid}"}
            api.there = [{"Id": "left", "Labels": label}]
            orphans.sweep(client)
            process.kill()
        assert api.removed == (["left"] if goes else [])

    def test_those_of_another_machine_are_not_ours(self) -> None:
        client, api = engine()
        api.there = [{"Id": "theirs", "Labels": {orphans.LABEL: "elsewhere:1"}}]
        orphans.sweep(client)
        assert api.removed == []


class TestPlace:
    @pytest.mark.parametrize(
        "address", ["http+docker://localhost", "http://127.0.0.1:2375", "http://localhost:2375"]
    )
    def test_an_engine_here_has_the_ports_of_this_machine(self, address: str) -> None:
        client, api = engine()
        api.base_url = address
        require_near(client)

    @pytest.mark.parametrize("address", ["http+docker://ssh", "https://build.example.com:2376"])
    def test_an_engine_elsewhere_cannot_serve_here(self, address: str) -> None:
        client, api = engine()
        api.base_url = address
        with pytest.raises(ImageError, match="on another machine") as caught:
            require_near(client)
        assert "DOCKER_HOST" in (caught.value.hint or "")


class TestRemoval:
    def test_of_what_went_with_its_engine_does_not_hide_the_reason(self) -> None:
        client, api = engine()

        def train() -> None:
            with volume(client), Container(client, IMAGE, Recipe(["train"])):
                api.gone = True
                raise TrainingError("the reason")

        with pytest.raises(TrainingError, match="the reason"):
            train()

    @pytest.mark.parametrize(("what", "removed"), [("volume", ["v1"]), ("container", ["c1", "v1"])])
    def test_is_of_what_was_just_being_made_at_ctrl_c_too(
        self, what: str, removed: list[str]
    ) -> None:
        client, api = engine()
        api.interrupted_by = what
        container = Container(client, IMAGE, Recipe(["train"]))
        with pytest.raises(KeyboardInterrupt), volume(client), container:
            pytest.fail("it went on")
        assert api.removed == removed

    def test_that_fails_is_told_where_nothing_else_went_wrong(self) -> None:
        client, api = engine()
        api.gone = True
        with pytest.raises(ImageError, match="the volume cannot be removed"), volume(client):
            pass
        container = Container(client, IMAGE, Recipe(["train"]))
        with pytest.raises(ImageError, match="the container cannot be removed"), container:
            pass


class TestBuild:
    def test_the_bars_of_what_is_fetched_fill_no_log(
        self, settings: config.Config, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bars = [
            {"id": "l1", "status": "Downloading", "progressDetail": {"current": at}}
            for at in range(100)
        ]
        client, _ = engine(*bars, {"id": "l1", "status": "Pull complete"}, {"aux": {"ID": "i1"}})
        build.build(client, settings, "small")
        err = capsys.readouterr().err
        assert "Pull complete" in err
        assert "Downloading" not in err

    def test_the_engine_is_given_what_is_not_ignored_and_no_kill_can_leave_it(
        self, settings: config.Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # given
        (tmp_path / ".dockerignore").write_text("# a comment\n\nmodel\n")
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "weights").write_text("large")
        empty = tmp_path / "empty"
        empty.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(empty))
        client, api = engine({"aux": {"ID": "i1"}})
        # when
        build.build(client, settings, "small")
        # then: the archive has no name while the engine reads it
        assert api.packed == [".dockerignore", "Dockerfile", "empty", "odyssey.toml"]
        assert api.temporary == []

    def test_passwords_that_cannot_be_read_are_an_error_with_what_to_do(
        self, settings: config.Config
    ) -> None:
        client, _ = engine(StoreError("docker-credential-x not installed"))
        with pytest.raises(ImageError, match="docker-credential-x not installed") as caught:
            build.build(client, settings, "small")
        assert "credsStore" in str(caught.value.hint)


def test_a_link_back_into_its_own_folder_is_not_followed(
    settings: config.Config, tmp_path: Path
) -> None:
    home = tmp_path / "model"
    (home / "deep").mkdir(parents=True)
    (home / "deep" / "weights").touch()
    (home / "deep" / "loop").symlink_to("..")
    (home / "linked").symlink_to("deep")
    assert [name for name, _ in layout.model(settings)] == ["deep/weights", "linked/weights"]


def test_a_model_of_many_files_is_told_in_few_lines() -> None:
    files = {f"f{number:05}": 10 for number in range(10_000)}
    lines = Trained(Path("model"), files, 1.0).summary().splitlines()
    assert len(lines) == MOST_SHOWN + 2
    assert lines[-1] == "  ... 10,000 files, 100.0 kB in all"
