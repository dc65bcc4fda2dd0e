"""Machines that are containers of a Docker engine."""

from __future__ import annotations

import contextlib
import logging
import threading
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Protocol

from odyssey import client
from odyssey.errors import ImageError
from odyssey.functions import emulated
from odyssey.functions.tunnel import Tunnel
from odyssey.images import fittings, layout, orphans
from odyssey.images.containers import Container, Recipe, fill_volume
from odyssey.images.engine import require_near
from odyssey.sandbox.machines import KILLED, NO_METADATA, MachineError

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Callable, Iterable, Iterator

    import docker

    from odyssey.images.image import Image
    from odyssey.sandbox.machines import Entry, Function, Task

FUNCTION_USER = "993:990"
"""The numbers of the user and the group that a function runs as, who have no rights."""

LOOK = 60
"""Seconds that the engine is asked in one go whether a container has ended."""

PAUSE = 1.0
"""Seconds before the engine is asked again that did not answer."""

KILL_ATTEMPTS = 15

log = logging.getLogger("odyssey.sandbox")


class Images(Protocol):
    """Knows where the images are that requests name."""

    def pull(self, engine: docker.DockerClient, image: str, region: str, role: str | None) -> Image:
        """Return an image, after fetching it into the engine where needed.

        Raises:
            MachineError: It is not there, or the role may not have it.
        """


class DockerExecutor:
    """Runs containers. Inputs of gigabytes go through the engine into volumes.

    Args:
        engine: The Docker engine; it stays its caller's.
        images: Where the images are.

    Attributes:
        engine: The engine.

    Raises:
        ImageError: The engine is on another machine, where nobody reaches what is here.
    """

    name = "docker"

    def __init__(self, engine: docker.DockerClient, images: Images) -> None:
        """Take away what a sandbox that was killed has left."""
        require_near(engine)
        self.engine = engine
        self._images = images
        orphans.sweep(engine)

    @contextlib.contextmanager
    def machine(self, task: Task) -> Iterator[DockerMachine]:
        """Make a container for the length of a ``with`` block, which leaves nothing of it behind.

        Raises:
            MachineError: The image is not there, or the engine refuses.
        """
        with _block() as stack:
            with _refusals():
                image = self._images.pull(self.engine, task.image, task.region, task.role)
                make = self._made if task.function is None else self._made_function
                machine = make(stack, image, task)
            yield machine

    @contextlib.contextmanager
    def network(self) -> Iterator[str]:
        """Make a network for the length of a ``with`` block, and yield its name.

        Raises:
            MachineError: The engine refuses.
        """
        with _block() as stack:
            with _refusals():
                name = stack.enter_context(fittings.network(self.engine))
            yield name

    def _made(self, stack: contextlib.ExitStack, image: Image, task: Task) -> DockerMachine:
        serves = task.port != 0
        volume = stack.enter_context(fittings.volume(self.engine))
        recipe = Recipe(
            task.command,
            {**NO_METADATA, **task.environment},
            hostname=task.hostname,
            ports={0: task.port} if serves else {},
            volumes={layout.MODEL if serves else f"/{layout.ROOT}": volume},
            writable=not serves,
            entrypoint=task.entrypoint,
            network=task.network,
        )
        container = stack.enter_context(Container(self.engine, image, recipe))
        fill = partial(fill_volume, self.engine, image, volume, layout.MODEL) if serves else None
        return stack.enter_context(DockerMachine(self.engine, container, task.port, fill))

    def _made_function(
        self, stack: contextlib.ExitStack, image: Image, task: Task
    ) -> DockerMachine:
        function = task.function
        assert function is not None  # noqa: S101 - the caller has looked
        volume = stack.enter_context(fittings.volume(self.engine))
        source = [(emulated.SOURCE.name, emulated.SOURCE)]
        fill_volume(self.engine, image, volume, emulated.FOLDER, source)
        entrypoint = image.entrypoint if task.entrypoint is None else task.entrypoint
        program, *words = emulated.command(
            [*entrypoint, *(task.command or image.command)],
            timeout=function.timeout,
            port=task.port,
            tunnel=function.sandbox,
        )
        recipe = Recipe(
            words,
            {**NO_METADATA, **task.environment},
            hostname=task.hostname,
            memory_mb=emulated.limit_mb(function.memory_mb, function.storage_mb),
            ports={0: task.port},
            volumes={emulated.FOLDER: volume},
            entrypoint=[program],
            read_only=True,
            tmpfs={"/tmp": function.storage_mb},  # noqa: S108 - the function's own
            user=FUNCTION_USER,
        )
        container = stack.enter_context(Container(self.engine, image, recipe))
        machine = DockerMachine(self.engine, container, task.port, None, function)
        return stack.enter_context(machine)


