"""The files of a model: in a ``model.tar.gz``, or in a folder that is going to be one."""

from __future__ import annotations

import gzip
import os
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.archives import LEFT_OUT
from odyssey.checks.findings import Place
from odyssey.checks.naming import shown
from odyssey.console import clean
from odyssey.errors import UsageError
from odyssey.extraction import Header

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Literal

    from odyssey.config import Config

    Kind = Literal["file", "folder", "link", "device"]


@dataclass(frozen=True)
class Member:
    """A file, a folder, or something else of a model.

    Args:
        name: Its path, as the archive has it.
        kind: What it is.
        size: Its bytes.
        leads_to: Where a link leads to, else empty.
    """

    name: str
    kind: Kind
    size: int = 0
    leads_to: str = ""


@dataclass(frozen=True)
class ModelFiles:
    """What a model is made of.

    Args:
        file: The archive, or the folder, as a reader names it.
        members: What is in it, in its order.
        packed: Whether it is an archive.
        broken: Why it cannot be read as ``.tar.gz``; empty where it can.
        serverless: Whether a serverless endpoint is to load it.
        storage_mb: What a function has to unpack it in; 0 where no function loads it.
    """

    file: str
    members: tuple[Member, ...] = ()
    packed: bool = True
    broken: str = ""
    serverless: bool = False
    storage_mb: int = 0

    @property
    def files(self) -> tuple[Member, ...]:
        """The files alone, without what no model has any use for."""
        return tuple(
            each
            for each in self.members
            if each.kind == "file" and not LEFT_OUT & set(each.name.split("/"))
        )

    def place(self, path: tuple[str | int, ...]) -> Place:
        """Return where a fault of it is."""
        return Place(self.file, path=path)


def read(path: Path, settings: Config | None = None) -> ModelFiles:
    """Return the files of a model.

    Args:
        path: An archive, or a folder.
        settings: The settings of the app that loads it.

    Raises:
        UsageError: It cannot be read.
    """
    about: dict[str, Any] = {
        "serverless": bool(
            settings and settings.app.on_sagemaker and settings.endpoint.kind == "serverless"
        ),
        "storage_mb": settings.function.storage_mb if settings and settings.app.on_lambda else 0,
    }
    try:
        if path.is_dir():
            return ModelFiles(f"{shown(path)}", tuple(_in_folder(path)), packed=False, **about)
        members, broken = _in_archive(path)
    except OSError as error:
        raise UsageError(f"{clean(str(path))} cannot be read: {error.strerror or error}") from error
    return ModelFiles(shown(path), tuple(members), broken=broken, **about)


def _in_archive(path: Path) -> tuple[list[Member], str]:
    members: list[Member] = []
    try:
        # Tried first, as tarfile names no reason where it is neither.
        with gzip.open(path) as packed:
            packed.read(1)
        with tarfile.open(path, "r|gz", tarinfo=Header) as tar:
            members.extend(_member(each) for each in tar)
    except gzip.BadGzipFile:
        return members, "it is not gzipped"
    except (tarfile.TarError, EOFError, zlib.error) as error:
        return members, clean(str(error))
    return members, ""


def _member(each: tarfile.TarInfo) -> Member:
    if each.issym() or each.islnk():
        return Member(each.name, "link", leads_to=each.linkname)
    kind: Kind = "file" if each.isfile() else "folder" if each.isdir() else "device"
    return Member(each.name, kind, each.size)


def _in_folder(folder: Path) -> Iterator[Member]:
    for above, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(files):
            path = Path(above, name)
            inner = path.relative_to(folder).as_posix()
            if name in LEFT_OUT:
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
                yield Member(inner, "link", leads_to=os.readlink(path))
            elif path.is_file():
                yield Member(inner, "file", path.stat().st_size)
            else:
                yield Member(inner, "device")
