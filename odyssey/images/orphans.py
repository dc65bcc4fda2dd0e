"""What an odyssey that was killed has left in the engine: the next one takes it away."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.images.engine import explained

if TYPE_CHECKING:
    import docker

LABEL = "odyssey.owner"


def sweep(engine: docker.DockerClient) -> None:
    """Take away what odysseys of this machine left that were killed."""
    from docker.errors import APIError

    api, ours = engine.api, {"label": LABEL}
    with explained("the containers cannot be listed"):
        containers = api.containers(all=True, filters=ours)
        volumes = api.volumes(filters=ours)["Volumes"] or []
        networks = api.networks(filters=ours)
    for container in containers:
        if has_died(container["Labels"][LABEL]):
            with contextlib.suppress(APIError):
                api.remove_container(container["Id"], v=True, force=True)
    for each in volumes:
        if has_died(each["Labels"][LABEL]):
            with contextlib.suppress(APIError):
                api.remove_volume(each["Name"], force=True)
    for each in networks:
        if has_died(each["Labels"][LABEL]):
            with contextlib.suppress(APIError):
                api.remove_network(each["Id"])


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