class DockerMachine:
    """A container, for the length of a ``with`` block within its own.

    Args:
        engine: The Docker engine.
        container: The container.
        port: The port that it listens on.
        fill_model: Puts files into the model's folder, where the container may only read it.
        function: What it is where it runs a function of Lambda's.
    """

    def __init__(
        self,
        engine: docker.DockerClient,
        container: Container,
        port: int,
        fill_model: Callable[[Iterable[Entry]], None] | None,
        function: Function | None = None,
    ) -> None:
        """Nothing runs yet."""
        self._function = function
        self._tunnel: Tunnel | None = None
        self._fill_model = fill_model
        self._engine = engine
        self._container = container
        self._port = port
        self._code: int | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()
        self._left = threading.Event()

    def __enter__(self) -> DockerMachine:
        """Nothing runs yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Kill what still runs, and wait until its output was passed on."""
        self._left.set()
        if self._tunnel is not None:
            self._tunnel.close()
        if self._thread is not None:
            self._kill()
            self._thread.join(KILL_ATTEMPTS)

    def put(self, folder: str, entries: Iterable[Entry]) -> None:
        """Put files below a folder, which is made where it is missing."""
        place, at = PurePosixPath(folder), PurePosixPath("/")
        fill: Callable[[Iterable[Entry]], None] = partial(self._container.put, "/")
        if self._fill_model is not None and place.is_relative_to(layout.MODEL):
            fill, at = self._fill_model, PurePosixPath(layout.MODEL)
        below = place.relative_to(at)
        with _refusals():
            fill((str(below / name), content) for name, content in entries)

    def start(self, on_output: Callable[[bytes], None]) -> None:
        """Start the container."""
        with _refusals():
            output = self._container.started()
        self._thread = threading.Thread(
            target=self._attend, args=(output, on_output), daemon=True, name="output"
        )
        self._thread.start()
        if self._function is not None:
            self._tunnel = Tunnel(self.address, (client.HOST, self._function.sandbox))
            self._tunnel.__enter__()

    def wait(self, seconds: float) -> int | None:
        """Return the exit code as soon as it has ended; None when it still runs after that."""
        self._ended.wait(seconds)
        return self._code

    def stop(self, grace: float) -> None:
        """Ask it to end, kill it if it has not after so many seconds."""
        if self._thread is None:
            return
        self._signal("SIGTERM")
        if not self._ended.wait(grace):
            self._kill()

    @contextlib.contextmanager
    def take(self, path: str) -> Iterator[tarfile.TarFile | None]:
        """Yield the archive, a stream, of a folder or file."""
        with _refusals(), self._container.take(path) as archive:
            yield archive

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of this machine that lead to the container's port."""
        with _refusals():
            return client.HOST, self._container.port(self._port)

    @property
    def was_out_of_memory(self) -> bool:
        """Whether it was killed because it took more memory than there is."""
        with _refusals():
            return bool(self._container.state()["OOMKilled"])

    def _attend(self, output: Iterator[bytes], on_output: Callable[[bytes], None]) -> None:
        try:
            for piece in output:
                on_output(piece)
        finally:
            self._code = self._exit_code()
            self._ended.set()

    def _exit_code(self) -> int:
        """Wait for its end, which may be later than that of its output, and return how it ended."""
        import requests
        from docker.errors import APIError, NotFound

        while True:
            try:
                return int(self._engine.api.wait(self._container.id, timeout=LOOK)["StatusCode"])
            except NotFound:
                return KILLED
            except (APIError, requests.RequestException):
                if self._left.wait(PAUSE):
                    return KILLED

    def _kill(self) -> None:
        for _ in range(KILL_ATTEMPTS):
            if self._ended.is_set():
                return
            self._signal("SIGKILL")
            self._ended.wait(PAUSE)

    def _signal(self, name: str) -> None:
        import requests

        with contextlib.suppress(requests.RequestException):
            self._container.kill(name)


@contextlib.contextmanager
def _block() -> Iterator[contextlib.ExitStack]:
    """Yield a stack that is closed at the end; what stays is told, and the next sandbox takes it.

    By then the job is over, and has its own end.
    """
    stack = contextlib.ExitStack()
    try:
        yield stack
    finally:
        try:
            stack.close()
        except ImageError as error:
            log.warning("%s", error.message)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except ImageError as error:
        raise MachineError(error.message) from error
