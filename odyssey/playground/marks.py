"""Which lines of a log tell of an error."""

from __future__ import annotations

import re

ERROR, WARNING, PLAIN = "error", "warning", ""

_TRACEBACK = "Traceback (most recent call last)"
_NEXT = re.compile(r"(START|END|REPORT) RequestId: |\d{4}-\d\d-\d\d[ T]|[A-Z]+ /\S* HTTP/")
"""How lines begin that cannot be the last of a traceback: it has lost its own."""

_CHAINED = ("During handling of the above", "The above exception was")
_ERROR = re.compile(
    r"\b(ERROR|CRITICAL|FATAL)\b|\[(error|crit|alert|emerg)\]|Task timed out after"
    r"|\bStatus: (error|timeout)\b|\"errorType\":"
)
_WARNING = re.compile(r"\b(WARN|WARNING)\b|\[warn\]|\b\w*Warning: ")
_ACCESS = re.compile(r"HTTP/\d\.\d\"? (?P<status>[45])\d\d\b")


class Marks:
    """Marks the lines of one log, in their order: a traceback is an error to its last line."""

    def __init__(self) -> None:
        """No line was seen yet."""
        self._in_traceback = False

    def of(self, text: str) -> str:
        """Return the mark of the next line: `ERROR`, `WARNING` or `PLAIN`."""
        if _TRACEBACK in text or text.startswith(_CHAINED):
            self._in_traceback = True
            return ERROR
        if self._in_traceback and not _NEXT.match(text):
            # Its frames are indented; the line that names the exception is not, and is the last.
            self._in_traceback = not text.strip() or text[0] in " \t|"
            return ERROR
        self._in_traceback = False
        return _mark(text)


def _mark(text: str) -> str:
    access = _ACCESS.search(text)
    if access:
        return ERROR if access["status"] == "5" else WARNING
    if _ERROR.search(text):
        return ERROR
    return WARNING if _WARNING.search(text) else PLAIN
