"""AWS's event streams: answers that come in parts.

Source: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from __future__ import annotations

import binascii
import json
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = "application/vnd.amazon.eventstream"

_STRING = 7
"""The kind of a header that is a text."""


def event(kind: str, payload: bytes) -> bytes:
    """Return an event as it goes over the wire.

    Args:
        kind: The event, as the service's model calls it.
        payload: Its bytes.
    """
    headers = {
        ":event-type": kind,
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    return _message(headers, payload)


def error(kind: str, members: Mapping[str, str]) -> bytes:
    """Return an error that ends a stream.

    Args:
        kind: The error, as the service's model calls it.
        members: What it says.
    """
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return _message(headers, json.dumps(members).encode())


def _message(headers: Mapping[str, str], payload: bytes) -> bytes:
    head = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    # Three numbers in front, a checksum of two of them among them, and a checksum of all behind.
    lengths = struct.pack("!II", 12 + len(head) + len(payload) + 4, len(head))
    message = lengths + struct.pack("!I", binascii.crc32(lengths)) + head + payload
    return message + struct.pack("!I", binascii.crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name + struct.pack("!BH", _STRING, len(value)) + value
