"""Answers that break off in the middle, as connections do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Cut:
    """A WSGI application whose answer's body ends too early.

    Args:
        application: What answers.
        most: Bytes of the body that are let through.
    """

    def __init__(
        self, application: Callable[[dict[str, Any], Any], Iterable[bytes]], most: int
    ) -> None:
        """Nothing is asked yet."""
        self._application = application
        self._most = most

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        """Answer a request, and break off."""
        left = self._most
        for piece in self._application(environ, start_response):
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                raise ConnectionAbortedError("cut, as ordered")
