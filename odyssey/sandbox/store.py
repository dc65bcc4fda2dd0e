"""What the sandbox's own services know: tables of plain records, which outlive a restart."""

from __future__ import annotations

import threading
from typing import Any

Table = dict[tuple[str, str], Any]
"""Records by region and name. A record is made of what pickle takes: dicts, lists, strings,
numbers, times; never a thread, a container or a lock."""


class Store:
    """Tables by name.

    Every look at a record and every change of one happens while `lock` is held; nothing slow does.

    Example:
        >>> store = Store()
        >>> with store.lock:
        ...     store.table("models")["eu-west-1", "iris"] = {"ModelName": "iris"}
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.lock = threading.RLock()
        self.tables: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """Return a table, made when it is missing."""
        with self.lock:
            return self.tables.setdefault(name, {})
