"""Running the app's image on this machine, exactly as SageMaker runs it.

Sources: https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

from __future__ import annotations

import tarfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odyssey import instances, staging
from odyssey.console import Progress, note, warn
from odyssey.errors import ImageError, InterruptedByUserError, ServingError, TrainingError
from odyssey.extraction import UnsafeMemberError, extract
from odyssey.host import SERVE_GRACE, TRAIN_GRACE, Trained, committed, require_free
from odyssey.images import layout, orphans
from odyssey.images.containers import Container, Recipe, fill_volume
from odyssey.images.engine import explained, require_near
from odyssey.images.fittings import volume
from odyssey.interruption import as_ctrl_c
from odyssey.readiness import Attendance, Readiness
from odyssey.variables import container_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import docker

    from odyssey.config import Config
    from odyssey.images.image import Image

JOB = "docker-train"


@as_ctrl_c()
def train(engine: docker.DockerClient, settings: Config, image: Image) -> Trained:
    """Run ``train`` in the image over the app's ``input/``, and replace ``model/`` by the result.

    The old model stays until the training has succeeded.

    Raises:
        TrainingError: There is no data, another training runs, or the training failed.
        ImageError: The engine refuses.
        InterruptedByUserError: Ctrl-C, or a signal that asks to stop.
    """
    app = settings.folder
    staging.require_data(app)
    memory = memory_mb(engine, settings, settings.training.instance_type)
    environment = {
        "TRAINING_JOB_NAME": JOB,
        "TRAINING_JOB_ARN": f"arn:aws:sagemaker:local:000000000000:training-job/{JOB}",
        **settings.training.environment,
    }
    with staging.area(app) as area, _trainer(engine, image, environment, memory) as container:
        container.put("/", layout.training(settings))
        progress = Progress("Training")
        turn = Attendance(container, progress)
        code = container.run(progress.feed, turn, grace=TRAIN_GRACE)
        progress.end()
        _take_output(container, app)
        if container.stopped_by is not None:
            raise InterruptedByUserError("the training was interrupted; model/ is unchanged")
        if code != 0:
            raise _failure(container, settings, code, memory)
        take(container, layout.MODEL, area.root / staging.MODEL)
        return committed(area, layout.MODEL)


@contextmanager
def _trainer(
    engine: docker.DockerClient, image: Image, environment: Mapping[str, str], memory_mb: int
) -> Iterator[Container]:
    """Make the container of a training job, not yet started, for the length of a ``with`` block."""
    with volume(engine) as name:
        recipe = Recipe(
            ["train"],
            environment,
            hostname=layout.HOST,
            memory_mb=memory_mb,
            volumes={f"/{layout.ROOT}": name},
            writable=True,
        )
        with Container(engine, image, recipe) as container:
            yield container


@as_ctrl_c()
def serve(
    engine: docker.DockerClient,
    settings: Config,
    image: Image,
    *,
    when_ready: Callable[[str, str], None],
) -> None:
    """Run ``serve`` in the image with the app's ``model/``, until it is asked to stop.

    Args:
        engine: The Docker engine.
        settings: The app's settings; ``local.port`` leads to the container's port 8080.
        image: The image.
        when_ready: As in `odyssey.host.serve`.

    Raises:
        ServingError: The port is taken, there is no model, or the server ended by itself.
        ImageError: The engine refuses.
    """
    port = settings.local.port
    # A server that was killed may have left its container, and that holds the port.
    orphans.sweep(engine)
    require_free(port, settings.origin("local.port"), "odyssey docker serve")
    memory = memory_mb(engine, settings, settings.endpoint.instance_type)
    with serving(engine, settings, image, port=port, memory_mb=memory) as container:
        progress = Progress("Starting the server")
        wait = Readiness(settings, Attendance(container, progress), when_ready)
        code = container.run(progress.feed, wait, grace=SERVE_GRACE)
        progress.end()
        if container.stopped_by is not None and not wait.ready:
            raise InterruptedByUserError("stopped before the model was loaded")
        if container.stopped_by is not None:
            note("The server has stopped")
            return
        when = "ended by itself" if wait.ready else "ended before its model was loaded"
        how = _end(container, code, memory)
        raise ServingError(f"the server {when} ({how}); the reason is in its log above")


@contextmanager
def serving(
    engine: docker.DockerClient,
    settings: Config,
    image: Image,
    *,
    port: int = 0,
    memory_mb: int = 0,
) -> Iterator[Container]:
    """Make the container of an endpoint, not yet started, for the length of a ``with`` block.

    Args:
        engine: The Docker engine.
        settings: The app's settings.
        image: The image.
        port: The port of 127.0.0.1 that leads to it; 0 lets the engine choose.
        memory_mb: Its memory; 0 is no limit.

    Raises:
        ServingError: There is no model.
        ImageError: The engine refuses.
    """
    require_near(engine)
    if settings.artifacts.model != "none":
        staging.require_model(settings.folder, "odyssey docker train")
    with volume(engine) as name:
        fill_volume(engine, image, name, layout.MODEL, layout.model(settings))
        recipe = Recipe(
            ["serve"],
            container_environment(settings),
            memory_mb=memory_mb,
            ports={port: layout.PORT},
            volumes={layout.MODEL: name},
        )
        with Container(engine, image, recipe) as container:
            yield container


def memory_mb(engine: docker.DockerClient, settings: Config, instance_type: str) -> int:
    """Return the memory that a container is given: what it would have on AWS, where it is known.

    Args:
        engine: The Docker engine.
        settings: The app's settings; ``docker.memory_mb`` decides where it is not 0.
        instance_type: The type that it stands for.

    Returns:
        Megabytes; 0 is no limit, where the engine has less than the instance.
    """
    asked = settings.docker.memory_mb
    wanted = asked or instances.memory_mb(instance_type) or 0
    whose = settings.origin("docker.memory_mb") if asked else instance_type
    return within(engine, wanted, whose)


def within(engine: docker.DockerClient, wanted: int, whose: str) -> int:
    """Return the memory of a container, or 0 where the engine has less.

    Args:
        engine: The Docker engine.
        wanted: Megabytes.
        whose: What has them, for the reader.
    """
    with explained("the engine's memory is not known"):
        there = int(engine.info()["MemTotal"]) // (1 << 20)
    if wanted <= there:
        return wanted
    note(f"The engine has {there} MB, and {whose} has {wanted}: no limit is set")
    return 0


def take(container: Container, path: str, target: Path) -> None:
    """Take a folder out of a container.

    Args:
        container: The container.
        path: The folder there.
        target: The folder here; made where it is missing.

    Raises:
        ImageError: It cannot be taken.
    """
    target.mkdir(exist_ok=True)
    folder = path.rpartition("/")[2]
    try:
        with container.take(path) as archive:
            if archive is not None:
                for _ in extract(archive, target, below=folder, was_at=path):
                    pass
    except (tarfile.TarError, UnsafeMemberError) as error:
        raise ImageError(f"{path} is not taken out of the container: {error}") from error


def _take_output(container: Container, app: Path) -> None:
    """Take ``output/`` out; what nobody can take is not worth the model of a long training."""
    try:
        take(container, layout.OUTPUT, app / "output")
    except ImageError as error:
        warn(error.message)


def _failure(container: Container, settings: Config, code: int, memory: int) -> TrainingError:
    app = settings.folder
    reason = staging.reason(app)
    how = _end(container, code, memory)
    return TrainingError(
        f"the training failed ({how}); model/ is unchanged{reason}",
        f"the whole reason is in {app / 'output' / 'failure'}" if reason else None,
    )


def _end(container: Container, code: int, memory: int) -> str:
    """Return how a container ended."""
    if container.state().get("OOMKilled"):
        return f"exit code {code}: it took more memory than its {memory} MB"
    return f"exit code {code}"
