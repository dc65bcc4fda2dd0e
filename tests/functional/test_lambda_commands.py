"""`odyssey lambda` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from odyssey.cli import main
from odyssey.commands.lambda_ import group
from tests.functional.conftest import Done
from tests.functional.functions import IMAGE

Run = Callable[..., Done]
APP = '[app]\nname = "iris"\nservice = "lambda"\n'


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `odyssey lambda` with these words in an app's folder, without any credentials."""
    (tmp_path / "odyssey.toml").write_text(APP)
    monkeypatch.chdir(tmp_path)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")

    def typed(*words: str) -> Done:
        capfd.readouterr()
        code = main(words, program=group)
        return Done(code, *capfd.readouterr())

    return typed


@pytest.mark.parametrize("command", ["train", "serve"])
@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("--memory", "20000"), "--memory-mb: 20000: must be a whole number from 128 to 10240"),
        (("-t", "2000"), "--timeout: 2000: must be a whole number from 1 to 900"),
        (("--image", "iris:latest"), '--image: "iris:latest": must be an image\'s URI with its'),
    ],
)
def test_what_lambda_refuses_is_refused_before_anything_is_asked(
    run: Run, command: str, words: tuple[str, str], rule: str
) -> None:
    for done in (run(*words, command), run(command, *words)):
        assert (done.code, done.out) == (2, "")
        assert rule in done.err


@pytest.mark.parametrize(
    ("command", "option"), [("train", "--train-name"), ("serve", "--serve-name")]
)
def test_a_name_with_a_dot_is_refused(run: Run, command: str, option: str) -> None:
    done = run(command, "-n", "iris.fn")
    assert done.code == 2
    assert f'{option}: "iris.fn": must be 1 to 64 letters, digits, hyphens and' in done.err


def test_a_small_tmp_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "odyssey.toml").write_text(f"{APP}[function]\nstorage_mb = 100\n")
    done = run("serve")
    assert done.code == 2
    assert "function.storage_mb: 100: must be a whole number from 512 to 10240" in done.err


def test_the_options_of_a_command_come_before_those_of_the_group(run: Run) -> None:
    elsewhere = ("--region", "us-east-1", "--image", "iris:latest")
    done = run(*elsewhere, "train", "--image", IMAGE)
    assert done.code == 2
    assert "is in eu-west-1, and the functions in us-east-1" in done.err


def test_without_an_image_the_next_command_is_named(run: Run) -> None:
    for command in ("train", "serve"):
        done = run(command, "--output", "json")
        assert (done.code, json.loads(done.out)["error"]["hint"]) == (2, "odyssey docker push")


def test_an_event_that_is_none_is_refused_with_an_example(run: Run) -> None:
    done = run("invoke")
    assert done.code == 2
    assert "Hint: odyssey lambda invoke --data" in done.err


def test_a_log_without_an_end_is_no_document(run: Run) -> None:
    done = run("logs", "--follow", "--output", "json")
    assert done.code == 2
    assert "has no end" in json.loads(done.out)["error"]["message"]
