"""The app's image on this machine, run as Lambda runs its functions.

Nothing but ``/tmp`` can be written, the user has no rights, and beside the function runs the
emulator, which is all that the outside reaches.

Sources: https://docs.aws.amazon.com/lambda/latest/dg/images-create.html and
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from odyssey import client, staging
from odyssey.console import Progress, clean, note
from odyssey.errors import (
    InterruptedByUserError,
    OdysseyError,
    ServingError,
    TrainingError,
)
from odyssey.functions import emulated, variables
from odyssey.functions.emulated import Emulated, Outcome
from odyssey.functions.local import port_option, require_app
from odyssey.functions.starting import Starting
from odyssey.host import SERVE_GRACE, Trained, committed, require_free
from odyssey.images import fittings, layout, orphans, run
from odyssey.images.containers import Container, Recipe, fill_volume
from odyssey.images.engine import require_near
from odyssey.interruption import as_ctrl_c
from odyssey.readiness import Attendance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

    from odyssey.config import Config
    from odyssey.images.image import Image
    from odyssey.images.layout import Entry

USER = (993, 990)
"""The numbers of the user and the group that a function runs as: nobody in particular."""

TMP = "/tmp"  # noqa: S108 - the function's own
LISTENS = 30.0
"""Seconds within which the emulator must listen once its container has started."""


@contextmanager
def machine(
    engine: docker.DockerClient,
    settings: Config,
    image: Image,
    part: str,
    files: Iterator[Entry],
    *,
    port: int = 0,
) -> Iterator[Container]:
    """Make the container of a function, not yet started, for the length of a ``with`` block.

    Args:
        engine: The Docker engine.
        settings: The app's settings.
        image: The image.
        part: ``train`` or ``serve``.
        files: What it finds, as entries below the root; ``train`` may write there.
        port: The port of 127.0.0.1 that leads to the emulator; 0 lets the engine choose.

    Raises:
        ImageError: The engine refuses.
    """
    require_near(engine)
    program, *words = emulated.command(
        ["python", *emulated.RUNTIME, f"app.{part}"],
        timeout=settings.function.timeout,
        port=layout.PORT,
    )
    at, trains = (f"/{layout.ROOT}", True) if part == "train" else (layout.MODEL, False)
    with ExitStack() as stack:
        beside, given = (stack.enter_context(fittings.volume(engine)) for _ in range(2))
        source = [(emulated.SOURCE.name, emulated.SOURCE)]
        fill_volume(engine, image, beside, emulated.FOLDER, source)
        fill_volume(engine, image, given, at, files, USER)
        recipe = Recipe(
            words,
            variables.of_container(settings, part),
            hostname="function",
            memory_mb=emulated.limit_mb(memory_mb(engine, settings), settings.function.storage_mb),
            ports={port: layout.PORT},
            volumes={emulated.FOLDER: beside, at: given},
            writable=trains,
            entrypoint=[program],
            read_only=True,
            tmpfs={TMP: settings.function.storage_mb},
            user=":".join(map(str, USER)),
        )
        yield stack.enter_context(Container(engine, image, recipe))


def memory_mb(engine: docker.DockerClient, settings: Config) -> int:
    """Return the memory of a function's container: ``docker.memory_mb``, else the function's.

    Args:
        engine: The Docker engine.
        settings: The app's settings.
    """
    asked = settings.docker.memory_mb
    whose = settings.origin("docker.memory_mb") if asked else "the function"
    return run.within(engine, asked or settings.function.memory_mb, whose)


@as_ctrl_c()
def train(engine: docker.DockerClient, settings: Config, image: Image) -> Trained:
    """Invoke ``app.train`` in the image over the app's ``input/``, and replace ``model/``.

    The old model stays until the training has succeeded.

    Args:
        engine: The Docker engine.
        settings: The app's settings; ``function.timeout`` is the time that it has.
        image: The image.

    Raises:
        TrainingError: There is no data, another training runs, or the training failed.
        ImageError: The engine refuses.
        InterruptedByUserError: Ctrl-C, or a signal that asks to stop.
    """
    app = settings.folder
    staging.require_data(app)
    # What can be trained on is what there is, so the files are taken before the area links them.
    files = _below(f"{layout.ROOT}", layout.training(settings))
    with (
        staging.area(app) as area,
        machine(engine, settings, image, "train", files) as container,
    ):
        progress = Progress("Training")
        event = _Event(container, settings.function.timeout, Attendance(container, progress))
        code = container.run(progress.feed, event, grace=SERVE_GRACE)
        progress.end()
        if container.stopped_by is not None:
            raise InterruptedByUserError("the training was interrupted; model/ is unchanged")
        _require_success(event, code)
        run.take(container, layout.MODEL, area.root / staging.MODEL)
        return committed(area, layout.MODEL)


class _Event:
    """Invokes a function as soon as the emulator listens, and then ends its container.

    Args:
        container: The container, which is about to start.
        timeout: Seconds that the event may take.
        attendance: What is done besides.
    """

    def __init__(self, container: Container, timeout: float, attendance: Attendance) -> None:
        self.outcome: Outcome | None = None
        self.problem = ""
        self._container = container
        self._timeout = timeout
        self._attendance = attendance
        self._thread: threading.Thread | None = None

    def __call__(self) -> float:
        pause = self._attendance()
        if self._thread is None:
            self._thread = threading.Thread(target=self._invoke, daemon=True, name="event")
            self._thread.start()
        elif not self._thread.is_alive():
            self._container.kill("SIGTERM")
        return pause

    def _invoke(self) -> None:
        try:
            function = Emulated((client.HOST, self._container.port(layout.PORT)))
            function.await_ready(LISTENS, lambda: self._container.exit_code() is None)
            self.outcome = function.invoke(b"{}", self._timeout)
        except OdysseyError as error:
            self.problem = error.message


def _require_success(event: _Event, code: int) -> None:
    outcome = event.outcome
    if outcome is None:
        how = event.problem or f"exit code {code}"
        raise TrainingError(f"the function ended before it had trained ({how})")
    if not outcome.error:
        return
    document = json.loads(outcome.payload)
    said = clean(f"{document.get('errorType')}: {document.get('errorMessage')}")
    hint = None
    if outcome.report.get("status") == "timeout":
        hint = "give it more time: timeout under [function] in odyssey.toml, at most 900"
    raise TrainingError(f"the training failed: {said}; model/ is unchanged", hint)


@as_ctrl_c()
def serve(
    engine: docker.DockerClient,
    settings: Config,
    image: Image,
    *,
    when_ready: Callable[[str, str], None],
) -> None:
    """Run ``app.serve`` in the image with the app's ``model/``, until it is asked to stop.

    Args:
        engine: The Docker engine.
        settings: The app's settings; ``local.port`` leads to the function's URL.
        image: The image.
        when_ready: As in `odyssey.host.serve`.

    Raises:
        ServingError: The port is taken, there is no model, or the function cannot start.
        ImageError: The engine refuses.
    """
    port = settings.local.port
    # A server that was killed may have left its container, and that holds the port.
    orphans.sweep(engine)
    require_free(port, settings.origin("local.port"), "odyssey docker serve")
    url, option = f"http://{client.HOST}:{port}", port_option(settings)
    with serving(engine, settings, image, port=port) as container:
        progress = Progress("Starting the function")
        wait = Starting(
            Emulated((client.HOST, port)),
            Attendance(container, progress),
            lambda: when_ready(url, option),
        )
        code = container.run(progress.feed, wait, grace=SERVE_GRACE)
        progress.end()
        if container.stopped_by is None:
            raise ServingError(
                f"the container ended by itself (exit code {code}); the reason is in its log above"
            )
        if not wait.ready:
            raise InterruptedByUserError("stopped before the function had started")
        note("The function has stopped")


@contextmanager
def serving(
    engine: docker.DockerClient, settings: Config, image: Image, *, port: int = 0
) -> Iterator[Container]:
    """Make the container of ``app.serve``, not yet started, for the length of a ``with`` block.

    Args:
        engine: The Docker engine.
        settings: The app's settings.
        image: The image.
        port: As in `machine`.

    Raises:
        ServingError: There is no model.
        ImageError: The engine refuses.
    """
    require_app(settings.folder)
    if settings.artifacts.model != "none":
        staging.require_model(settings.folder, "odyssey docker train")
    files = layout.model(settings)
    with machine(engine, settings, image, "serve", files, port=port) as container:
        yield container


def _below(root: str, entries: Iterator[Entry]) -> Iterator[Entry]:
    """Yield entries of a folder by their names below it, and the folder itself."""
    for name, content in entries:
        yield name.removeprefix(root).lstrip("/") or ".", content
