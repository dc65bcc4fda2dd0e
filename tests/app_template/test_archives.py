"""model.tar.gz in the app: what is packed comes out again, and nothing lands anywhere else."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rocket.archives import UnsafeArchive, pack, unpack

Members = Callable[[tarfile.TarFile], None]


def archive(*members: tuple[str, bytes | str, str]) -> bytes:
    """An archive of (name, content or what a link leads to, kind)."""
    written = io.BytesIO()
    kinds = {"soft": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "folder": tarfile.DIRTYPE}
    with tarfile.open(fileobj=written, mode="w:gz") as tar:
        for name, what, kind in members:
            member = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                member.size = len(what)
                member.mode = 0o4777 if kind == "program" else 0o600
                tar.addfile(member, io.BytesIO(what))
            else:
                member.type = kinds.get(kind, tarfile.FIFOTYPE)
                member.linkname = what
                tar.addfile(member)
    return written.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "below" / "model"
    place.mkdir(parents=True)
    return place


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_packed_comes_out_again(folder: Path, tmp_path: Path) -> None:
    # given a model with a link to a file that is elsewhere
    source = tmp_path / "source"
    (source / "deep" / "empty").mkdir(parents=True)
    (source / "weights").write_bytes(os.urandom(3 * 2**20))
    (source / "deep" / "run").write_text("#!")
    (source / "deep" / "run").chmod(0o700)
    (tmp_path / "elsewhere").write_text("cached")
    (source / "link").symlink_to(tmp_path / "elsewhere")
    # when
    pack(source, tmp_path / "model.tar.gz")
    with (tmp_path / "model.tar.gz").open("rb") as opened:
        unpack(opened, folder)
    # then
    assert tree(folder) == tree(source)
    assert (folder / "deep" / "empty").is_dir()
    modes = {
        path.name: path.stat().st_mode & 0o7777 for path in folder.rglob("*") if path.is_file()
    }
    assert modes == {"weights": 0o644, "link": 0o644, "run": 0o755}
    assert not (folder / "link").is_symlink()


def test_no_folder_is_an_empty_archive(folder: Path, tmp_path: Path) -> None:
    pack(tmp_path / "missing", tmp_path / "model.tar.gz")
    unpack(io.BytesIO((tmp_path / "model.tar.gz").read_bytes()), folder)
    assert tree(folder) == {}


def test_links_to_files_of_the_archive_are_those_files(folder: Path) -> None:
    content = archive(
        ("snapshots/a/weights", "../../latest", "soft"),
        ("latest", "blobs/1", "soft"),
        ("./blobs/1", b"one", "program"),
        ("again", "blobs/1", "hard"),
    )
    unpack(io.BytesIO(content), folder)
    assert tree(folder) == dict.fromkeys(
        ["snapshots/a/weights", "latest", "blobs/1", "again"], b"one"
    )
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    assert (folder / "blobs" / "1").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([("../out", b"x", "")], "would land outside"),
        ([("a/../../out", b"x", "")], "would land outside"),
        ([("/tmp/out", b"x", "")], "would land outside"),
        ([("../out", "", "folder")], "would land outside"),
        ([("a", "/etc/passwd", "soft")], "which is outside"),
        ([("a", "../out", "soft")], "which is outside"),
        ([("d/a", "../../out", "soft")], "which is outside"),
        ([("a", "../out", "hard")], "which is outside"),
        ([("d/f", b"x", ""), ("a", "..", "soft"), ("a/b", "below", "soft")], "which is outside"),
        ([("d/f", b"x", ""), ("a", "d", "soft")], "which is no file of the archive"),
        ([("a", "b", "soft"), ("b", "a", "soft")], "which is no file of the archive"),
        ([("a", "missing", "hard")], "which is no file of the archive"),
        ([("pipe", "", "pipe")], "is neither a file, a folder nor a link"),
    ],
)
def test_what_leads_out_is_refused(
    folder: Path, tmp_path: Path, members: list[tuple[str, bytes | str, str]], why: str
) -> None:
    (tmp_path / "below" / "out").write_text("mine")
    with pytest.raises(UnsafeArchive, match=why):
        unpack(io.BytesIO(archive(*members)), folder)
    assert [path.name for path in tmp_path.iterdir()] == ["below"]
    assert tree(tmp_path / "below")["out"] == b"mine"


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: whole[:-20],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:-8] + b"\0" * 8,  # the check sum
        lambda whole: whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:],
        lambda whole: gzip.decompress(whole),
        lambda whole: gzip.compress(b"no archive at all" * 100),
    ],
)
def test_what_is_damaged_is_noticed(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    whole = archive(("weights", os.urandom(100_000), ""))
    with pytest.raises((tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error)):
        unpack(io.BytesIO(damage(whole)), folder)
