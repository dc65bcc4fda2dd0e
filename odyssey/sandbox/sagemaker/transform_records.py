"""An object's bytes cut into records, and records put together into the bodies of requests.

Lines keep their ends where a request has several, as the object has them; a request of a single
line has it without. RecordIO's and TFRecord's frames go with several records, and are taken off a
single one.

Sources: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformInput.html,
https://mxnet.apache.org/versions/1.9.1/api/architecture/note_data_loading and
https://www.tensorflow.org/tutorials/load_data/tfrecord
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from odyssey.sandbox.sagemaker.transform_errors import ObjectFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Frame = tuple[bytes, bytes]
    """A record as it is in the object, and without what it is wrapped in."""

TOO_LARGE = "Too much data for max payload size"

MAGIC = struct.pack("<I", 0xCED7230A)
"""What each part of a record begins with in RecordIO."""


def batches(pieces: Iterable[bytes], split: str, *, is_single: bool, most: int) -> Iterator[bytes]:
    r"""Yield the bodies of the requests that an object makes.

    Args:
        pieces: The object's bytes.
        split: ``None``, ``Line``, ``RecordIO`` or ``TFRecord``.
        is_single: Whether each request has one record; otherwise as many as there is room for.
        most: Bytes that a request may have.

    Raises:
        ObjectFailedError: A record is larger than that, or the object is not in this format.

    Example:
        >>> list(batches([b"1,2\n3,", b"4\n"], "Line", is_single=True, most=10))
        [b'1,2', b'3,4']
    """
    if split == "None":
        return _whole(pieces, most)
    if split == "Line":
        return _lines(pieces, most) if is_single else _many_lines(pieces, most)
    frames = _FRAMES[split](_Reader(pieces, most))
    return _single(frames, most) if is_single else _many(frames, most)


def _whole(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    held, size = [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        _require_room(size, most)
    yield b"".join(held)


def _lines(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    left = b""
    for piece in pieces:
        *whole, left = (left + piece).split(b"\n")
        for line in whole:
            _require_room(len(line), most)
            yield line.removesuffix(b"\r")
        _require_room(len(left), most)
    if left:
        yield left


def _many_lines(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    held, size = [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size <= most:
            continue
        joined, start = b"".join(held), 0
        while len(joined) - start > most:
            end = joined.rfind(b"\n", start, start + most) + 1
            if not end:
                raise ObjectFailedError(TOO_LARGE)
            yield joined[start:end]
            start = end
        held, size = [joined[start:]], len(joined) - start
    if size:
        yield b"".join(held)


def _single(frames: Iterable[Frame], most: int) -> Iterator[bytes]:
    for _, record in frames:
        _require_room(len(record), most)
        yield record


def _many(frames: Iterable[Frame], most: int) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for frame, _ in frames:
        _require_room(len(frame), most)
        if size + len(frame) > most:
            yield b"".join(held)
            held, size = [], 0
        held.append(frame)
        size += len(frame)
    if held:
        yield b"".join(held)


def _require_room(size: int, most: int) -> None:
    if size > most:
        raise ObjectFailedError(TOO_LARGE)


class _Reader:
    """Reads so many bytes at once as are asked for."""

    def __init__(self, pieces: Iterable[bytes], most: int) -> None:
        self._pieces = iter(pieces)
        self._most = most
        self._held = b""
        self._position = 0

    def is_at_end(self) -> bool:
        while self._position == len(self._held):
            piece = next(self._pieces, None)
            if piece is None:
                return True
            self._held, self._position = piece, 0
        return False

    def read(self, size: int) -> bytes:
        _require_room(size, self._most)
        found = bytearray()
        while len(found) < size:
            if self.is_at_end():
                raise ObjectFailedError("The last record breaks off")
            end = self._position + size - len(found)
            found += self._held[self._position : end]
            self._position = min(end, len(self._held))
        return bytes(found)


def _recordio(reader: _Reader) -> Iterator[Frame]:
    frame, parts = b"", []
    while not reader.is_at_end():
        head = reader.read(8)
        if head[:4] != MAGIC:
            raise ObjectFailedError("The object is not in the RecordIO format")
        (packed,) = struct.unpack("<I", head[4:])
        flag, length = packed >> 29, packed & (1 << 29) - 1
        data = reader.read(length + -length % 4)
        frame += head + data
        parts.append(data[:length])
        # 0 is a whole record. Of one that has the magic number in it, which is left out there,
        # 1 is the first part, 2 one in the middle and 3 the last.
        if flag in (0, 3):
            yield frame, MAGIC.join(parts)
            frame, parts = b"", []
    if parts:
        raise ObjectFailedError("The last record breaks off")


def _tfrecord(reader: _Reader) -> Iterator[Frame]:
    while not reader.is_at_end():
        head = reader.read(12)  # Its length, and a checksum of that.
        (length,) = struct.unpack("<Q", head[:8])
        data = reader.read(length)
        yield head + data + reader.read(4), data


_FRAMES: dict[str, Callable[[_Reader], Iterator[Frame]]] = {
    "RecordIO": _recordio,
    "TFRecord": _tfrecord,
}
