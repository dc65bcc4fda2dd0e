"""Taking files out of tar archives of others, without being led astray by them."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from odyssey.console import clean
from odyssey.errors import OdysseyError

if TYPE_CHECKING:
    from collections.abc import Iterator


class UnsafeMemberError(OdysseyError):
    """A member of an archive would land outside of the folder, or is neither file nor folder."""


def extract(
    archive: tarfile.TarFile, target: Path, *, below: str = "", was_at: str = ""
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

    Yields:
        Each file.

    Raises:
        UnsafeMemberError: A member has an absolute path, ``..``, or leads out by a link, or is a
            device or a socket. Nothing of it was written.
        tarfile.TarError: It is no archive, or it ends too early.
    """
    links: list[tuple[tarfile.TarInfo, Path, Path]] = []
    for member in archive:
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
            links.append((member, place, target.joinpath(*_aim(member, below, was_at))))
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
    try:
        with source, place.open("xb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def _copies(links: list[tuple[tarfile.TarInfo, Path, Path]]) -> Iterator[Path]:
    """Write what links lead to, each as a file of its own; a link may lead to another one."""
    while links:
        waiting = []
        for link in links:
            _, place, source = link
            if source.is_file():
                if source != place:
                    shutil.copy(source, place)
                yield place
            else:
                waiting.append(link)
        if len(waiting) == len(links):
            member, _, source = links[0]
            what = "a folder, which only a copy can stand for" if source.is_dir() else "not there"
            raise _unsafe(member, f"is a link to {member.linkname}, which is {what}")
        links = waiting


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
