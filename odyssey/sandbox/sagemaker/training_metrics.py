"""The metrics of a training job: the numbers that its log says, as its request defines them."""

from __future__ import annotations

import math
import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LONGEST = 10_000
"""Characters of a line that are looked at."""


class Metrics:
    """Reads the output of machines, and keeps the last value of each metric.

    Args:
        definitions: The ``MetricDefinitions`` of a request.
    """

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        """Nothing is read yet."""
        self._patterns = {one["Name"]: re.compile(one["Regex"]) for one in definitions}
        self._open: dict[str, bytes] = {}
        self._last: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def read(self, host: str, output: bytes) -> None:
        """Take what a machine printed.

        Args:
            host: The machine's host.
            output: A piece of it, which may end within a line.
        """
        if not self._patterns:
            return
        with self._lock:
            *lines, rest = (self._open.get(host, b"") + output).split(b"\n")
            self._open[host] = rest[:LONGEST]
            for line in lines:
                self._look(line[:LONGEST].decode("utf-8", "replace"))

    def final(self) -> list[dict[str, Any]]:
        """Return the last values, as ``FinalMetricDataList`` has them."""
        with self._lock:
            return list(self._last.values())

    def _look(self, line: str) -> None:
        for name, pattern in self._patterns.items():
            found = pattern.search(line)
            value = _number(found) if found else None
            if value is not None:
                now = datetime.now(UTC)
                self._last[name] = {"MetricName": name, "Value": value, "Timestamp": now}


def _number(found: re.Match[str]) -> float | None:
    try:
        number = float(found[1] if found.re.groups else found[0])
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
