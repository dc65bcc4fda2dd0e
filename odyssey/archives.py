"""``model.tar.gz``: the archive that SageMaker unpacks into the container's model folder.

It is flat: what a model folder has in it is at the top of the archive. The same files make the same
bytes, on every machine and at every time, so that a digest says whether a model is another one.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import stat
import tarfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from odyssey import environment, trees
from odyssey.console import Progress, clean, size
from odyssey.errors import InterruptedByUserError, OdysseyError, UsageError
from odyssey.extraction import Header, UnsafeMemberError, extract
from odyssey.process import Child, describe_end
from odyssey.workplace import workplace

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from odyssey.config import Config
    from odyssey.trees import File

LEFT_OUT = frozenset({".gitkeep", ".gitignore", ".git", ".DS_Store", "__pycache__"})
"""What lies in a model's folder and is no part of a model."""

LEVEL = 6
"""How hard gzip tries: its own default."""

MODEL, REASON = "model", "reason"
"""The model's folder, and the file that says why it cannot be loaded, where it is tried."""

GRACE = 10.0
"""Seconds that loading may take to stop after Ctrl-C."""

LOADER = """
import os, pathlib, sys, traceback
app, root = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(app))
sys.argv = ["serve.py"]
try:
    from serve import get_model
    get_model(str(root / "model"))
except BaseException as error:
    traceback.print_exc()
    reason = traceback.format_exception_only(error)[-1].strip()
    (root / "reason").write_text(reason, encoding="utf-8", errors="backslashreplace")
    sys.exit(1)
# Threads that a model has started do not keep this waiting.
sys.stdout.flush()
os._exit(0)
"""
"""What the app's own Python runs."""

HINTS = (
    (
        r"Can't get attribute '(\w+)' on <module '__main__'",
        '"{}" was defined in the notebook or script itself, which nobody can import: move it to a '
        "module beside serve.py, import it from there, and pickle the model again",
    ),
    (
        r"No module named '([\w.]+)'",
        'put the module "{}" beside serve.py, or its package into requirements.txt',
    ),
    (
        r"(FileNotFound|NotADirectory|IsADirectory)Error",
        "the archive's top is what get_model gets as model_path: name the files that it reads",
    ),
)
"""What to do about the reasons for which models cannot be loaded."""

_BROKEN = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error)


@dataclass(frozen=True)
class Archive:
    """An archive that was packed.

    Args:
        path: Where it is.
        files: The names of the files in it, sorted.
        bytes: Its own size.
        digest: The SHA-256 of its bytes, in hexadecimal digits.
    """

    path: Path
    files: tuple[str, ...]
    bytes: int
    digest: str

    def text(self) -> str:
        """Return what is in it for a reader."""
        count = f"{len(self.files)} file{'' if len(self.files) == 1 else 's'}"
        return f"{count}, {size(self.bytes)} packed"


def pack(paths: Sequence[Path], target: Path) -> Archive:
    """Make the archive of some files and of what some folders have in them.

    Args:
        paths: Files, which go by their names, and folders, whose content goes to the top.
        target: The archive, which is there whole or not at all.

    Raises:
        UsageError: There is no file, two have one name, or a link leads out of its folder.
        OdysseyError: A file cannot be read, or the archive cannot be written.
    """
    files = _gathered(paths)
    with _beside(target) as fresh:
        _write(files, fresh)
        with fresh.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
        count = fresh.stat().st_size
    return Archive(target, tuple(file.name for file in files), count, digest)


def unpack(archive: Path, target: Path) -> None:
    """Unpack an archive into a folder, which is there whole or not at all.

    Args:
        archive: The archive.
        target: The folder, which must be missing or empty.

    Raises:
        UsageError: It is no such archive, or a member would land outside of the folder, or is
            neither a file, a folder nor a link within the archive.
        OdysseyError: The folder cannot be written.
    """
    if not archive.is_file():
        raise UsageError(f"{clean(str(archive))} is no file")
    with _beside(target) as fresh:
        fresh.mkdir()
        _extract(archive, fresh)


