"""Full disks: a small file system in memory that is filled, and what commands make of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.environments import UnavailableError
from benchmarks.reliability import trees
from benchmarks.reliability.account import enter
from benchmarks.reliability.experiment import FAULTS, Experiment, Observed
from benchmarks.reliability.kills_local import SERVED
from benchmarks.reliability.scene import HUNG, Done, Scene

SIZE_MB = 400
"""More than the 256 MB that odyssey leaves free when it unpacks an archive."""

ROOMS = (0, 16, 300)
"""Kilobytes that are free at each attempt."""

HEAD = ["free, kB", "exit code", "what it says", "what was there", "with room again"]
FILLER = ".filler"


@dataclass(frozen=True)
class Work:
    """A command that wants to write to the full disk.

    Attributes:
        cwd: Where it is run.
        words: The command.
        kept: A folder whose content must be as before where the command fails.
        variables: More variables.
    """

    cwd: Path
    words: tuple[str, ...]
    kept: Path
    variables: Mapping[str, str] = field(default_factory=dict)


def full(name: str, breaks: str, prepare: Callable[[Scene, Path], Work]) -> Experiment:
    """Return the experiment that runs a command with less and less room."""
    return Experiment(
        name,
        FAULTS,
        f"{breaks}, with {', '.join(map(str, ROOMS))} kB free",
        "a proper error, or success where the room is enough; what was there is as it was; with "
        "room again the same command succeeds",
        lambda scene: _setup(scene, prepare),
        _inject,
        _observe,
    )


def _setup(scene: Scene, prepare: Callable[[Scene, Path], Work]) -> tuple[Path, Work]:
    disk = scene.folder / "disk"
    disk.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "odyssey-reliability", str(disk)]
    with contextlib.suppress(OSError):
        if subprocess.run(words, capture_output=True).returncode == 0:
            scene.stack.callback(
                subprocess.run, ["umount", "--lazy", str(disk)], capture_output=True
            )
            return disk, prepare(scene, disk)
    raise UnavailableError("a file system cannot be mounted here: it takes root")


def _inject(scene: Scene, made: tuple[Path, Work]) -> list[tuple[int, Done, bool, Done]]:
    disk, work = made
    tried = []
    for room in ROOMS:
        before = trees.digests(work.kept)
        _fill(disk, room)
        done = scene.run(*work.words, cwd=work.cwd, **work.variables)
        intact = done.code == 0 or trees.digests(work.kept) == before
        (disk / FILLER).unlink()
        again = scene.run(*work.words, cwd=work.cwd, **work.variables)
        tried.append((room, done, intact, again))
    return tried


def _fill(disk: Path, room: int) -> None:
    """Fill a disk until so many kilobytes are free."""
    with (disk / FILLER).open("wb", buffering=0) as filler:
        for size in (2**20, 4096):
            with contextlib.suppress(OSError):
                while filler.write(b"\0" * size):
                    pass
    os.truncate(disk / FILLER, max(0, (disk / FILLER).stat().st_size - 1024 * room))


def _observe(
    scene: Scene, made: tuple[Path, Work], tried: list[tuple[int, Done, bool, Done]]
) -> Observed:
    seen = Observed({}, [HEAD])
    for room, done, intact, again in tried:
        said = done.said if done.code else "–"
        row = [str(room), str(done.code), said, "as it was" if intact else "CHANGED"]
        seen.table.append([*row, f"exit {again.code}"])
        if done.code == HUNG:
            seen.faults.append(f"{room} kB: it hangs")
        elif done.code and not done.is_proper:
            seen.faults.append(f"{room} kB: no proper error: exit {done.code}, {done.said}")
        if not intact:
            seen.faults.append(f"{room} kB: what was there has changed")
        if again.code:
            seen.faults.append(f"{room} kB: with room again: exit {again.code}, {again.said}")
    if tried[0][1].code == 0:
        seen.remarks.append(
            "With no room at all Python takes another folder for temporary files, and finds room."
        )
    if all(done.code == 0 for _, done, _, _ in tried):
        seen.faults.append("the disk was not full for any attempt")
    return seen


def _app_on(scene: Scene, disk: Path) -> Path:
    return Path(shutil.move(scene.app(), disk / "iris"))


def _init(scene: Scene, disk: Path) -> Work:
    words = ("init", "-p", "aws", "-s", "sagemaker", "start", "iris", "--force")
    (disk / "iris").mkdir()
    (disk / "iris" / "notes").write_text("the user's own", encoding="utf-8")
    return Work(disk, words, disk / "iris")


def _train(scene: Scene, disk: Path) -> Work:
    app = _app_on(scene, disk)
    return Work(app, ("local", "train"), app / "model")


def _review(scene: Scene, disk: Path) -> Work:
    scene.workshop.warm_up()
    app = scene.app()
    with (app / "odyssey.toml").open("a", encoding="utf-8") as settings:
        settings.write(SERVED)
    empty = scene.folder / "nothing"
    empty.mkdir()
    scene.must("synth", cwd=app)
    for template in (app / "cdk.out").glob("*.template.json"):
        (empty / template.name).write_text('{"Resources": {}}', encoding="utf-8")
    (disk / "report").mkdir()
    words = ("review", "--base", str(empty), "--out", str(disk / "report"))
    return Work(app, words, disk / "report")


def _upload(scene: Scene, disk: Path) -> Work:
    """An upload whose temporary folder is full: the archive and what it is unpacked to."""
    app = scene.app()
    enter(scene, app).bucket("models")
    (app / "model" / "weights").write_bytes(os.urandom(400_000))
    words = ("sagemaker", "upload", "model", "-m", "s3://models/iris")
    return Work(app, words, app / "model", {"TMPDIR": str(disk)})


def _record(scene: Scene, disk: Path) -> Work:
    """An upload of an app whose own disk is full: what it records is lost."""
    app = _app_on(scene, disk)
    host = scene.app("host")
    enter(scene, host).bucket("models")
    words = ("sagemaker", "upload", "model", "-m", "s3://models/iris")
    scene.must(*words, cwd=app)
    return Work(app, words, app / ".odyssey")


def _state(scene: Scene, disk: Path) -> Work:
    """A sandbox that keeps its state on a full disk."""
    app = scene.app()
    account = enter(scene, app, "--state", str(disk / "state"))
    account.bucket("models")
    (app / "model" / "weights").write_bytes(os.urandom(400_000))
    words = ("sagemaker", "upload", "model", "-m", "s3://models/iris")
    return Work(app, words, app / "model")


EXPERIMENTS: list[Experiment] = [
    full("full-disk-init", "`odyssey init` writes to a full disk", _init),
    full("full-disk-local-train", "`odyssey local train` writes to a full disk", _train),
    full("full-disk-review", "`odyssey review --out` writes to a full disk", _review),
    full("full-disk-upload", "`odyssey sagemaker upload` packs on a full disk", _upload),
    full(
        "full-disk-artifacts",
        "`odyssey sagemaker upload` records its model on a full disk",
        _record,
    ),
    full(
        "full-disk-sandbox",
        "A model is uploaded into a sandbox whose `--state` is on a full disk",
        _state,
    ),
]
