"""The files of a model: archives of every wrong kind, and folders."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from odyssey import archives, config
from odyssey.checks import archive, running
from odyssey.checks.findings import Finding
from odyssey.checks.subjects import Subjects
from odyssey.errors import UsageError

Members = list[tuple[str, str]]


def packed(folder: Path, members: Members) -> Path:
    """An archive of members: each a name, and its text, or ``-> TARGET``, or a type of tar's."""
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, text in members:
            member = tarfile.TarInfo(name)
            if text.startswith("-> "):
                member.type, member.linkname = tarfile.SYMTYPE, text[3:]
                tar.addfile(member)
            elif text == "fifo":
                member.type = tarfile.FIFOTYPE
                tar.addfile(member)
            elif name.endswith("/"):
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            else:
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
    return path


def found(path: Path, settings: str = "") -> list[Finding]:
    app = None
    if settings:
        (path.parent / "odyssey.toml").write_text(f'[app]\nname = "iris"\n{settings}')
        app = config.load(path.parent, environ={})
    return list(running.findings(Subjects(model=archive.read(path, app))))


def rules(path: Path, settings: str = "") -> list[str]:
    return [each.rule for each in found(path, settings)]


GOOD: list[Members] = [
    [("model.pkl", "x")],
    [("./", ""), ("./model.pkl", "x"), ("./code/", ""), ("./code/inference.py", "x")],
    [("1/", ""), ("1/saved_model.pb", "x")],
    [("a/x", "x"), ("b/y", "y")],
]


@pytest.mark.parametrize("members", GOOD)
def test_an_archive_that_is_flat_is_fine(tmp_path: Path, members: Members) -> None:
    assert rules(packed(tmp_path, members)) == []


def test_what_odyssey_packs_itself_is_fine(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model/model.pkl").write_text("x")
    target = tmp_path / "model.tar.gz"
    archives.pack([tmp_path / "model"], target)

    assert rules(target) == rules(tmp_path / "model") == []


BAD: list[tuple[str, Members, str]] = [
    ("MDL102", [], ""),
    ("MDL102", [("model/", "")], ""),
    ("MDL102", [(".gitkeep", "")], ""),
    ("MDL103", [("model/", ""), ("model/model.pkl", "x"), ("model/deep/y", "y")], "model"),
    ("MDL103", [("./model/model.pkl", "x")], "model"),
    ("MDL104", [("../model.pkl", "x"), ("a", "a")], "../model.pkl"),
    ("MDL104", [("/opt/ml/model/model.pkl", "x"), ("a", "a")], "/opt/ml/model/model.pkl"),
    ("MDL105", [("a", "a"), ("latest", "-> a")], "latest"),
    ("MDL106", [("a", "a"), ("pipe", "fifo")], "pipe"),
]


@pytest.mark.parametrize(("rule", "members", "path"), BAD)
def test_an_archive_with_a_fault(tmp_path: Path, rule: str, members: Members, path: str) -> None:
    (only,) = found(packed(tmp_path, members))

    assert (only.rule, only.place.dotted) == (rule, path)
    assert only.place.file.endswith("model.tar.gz")


def _plain_tar(path: Path) -> None:
    with tarfile.open(path, "w") as tar:
        tar.addfile(tarfile.TarInfo("model.pkl"))


def _gzipped_text(path: Path) -> None:
    with gzip.open(path, "wb") as file:
        file.write(b"no tar at all" * 100)


def _cut(path: Path) -> None:
    packed(path.parent, [("model.pkl", "".join(map(str, range(9999))))])
    path.write_bytes(path.read_bytes()[:-300])


@pytest.mark.parametrize("make", [_plain_tar, _gzipped_text, _cut, Path.touch])
def test_what_is_no_gzipped_tar_is_told_as_that_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "model.tar.gz"
    make(path)

    assert rules(path) == ["MDL101"]


def test_a_model_that_does_not_fit_on_the_disk_of_its_function(tmp_path: Path) -> None:
    path = packed(tmp_path, [("model.pkl", "0" * 2**20)])

    assert rules(path, 'service = "lambda"\n[function]\nstorage_mb = 512\n') == []
    large = archive.ModelFiles("m", (archive.Member("m", "file", 513 * 2**20),), storage_mb=512)
    assert [each.rule for each in running.findings(Subjects(model=large))] == ["MDL107"]


@pytest.mark.parametrize(("size", "rule"), [(5 * 2**30, []), (5 * 2**30 + 1, ["MDL107"])])
def test_a_serverless_endpoint_has_five_gigabytes(size: int, rule: list[str]) -> None:
    files = archive.ModelFiles("m", (archive.Member("m", "file", size),), serverless=True)

    assert [each.rule for each in running.findings(Subjects(model=files))] == rule


def test_a_link_out_of_a_folder_is_found_and_one_within_is_packed_as_a_file(
    tmp_path: Path,
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (tmp_path / "outside").write_text("x")
    (model / "a").write_text("a")
    (model / "within").symlink_to("a")
    assert rules(model) == []

    (model / "out").symlink_to(tmp_path / "outside")
    assert [each.place.dotted for each in found(model)] == ["out"]


def test_a_model_that_cannot_be_read_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        archive.read(tmp_path / "nothing.tar.gz")
