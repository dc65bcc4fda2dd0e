"""The image on this machine, as far as the engine describes it, and what it is to be for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.checks.findings import Place
from odyssey.checks.naming import shown
from odyssey.errors import ImageError, MissingToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    import docker

    from odyssey.config import Config
    from odyssey.images.image import Image

    Connect = Callable[[], AbstractContextManager[docker.DockerClient]]

FILE = "Dockerfile"


@dataclass(frozen=True)
class LocalImage:
    """An image, and which services are to run it.

    Args:
        file: Where its faults are mended: the app's Dockerfile, else the image's name.
        image: What the engine says of it.
        platform: What it is to run on; None is any.
        on_sagemaker: Whether SageMaker runs it.
        on_lambda: Whether Lambda runs it.
        serverless: Whether SageMaker runs it behind a serverless endpoint.
    """

    file: str
    image: Image
    platform: str | None = None
    on_sagemaker: bool = True
    on_lambda: bool = False
    serverless: bool = False

    def place(self, path: tuple[str | int, ...]) -> Place:
        """Return where a fault of it is."""
        return Place(self.file, resource=self.image.reference, path=path)


def find(
    settings: Config | None, reference: str, connect: Connect | None = None
) -> LocalImage | str:
    """Return an image of the local engine, or why there is nothing to check, in words.

    Args:
        settings: The settings of the app whose image it is; None where it is of no app.
        reference: Its name.
        connect: Connects to an engine. Default: to the one that `odyssey.images` finds.
    """
    from odyssey.images import engine, image

    try:
        with (connect or engine.connect)() as client:
            found = image.find(client, reference)
    except MissingToolError as error:
        return f"the image is not checked: {error.message}"
    except ImageError as error:
        hint = f"; {error.hint} makes it" if error.hint else ""
        return f"the image is not checked: {error.message}{hint}"
    if settings is None:
        return LocalImage(reference, found)
    own = settings.folder / FILE
    return LocalImage(
        shown(own) if own.is_file() else reference,
        found,
        _platform(settings),
        settings.app.on_sagemaker,
        settings.app.on_lambda,
        settings.app.on_sagemaker and settings.endpoint.kind == "serverless",
    )


def _platform(settings: Config) -> str | None:
    from odyssey.images import build

    try:
        return build.platform(settings)
    except UsageError:
        return None  # Two are wanted, which is a fault of the settings.
