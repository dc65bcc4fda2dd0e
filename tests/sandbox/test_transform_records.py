"""Objects cut into the bodies of requests."""

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey.sandbox.sagemaker.transform_errors import ObjectFailedError
from odyssey.sandbox.sagemaker.transform_records import MAGIC, TOO_LARGE, batches


def cut(
    written: bytes, split: str, *, single: bool = False, most: int = 1 << 20, piece: int = 7
) -> list[bytes]:
    pieces = (written[start : start + piece] for start in range(0, len(written), piece))
    return list(batches(pieces, split, is_single=single, most=most))


def recordio(record: bytes, flag: int = 0) -> bytes:
    head = MAGIC + struct.pack("<I", flag << 29 | len(record))
    return head + record + b"\0" * (-len(record) % 4)


def tfrecord(record: bytes) -> bytes:
    return struct.pack("<Q", len(record)) + b"crc1" + record + b"crc2"


LINES = st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=30)


@given(LINES, st.integers(32, 200), st.integers(1, 100))
def test_many_lines_together_are_the_object(lines: list[bytes], most: int, piece: int) -> None:
    written = b"".join(line + b"\n" for line in lines)
    found = cut(written, "Line", most=most, piece=piece)
    assert b"".join(found) == written
    assert all(len(each) <= most and each.endswith(b"\n") for each in found)


@given(LINES, st.integers(32, 200), st.integers(1, 100))
def test_many_lines_are_as_many_as_there_is_room_for(
    lines: list[bytes], most: int, piece: int
) -> None:
    found = cut(b"".join(line + b"\n" for line in lines), "Line", most=most, piece=piece)
    for this, following in zip(found, found[1:], strict=False):
        assert len(this) + following.index(b"\n") + 1 > most


@given(LINES, st.integers(1, 100))
def test_single_lines_are_the_lines_without_their_ends(lines: list[bytes], piece: int) -> None:
    written = b"".join(line + b"\n" for line in lines)
    assert cut(written, "Line", single=True, piece=piece) == [
        line.removesuffix(b"\r") for line in lines
    ]


@given(st.lists(st.binary(max_size=30), max_size=20), st.integers(1, 100))
@pytest.mark.parametrize(("split", "wrapped"), [("RecordIO", recordio), ("TFRecord", tfrecord)])
def test_frames_stay_together_and_come_off_single_records(
    split: str, wrapped: object, records: list[bytes], piece: int
) -> None:
    assert callable(wrapped)
    written = b"".join(wrapped(record) for record in records)
    several = cut(written, split, most=100, piece=piece)
    assert b"".join(several) == written
    assert all(len(each) <= 100 for each in several)
    assert cut(written, split, single=True, piece=piece) == records


def test_the_last_line_needs_no_end() -> None:
    assert cut(b"1\n2", "Line", single=True) == [b"1", b"2"]
    assert cut(b"1\n2", "Line") == [b"1\n2"]


def test_a_line_that_just_fits_is_sent() -> None:
    assert cut(b"12345\n12345\n", "Line", most=6) == [b"12345\n", b"12345\n"]


def test_a_record_in_several_parts_has_the_magic_number_between_them() -> None:
    written = recordio(b"ab", 1) + recordio(b"cd", 2) + recordio(b"ef", 3)
    assert cut(written, "RecordIO", single=True) == [b"ab" + MAGIC + b"cd" + MAGIC + b"ef"]
    assert cut(written, "RecordIO") == [written]


def test_an_object_that_is_not_split_is_one_request() -> None:
    assert cut(b"1\n2\n", "None") == [b"1\n2\n"]
    assert cut(b"", "None") == [b""]


def test_an_empty_object_has_no_records() -> None:
    for split in ("Line", "RecordIO", "TFRecord"):
        assert cut(b"", split) == cut(b"", split, single=True) == []


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize(
    ("split", "written"),
    [
        ("None", b"123456789"),
        ("Line", b"1\n123456789\n1\n"),
        ("Line", b"1\n123456789"),
        ("RecordIO", recordio(b"123456789")),
        ("TFRecord", tfrecord(b"123456789")),
    ],
)
def test_a_record_that_is_too_large_fails(split: str, written: bytes, single: bool) -> None:
    with pytest.raises(ObjectFailedError, match=TOO_LARGE):
        cut(written, split, single=single, most=8)


def test_a_record_that_is_too_large_fails_before_all_of_it_is_read() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 100
            yield b"x" * 100

    for split in ("None", "Line"):
        with pytest.raises(ObjectFailedError, match=TOO_LARGE):
            list(batches(endless(), split, is_single=True, most=1000))
    assert read < 3000


@pytest.mark.parametrize(
    ("split", "written", "why"),
    [
        ("RecordIO", b"id,width\n1,2\n", "not in the RecordIO format"),
        ("RecordIO", recordio(b"12345678")[:-1], "breaks off"),
        ("RecordIO", recordio(b"12", 1), "breaks off"),
        ("TFRecord", tfrecord(b"12")[:-2], "breaks off"),
    ],
)
def test_an_object_in_another_format_fails(split: str, written: bytes, why: str) -> None:
    with pytest.raises(ObjectFailedError, match=why):
        cut(written, split)
