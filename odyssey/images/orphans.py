"""What an odyssey that was killed has left in the engine: the next one takes it away."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.images.engine import explained

if TYPE_CHECKING:
    from collections.abc import Mapping

    import docker

LABEL = "odyssey.owner"


def sweep(engine: docker.DockerClient) -> None:
    """Take away what odysseys of this machine left that were killed."""
    from docker.errors import APIError

    api, ours = engine.api, {"label": LABEL}
    with explained("the containers cannot be listed"):
        containers = api.containers(all=True, filters=ours)
        volumes = api.volumes(filters=ours)["Volumes"] or []
    for container in containers:
        if _is_orphan(container["Labels"]):
            with contextlib.suppress(APIError):
                api.remove_container(container["Id"], v=True, force=True)
    for each in volumes:
        if _is_orphan(each["Labels"]):
            with contextlib.suppress(APIError):
                api.remove_volume(each["Name"], force=True)


def label() -> dict[str, str]:
    """Return the label of what this process makes: its machine and its number."""
    return {LABEL: f"{socket.gethostname()}:{os.getpid()}"}


def _is_orphan(labels: Mapping[str, str]) -> bool:
    host, _, pid = labels[LABEL].rpartition(":")
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
