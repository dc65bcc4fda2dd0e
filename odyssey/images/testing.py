"""``odyssey docker test``: the app's image through the container contract test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import artifacts
from odyssey.images import contract, run, samples
from odyssey.images.build import platform
from odyssey.images.served import Served
from odyssey.interruption import as_ctrl_c
from odyssey.limits import LARGEST, largest

if TYPE_CHECKING:
    import docker

    from odyssey.config import Config
    from odyssey.images.image import Image
    from odyssey.images.report import Report


@as_ctrl_c()
def test(engine: docker.DockerClient, settings: Config, image: Image) -> Report:
    """Test whether the image serves as SageMaker wants it, and remember it when it does.

    Args:
        engine: The Docker engine.
        settings: The app's settings; the folder ``docker.samples`` has requests that it answers.
        image: The image.

    Raises:
        ServingError: There is no model to serve.
        ImageError: The engine refuses.
    """
    memory = run.memory_mb(engine, settings, settings.endpoint.instance_type)
    found = samples.load(settings.folder / settings.docker.samples)
    # How much a server of the user's own takes is for its author to know.
    has_rocket = (settings.folder / "rocket" / "serve").is_file()
    limits = contract.Limits(
        startup=float(settings.endpoint.startup_timeout),
        payload=largest(settings) or LARGEST,
        own_payload=settings.server.max_payload_mb * 2**20 if has_rocket else None,
    )
    with run.serving(engine, settings, image, memory_mb=memory) as container:
        container.start()
        report = contract.check(
            Served(container), found, limits, image=image, platform=platform(settings)
        )
    if report.passed:
        artifacts.record_tested(settings.folder, image.id, "sagemaker")
    return report
