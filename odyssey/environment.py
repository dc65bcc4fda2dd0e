"""The Python that runs the app: the one that is here when it fits, else one made for the app.

``rocket/train`` and ``rocket/serve`` need what the app's ``requirements.txt`` names. When the
interpreter that runs odyssey has all of it, that one is used. Otherwise the app gets its own
virtual environment in ``.odyssey/venv``, made once and again whenever the requirements change.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey import state
from odyssey.console import Progress, clean, elapsed, note
from odyssey.errors import ConfigError, DependencyError, InterruptedByUserError, MissingToolError
from odyssey.process import Child, describe_end

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from packaging.requirements import Requirement

    from odyssey.config import Config

REQUIREMENTS = "requirements.txt"
STAMP = "odyssey-stamp"
"""Written into an environment last: one without it was never finished."""

NEWS = ("Collecting ", "Downloading ", "Building ", "Installing ")
"""How the lines begin that pip prints when it comes to something new."""

GRACE = 10.0
"""Seconds that pip may take to stop after Ctrl-C."""

LOCK_PAUSE = 0.2
LAST_LINES = 8
"""Lines of pip's that an error shows."""


def python_for(settings: Config) -> Path:
    """Return the interpreter that runs the app, after making its environment where needed.

    Raises:
        ConfigError: ``local.python`` names no program.
        DependencyError: The requirements cannot be installed.
        MissingToolError: This Python cannot make virtual environments.
        InterruptedByUserError: Ctrl-C came first; the next run begins again.
    """
    if settings.local.python:
        return _chosen(settings)
    running = Path(sys.executable)
    reason = first_unmet(settings.folder / REQUIREMENTS)
    if reason is None:
        return running
    return own(settings.folder, running, reason)


def first_unmet(requirements: Path) -> str | None:
    """Return the first line of a requirements file that this interpreter does not satisfy.

    A line that is no plain requirement (a URL, an option, a typing error) is never satisfied.
    None when all are, or when there is no file.
    """
    if not requirements.exists():
        return None
    for line in _lines(requirements):
        if not _line_is_met(line):
            return line
    return None


def _lines(requirements: Path) -> Iterator[str]:
    text = requirements.read_text(encoding="utf-8-sig", errors="replace")
    for line in text.replace("\\\n", " ").splitlines():
        bare = re.sub(r"(^|\s)#.*", "", line).strip()
        if bare:
            yield bare


def _line_is_met(line: str) -> bool:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return _is_met(Requirement(line), frozenset())
    except InvalidRequirement:
        return False


def _is_met(wanted: Requirement, seen: frozenset[str]) -> bool:
    from importlib import metadata

    if wanted.url or str(wanted) in seen:
        return not wanted.url
    if wanted.marker and not wanted.marker.evaluate():
        return True
    try:
        found = metadata.distribution(wanted.name)
    except metadata.PackageNotFoundError:
        return False
    if not wanted.specifier.contains(found.version, prereleases=True):
        return False
    return all(
        _extra_is_met(found.requires or (), extra, seen | {str(wanted)}) for extra in wanted.extras
    )


def _extra_is_met(requires: Sequence[str], extra: str, seen: frozenset[str]) -> bool:
    from packaging.requirements import Requirement

    for line in requires:
        needed = Requirement(line)
        if needed.marker and needed.marker.evaluate({"extra": extra}):
            needed.marker = None
            if not _is_met(needed, seen):
                return False
    return True


def _chosen(settings: Config) -> Path:
    wanted = settings.local.python
    if "/" in wanted:
        path = settings.folder / Path(wanted).expanduser()
        found = str(path) if path.is_file() and os.access(path, os.X_OK) else None
    else:
        found = shutil.which(wanted)
    if found is None:
        where = "there is no such program"
        raise ConfigError([f'{settings.origin("local.python")}: python: "{wanted}": {where}'])
    return Path(found)


def own(app: Path, base: Path, reason: str) -> Path:
    """Return the interpreter of the app's own environment, after making it where needed.

    Args:
        app: The app's folder.
        base: The interpreter to make it with.
        reason: The requirement that `base` itself does not satisfy.

    Raises:
        DependencyError: The requirements cannot be installed.
        MissingToolError: `base` cannot make virtual environments.
        InterruptedByUserError: Ctrl-C came first; the next run begins again.
    """
    home = state.folder(app)
    venv, stamp = home / "venv", _stamp(app / REQUIREMENTS, base)
    waiting: Progress | None = None
    while not _is_current(venv, stamp):
        with state.locked(home / "venv.lock") as ours:
            if ours and not _is_current(venv, stamp):
                _make(app, venv, base, stamp, reason)
        if not ours:
            waiting = waiting or _wait()
            waiting.tick()
            time.sleep(LOCK_PAUSE)
    return venv / "bin" / "python"


