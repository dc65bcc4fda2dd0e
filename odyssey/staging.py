"""The folder that a training writes into, until it has succeeded.

``.odyssey/train-XXXX/`` is laid out as ``/opt/ml``: ``input`` and ``output`` are links to the
app's own, ``model`` is fresh and empty. A training that fails or is killed leaves ``model/`` of
the app as it was; one that succeeds takes its place by a rename.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey import state
from odyssey.errors import ServingError, TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "model"
LOCK = "train.lock"
PREFIX = "train-"
REPLACED = "replaced"
"""Where the old model is for the moment that the new one takes its place."""

FAILURE_LINES = 3

KEPT = (".gitkeep", ".gitignore")
"""Files of the model's folder that belong to git and not to a model."""


@dataclass(frozen=True)
class Area:
    """Where one training runs.

    Args:
        app: The app's folder.
        root: The folder laid out as ``/opt/ml``.
        start: When the training began, in seconds of the monotonic clock.
    """

    app: Path
    root: Path
    start: float = field(default_factory=time.monotonic)

    def seconds(self) -> float:
        """Return the seconds since the training began."""
        return time.monotonic() - self.start

    def has_model(self) -> bool:
        """Return whether the training wrote a file."""
        return any(True for _ in files(self.root / MODEL))

    def commit(self) -> None:
        """Put the new model in the place of the app's."""
        model = (self.app / MODEL).resolve()
        fresh, replaced = self.root / MODEL, self.root / REPLACED
        for name in KEPT:
            if (model / name).is_file():
                shutil.copy2(model / name, fresh / name)
        if model.is_mount():
            _exchange(model, fresh, replaced)
            shutil.rmtree(replaced, ignore_errors=True)
            return
        # Two renames, and `recover` for a power cut in between.
        if model.exists():
            shutil.move(model, replaced)
        try:
            shutil.move(fresh, model)
        except BaseException:
            shutil.rmtree(model, ignore_errors=True)
            if replaced.exists():
                shutil.move(replaced, model)
            raise
        shutil.rmtree(replaced, ignore_errors=True)


def _exchange(model: Path, fresh: Path, replaced: Path) -> None:
    """Replace what is in a mounted folder, which cannot be renamed itself."""
    replaced.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for source, target in ((model, replaced), (fresh, model)):
            for entry in list(source.iterdir()):
                shutil.move(entry, target / entry.name)
                moved.append((entry, target / entry.name))
    except BaseException:
        for entry, there in reversed(moved):
            shutil.move(there, entry)
        raise


@contextmanager
def area(app: Path) -> Iterator[Area]:
    """Make the folder of a training, and take it away at the end.

    Raises:
        TrainingError: Another training of this app runs, or the disk refuses.
    """
    home = state.folder(app)
    with state.locked(home / LOCK) as ours:
        if not ours:
            raise TrainingError(
                "another training of this app runs; model/ is unchanged",
                "wait until it has ended, or stop it",
            )
        root = None
        try:
            _clear(app)
            root = _lay_out(app, home)
            yield Area(app, root)
        except OSError as error:
            where = error.filename or home
            raise TrainingError(f"{where}: {error.strerror}; model/ is unchanged") from error
        finally:
            # An old model that could not be put back stays, for `recover` or for its owner.
            if root is not None and not (root / REPLACED).exists():
                shutil.rmtree(root, ignore_errors=True)


def recover(app: Path) -> None:
    """Bring back the old model where odyssey was killed just while replacing it."""
    home = app / state.FOLDER
    if (app / MODEL).exists() or not home.is_dir():
        return
    with state.locked(home / LOCK) as ours:
        if ours:
            _bring_back(app)


def files(model: Path) -> Iterator[tuple[str, int]]:
    """Yield the files of a model with their sizes in bytes, by name; git's own are none."""
    found = (
        Path(place, name) for place, _, names in os.walk(model, followlinks=True) for name in names
    )
    for path in sorted(found):
        if path.is_file() and path.name not in KEPT:
            yield str(path.relative_to(model)), path.stat().st_size


def require_data(app: Path) -> None:
    """Check that an app has something to train on.

    Raises:
        TrainingError: ``input/data/`` has no file.
    """
    data = app / "input" / "data"
    # Not rglob: it passes over links to folders, and large data is often linked.
    names = (name for _, _, names in os.walk(data, followlinks=True) for name in names)
    if all(name.startswith(".") for name in names):
        what = "has no file" if data.is_dir() else "is missing"
        raise TrainingError(
            f"there is nothing to train on: {data} {what}",
            f"put the data into {data / 'training'}",
        )


def require_model(app: Path, command: str) -> None:
    """Check that an app has a model.

    Args:
        app: The app's folder.
        command: The command that makes one.

    Raises:
        ServingError: ``model/`` has no file.
    """
    recover(app)
    if not any(True for _ in files(app / MODEL)):
        raise ServingError(f"there is no model to serve: {app / MODEL} has no file", command)


def reason(app: Path) -> str:
    """Return the first lines of what a training said about its failure, each on a new line."""
    try:
        text = (app / "output" / "failure").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    text = text.partition("\n\nTraceback ")[0]  # The traceback is in the output above.
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "".join(f"\n  {line}" for line in lines[:FAILURE_LINES])


def _bring_back(app: Path) -> None:
    model = (app / MODEL).resolve()
    for replaced in (app / state.FOLDER).glob(f"{PREFIX}*/{REPLACED}"):
        if not model.exists():
            shutil.move(replaced, model)


def _clear(app: Path) -> None:
    """Take away what killed trainings left; the lock says that none of them runs."""
    _bring_back(app)
    for stale in state.folder(app).glob(f"{PREFIX}*/"):
        shutil.rmtree(stale, ignore_errors=True)


def _lay_out(app: Path, home: Path) -> Path:
    output = app / "output"
    output.mkdir(exist_ok=True)
    (output / "failure").unlink(missing_ok=True)
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
    (root / "input").symlink_to(app / "input", target_is_directory=True)
    (root / "output").symlink_to(output, target_is_directory=True)
    (root / MODEL).mkdir()
    return root
