"""`odyssey review` as it is typed: its bases, its bundle, its gates."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from odyssey import aws
from odyssey.scaffold import bake
from tests.functional.conftest import Done
from tests.functional.stacks import write_assembly
from tests.review.cases import CASES, app

Run = Callable[..., Done]
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/testapp@sha256:{'4b' * 32}"
MADE = {"image": IMAGE, "model": "s3://testapp-models/1/model.tar.gz"}
FILES = ["review.html", "review.json", "review.md"]


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials, no region and no settings of git from outside."""
    for name in (*aws.KEYS, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "GIT_CONFIG_GLOBAL"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
    done = subprocess.run(
        ["git", *who, *words],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app in a folder of a repository, on a branch that changes its endpoint."""
    root = tmp_path_factory.mktemp("repository")
    made = bake("testapp", "sagemaker", root)
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "An app")
    git(root, "checkout", "--quiet", "-b", "change")
    with (made / "odyssey.toml").open("a") as settings:
        settings.write('\n[endpoint]\ninstance_type = "ml.m5.xlarge"\n')
    (made / ".odyssey").mkdir(exist_ok=True)
    document = {"version": 1, "artifacts": MADE}
    (made / ".odyssey" / "artifacts.json").write_text(json.dumps(document))
    return made


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two assemblies beside each other, outside of any app."""
    monkeypatch.chdir(tmp_path)
    write_assembly(tmp_path / "old", app("real-time"))
    changed = app("real-time")
    CASES["real-time-to-serverless"].head(changed)
    write_assembly(tmp_path / "new", changed)
    return tmp_path


def test_an_app_is_compared_with_its_default_branch(odyssey: Run, original: Path) -> None:
    # when
    done = odyssey("review", "--output", "json", at=original)
    again = odyssey("review", "--base", "main", "--fail-on-diff", at=original)
    # then
    assert done.code == 0, done.err
    commit = git(original, "rev-parse", "main")
    assert done.document["base"] == f"main ({commit[:7]})"
    actions = {each["construct"]: each["action"] for each in done.document["changes"]}
    assert actions == {"Endpoint/Config": "replace", "Endpoint/Endpoint": "update"}
    assert done.document["permissions"] == []
    (text,) = done.document["notes"]
    assert "with the image and the model that are recorded now" in text
    assert again.code == 4
    assert "testapp: this folder against main\n\n1 updated, 1 replaced:" in again.out
    bundle = original / ".odyssey" / "review"
    assert sorted(path.name for path in bundle.iterdir()) == FILES
    assert json.loads((bundle / "review.json").read_text())["base"] == "main"
    for file in bundle.iterdir():
        assert str(original) not in file.read_text()
    assert git(original, "worktree", "list").count("\n") == 0
    assert git(original, "status", "--porcelain").split() == ["M", "testapp/odyssey.toml"]


def test_a_base_that_git_does_not_know_is_a_usage_error(odyssey: Run, original: Path) -> None:
    done = odyssey("review", "--base", "nowhere", "--head", "cdk.out", at=original)
    assert (done.code, done.out) == (2, "")
    assert '--base "nowhere": git knows no such commit' in done.err
    assert "git branch -a" in done.err


@pytest.mark.parametrize("name", ["--upload-pack=x", "-x", "main;touch here", "main\nmain"])
def test_a_base_is_never_an_option_nor_a_command(odyssey: Run, original: Path, name: str) -> None:
    done = odyssey("review", f"--base={name}", "--head", "cdk.out", at=original)
    assert done.code == 2
    assert not (original / "here").exists()


def test_outside_of_git_the_base_is_what_is_deployed(
    odyssey: Run, original: Path, tmp_path: Path
) -> None:
    alone = Path(shutil.copytree(original, tmp_path / "alone"))
    write_assembly(alone / "head", app("real-time"))
    done = odyssey("review", "--head", "head", at=alone)
    assert done.code == 5
    assert "odyssey review --base REF" in done.err


def test_two_folders_need_no_app_and_give_a_bundle(odyssey: Run, folders: Path) -> None:
    # when
    done = odyssey("review", "--base", "old", "--head", "new", "--out", "it", at=folders)
    # then
    assert done.code == 0, done.err
    assert done.out.startswith("new: new against old\n\n1 updated, 1 replaced:\n")
    assert "cannot become serverless" in " ".join(done.out.split())
    assert done.out.endswith("  it/review.md\n  it/review.html\n  it/review.json\n")
    assert sorted(path.name for path in (folders / "it").iterdir()) == FILES


def test_the_same_folders_give_the_same_bytes(odyssey: Run, folders: Path) -> None:
    for out in ("one", "two"):
        odyssey("review", "--base", "old", "--head", "new", "--out", out, at=folders)
    for name in FILES:
        assert (folders / "one" / name).read_bytes() == (folders / "two" / name).read_bytes()


def test_a_gate_is_told_after_the_bundle_is_written(odyssey: Run, folders: Path) -> None:
    words = ("review", "--base", "new", "--head", "old", "--out", "it")
    dear = odyssey(*words, "--max-monthly", "10", at=folders)
    assert dear.code == 3
    assert "more than --max-monthly 10.00" in dear.out
    assert (folders / "it" / "review.json").exists()
    assert odyssey(*words, "--max-monthly", "1000", at=folders).code == 0
    assert odyssey(*words, "--fail-on-diff", at=folders).code == 4
    same = odyssey("review", "--base", "new", "--head", "new", "--fail-on-diff", at=folders)
    assert (same.code, "Nothing changes." in same.out) == (0, True)


def test_a_stack_can_be_chosen(odyssey: Run, folders: Path) -> None:
    words = ("review", "--base", "old", "--head", "new", "--output", "json")
    found = odyssey(*words, "foundation", at=folders).document
    assert (found["stacks"], found["changes"]) == (["iris-foundation"], [])
    done = odyssey("review", "--base", "old", "--head", "new", "nothing", at=folders)
    assert (done.code, 'no stack "nothing"' in done.err) == (2, True)


def test_templates_alone_are_a_base_and_others_are_none(odyssey: Run, folders: Path) -> None:
    plain = folders / "plain"
    plain.mkdir()
    (plain / "notes.json").write_text("{}")
    (plain / "iris-endpoint.yaml").write_text(
        "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n"
        "    Properties:\n      TopicName: !Sub '${AWS::StackName}-told'\n"
    )
    done = odyssey("review", "--base", "plain", "--head", "plain", at=folders)
    assert (done.code, "Nothing changes." in done.out) == (0, True)
    (plain / "iris-endpoint.yaml").unlink()
    none = odyssey("review", "--base", "plain", "--head", "new", at=folders)
    assert none.code == 2
    assert "plain has neither a cloud assembly nor templates" in none.err


def test_a_bundle_that_cannot_be_written_leaves_the_last_one_whole(
    odyssey: Run, folders: Path
) -> None:
    # given: the last bundle, and a page that cannot be written
    words = ("review", "--base", "old", "--head", "new", "--out", "out")
    out = folders / "out"
    (out / "review.html.new").mkdir(parents=True)
    (out / "review.md").write_text("the last one")
    # when
    done = odyssey(*words)
    # then
    assert done.code == 1
    assert "review.html.new cannot be written" in done.err
    assert "--out DIR" in done.err
    assert (out / "review.md").read_text() == "the last one"
    assert sorted(path.name for path in out.iterdir()) == ["review.html.new", "review.md"]
