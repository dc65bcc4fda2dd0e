"""Archives of strangers: whoever unpacks one writes into its own folder, plain files alone.

One is the command line's and the sandbox's (`odyssey.extraction`), one the rocket's, on Lambda.
Single tricks are in tests/functional/test_archives.py and tests/app_template/test_archives.py; here
are all of them mixed, and those that want the disk, the memory or the time.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import stat
import tarfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odyssey.errors import OdysseyError
from odyssey.extraction import Header, UnsafeMemberError, extract
from rocket import archives as rocket

Unpack = Callable[[bytes, Path], None]

REFUSALS = (OdysseyError, rocket.UnsafeArchive, tarfile.TarError, EOFError, zlib.error, OSError)


def by_us(packed: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz", tarinfo=Header) as tar:
        for _ in extract(tar, folder):
            pass


def by_the_rocket(packed: bytes, folder: Path) -> None:
    rocket.unpack(io.BytesIO(packed), folder)


BOTH = pytest.mark.parametrize("unpack", [by_us, by_the_rocket])

WORDS = st.sampled_from(
    ["a", "b", "..", ".", "", "/", "secret", "C:", "~", "a\n", "\x1b[31m", "é", "x" * 300, "-rf"]
)
PATHS = st.lists(WORDS, min_size=1, max_size=4).map("/".join)
KINDS = st.sampled_from(
    [
        tarfile.REGTYPE,
        tarfile.DIRTYPE,
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CONTTYPE,
    ]
)


@st.composite
def members(draw: st.DrawFn) -> tarfile.TarInfo:
    member = tarfile.TarInfo(draw(PATHS))
    member.type = draw(KINDS)
    member.linkname = draw(PATHS) if member.type in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
    member.mode = draw(st.sampled_from([0o644, 0o755, 0o4755, 0o2777, 0o1777, 0o000]))
    member.uid = member.gid = draw(st.sampled_from([0, 1000]))
    member.size = 3 if member.isreg() else 0
    return member


def packed(*contents: tarfile.TarInfo, fill: bool = True) -> bytes:
    """Return an archive; without its content a member only says how large it is."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", mtime=0) as zipped:
        for member in contents:
            zipped.write(member.tobuf(tarfile.PAX_FORMAT))
            if fill and member.size:
                zipped.write(b"new".ljust(512, b"\0"))
        zipped.write(b"\0" * 1024)
    return made.getvalue()


def around(folder: Path) -> dict[str, tuple[int, str]]:
    """Return what is beside a folder, with modes, and what is in the files."""
    return {
        str(path.relative_to(folder.parent)): (
            path.lstat().st_mode,
            path.read_text() if path.is_file() else "",
        )
        for path in folder.parent.rglob("*")
        if not path.is_relative_to(folder)
    }


@BOTH
@settings(max_examples=150)
@given(contents=st.lists(members(), min_size=1, max_size=6))
def test_whatever_is_in_it_only_plain_files_come_out_and_only_into_the_folder(
    unpack: Unpack, contents: list[tarfile.TarInfo]
) -> None:
    with TemporaryDirectory() as made:
        # given
        folder = Path(made, "home", "model")
        folder.mkdir(parents=True)
        for place in (folder.parent / "secret", folder.parent.parent / "secret"):
            place.write_text("old")
        before = around(folder), around(folder.parent)
        # when
        with contextlib.suppress(*REFUSALS):
            unpack(packed(*contents), folder)
        # then
        assert (around(folder), around(folder.parent)) == before
        for path in folder.rglob("*"):
            mode = path.lstat().st_mode
            assert stat.S_ISDIR(mode) or stat.S_ISREG(mode)
            assert stat.S_ISDIR(mode) or stat.S_IMODE(mode) in (0o644, 0o755)
            assert stat.S_ISDIR(mode) or path.read_text() == "new"


@BOTH
def test_of_two_of_one_name_the_last_counts_and_no_file_is_written_through_the_first(
    unpack: Unpack, tmp_path: Path
) -> None:
    # given a link, and then a file of its name
    (tmp_path / "mine").write_text("old")
    link, file, out = tarfile.TarInfo("a"), tarfile.TarInfo("a"), tmp_path / "out"
    link.type, link.linkname, file.size = tarfile.SYMTYPE, "a", 3
    out.mkdir()
    # when
    unpack(packed(file, link, file), out)
    # then
    assert [(path.name, path.read_text()) for path in out.iterdir()] == [("a", "new")]
    assert (tmp_path / "mine").read_text() == "old"


def test_what_the_disk_has_no_room_for_is_refused_before_it_is_written(tmp_path: Path) -> None:
    # given a hundred bytes that say they are a petabyte
    huge = tarfile.TarInfo("weights")
    huge.size = 10**15
    # when, then
    with pytest.raises(UnsafeMemberError, match="would fill the disk: it is of 10"):
        by_us(packed(huge, fill=False), tmp_path)
    assert not list(tmp_path.iterdir())


def test_copies_of_a_large_file_count_as_much_as_the_file(tmp_path: Path) -> None:
    # given a file with holes, as large as half of what is free, and links to it
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    with (tmp_path / "large").open("wb") as file:
        file.truncate(free + 1)
    link = tarfile.TarInfo("again")
    link.type, link.linkname = tarfile.LNKTYPE, "large"
    # when, then
    with pytest.raises(UnsafeMemberError, match='"again" would fill the disk'):
        by_us(packed(link), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


def test_more_members_than_a_model_has_are_too_many(tmp_path: Path) -> None:
    content = packed(*(tarfile.TarInfo(str(number)) for number in range(7)))
    with (
        tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as tar,
        pytest.raises(UnsafeMemberError, match='"5" is one too many: an archive has 5'),
    ):
        list(extract(tar, tmp_path, most=5))
    assert len(list(tmp_path.iterdir())) == 5


def test_a_header_that_would_take_all_memory_is_none(tmp_path: Path) -> None:
    # given a name of two gigabytes, of which two kilobytes are there
    name = tarfile.TarInfo("long")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 2 << 30
    # when, then
    with pytest.raises(tarfile.ReadError, match="a header of 2"):
        by_us(packed(name), tmp_path)


@BOTH
def test_links_in_the_worst_order_take_a_time_that_grows_with_their_number(
    unpack: Unpack, tmp_path: Path
) -> None:
    # given links of which each leads to the next, and the last to the file
    number = 3000
    file = tarfile.TarInfo(str(number))
    file.size = 3
    links = [tarfile.TarInfo(str(each)) for each in range(number)]
    for each, link in enumerate(links):
        link.type, link.linkname = tarfile.SYMTYPE, str(each + 1)
    # when
    started = time.process_time()
    unpack(packed(*links, file), tmp_path)
    # then: one by one in each of as many rounds, it was half a minute
    assert time.process_time() - started < 10
    assert {path.read_text() for path in tmp_path.iterdir()} == {"new"}
    assert len(list(tmp_path.iterdir())) == number + 1


def test_words_of_a_stranger_stay_on_one_line_of_the_log(tmp_path: Path) -> None:
    bad = tarfile.TarInfo("../a\nERROR all is well\x1b[2K")
    with pytest.raises(rocket.UnsafeArchive) as caught:
        by_the_rocket(packed(bad), tmp_path)
    assert str(caught.value).isprintable()
