"""The archive of a model: the same bytes everywhere, and nothing that leads out of it."""

from __future__ import annotations

import io
import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey import archives, config
from odyssey.errors import InterruptedByUserError, OdysseyError, UsageError
from odyssey.extraction import extract
from tests.functional.conftest import SmallApp


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "the-model"
    (folder / "deep").mkdir(parents=True)
    (folder / "weights").write_text("w")
    (folder / "deep" / "run.sh").write_text("#!")
    (folder / "deep" / "run.sh").chmod(0o700)
    (folder / ".gitkeep").touch()
    (folder / ".config").write_text("of the model")
    return folder


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def members(archive: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return {member.name: member for member in tar}


def packed(target: Path, *made: tarfile.TarInfo) -> Path:
    with tarfile.open(target, "w:gz") as tar:
        for member in made:
            tar.addfile(member, io.BytesIO(b"x" * member.size))
    return target


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_folder_has_in_it_is_at_the_top_of_the_archive(model: Path, tmp_path: Path) -> None:
    # when
    made = archives.pack([model], tmp_path / "model.tar.gz")
    # then
    assert made.files == (".config", "deep/run.sh", "weights")
    assert list(members(made.path)) == list(made.files)
    assert made.bytes == made.path.stat().st_size


def test_nothing_of_the_machine_is_in_an_archive(model: Path, tmp_path: Path, umask: None) -> None:
    # when
    made = archives.pack([model], tmp_path / "model.tar.gz")
    # then
    found = members(made.path)
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in found.values()} == {
        (0, 0, "", "", 0)
    }
    assert {name: m.mode for name, m in found.items()} == {
        ".config": 0o644,
        "deep/run.sh": 0o755,
        "weights": 0o644,
    }
    magic_flags_and_time = made.path.read_bytes()[:8]
    assert magic_flags_and_time == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


@given(
    st.dictionaries(
        st.text("abcü.-", min_size=1, max_size=6).filter(lambda name: name.strip(".")),
        st.binary(max_size=100),
        min_size=1,
        max_size=5,
    ),
    st.randoms(use_true_random=False),
)
def test_the_same_files_make_the_same_bytes_in_whatever_order_and_place(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], random: object
) -> None:
    # given
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    for name, content in files.items():
        (one / name).write_bytes(content)
    for name in reversed(files):
        (other / name).write_bytes(files[name])
        os.utime(other / name, (1, 1))
    singly = [other / name for name in files]
    random.shuffle(singly)  # type: ignore[attr-defined]
    # when
    as_folder = archives.pack([one], one.parent / "one.tar.gz")
    as_files = archives.pack(singly, other.parent / "another-name.tar.gz")
    # then
    assert as_folder.path.read_bytes() == as_files.path.read_bytes()
    assert as_folder.digest == as_files.digest
    archives.unpack(as_files.path, other / "unpacked")
    assert {f.name: f.read_bytes() for f in (other / "unpacked").iterdir()} == files


def test_two_files_of_one_name_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("other")
    with pytest.raises(UsageError, match='would both be "weights"'):
        archives.pack([model, tmp_path / "weights"], tmp_path / "model.tar.gz")