def check(settings: Config, archive: Path) -> None:
    """Load an archive with the app's own ``get_model``, as a container does when it starts.

    The app's folder stays as it is, with its model/, if it has one.

    Args:
        settings: The app's settings.
        archive: The archive.

    Raises:
        OdysseyError: ``get_model`` fails.
        UsageError: It is no such archive.
        DependencyError: The app's requirements cannot be installed.
        InterruptedByUserError: Ctrl-C.
    """
    python = environment.python_for(settings)
    with workplace("odyssey-model-") as root:
        unpack(archive, root / MODEL)
        _load(settings.folder, python, root)


def _load(app: Path, python: Path, root: Path) -> None:
    env = {**os.environ, "PYTHONUNBUFFERED": "1", "ROCKET_ML_ROOT": str(root)}
    progress = Progress("Loading the model with get_model of serve.py")
    # -B: nothing is written beside the app's modules.
    argv = [str(python), "-B", "-c", LOADER, str(app), str(root)]
    with Child(argv, cwd=app, env=env, grace=GRACE) as child:
        code = child.run(progress.feed, progress.tick)
    progress.end()
    if child.stopped_by is not None:
        raise InterruptedByUserError("interrupted while the model was being loaded")
    if code != 0:
        told = root / REASON
        reason = told.read_text(encoding="utf-8") if told.exists() else describe_end(code)
        raise OdysseyError(
            f"get_model of serve.py cannot load this model: {clean(reason)}", _hint(reason)
        )


def _hint(reason: str) -> str | None:
    found = ((re.search(pattern, reason), words) for pattern, words in HINTS)
    return next((words.format(match[1]) for match, words in found if match), None)


def _gathered(paths: Iterable[Path]) -> list[File]:
    """Return what goes into the archive, sorted by name; each name once."""
    found: dict[str, File] = {}
    for source in paths:
        for file in trees.files(source, LEFT_OUT.__contains__):
            if source.is_dir():
                _require_inside(file, source)
            if file.name in found:
                other = clean(str(found[file.name].path))
                raise UsageError(
                    f'{clean(str(file.path))} and {other} would both be "{clean(file.name)}" in '
                    "the archive, which is flat",
                    "rename one of them",
                )
            found[file.name] = file
    if not found:
        raise UsageError(
            f"there is no model in {', '.join(clean(str(path)) for path in paths)}: no file",
            "odyssey local train makes model/, which can be uploaded",
        )
    _require_no_file_above(found)
    return [found[name] for name in sorted(found)]


def _require_inside(file: File, folder: Path) -> None:
    real = file.path.resolve()
    if not real.is_relative_to(folder.resolve()):
        raise UsageError(
            f"{clean(str(file.path))} is a link that leads out of the folder, to {real}",
            "put the file itself there, or name it as a path of its own",
        )


def _require_no_file_above(found: Mapping[str, File]) -> None:
    for name, file in found.items():
        above = next((str(a) for a in PurePosixPath(name).parents if str(a) in found), None)
        if above is not None:
            raise UsageError(
                f"{clean(str(found[above].path))} would be a file in the archive, and "
                f"{clean(str(file.path))} would lie in a folder of that name",
                "rename one of them",
            )


def _write(files: Iterable[File], target: Path) -> None:
    # Neither a name nor a time in gzip's header.
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for file in files:
            with trees.reading(file):
                opened = file.path.open("rb")
            with opened:
                tar.addfile(_member(file, os.fstat(opened.fileno())), opened)


def _member(file: File, seen: os.stat_result) -> tarfile.TarInfo:
    member = tarfile.TarInfo(file.name)
    member.size = seen.st_size
    member.mode = 0o755 if seen.st_mode & stat.S_IXUSR else 0o644
    return member


def _extract(archive: Path, folder: Path) -> None:
    shown = clean(str(archive))
    try:
        with tarfile.open(archive, "r:gz", tarinfo=Header) as tar:
            for _ in extract(tar, folder):
                pass
    except UnsafeMemberError as error:
        raise UsageError(f"{shown} is not unpacked: {error.message}") from error
    except _BROKEN as error:
        raise UsageError(f"{shown} is no whole .tar.gz: {clean(str(error))}") from error


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Yield a path to write to, beside a file or folder whose place it takes at the end."""
    try:
        with workplace(".odyssey-new-", target.parent) as made:
            fresh = made / "new"
            yield fresh
            fresh.replace(target)
    except OSError as error:
        raise OdysseyError(
            f"{clean(str(target))} cannot be written: {error.strerror or error}"
        ) from error
