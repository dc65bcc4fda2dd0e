"""Containers that leave nothing behind.

A container and its volumes go with the ``with`` block that made them, whatever ends it. What a
killed odyssey could not take away, the next one finds by its label and does.

Files go in and out through the engine, never by bind mounts: that works with an engine on another
machine, and no file of root's is left on the user's disk.
"""

from __future__ import annotations

import contextlib
import signal
import tarfile
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from odyssey.errors import ImageError
from odyssey.images import orphans
from odyssey.images.archive import Packed, Pieces, fill
from odyssey.images.engine import explained
from odyssey.images.stream import attended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

    import docker

    from odyssey.images.image import Image


@dataclass(frozen=True)
class Recipe:
    """How a container is started.

    Args:
        command: The words after the image's name.
        environment: Variables.
        hostname: Its name in its network.
        memory_mb: Most memory, without swap; 0 is no limit.
        ports: Ports of the container by the port of 127.0.0.1 that leads there; 0 lets the engine
            choose.
        volumes: Volumes by the folder where they are.
        writable: Whether the volumes may be written.
    """

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    hostname: str = "algo-1"
    memory_mb: int = 0
    ports: Mapping[int, int] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    writable: bool = False


class Container:
    """A container for the length of a ``with`` block: made, but not started.

    Args:
        engine: The Docker engine.
        image: What it is made of.
        recipe: How.

    Raises:
        ImageError: The engine refuses.
    """

    def __init__(self, engine: docker.DockerClient, image: Image, recipe: Recipe) -> None:
        """Note what to make; it is made with the ``with`` block."""
        self._engine = engine
        self._image = image
        self._recipe = recipe
        self.id = ""
        self.stopped_by: int | None = None
        """The signal that asked odyssey to stop, or None."""

    def __enter__(self) -> Self:
        """Make the container."""
        orphans.sweep(self._engine)
        try:
            with _unhurried():
                self.id = self._make()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _make(self) -> str:
        api, recipe = self._engine.api, self._recipe
        limit = f"{recipe.memory_mb}m" if recipe.memory_mb else None
        # What the image itself has at that place is hidden, as by SageMaker's own mounts.
        mode = "rw,nocopy" if recipe.writable else "ro,nocopy"
        binds = {name: {"bind": at, "mode": mode} for at, name in recipe.volumes.items()}
        with explained("the container cannot be made"):
            host = api.create_host_config(
                mem_limit=limit,
                memswap_limit=limit,
                binds=binds or None,
                port_bindings={
                    inside: ("127.0.0.1", outside or None)
                    for outside, inside in recipe.ports.items()
                },
            )
            made = api.create_container(
                self._image.id,
                list(recipe.command),
                hostname=recipe.hostname,
                environment=dict(recipe.environment),
                ports=list(recipe.ports.values()),
                labels=orphans.label(),
                host_config=host,
                platform=self._image.platform,
            )
        return str(made["Id"])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave nothing behind: the container is killed, and it goes."""
        from docker.errors import NotFound

        if not self.id:
            return
        with (
            _kept(error),
            contextlib.suppress(NotFound),
            explained("the container cannot be removed"),
        ):
            self._engine.api.remove_container(self.id, v=True, force=True)

    def put(self, folder: str, entries: Iterator[tuple[str, Path | bytes | None]]) -> None:
        """Put files into the container, before it starts; they belong to root.

        Args:
            folder: A folder of the image.
            entries: Names below it, each with a file, a content, or None for a folder.
        """
        with (
            explained("the files cannot be put into the container"),
            Packed(lambda tar: fill(tar, entries)) as tar,
        ):
            self._engine.api.put_archive(self.id, folder, tar)

    @contextlib.contextmanager
    def take(self, path: str) -> Iterator[tarfile.TarFile | None]:
        """Yield the archive of a folder or file of the container; None where it has none.

        Args:
            path: The folder or file; its last word is the archive's first folder.
        """
        from docker.errors import NotFound

        with explained(f"{path} cannot be taken out of the container"):
            try:
                chunks, _ = self._engine.api.get_archive(self.id, path, chunk_size=1 << 20)
            except NotFound:
                yield None
                return
            try:
                with (
                    contextlib.closing(chunks),
                    tarfile.open(fileobj=Pieces(chunks), mode="r|") as archive,
                ):
                    yield archive
            except BaseException as error:
                # These frames hold the connection, and until that is closed the engine waits to
                # send the rest, and removes nothing.
                traceback.clear_frames(error.__traceback__)
                raise

    def start(self) -> None:
        """Start the container."""
        with explained("the container cannot start"):
            self._engine.api.start(self.id)

    def run(
        self, on_output: Callable[[bytes], None], on_turn: Callable[[], object], *, grace: float
    ) -> int:
        """Start the container and pass on its log until it ends.

        Ctrl-C and the signals that ask to stop are passed on, once; a second Ctrl-C kills.

        Args:
            on_output: Takes what it printed, stdout and stderr as one.
            on_turn: Called again and again.
            grace: Seconds that it may take to stop; then it is killed.

        Returns:
            Its exit code; 128 and a signal's number when that ended it.
        """
        deadline = None

        def turn() -> None:
            nonlocal deadline
            if self.stopped_by is not None and deadline is None:
                self.kill("SIGTERM")
                deadline = time.monotonic() + grace
            if deadline is not None and (time.monotonic() > deadline or signals.again):
                self.kill("SIGKILL")
            on_turn()

        with _Signals(self._stop_for) as signals, explained("the container was lost"):
            self.start()
            log = self._engine.api.logs(self.id, stream=True, follow=True)
            for piece in attended(log, turn):
                on_output(piece)
            # Its log may end a moment before itself.
            return int(self._engine.api.wait(self.id)["StatusCode"])

    def kill(self, name: str) -> None:
        """Send a signal, if the container still runs."""
        from docker.errors import APIError

        # It may have ended since we looked, which the engine calls a conflict.
        with contextlib.suppress(APIError):
            self._engine.api.kill(self.id, name)

    def state(self) -> Mapping[str, Any]:
        """Return the engine's view of its state: ``Running``, ``ExitCode``, ``OOMKilled``."""
        with explained("the container cannot be looked at"):
            told: Mapping[str, Any] = self._engine.api.inspect_container(self.id)["State"]
            return told

    def exit_code(self) -> int | None:
        """Return the exit code; None while it runs."""
        state = self.state()
        return None if state["Running"] else int(state["ExitCode"])

    def port(self, inside: int) -> int:
        """Return the port of 127.0.0.1 that leads to one of the container's."""
        with explained("the container cannot be looked at"):
            told = self._engine.api.inspect_container(self.id)
        bound = told["NetworkSettings"]["Ports"].get(f"{inside}/tcp") or [{"HostPort": "0"}]
        return int(bound[0]["HostPort"])

    def log(self, tail: int) -> str:
        """Return the last lines of the log."""
        with explained("the container's log cannot be read"):
            text: bytes = self._engine.api.logs(self.id, tail=tail)
        return text.decode("utf-8", "replace")

    def read(self, command: Sequence[str]) -> str:
        """Run a command in the container and return what it printed; nothing where it fails."""
        from docker.errors import APIError

        try:
            made = self._engine.api.exec_create(self.id, list(command), stderr=False)
            text: bytes = self._engine.api.exec_start(made["Id"])
            code = self._engine.api.exec_inspect(made["Id"])["ExitCode"]
        except APIError:
            return ""
        return text.decode("utf-8", "replace") if code == 0 else ""

    def _stop_for(self, number: int) -> None:
        if self.stopped_by is None:
            self.stopped_by = number


