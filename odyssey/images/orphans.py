"""What an odyssey that was killed has left in the engine: the next one takes it away."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.images.engine import explained

if TYPE_CHECKING:
    from collections.abc import Mapping

    import docker

LABEL = "odyssey.owner"


def sweep(engine: docker.DockerClient) -> None:
    """Take away what odysseys of this machine left that were killed."""
    from docker.errors import APIError

    api = engine.api
    remove = {
        "container": lambda id_: api.remove_container(id_, v=True, force=True),
        "volume": lambda id_: api.remove_volume(id_, force=True),
        "network": lambda id_: api.remove_network(id_),
    }
    for kind, id_, _ in _found(engine):
        with contextlib.suppress(APIError):
            remove[kind](id_)


def left(engine: docker.DockerClient) -> list[str]:
    """Return what `sweep` would take away, each as its kind and its name."""
    return [f"{kind} {name}" for kind, _, name in _found(engine)]


def _found(engine: docker.DockerClient) -> list[tuple[str, str, str]]:
    """Return the kind, the id and the name of what killed odysseys left; containers go first."""
    api, ours = engine.api, {"label": LABEL}
    with explained("the containers cannot be listed"):
        containers = api.containers(all=True, filters=ours)
        volumes = api.volumes(filters=ours)["Volumes"] or []
        networks = api.networks(filters=ours)
    found = [("container", each, each["Id"], _name(each)) for each in containers]
    found += [("volume", each, each["Name"], each["Name"]) for each in volumes]
    found += [("network", each, each["Id"], each.get("Name", each["Id"])) for each in networks]
    return [(kind, id_, name) for kind, each, id_, name in found if has_died(each["Labels"][LABEL])]


def _name(container: Mapping[str, Any]) -> str:
    names = container.get("Names") or [container["Id"]]
    return str(names[0]).removeprefix("/")


def label() -> dict[str, str]:
    """Return the label of what this process makes."""
    return {LABEL: owner()}


def owner() -> str:
    """Return the name of this process: its machine and its number."""
    return f"{socket.gethostname()}:{os.getpid()}"


def has_died(owner: str) -> bool:
    """Return whether a process of this machine has ended, by its name."""
    host, _, pid = owner.rpartition(":")
    return host == socket.gethostname() and pid.isdigit() and _has_ended(int(pid))


def _has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    # One that was killed keeps its number until its parent looks, which some never do.
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False  # There is no /proc here.
    return stat.rpartition(")")[2].split()[0] in ("Z", "X")
