"""Taking files out of tar archives of others, without being led astray by them."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from odyssey.console import clean, size
from odyssey.errors import OdysseyError

if TYPE_CHECKING:
    from collections.abc import Iterator


SPARE = 256 << 20
"""Bytes of the disk that stay free, whatever an archive unpacks to."""

MOST = 250_000
"""Members of an archive; more take minutes, and all the names that a disk has."""

LONGEST = 1 << 20
"""Bytes of what an archive says of a member, all of which is read at once."""

_HEADERS = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)


class UnsafeMemberError(OdysseyError):
    """A member leads out of the folder, fills the disk, or is neither file, folder nor link."""


class _Link(NamedTuple):
    """A member that is a link, where it is to be, and where the file is to be that it leads to."""

    member: tarfile.TarInfo
    place: Path
    source: Path


class Header(tarfile.TarInfo):
    """What archives of strangers are opened with: a header of gigabytes is none.

    Example:
        >>> tarfile.open("model.tar.gz", tarinfo=Header)
    """

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        # tarfile's own place for what a subclass has to say of a member.
        if self.type in _HEADERS and self.size > LONGEST:
            raise tarfile.ReadError(f"a header of {size(self.size)}")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        return found


def extract(
    archive: tarfile.TarFile, target: Path, *, below: str = "", was_at: str = "", most: int = MOST
) -> Iterator[Path]:
    """Take the files and folders of an archive out into a folder, one after another.

    They belong to whoever runs this, with the modes 0644, 0755 where the archive says executable.
    A link to a file of the archive becomes a file of its own, when all others are there.

    Args:
        archive: The archive, which may be a stream.
        target: The folder; it is there.
        below: Only what is below this folder of the archive, without it.
        was_at: The absolute path that `below` had where the archive was made, for the links that
            name it.
        most: How many members it may have.

    Yields:
        Each file.

    Raises:
        UnsafeMemberError: A member has an absolute path, ``..``, or leads out by a link, is a
            device or a socket, is larger than what the disk has free, or is one too many. Nothing
            of it was written.
        tarfile.TarError: It is no archive, or it ends too early.
    """
    links: list[_Link] = []
    for number, member in enumerate(archive):
        if number == most:
            raise _unsafe(member, f"is one too many: an archive has {most} members at most")
        parts = _parts(member, member.name, below)
        if not parts:
            continue
        place = target.joinpath(*parts)
        if member.isdir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        if member.isfile():
            _write(archive, member, place)
            place.chmod(0o755 if member.mode & 0o100 else 0o644)
            yield place
        else:
            links.append(_Link(member, place, target.joinpath(*_aim(member, below, was_at))))
    yield from _copies(links)


def _parts(member: tarfile.TarInfo, name: str, below: str) -> tuple[str, ...]:
    """Return the words of a path below a folder of the archive; none where it is elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise _unsafe(member, "would land outside of the folder")
    if not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
        raise _unsafe(member, "is neither a file, a folder nor a link")
    home = PurePosixPath(below)
    return path.relative_to(home).parts if path.is_relative_to(home) else ()


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, place: Path) -> None:
    source = archive.extractfile(member)
    if source is None:
        raise _unsafe(member, "has no content")
    place.unlink(missing_ok=True)
    _require_room(member, place.parent, member.size)
    try:
        with source, place.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def _copies(links: list[_Link]) -> Iterator[Path]:
    """Write what links lead to, each as a file of its own; a link may lead to another one."""
    waiting = {link.place: link for link in links}
    for link in links:
        chain: list[_Link] = []
        end = link.place
        while end in waiting:
            chain.append(waiting.pop(end))
            end = chain[-1].source
        for each in reversed(chain):
            _copy(each)
            yield each.place


def _copy(link: _Link) -> None:
    if not link.source.is_file():
        is_folder = link.source.is_dir()
        what = "a folder, which only a copy can stand for" if is_folder else "not there"
        raise _unsafe(link.member, f"is a link to {link.member.linkname}, which is {what}")
    if link.source != link.place:
        _require_room(link.member, link.place.parent, link.source.stat().st_size)
        shutil.copy(link.source, link.place)


def _require_room(member: tarfile.TarInfo, folder: Path, count: int) -> None:
    free = shutil.disk_usage(folder).free
    if count > free - SPARE:
        raise _unsafe(
            member,
            f"would fill the disk: it is of {size(count)}, {size(free)} are free, and "
            f"{size(SPARE)} must stay so",
        )


def _aim(member: tarfile.TarInfo, below: str, was_at: str) -> tuple[str, ...]:
    """Return the words of the path that a link leads to, below a folder of the archive."""
    # A symbolic link is relative to its own folder, a hard one to the archive.
    home = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
    aim = PurePosixPath(member.linkname)
    if was_at and aim.is_relative_to(was_at):
        home, aim = PurePosixPath(below), aim.relative_to(was_at)
    found = _parts(member, _resolved(member, home / aim), below)
    if not found:
        raise _unsafe(member, f"is a link to {member.linkname}, which is outside")
    return found


def _resolved(member: tarfile.TarInfo, path: PurePosixPath) -> str:
    words: list[str] = []
    for word in path.parts:
        if word == ".." and words:
            words.pop()
        elif word in ("..", "/"):
            raise _unsafe(member, f"is a link to {member.linkname}, which is outside")
        else:
            words.append(word)
    return "/".join(words)


def _unsafe(member: tarfile.TarInfo, why: str) -> UnsafeMemberError:
    return UnsafeMemberError(f'its member "{clean(member.name)}" {clean(why)}')