@contextlib.contextmanager
def volume(engine: docker.DockerClient) -> Iterator[str]:
    """Make a volume for the length of a ``with`` block, and yield its name."""
    name = ""
    try:
        with _unhurried(), explained("a volume cannot be made"):
            name = engine.api.create_volume(labels=orphans.label())["Name"]
        yield name
    except BaseException as error:
        if name:
            with _kept(error):
                _remove_volume(engine, name)
        raise
    _remove_volume(engine, name)


def _remove_volume(engine: docker.DockerClient, name: str) -> None:
    with explained("the volume cannot be removed"):
        engine.api.remove_volume(name, force=True)


@contextlib.contextmanager
def _unhurried() -> Iterator[None]:
    """Hear the signals that ask to stop only at the end of a ``with`` block.

    What the engine is just making it makes, whether or not somebody waits for its name.
    """
    heard: list[int] = []
    with _Signals(heard.append):
        yield
    for number in heard[:1]:
        signal.raise_signal(number)


@contextlib.contextmanager
def _kept(error: BaseException | None) -> Iterator[None]:
    """Keep an error that is on its way: that nothing can be removed is most often its echo."""
    try:
        yield
    except ImageError:
        if error is None:
            raise


class _Signals:
    """Takes the signals that ask to stop, for the length of a ``with`` block."""

    def __init__(self, stop: Callable[[int], None]) -> None:
        self.again = False
        self._stop = stop
        self._count = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        self._count += 1
        self.again = self.again or (self._count > 1 and number == signal.SIGINT)
        self._stop(number)
