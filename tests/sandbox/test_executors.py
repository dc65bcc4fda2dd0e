"""Which executor runs the jobs, and what is said where there is none."""

from pathlib import Path

import docker
import pytest

from odyssey.errors import MissingToolError, UsageError
from odyssey.images.image import Image
from odyssey.sandbox.executors.choice import choose
from odyssey.sandbox.executors.docker import DockerExecutor


class NoImages:
    """Has none."""

    def pull(self, engine: docker.DockerClient, image: str, region: str, role: str | None) -> Image:
        raise NotImplementedError


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "small"\n')
    return tmp_path


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")


def test_processes_need_an_app() -> None:
    with pytest.raises(UsageError, match="there is no app here") as caught:
        choose("process", None, NoImages())
    assert "--app DIR" in (caught.value.hint or "")


def test_processes_of_an_app_need_no_docker(app: Path, no_engine: None) -> None:
    assert choose("process", app, NoImages()).name == "process"


@pytest.mark.parametrize("kind", ["auto", "docker"])
def test_docker_is_taken_where_it_answers(
    kind: str, app: Path, engine: docker.DockerClient
) -> None:
    executor = choose(kind, app, NoImages())
    assert isinstance(executor, DockerExecutor)
    executor.engine.close()


def test_the_app_is_taken_where_no_engine_answers(app: Path, no_engine: None) -> None:
    assert choose("auto", app, NoImages()).name == "process"


@pytest.mark.parametrize(
    ("kind", "has_app"), [("docker", True), ("docker", False), ("auto", False)]
)
def test_without_an_engine_it_is_said_how_to_do_without(
    kind: str, has_app: bool, app: Path, no_engine: None
) -> None:
    with pytest.raises(MissingToolError, match="no Docker engine answers") as caught:
        choose(kind, app if has_app else None, NoImages())
    assert "--executor process" in (caught.value.hint or "")
