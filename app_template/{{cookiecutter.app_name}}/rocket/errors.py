"""What can go wrong with a request, and the HTTP status that says so.

RequestError            a status and a message the client may read
└── BadInput            400: raise it in predict() when a record is not what you expect
"""

from __future__ import annotations


class RequestError(Exception):
    """A request that cannot be answered; its message goes to the client as `{"error": ...}`.

    Args:
        status: The HTTP status, 400-599.
        message: What happened, the value seen, and the rule.
        headers: Further response headers, for example `Allow`.
    """

    def __init__(
        self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers


class BadInput(RequestError):
    """The record itself is wrong: the client gets 400 and this message, and nothing is logged.

    Example:
        ```python
        if len(values) != 4:
            raise BadInput(f"observation: 4 numbers expected, got {len(values)}")
        ```
    """

    def __init__(self, message: str) -> None:
        super().__init__(400, message)
