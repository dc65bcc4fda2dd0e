"""The sandbox's process speaks to this machine alone, whatever a library in it would do."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

LOCAL = ("localhost", "")

SENDING = ("socket.connect", "socket.sendto", "socket.sendmsg")
"""What Python tells before something leaves by a socket."""

ASKING = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
"""What it tells before others are asked for a name's address, and so hear the name."""


def contain() -> None:
    """Refuse every connection that leaves this machine, and forget AWS's variables, for good.

    What a job runs is a program of its own, which this does not hold back.

    Raises:
        PermissionError: Whoever tries to connect elsewhere from now on.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    # Once added, no code of this process can take such a hook away.
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event in SENDING:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None
    elif event in ASKING:
        host = arguments[0]
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name is not None and not _is_local(name):
        raise PermissionError(f"the sandbox connects to nothing but this machine: {name}")


def _is_local(host: str) -> bool:
    if host in LOCAL:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False  # A name that would have to be asked for elsewhere.