def test_a_file_and_a_folder_of_one_name_are_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "deep").write_text("a file")
    with pytest.raises(UsageError, match="in a folder of that name"):
        archives.pack([model, tmp_path / "deep"], tmp_path / "model.tar.gz")


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_out_of_the_folder_is_refused(model: Path, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("s")
    (model / "link").symlink_to(outside if kind == "folder" else outside / "secret")
    with pytest.raises(UsageError, match="leads out of the folder"):
        archives.pack([model], tmp_path / "model.tar.gz")


def test_a_link_within_the_folder_becomes_a_file(model: Path, tmp_path: Path) -> None:
    (model / "link").symlink_to("weights")
    made = archives.pack([model], tmp_path / "model.tar.gz")
    assert members(made.path)["link"].isreg()
    assert members(made.path)["link"].size == 1


def test_a_link_that_is_named_itself_is_followed(model: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(model / "weights")
    assert archives.pack([tmp_path / "link"], tmp_path / "model.tar.gz").files == ("link",)


def test_a_pipe_and_an_empty_folder_make_no_archive(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.tar.gz"
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / ".gitkeep").touch()
    with pytest.raises(UsageError, match="there is no model in"):
        archives.pack([empty], target)
    os.mkfifo(model / "pipe")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        archives.pack([model], target)
    assert not target.exists()


def test_an_archive_that_cannot_be_written_is_an_error_that_names_it(
    model: Path, tmp_path: Path
) -> None:
    with pytest.raises(OdysseyError, match=r"missing/model.tar.gz cannot be written"):
        archives.pack([model], tmp_path / "missing" / "model.tar.gz")


def test_an_old_archive_is_replaced_and_nothing_lies_beside_it(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "model.tar.gz"
    target.write_text("old")
    archives.pack([model], target)
    assert names(tmp_path) == ["model.tar.gz", "the-model"]
    assert "weights" in members(target)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (member("/etc/passwd"), "outside"),
        (member("../up"), "outside"),
        (member("a/../../up"), "outside"),
        (member("link", tarfile.SYMTYPE, "/etc"), "link to /etc"),
        (member("a/link", tarfile.SYMTYPE, "../../x"), "link to ../../x"),
        (member("link", tarfile.LNKTYPE, "../x"), "link to ../x"),
        (member("device", tarfile.CHRTYPE), "neither a file"),
        (member("pipe", tarfile.FIFOTYPE), "neither a file"),
    ],
    ids=lambda value: value.name if isinstance(value, tarfile.TarInfo) else "",
)
def test_a_member_that_leads_out_is_refused_by_its_name(
    tmp_path: Path, bad: tarfile.TarInfo, why: str
) -> None:
    archive = packed(tmp_path / "model.tar.gz", member("good"), bad)
    with pytest.raises(UsageError, match=why) as caught:
        archives.unpack(archive, tmp_path / "out")
    assert f'"{bad.name}"' in caught.value.message
    assert names(tmp_path) == ["model.tar.gz"]


def test_links_that_lead_out_only_together_are_refused(tmp_path: Path) -> None:
    here = member("here", tarfile.SYMTYPE, ".")
    out = member("here/out", tarfile.SYMTYPE, "..")
    archive = packed(tmp_path / "model.tar.gz", here, out, member("out/file"))
    with pytest.raises(UsageError, match="is not unpacked"):
        archives.unpack(archive, tmp_path / "out")
    assert names(tmp_path) == ["model.tar.gz"]


def test_a_link_within_the_archive_is_unpacked(tmp_path: Path) -> None:
    weights = member("deep/weights")
    weights.size = 3
    link = member("deep/link", tarfile.SYMTYPE, "../deep/weights")
    archive = packed(tmp_path / "model.tar.gz", weights, link)
    archives.unpack(archive, tmp_path / "out")
    assert (tmp_path / "out" / "deep" / "link").read_text() == "xxx"


def test_a_link_that_comes_before_its_file_is_unpacked(tmp_path: Path) -> None:
    # An engine packs a folder by name: best comes before epoch-3.
    again, best = member("again", tarfile.SYMTYPE, "best"), member("best", tarfile.SYMTYPE, "epoch")
    weights = member("epoch")
    weights.size = 3
    archive = packed(tmp_path / "model.tar.gz", again, best, weights)
    archives.unpack(archive, tmp_path / "out")
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        "again": "xxx",
        "best": "xxx",
        "epoch": "xxx",
    }
    assert not (tmp_path / "out" / "best").is_symlink()


@pytest.mark.parametrize(
    ("aim", "why"), [("gone", "not there"), ("deep", "a folder"), ("link", "not there")]
)
def test_a_link_to_what_is_no_file_is_refused(tmp_path: Path, aim: str, why: str) -> None:
    folder, link = member("deep", tarfile.DIRTYPE), member("link", tarfile.SYMTYPE, aim)
    archive = packed(tmp_path / "model.tar.gz", folder, link)
    with pytest.raises(UsageError, match=f"link to {aim}, which is {why}"):
        archives.unpack(archive, tmp_path / "out")
    assert names(tmp_path) == ["model.tar.gz"]


def test_an_absolute_link_to_where_the_folder_was_is_unpacked(tmp_path: Path) -> None:
    weights, link = (
        member("model/weights"),
        member("model/best", tarfile.SYMTYPE, "/ml/model/weights"),
    )
    weights.size = 3
    out = tmp_path / "out"
    out.mkdir()
    with tarfile.open(packed(tmp_path / "model.tar.gz", link, weights)) as tar:
        taken = list(extract(tar, out, below="model", was_at="/ml/model"))
    assert sorted(taken) == [out / "best", out / "weights"]
    assert (out / "best").read_text() == "xxx"


