"""What containers are fitted with, volumes and networks: there for the length of a ``with`` block.

What a killed odyssey could not take away, the next one finds by its label and does.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from functools import partial
from typing import TYPE_CHECKING

from odyssey.errors import ImageError
from odyssey.images import orphans
from odyssey.images.engine import explained
from odyssey.images.signals import unhurried

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

PAUSES = (0.1, 1.0)
"""Seconds before each further attempt to remove something: an engine may be busy with it."""


@contextlib.contextmanager
def volume(engine: docker.DockerClient) -> Iterator[str]:
    """Make a volume for the length of a ``with`` block, and yield its name."""

    def make() -> str:
        return str(engine.api.create_volume(labels=orphans.label())["Name"])

    with _lent("volume", make, partial(engine.api.remove_volume, force=True)) as name:
        yield name


@contextlib.contextmanager
def network(engine: docker.DockerClient) -> Iterator[str]:
    """Make a network for the length of a ``with`` block, and yield its name.

    Containers in it find each other by their host names, and reach what else the engine's reach.
    """

    def make() -> str:
        name = f"odyssey-{secrets.token_hex(6)}"
        engine.api.create_network(name, driver="bridge", labels=orphans.label())
        return name

    with _lent("network", make, engine.api.remove_network) as name:
        yield name


@contextlib.contextmanager
def _lent(what: str, make: Callable[[], str], remove: Callable[[str], object]) -> Iterator[str]:
    name = ""
    try:
        with unhurried(), explained(f"the {what} cannot be made"):
            name = make()
        yield name
    except BaseException as error:
        if name:
            take_away(what, lambda: remove(name), error)
        raise
    take_away(what, lambda: remove(name))


def take_away(what: str, remove: Callable[[], object], error: BaseException | None = None) -> None:
    """Remove what an engine has, unless it is gone.

    Args:
        what: What it is, such as ``volume``.
        remove: Removes it; called again when the engine refuses.
        error: What is on its way and is not to be hidden: that nothing can be removed is most
            often its echo.

    Raises:
        ImageError: It cannot be removed, and no error is on its way.
    """
    refusal = _refusal(what, remove)
    for pause in PAUSES:
        if refusal is None:
            return
        time.sleep(pause)
        refusal = _refusal(what, remove)
    if refusal is not None and error is None:
        raise refusal


def _refusal(what: str, remove: Callable[[], object]) -> ImageError | None:
    from docker.errors import NotFound

    try:
        with contextlib.suppress(NotFound), explained(f"the {what} cannot be removed"):
            remove()
    except ImageError as refusal:
        return refusal
    return None