def is_made(app: Path, base: Path) -> bool:
    """Return whether the app's own environment is there, for its requirements as they are now.

    Args:
        app: The app's folder.
        base: The interpreter to make it with.
    """
    return _is_current(app / state.FOLDER / "venv", _stamp(app / REQUIREMENTS, base))


def _wait() -> Progress:
    note("Another odyssey makes this app's Python environment; waiting for it")
    return Progress("Waiting for the environment")


def _is_current(venv: Path, stamp: str) -> bool:
    try:
        return (venv / STAMP).read_text(encoding="utf-8") == stamp and (
            venv / "bin" / "python"
        ).exists()
    except OSError:
        return False


def _stamp(requirements: Path, base: Path) -> str:
    digest = hashlib.sha256()
    for content in _contents(requirements, set()):
        digest.update(content)
    return f"{digest.hexdigest()} {sys.version_info[:3]} {base.resolve()}\n"


def _contents(requirements: Path, seen: set[Path]) -> Iterator[bytes]:
    """Yield a requirements file and the ones that it refers to by ``-r`` and ``-c``."""
    if requirements in seen or not requirements.is_file():
        return
    seen.add(requirements)
    yield requirements.read_bytes()
    for line in _lines(requirements):
        named = re.match(r"(?:-r|-c|--requirement|--constraint)[ =]?\s*(\S+)", line)
        if named:
            yield from _contents(requirements.parent / named.group(1), seen)


def _make(app: Path, venv: Path, base: Path, stamp: str, reason: str) -> None:
    note(
        "Making the app's own Python environment in .odyssey/venv: "
        f'{base} does not have "{clean(reason)}"'
    )
    shutil.rmtree(venv, ignore_errors=True)
    progress = Progress("Making the environment")
    try:
        _make_venv(app, venv, base, progress)
        _install(app, venv, progress)
        (venv / STAMP).write_text(stamp, encoding="utf-8")
    except BaseException:
        shutil.rmtree(venv, ignore_errors=True)
        raise
    note(f"The environment is ready, after {elapsed(progress.seconds)}")


def _make_venv(app: Path, venv: Path, base: Path, progress: Progress) -> None:
    code, lines = _run([str(base), "-m", "venv", str(venv)], app, progress)
    if code == 0:
        return
    if any("ensurepip" in line for line in lines):
        raise MissingToolError(
            f"{base} cannot make virtual environments: its module ensurepip is missing",
            "on Debian and Ubuntu: apt install python3-venv; "
            "or set local.python to a Python that has the requirements",
        )
    raise DependencyError(f"python -m venv failed ({describe_end(code)}):\n{_relevant(lines)}")


def _install(app: Path, venv: Path, progress: Progress) -> None:
    pip = [str(venv / "bin" / "python"), "-m", "pip", "install", "--no-input"]
    quiet = ["--disable-pip-version-check", "--progress-bar", "off"]
    code, lines = _run([*pip, *quiet, "-r", REQUIREMENTS], app, progress)
    if code != 0:
        raise DependencyError(
            f"pip could not install {REQUIREMENTS} ({describe_end(code)}):\n{_relevant(lines)}",
            f"correct {app / REQUIREMENTS}, or set local.python to a Python that has it all",
        )


def _run(argv: Sequence[str], app: Path, progress: Progress) -> tuple[int, list[str]]:
    """Run a program with its news on stderr; return its exit code and its last lines."""
    log = _Log(progress)
    env = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with Child(argv, cwd=app, env=env, grace=GRACE) as child:
        code = child.run(log.take, progress.tick)
    progress.clear()
    if child.stopped_by is not None:
        raise InterruptedByUserError("interrupted; the environment is made again next time")
    return code, log.lines()


def _relevant(lines: Sequence[str]) -> str:
    errors = [line for line in lines if line.lower().startswith("error")]
    return "\n".join(f"  {line}" for line in (errors or lines)[-LAST_LINES:])


class _Log:
    """Takes a program's output, keeps its last lines, and tells the news among them."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._rest = b""
        self._kept: deque[str] = deque(maxlen=200)

    def take(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            text = line.decode(errors="replace").rstrip()
            self._kept.append(text)
            if text.lstrip().startswith(NEWS):
                self._progress.step(text.strip())

    def lines(self) -> list[str]:
        rest = self._rest.decode(errors="replace").rstrip()
        return [*self._kept, rest] if rest else list(self._kept)
