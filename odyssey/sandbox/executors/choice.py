"""Which executor runs the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.errors import MissingToolError, UsageError
from odyssey.images import engine
from odyssey.sandbox.executors.docker import DockerExecutor
from odyssey.sandbox.executors.process import ProcessExecutor

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.sandbox.executors.docker import Images
    from odyssey.sandbox.machines import Executor

WITHOUT_DOCKER = "to run the jobs without Docker, as an app's own processes: --executor process"


def choose(kind: str, app: Path | None, images: Images) -> Executor:
    """Return what runs the jobs.

    Args:
        kind: ``docker``, ``process``, or ``auto``: Docker where an engine answers, else processes.
        app: The folder of the app whose rocket runs as processes; None for none.
        images: Where the images are that containers are made of.

    Raises:
        MissingToolError: Docker is asked for and does not answer, or is all that there is.
        UsageError: Processes are asked for, and there is no app.
        OdysseyError: The engine is on another machine, or the app's settings are wrong.
    """
    if kind == "process":
        return _processes(app)
    try:
        found = engine.find()
    except MissingToolError as error:
        if kind == "docker" or app is None:
            raise MissingToolError(error.message, f"{error.hint}; {WITHOUT_DOCKER}") from error
        return _processes(app)
    try:
        return DockerExecutor(found, images)
    except BaseException:
        found.close()
        raise


def _processes(app: Path | None) -> ProcessExecutor:
    if app is None:
        raise UsageError(
            "without Docker, the rocket of an app runs the jobs, and there is no app here",
            "go to an app's folder, or name it: --app DIR",
        )
    return ProcessExecutor(app)
