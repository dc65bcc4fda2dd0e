"""Containers that leave nothing behind.

A container goes with the ``with`` block that made it, whatever ends that. What a killed odyssey
could not take away, the next one finds by its label and does.

Files go in and out through the engine, never by bind mounts: that works with an engine on another
machine, and no file of root's is left on the user's disk.
"""

from __future__ import annotations

import contextlib
import tarfile
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from odyssey.images import orphans
from odyssey.images.archive import Packed, Pieces, fill
from odyssey.images.engine import explained
from odyssey.images.fittings import take_away
from odyssey.images.signals import Signals, unhurried
from odyssey.images.stream import attended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

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
        entrypoint: What stands in the place of the image's own entry point.
        network: The network where others find it by its host name; else the engine's default.
        read_only: Whether its own files cannot be written, and it has no shared memory, as on
            Lambda.
        tmpfs: Megabytes of memory that are folders for everybody, by the folder where they are.
        user: The numbers of the user and the group that it runs as, as ``993:990``; "" is the
            image's own.
    """

    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    hostname: str = "algo-1"
    memory_mb: int = 0
    ports: Mapping[int, int] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    writable: bool = False
    entrypoint: Sequence[str] | None = None
    network: str | None = None
    read_only: bool = False
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    user: str = ""


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
            with unhurried():
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
        networks = None
        if recipe.network:
            its = api.create_endpoint_config(aliases=[recipe.hostname])
            networks = api.create_networking_config({recipe.network: its})
        with explained("the container cannot be made"):
            host = api.create_host_config(
                mem_limit=limit,
                memswap_limit=limit,
                binds=binds or None,
                network_mode=recipe.network,
                read_only=recipe.read_only,
                ipc_mode="none" if recipe.read_only else None,
                tmpfs={at: f"exec,mode=1777,size={mb}m" for at, mb in recipe.tmpfs.items()},
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
                user=recipe.user or None,
                ports=list(recipe.ports.values()),
                labels=orphans.label(),
                host_config=host,
                entrypoint=recipe.entrypoint and list(recipe.entrypoint),
                networking_config=networks,
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
        if self.id:
            remove = partial(self._engine.api.remove_container, self.id, v=True, force=True)
            take_away("container", remove, error)

    def put(
        self,
        folder: str,
        entries: Iterable[tuple[str, Path | bytes | None]],
        owner: tuple[int, int] = (0, 0),
    ) -> None:
        """Put files into the container, before it starts.

        Args:
            folder: A folder of the image.
            entries: Names below it, each with a file, a content, or None for a folder.
            owner: The numbers of the user and the group that they belong to. Default: root.
        """
        with (
            explained("the files cannot be put into the container"),
            Packed(lambda tar: fill(tar, entries, owner)) as tar,
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

    def started(self) -> Iterator[bytes]:
        """Start the container; return what it prints, stdout and stderr as one, until its end.

        Whoever listens before the start misses nothing. The engine's log would be later, would
        lose a last line without an end, and would change bytes that are no text.
        """
        with explained("the container cannot start"):
            output = self._engine.api.attach(self.id, stdout=True, stderr=True, stream=True)
            try:
                self._engine.api.start(self.id)
            except BaseException:
                output._response.close()
                raise
        return _closed_at_its_end(output)

    def run(
        self, on_output: Callable[[bytes], None], on_turn: Callable[[], object], *, grace: float
    ) -> int:
        """Start the container and pass on what it prints until it ends.

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

        with Signals(self._stop_for) as signals, explained("the container was lost"):
            for piece in attended(self.started(), turn):
                on_output(piece)
            # Its output may end a moment before itself.
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


def fill_volume(
    engine: docker.DockerClient,
    image: Image,
    name: str,
    at: str,
    entries: Iterable[tuple[str, Path | bytes | None]],
    owner: tuple[int, int] = (0, 0),
) -> None:
    """Put files into a volume, before another container has it.

    Args:
        engine: The Docker engine.
        image: What the container is made of that they go through; it is never started.
        name: The volume.
        at: The folder where it is.
        entries: As in `Container.put`.
        owner: As there.
    """
    recipe = Recipe(["serve"], volumes={at: name}, writable=True)
    with Container(engine, image, recipe) as container:
        container.put(at, entries, owner)


def _closed_at_its_end(output: Any) -> Iterator[bytes]:
    try:
        yield from output
    finally:
        # The stream's own `close` leaves the connection open.
        output._response.close()
