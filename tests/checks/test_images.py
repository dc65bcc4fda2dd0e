"""Rules of the local image, over what an engine would say of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from odyssey import config
from odyssey.checks import local_image, running
from odyssey.checks.findings import Severity
from odyssey.checks.local_image import LocalImage
from odyssey.checks.subjects import Subjects
from odyssey.errors import MissingToolError
from odyssey.images.image import Image
from odyssey.images.manifests import DOCKER, LIMIT, OCI, OCI_INDEX

GOOD = LocalImage(
    "Dockerfile",
    Image("sha256:" + "a" * 64, "iris", "linux/amd64", ("python", "rocket"), media_type=DOCKER),
    platform="linux/amd64",
)


def found(image: LocalImage) -> list[tuple[str, Severity]]:
    return [(each.rule, each.severity) for each in running.findings(Subjects(image=image))]


def test_an_image_that_fits_is_fine() -> None:
    assert found(GOOD) == []


BAD: list[tuple[dict[str, Any], dict[str, Any], str, Severity]] = [
    ({"platform": "linux/arm64"}, {}, "IMG101", Severity.ERROR),
    ({"entrypoint": ("/bin/sh", "-c", "python serve.py")}, {}, "IMG102", Severity.ERROR),
    ({"user": "app"}, {}, "IMG103", Severity.WARNING),
    ({"user": "1000:1000"}, {}, "IMG103", Severity.WARNING),
    ({"size": LIMIT + 1}, {"serverless": True}, "IMG104", Severity.ERROR),
    ({"size": LIMIT + 1}, {"on_lambda": True}, "IMG104", Severity.ERROR),
    ({"media_type": OCI_INDEX}, {}, "IMG105", Severity.WARNING),
    ({"media_type": OCI_INDEX}, {"on_lambda": True}, "IMG105", Severity.ERROR),
    ({"media_type": OCI}, {}, "IMG105", Severity.WARNING),
    ({"entrypoint": ("/usr/bin/tini", "--")}, {}, "IMG106", Severity.WARNING),
]


@pytest.mark.parametrize(("image", "about", "rule", "severity"), BAD)
def test_an_image_with_a_fault(
    image: dict[str, Any], about: dict[str, Any], rule: str, severity: Severity
) -> None:
    assert found(replace(GOOD, image=replace(GOOD.image, **image), **about)) == [(rule, severity)]


FINE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"platform": "linux/arm64"}, {"platform": None}),
    ({"user": "root"}, {}),
    ({"user": "0:0"}, {}),
    ({"user": "app"}, {"on_sagemaker": False, "on_lambda": True}),
    ({"media_type": OCI}, {"on_sagemaker": False, "on_lambda": True}),
    ({"media_type": None}, {}),
    ({"size": LIMIT + 1}, {}),
    ({"size": LIMIT}, {"on_lambda": True}),
    ({"entrypoint": ("tini", "--", "python")}, {}),
]


@pytest.mark.parametrize(("image", "about"), FINE)
def test_what_its_service_does_not_mind_is_no_fault(
    image: dict[str, Any], about: dict[str, Any]
) -> None:
    assert found(replace(GOOD, image=replace(GOOD.image, **image), **about)) == []


class Engine:
    """As much of docker-py as is asked for."""

    def __init__(self, *names: str) -> None:
        self.api = SimpleNamespace(inspect_image=self.inspect)
        self.names = names

    def inspect(self, name: str) -> dict[str, Any]:
        if name not in self.names:
            raise ImageNotFound("no such image")
        return {"Id": "sha256:" + "b" * 64, "Os": "linux", "Architecture": "arm64"}

    @contextmanager
    def connect(self) -> Iterator[Any]:
        yield self


@pytest.fixture
def settings(tmp_path: Path) -> config.Config:
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "iris"\n')
    return config.load(tmp_path, environ={})


def test_the_platform_is_that_of_the_settings_and_the_place_is_the_dockerfile(
    settings: config.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(settings.folder)
    (settings.folder / "Dockerfile").touch()

    image = local_image.find(settings, "iris", Engine("iris").connect)

    assert isinstance(image, LocalImage)
    (finding,) = running.findings(Subjects(image=image))
    assert (finding.rule, finding.limit) == ("IMG101", "linux/amd64")
    assert (finding.place.file, finding.place.resource) == ("Dockerfile", "iris")


def test_an_image_that_is_not_there_is_told_and_is_no_fault(settings: config.Config) -> None:
    told = local_image.find(settings, "iris", Engine().connect)

    assert isinstance(told, str)
    assert 'no image "iris"' in told


def test_without_an_engine_that_is_told(settings: config.Config) -> None:
    @contextmanager
    def nowhere() -> Iterator[Any]:
        raise MissingToolError("no Docker engine answers")
        yield

    told = local_image.find(settings, "iris", nowhere)

    assert told == "the image is not checked: no Docker engine answers"
