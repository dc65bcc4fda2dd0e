"""What git knows of an app: its default branch, and the app as it was at a reference."""

from __future__ import annotations

import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from odyssey import artifacts
from odyssey.errors import MissingToolError, OdysseyError, UsageError
from odyssey.infra import overrides, synthesis

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULTS = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Where a repository's default branch is looked for, the first that is there."""


@dataclass(frozen=True)
class Revision:
    """A commit.

    Args:
        commit: Its whole id.
        words: What a reader knows it by, such as ``main``.
    """

    commit: str
    words: str


def default(app: Path) -> Revision | None:
    """Return where the work on an app left its default branch; None outside of any repository."""
    if _said(app, "rev-parse", "--is-inside-work-tree") != "true":
        return None
    for name in DEFAULTS:
        tip = _commit(app, name)
        if tip is None:
            continue
        fork = _said(app, "merge-base", "HEAD", tip)
        if fork is not None:
            return Revision(fork, f"{_named(app, name)} ({fork[:7]})")
    return None


def _named(app: Path, name: str) -> str:
    if name != "origin/HEAD":
        return name
    told = _said(app, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
    return told or name


def resolve(app: Path, name: str) -> Revision:
    """Return the commit that a name means.

    Args:
        app: The app's folder.
        name: A branch, a tag, or a commit.

    Raises:
        UsageError: git knows no such commit, or the app is in no repository.
        MissingToolError: There is no git.
    """
    if name.startswith("-"):
        raise UsageError(f'--base "{name}": a name of git does not begin with "-"', "git branch -a")
    if _said(app, "rev-parse", "--is-inside-work-tree") != "true":
        raise UsageError(
            f'--base "{name}": there is no such folder, and {app.name} is in no git repository',
            "name a folder, or compare with AWS: odyssey review --base deployed",
        )
    commit = _commit(app, name)
    if commit is None:
        raise UsageError(
            f'--base "{name}": git knows no such commit, and there is no such folder',
            "git branch -a; what is on the server alone comes by git fetch",
        )
    return Revision(commit, name)


def _commit(app: Path, name: str) -> str | None:
    return _said(app, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")


def export(app: Path, revision: Revision, place: Path) -> Path:
    """Write an app as it was at a commit into a folder, and return where it is there.

    Only the app's own folder is written, unless something of it may read others: an override, or a
    CDK app of its owner.

    Args:
        app: The app's folder, in its repository.
        revision: The commit.
        place: An empty folder.

    Raises:
        OdysseyError: git failed.
    """
    prefix = PurePosixPath(_said(app, "rev-parse", "--show-prefix") or ".")
    alone = [] if _reads_others(app) or str(prefix) == "." else [str(prefix)]
    top = _said(app, "rev-parse", "--show-toplevel") or str(app)
    if alone and _said(Path(top), "cat-file", "-t", f"{revision.commit}:{prefix}") != "tree":
        return place  # The app was not there yet.
    bundle = place / "tree.tar"
    with bundle.open("wb") as out:
        done = _git(Path(top), ["archive", "--format=tar", revision.commit, "--", *alone], out)
    if done.returncode != 0:
        raise OdysseyError(f"git cannot export {revision.words}: {_last(done.stderr)}")
    with tarfile.open(bundle) as tree:
        tree.extractall(place / "tree", filter=_inside)  # noqa: S202 (nothing leaves it)
    return place / "tree" / prefix


def _inside(member: tarfile.TarInfo, place: str) -> tarfile.TarInfo | None:
    """Leave out what would be written, or would lead, out of the folder."""
    try:
        return tarfile.data_filter(member, place)
    except tarfile.FilterError:
        return None


def _reads_others(app: Path) -> bool:
    cdk = app / "cdk.json"
    own = not cdk.exists() or synthesis.APP in cdk.read_text(encoding="utf-8", errors="replace")
    return not own or (app / overrides.FILE).exists()


def take_artifacts(app: Path, past: Path) -> bool:
    """Give an earlier state of an app what commands recorded since; return whether it took any."""
    recorded, file = app / artifacts.FILE, past / artifacts.FILE
    if file.exists() or not recorded.is_file():
        return False
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(recorded.read_bytes())
    return True


def _said(app: Path, *words: str) -> str | None:
    """Return what git says, or None where it fails."""
    done = _git(app, words)
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def _git(
    folder: Path, words: Iterable[str], out: IO[bytes] | int = subprocess.PIPE
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *words],  # noqa: S607 (the git of the PATH)
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
            check=False,
        )
    except FileNotFoundError as error:
        raise MissingToolError(
            "git is not installed",
            "install git, or compare with a folder: odyssey review --base DIR",
        ) from error


def _last(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"
