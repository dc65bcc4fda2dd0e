"""What commands record, and that nothing of it is lost."""

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from odyssey import artifacts, config, serving
from odyssey.errors import ConfigError, OdysseyError

RECORD = """
import pathlib, sys
from odyssey import artifacts
for number in range(20):
    name = f"{sys.argv[2]}{number}"
    artifacts.record(pathlib.Path(sys.argv[1]), None, {name: name})
"""


def test_an_environment_has_records_of_its_own(tmp_path: Path) -> None:
    artifacts.record(tmp_path, None, {"image": "a", "model": "b"})
    artifacts.record(tmp_path, "prod", {"model": "c"})
    assert artifacts.load(tmp_path, None) == {"image": "a", "model": "b"}
    assert artifacts.load(tmp_path, "prod") == {"image": "a", "model": "c"}
    assert (tmp_path / ".odyssey/.gitignore").read_text() == "*\n"


def test_a_sandbox_has_records_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given
    artifacts.record(tmp_path, None, {"model": "real"})
    # when two sandboxes have theirs
    for sandbox in ("/tmp/one", "/tmp/two"):
        monkeypatch.setenv(artifacts.SANDBOX, sandbox)
        assert artifacts.load(tmp_path, "prod") == {}
        artifacts.record(tmp_path, None, {"model": sandbox})
        artifacts.record(tmp_path, "prod", {"image": "a"})
    # then neither knows what the other has, nor what AWS has
    monkeypatch.setenv(artifacts.SANDBOX, "/tmp/one")
    assert artifacts.load(tmp_path, "prod") == {"model": "/tmp/one", "image": "a"}
    monkeypatch.delenv(artifacts.SANDBOX)
    assert artifacts.load(tmp_path, "prod") == {"model": "real"}
    # when there are many, then those that recorded last are remembered
    for number in range(artifacts.SANDBOXES):
        monkeypatch.setenv(artifacts.SANDBOX, f"/tmp/{number}")
        artifacts.record(tmp_path, None, {"model": "m"})
    monkeypatch.setenv(artifacts.SANDBOX, "/tmp/one")
    assert artifacts.load(tmp_path, None) == {}


def test_two_that_record_at_once_lose_nothing_of_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RECORD, str(tmp_path)]
    both = [subprocess.Popen([*command, name]) for name in ("a", "b")]
    assert [each.wait(60) for each in both] == [0, 0]
    assert len(artifacts.load(tmp_path, None)) == 40
    assert {path.name for path in (tmp_path / ".odyssey").iterdir()} == {
        ".gitignore",
        "artifacts.json",
        "artifacts.lock",
    }


@pytest.mark.parametrize("order", ["test first", "push first"])
def test_a_pass_holds_for_the_digest_of_the_same_image(tmp_path: Path, order: str) -> None:
    steps = [
        lambda: artifacts.record_tested(tmp_path, "sha256:id", "lambda"),
        lambda: artifacts.record_pushed(tmp_path, "sha256:digest", "sha256:id"),
    ]
    for step in steps if order == "test first" else reversed(steps):
        assert not artifacts.is_tested(tmp_path, "sha256:digest", ("lambda",))
        step()
    assert artifacts.is_tested(tmp_path, "sha256:digest", ("lambda",))
    assert artifacts.is_tested(tmp_path, "sha256:id", ("lambda",))
    artifacts.record_pushed(tmp_path, "sha256:other", "sha256:untested")
    assert not artifacts.is_tested(tmp_path, "sha256:other", ("lambda",))


def test_a_pass_is_one_of_its_service_alone(tmp_path: Path) -> None:
    artifacts.record_tested(tmp_path, "sha256:id", "sagemaker")
    assert artifacts.is_tested(tmp_path, "sha256:id", ("sagemaker",))
    assert not artifacts.is_tested(tmp_path, "sha256:id", ("sagemaker", "lambda"))
    artifacts.record_tested(tmp_path, "sha256:id", "lambda")
    assert artifacts.is_tested(tmp_path, "sha256:id", ("sagemaker", "lambda"))


def test_what_is_remembered_is_bounded_and_the_latest(tmp_path: Path) -> None:
    for number in range(artifacts.REMEMBERED + 5):
        artifacts.record_tested(tmp_path, f"sha256:{number}", "lambda")
        artifacts.record_pushed(tmp_path, f"sha256:d{number}", f"sha256:{number}")
    document = json.loads((tmp_path / artifacts.FILE).read_text())
    assert len(document["passed"]["lambda"]) == len(document["pushed"]) == artifacts.REMEMBERED
    assert artifacts.is_tested(tmp_path, f"sha256:d{artifacts.REMEMBERED + 4}", ("lambda",))
    assert not artifacts.is_tested(tmp_path, "sha256:d0", ("lambda",))


def test_a_record_that_finds_no_room_leaves_the_file_as_it_was_and_nothing_beside_it(
    tmp_path: Path,
) -> None:
    # given
    artifacts.record(tmp_path, None, {"model": "s3://models/one.tar.gz"})
    before = {path.name: path.read_bytes() for path in (tmp_path / ".odyssey").iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # when: a file may have no more than so many bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, limits[1]))
    try:
        with pytest.raises(OdysseyError, match="cannot be written"):
            artifacts.record(tmp_path, None, {"model": "s3://models/two.tar.gz"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    # then
    after = {path.name: path.read_bytes() for path in (tmp_path / ".odyssey").iterdir()}
    assert after == before


def test_a_file_of_somebody_else_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".odyssey").mkdir()
    (tmp_path / artifacts.FILE).write_text("not ours")
    with pytest.raises(ConfigError, match="not what odyssey wrote"):
        artifacts.record(tmp_path, None, {"image": "a"})
    assert (tmp_path / artifacts.FILE).read_text() == "not ours"


def test_an_image_that_has_passed_as_a_container_of_sagemaker_s_alone_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{'ab' * 32}"
    (tmp_path / "odyssey.toml").write_text(
        '[app]\nname = "iris"\nservice = "sagemaker+lambda"\n'
        f'[artifacts]\nimage = "{image}"\nmodel = "s3://models/iris.tar.gz"\n'
    )
    artifacts.record_tested(tmp_path, f"sha256:{'ab' * 32}", "sagemaker")
    settings = config.load(tmp_path)
    serving.warn_untested(settings, ["iris-foundation", "iris-endpoint"])
    assert capsys.readouterr().err == ""
    serving.warn_untested(settings, ["iris-foundation", "iris-function"])
    assert "has not passed `odyssey docker test --as lambda`" in capsys.readouterr().err
