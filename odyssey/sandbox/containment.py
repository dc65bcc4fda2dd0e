"""The sandbox's process speaks to this machine alone, whatever a library in it would do."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import Any

LOCAL = ("localhost", "")


def contain() -> None:
    """Refuse every connection that leaves this machine, and forget AWS's variables, for good.

    Raises:
        PermissionError: Whoever tries to connect elsewhere from now on.
    """
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    # Once added, no code of this process can take such a hook away.
    sys.addaudithook(_watch)


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_local(str(address[0])):
        raise PermissionError(f"the sandbox connects to nothing but this machine: {address[0]}")


def _is_local(host: str) -> bool:
    if host in LOCAL:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False  # A name that would have to be asked for elsewhere.
