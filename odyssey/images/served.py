"""The app's container as the contract test sees it."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING

from odyssey.images.layout import PORT

if TYPE_CHECKING:
    from odyssey.images.containers import Container

LISTENING = "0A"
"""The state of a listening socket in ``/proc/net/tcp``."""

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
LOOK_AGAIN = 0.05


class Served:
    """A container that was started with ``serve``.

    Args:
        container: The container, which runs.
    """

    def __init__(self, container: Container) -> None:
        """Ask the engine where the container's port leads."""
        self._container = container
        self.url = f"http://127.0.0.1:{container.port(PORT)}"

    def alive(self) -> bool:
        """Return whether it runs."""
        return self._container.exit_code() is None

    def exit_code(self) -> int | None:
        """Return its exit code; None while it runs."""
        return self._container.exit_code()

    def log(self, tail: int = 20) -> str:
        """Return the last lines that it printed."""
        return self._container.log(tail)

    def listening(self) -> list[tuple[str, int]] | None:
        """Return the addresses and ports that it listens on; None where it has no ``cat``."""
        tables = "".join(self._container.read(["cat", table]) for table in TABLES)
        return listening(tables) if tables else None

    def stop(self, grace: float = 30) -> tuple[int, float]:
        """Stop it by SIGTERM, then SIGKILL; return its exit code, and the seconds that took."""
        started = time.monotonic()
        self._container.kill("SIGTERM")
        while (code := self._container.exit_code()) is None:
            if time.monotonic() - started >= grace:
                self._container.kill("SIGKILL")
            time.sleep(LOOK_AGAIN)
        return code, time.monotonic() - started


def listening(table: str) -> list[tuple[str, int]]:
    """Return the addresses and ports of the listening sockets in a table of ``/proc/net``.

    Example:
        >>> listening("   0: 0100007F:1388 00000000:0000 0A 00000000:00000000 ...")
        [('127.0.0.1', 5000)]
    """
    rows = (line.split() for line in table.splitlines())
    places = {row[1] for row in rows if len(row) > 3 and row[3] == LISTENING}
    return sorted(_place(place) for place in places)


def _place(text: str) -> tuple[str, int]:
    """Read an address as the kernel writes it: words of 32 bits, each in the host's own order."""
    host, _, port = text.partition(":")
    words = [bytes.fromhex(host[at : at + 8])[::-1] for at in range(0, len(host), 8)]
    address = ipaddress.ip_address(b"".join(words))
    return str(getattr(address, "ipv4_mapped", None) or address), int(port, 16)
