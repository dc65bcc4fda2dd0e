"""The end of what an invocation prints, which a caller may ask for with the answer."""

from __future__ import annotations

import threading

MOST = 4096
"""Bytes that a caller gets."""

KEPT = 1 << 16

PATIENCE = 2.0
"""Seconds in which the last line arrives, which may be later than the answer."""


class Tail:
    """What was printed since an invocation began, its last 64 KB."""

    def __init__(self) -> None:
        """Nothing was printed yet."""
        self._changed = threading.Condition()
        self._request_id = b""
        self._output = b""

    def begin(self, request_id: str) -> None:
        """Forget what was printed before an invocation."""
        with self._changed:
            self._request_id = request_id.encode()
            self._output = b""

    def write(self, output: bytes) -> None:
        """Take what was printed."""
        with self._changed:
            self._output = (self._output + output)[-KEPT:]
            self._changed.notify_all()

    def end(self) -> bytes:
        """Return the last bytes of the invocation, whose report may still be on its way."""
        with self._changed:
            self._changed.wait_for(self._is_whole, PATIENCE)
            begin = self._output.find(b"START RequestId: " + self._request_id)
            return self._output[max(0, begin) :][-MOST:]

    def _is_whole(self) -> bool:
        _, report, after = self._output.partition(b"REPORT RequestId: " + self._request_id)
        return bool(report) and b"\n" in after
