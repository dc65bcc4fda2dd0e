"""``odyssey docker test`` of an app for Lambda: its image through Lambda's container contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import artifacts, client
from odyssey.functions import containers, contract
from odyssey.images import layout, samples
from odyssey.images.build import platform
from odyssey.interruption import as_ctrl_c

if TYPE_CHECKING:
    import docker

    from odyssey.config import Config
    from odyssey.images.containers import Container
    from odyssey.images.image import Image
    from odyssey.images.report import Report

LOOK = """
import os, sys
def closed(path):
    return not os.access(path, os.R_OK | (os.X_OK if os.path.isdir(path) else 0))
for top in {os.getcwd(), sys.prefix}:
    for place, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = os.path.join(place, name)
            if os.path.lexists(path) and not os.path.islink(path) and closed(path):
                print(path)
"""
"""Prints what the one who runs it cannot read."""


class Contained:
    """A container that runs a function, as the contract test sees it.

    Args:
        container: The container, which runs.
    """

    def __init__(self, container: Container) -> None:
        """Ask the engine where the emulator is reached."""
        self._container = container
        self.address = (client.HOST, container.port(layout.PORT))

    def alive(self) -> bool:
        """Return whether it runs."""
        return self._container.exit_code() is None

    def log(self, tail: int = 20) -> str:
        """Return the last lines that it printed."""
        return self._container.log(tail)

    def unreadable(self) -> list[str]:
        """Return the files of the app and of its Python that its user cannot read."""
        return self._container.read(["python", "-I", "-c", LOOK]).splitlines()


@as_ctrl_c()
def test(engine: docker.DockerClient, settings: Config, image: Image) -> Report:
    """Test whether the image serves as Lambda wants it, and remember it when it does.

    Args:
        engine: The Docker engine.
        settings: The app's settings; the folder ``docker.samples`` has requests that it answers.
        image: The image.

    Raises:
        ServingError: There is no model to serve.
        ImageError: The engine refuses.
    """
    found = samples.load(settings.folder / settings.docker.samples)
    limits = contract.Limits(
        timeout=settings.function.timeout,
        memory_mb=settings.docker.memory_mb or settings.function.memory_mb,
    )
    with containers.serving(engine, settings, image) as container:
        container.start()
        report = contract.check(
            Contained(container), found, limits, image=image, platform=platform(settings)
        )
    if report.passed:
        artifacts.record_tested(settings.folder, image.id, "lambda")
    return report
