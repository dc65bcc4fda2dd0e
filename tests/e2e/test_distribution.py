"""What is released: built twice, installed where the repository is not, and used there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

WHO = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
LONG_AGO = "2024-05-06T07:08:09Z"


@dataclass(frozen=True)
class Released:
    """What ``make dist`` has left of a checkout, and the files that git knows there."""

    folder: Path
    tracked: frozenset[str]

    @property
    def wheel(self) -> Path:
        (found,) = self.folder.glob("*.whl")
        return found

    @property
    def sdist(self) -> Path:
        (found,) = self.folder.glob("*.tar.gz")
        return found


@pytest.fixture(scope="module")
def checkout(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git knows, as they are now, as the one commit of another repository."""
    copy = tmp_path_factory.mktemp("checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (repository / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(repository / name, copy / name)
    environ = {**os.environ, "GIT_COMMITTER_DATE": LONG_AGO, "GIT_AUTHOR_DATE": LONG_AGO}
    for words in (["init", "-q"], ["add", "-A", "-f"], [*WHO, "commit", "-q", "-m", "All"]):
        subprocess.run(["git", *words], cwd=copy, env=environ, check=True)
    return copy


@pytest.fixture(scope="module")
def released(checkout: Path) -> Released:
    # What git does not know must not matter.
    (checkout / "odyssey" / "left_behind.py").write_text("")
    return make_dist(checkout)


def make_dist(checkout: Path, umask: int = 0o022) -> Released:
    """Build a checkout with this environment, which is not set up anew: its wheel of its sdist."""
    venv = Path(sys.prefix)
    words = ["make", "-s", f"VENV={venv}", "-o", f"{venv}/.ready", "dist"]
    subprocess.run(words, cwd=checkout, check=True, capture_output=True, umask=umask)
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=checkout, capture_output=True, text=True, check=True
    )
    return Released(checkout / "dist", frozenset(filter(None, listed.stdout.split("\0"))))


@pytest.fixture(scope="module")
def installed(
    released: Released, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, str]]:
    """The wheel in an environment of its own, and the variables of a shell that has it.

    What it depends on is lent by this environment. There odyssey is no package but a line of a .pth
    file, and those of a folder that is lent are not read.
    """
    venv = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    (site,) = venv.glob("lib/python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"), "install"]
    words = ["--quiet", "--no-deps", "--no-index", "--ignore-installed", str(released.wheel)]
    subprocess.run([*pip, *words], check=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "ODYSSEY", "AWS_"))
    }
    return venv, {**kept, "PATH": f"{venv / 'bin'}:{kept['PATH']}", "AWS_REGION": "eu-west-1"}


def test_the_same_commit_makes_the_same_bytes(
    checkout: Path, released: Released, tmp_path: Path
) -> None:
    # given a clone elsewhere, of another time, by somebody with other habits
    subprocess.run(["git", "clone", "-q", str(checkout), str(tmp_path / "clone")], check=True)
    # when
    again = make_dist(tmp_path / "clone", umask=0o077)
    # then
    sums = (released.folder / "SHA256SUMS").read_text()
    assert sums == (again.folder / "SHA256SUMS").read_text()
    for line in sums.splitlines():
        digest, _, name = line.partition("  ")
        assert hashlib.sha256((released.folder / name).read_bytes()).hexdigest() == digest
    assert len(sums.splitlines()) == 2


def test_the_wheel_has_what_git_knows_of_the_packages_and_no_more(released: Released) -> None:
    with zipfile.ZipFile(released.wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        programs = {i.filename for i in archive.infolist() if i.external_attr >> 16 & 0o111}
    assert packed == {
        f"odyssey/{name}" if name.startswith("app_template/") else name
        for name in released.tracked
        if name.startswith(("odyssey/", "cdk_constructs/", "app_template/"))
    }
    assert {Path(name).name for name in programs} == {"train", "serve"}


def test_what_is_installed_makes_trains_checks_and_reviews_an_app(
    installed: tuple[Path, dict[str, str]], repository: Path, tmp_path: Path
) -> None:
    venv, environ = installed

    def run(*words: str, at: Path = tmp_path) -> str:
        done = subprocess.run(words, cwd=at, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    # given: it is the wheel that runs, not the repository
    where = run("python", "-c", "import odyssey, cdk_constructs as c; print(odyssey, c)")
    assert where.count(str(venv)) == 2
    assert str(repository) not in where
    assert run("odyssey", "--version").startswith("odyssey")
    # when
    run("odyssey", "init", "-p", "aws", "-s", "sagemaker+lambda", "start", "iris")
    app = tmp_path / "iris"
    shutil.copytree(app, tmp_path / "before")
    run("odyssey", "local", "train", at=app)
    with (app / "odyssey.toml").open("a") as settings:
        settings.write('\n[foundation]\nremoval = "destroy"\n')
    run("odyssey", "synth", at=app)
    run("odyssey", "check", "--output", "sarif", "--fail-on", "error", at=app)
    run("odyssey", "review", "--base", "../before", at=app)
    run("odyssey", "sandbox", "--help", at=app)
    # then
    assert list((app / "model").glob("*"))
    assert list((app / "cdk.out").glob("*.template.json"))
    assert "<style>" in (app / ".odyssey" / "review" / "review.html").read_text()