def test_a_file_that_ends_too_early_is_not_left_half_written(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as tar:
        weights = member("weights")
        weights.size = 5_000_000
        tar.addfile(weights, io.BytesIO(b"x" * weights.size))
    half = io.BytesIO(whole.getvalue()[:3_000_000])
    with tarfile.open(fileobj=half, mode="r|") as tar, pytest.raises(tarfile.ReadError):
        list(extract(tar, tmp_path))
    assert names(tmp_path) == []


@pytest.mark.parametrize("cut", [0, 10, 60])
def test_an_archive_that_is_not_whole_is_refused(model: Path, tmp_path: Path, cut: int) -> None:
    # given
    archive = archives.pack([model], tmp_path / "model.tar.gz").path
    archive.write_bytes(archive.read_bytes()[:cut])
    # then
    with pytest.raises(UsageError, match=r"no whole \.tar\.gz"):
        archives.unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_text("hello")
    with pytest.raises(UsageError, match=r"no whole \.tar\.gz"):
        archives.unpack(tmp_path / "model.tar.gz", tmp_path / "out")
    with pytest.raises(UsageError, match="is no file"):
        archives.unpack(tmp_path / "missing", tmp_path / "out")


SERVE_PY = """
from pathlib import Path
import beside
def get_model(model_path):
    print("loading", file=__import__("sys").stderr)
    return (Path(model_path) / "weights").read_text()
"""


@pytest.fixture
def untrained(small_app: SmallApp) -> SmallApp:
    (small_app.folder / "model" / "weights").unlink()
    small_app.write("serve.py", SERVE_PY)
    small_app.write("beside.py", "")
    return small_app


def test_an_archive_is_loaded_by_get_model_of_an_app_that_was_never_trained(
    untrained: SmallApp,
    model: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    archive = archives.pack([model], tmp_path / "model.tar.gz")
    before = untrained.tree()
    # when
    archives.check(config.load(untrained.folder), archive.path)
    # then
    out, err = capfd.readouterr()
    assert (out, err) == ("", "loading\n")
    assert untrained.tree() == before
    assert not (untrained.folder / "__pycache__").exists()


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        ("", "ImportError: cannot import name 'get_model'", "None"),
        (
            "def get_model(path):\n    open(path + '/other')",
            "FileNotFoundError: ",
            "the archive's top is what get_model gets as model_path",
        ),
        (
            "def get_model(path):\n    raise SystemExit('\\x1b[31mbad')",
            r"SystemExit: \\x1b\[31mbad",
            "None",
        ),
        (
            "import nothing_of_this_name",
            "ModuleNotFoundError: No module named",
            'put the module "nothing_of_this_name" beside serve.py',
        ),
        (
            "import pickle\ndef get_model(path):\n    pickle.loads(b'c__main__\\nClip\\n.')",
            "AttributeError: Can't get attribute 'Clip' on <module '__main__'",
            '"Clip" was defined in the notebook',
        ),
        (
            "import os\ndef get_model(path):\n    os.kill(os.getpid(), 9)",
            "killed by SIGKILL",
            "None",
        ),
    ],
)
def test_an_archive_that_get_model_cannot_load_is_refused_with_the_reason(
    untrained: SmallApp, model: Path, tmp_path: Path, code: str, reason: str, hint: str
) -> None:
    untrained.write("serve.py", code)
    archive = archives.pack([model], tmp_path / "model.tar.gz")
    with pytest.raises(OdysseyError, match=reason) as caught:
        archives.check(config.load(untrained.folder), archive.path)
    assert caught.value.exit_code == 1
    assert hint in str(caught.value.hint)


def test_loading_can_be_interrupted(untrained: SmallApp, model: Path, tmp_path: Path) -> None:
    untrained.write(
        "serve.py",
        "import os, signal, time\n"
        "def get_model(path):\n"
        f"    os.kill({os.getpid()}, signal.SIGINT)\n"
        "    time.sleep(60)\n",
    )
    archive = archives.pack([model], tmp_path / "model.tar.gz")
    with pytest.raises(InterruptedByUserError, match="while the model was being loaded"):
        archives.check(config.load(untrained.folder), archive.path)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_threads_of_a_model_do_not_keep_the_check_waiting(
    untrained: SmallApp, model: Path, tmp_path: Path
) -> None:
    untrained.write(
        "serve.py",
        "import threading, time\n"
        "def get_model(path):\n"
        "    threading.Thread(target=time.sleep, args=(250,)).start()\n",
    )
    archive = archives.pack([model], tmp_path / "model.tar.gz")
    archives.check(config.load(untrained.folder), archive.path)
