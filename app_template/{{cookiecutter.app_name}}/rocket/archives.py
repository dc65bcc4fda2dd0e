"""model.tar.gz: packing a model's folder, and unpacking one without being led out of it."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

#: How hard gzip tries: a function pays for its time, and weights hardly get smaller.
LEVEL = 1
#: Bytes that are read or written at once.
CHUNK = 2**20


class UnsafeArchive(Exception):
    """A member leads out of the folder, or is neither a file, a folder nor a link to a file."""


def pack(folder: Path, archive: Path) -> None:
    """Writes what a folder has in it; links are followed, for what they lead to stays here."""
    with tarfile.open(
        archive, "w:gz", compresslevel=LEVEL, dereference=True, format=tarfile.PAX_FORMAT
    ) as tar:
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            tar.add(path, path.name, filter=_nobodys)


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def unpack(stream: IO[bytes], folder: Path) -> None:
    """Reads an archive to its end, so that its check sum counts, and writes what is in it.

    Args:
        stream: The archive's bytes, which need not be there at once.
        folder: An empty folder, not to be used when this raises.

    Raises:
        UnsafeArchive: A member leads out of the folder, or is what no model consists of.
        tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error: It is no whole .tar.gz.
    """
    links: list[tarfile.TarInfo] = []
    with (
        gzip.GzipFile(fileobj=stream) as packed,
        tarfile.open(fileobj=packed, mode="r|", bufsize=CHUNK) as tar,
    ):
        for member in tar:
            place = folder / _inside(member, PurePosixPath(member.name))
            if member.isdir():
                place.mkdir(parents=True, exist_ok=True)
            elif member.isfile():
                _write(tar, member, place)
            elif member.issym() or member.islnk():
                links.append(member)
            else:
                raise _unsafe(member, "is neither a file, a folder nor a link")
        while packed.read(CHUNK):
            pass
    _link(links, folder)


def _inside(member: tarfile.TarInfo, path: PurePosixPath) -> PurePosixPath:
    if path.is_absolute() or ".." in path.parts:
        raise _unsafe(member, "would land outside of the folder")
    return path


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None  # noqa: S101 - it is a file
    with source, place.open("wb") as file:
        shutil.copyfileobj(source, file, CHUNK)
    place.chmod(0o755 if member.mode & 0o100 else 0o644)


def _link(links: list[tarfile.TarInfo], folder: Path) -> None:
    """Gives files their further names, each a name as good as the first: there are no links.

    A link may lead to another one, which then comes first.
    """
    waiting = {folder / member.name: member for member in links}
    for member in links:
        chain: list[tarfile.TarInfo] = []
        place = folder / member.name
        while place in waiting:
            chain.append(waiting.pop(place))
            place = folder / _aim(chain[-1])
        for each in reversed(chain):
            place, source = folder / each.name, folder / _aim(each)
            if not source.is_file():
                raise _unsafe(
                    each, f"is a link to {each.linkname}, which is no file of the archive"
                )
            if source != place:
                place.parent.mkdir(parents=True, exist_ok=True)
                place.unlink(missing_ok=True)
                os.link(source, place)


def _aim(member: tarfile.TarInfo) -> PurePosixPath:
    """What a link leads to: from its own folder, or from the archive's top where it is hard."""
    home = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
    words: list[str] = []
    for word in (home / member.linkname).parts:
        if word == "..":
            if not words:
                raise _unsafe(member, f"is a link to {member.linkname}, which is outside")
            words.pop()
        else:
            words.append(word)
    path = PurePosixPath(*words)
    if path.is_absolute():
        raise _unsafe(member, f"is a link to {member.linkname}, which is outside")
    return path


def _unsafe(member: tarfile.TarInfo, why: str) -> UnsafeArchive:
    # Names and links are a stranger's words: a line of the log stays one.
    return UnsafeArchive(ascii(f'its member "{member.name}" {why}')[1:-1])
