"""Which Python runs the app, and the making of one for it."""

from __future__ import annotations

import signal
import socket
import zipfile
from pathlib import Path

import pytest

from odyssey import environment
from odyssey.errors import MissingToolError
from tests.functional.conftest import SmallApp

USES_TINY = """
import os, pathlib, sys, tiny
root = pathlib.Path(os.environ["ROCKET_ML_ROOT"])
(root / "model" / "who").write_text(f"{sys.executable} {tiny.VERSION}")
"""


@pytest.fixture
def requirements(tmp_path: Path) -> Path:
    return tmp_path / "requirements.txt"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n\n",
        "click\nhypothesis>=1  # both are here\n",
        "click>=8,\\\n  <99\n",
        "no-such-package; python_version < '3'\n",
        "coverage[toml]\n",
        "hypothesis[numpy,pytest]\n",
        "\ufeffclick\n",
    ],
)
def test_requirements_that_are_all_here_need_no_other_python(requirements: Path, text: str) -> None:
    requirements.write_text(text)
    assert environment.first_unmet(requirements) is None


@pytest.mark.parametrize(
    "line",
    [
        "no-such-package",
        "click>=99",
        "click==0.1",
        "click @ https://example.com/click.whl",
        "https://example.com/click.whl",
        "-r other.txt",
        "--index-url https://example.com",
        "-e .",
        "click>=>8",
        "hypothesis[cli]",
    ],
)
def test_a_line_that_is_not_met_or_not_understood_asks_for_another(
    requirements: Path, line: str
) -> None:
    requirements.write_text(f"click\n{line}  # as said\n")
    assert environment.first_unmet(requirements) == line


def test_no_requirements_are_met(requirements: Path) -> None:
    assert environment.first_unmet(requirements) is None


def wheel(folder: Path, version: str) -> None:
    """A package of one module, as pip takes it without a network."""
    folder.mkdir(exist_ok=True)
    facts = f"tiny-{version}.dist-info"
    with zipfile.ZipFile(folder / f"tiny-{version}-py3-none-any.whl", "w") as file:
        file.writestr("tiny.py", f"VERSION = {version!r}\n")
        metadata = f"Metadata-Version: 2.1\nName: tiny\nVersion: {version}\n"
        file.writestr(f"{facts}/METADATA", metadata)
        file.writestr(
            f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{facts}/RECORD", "")


@pytest.fixture
def needy_app(small_app: SmallApp) -> SmallApp:
    """An app that needs a package which is not here."""
    for version in ("1.0", "2.0"):
        wheel(small_app.folder / "wheels", version)
    small_app.write("requirements.txt", "-r more.txt\n")
    small_app.write("more.txt", "--no-index\n--find-links wheels\ntiny==1.0\n")
    small_app.write("rocket/train", USES_TINY)
    return small_app


def who(app: SmallApp) -> str:
    return (app.folder / "model" / "who").read_text()


def test_the_app_s_own_environment_is_made_kept_and_made_again(needy_app: SmallApp) -> None:
    python = needy_app.folder / ".odyssey" / "venv" / "bin" / "python"
    # when it is needed first
    made = needy_app.run("local", "train")
    # then it is made, with its news on stderr
    assert (made.code, made.out) == (0, f"{needy_app.folder / 'model'}\n"), made.err
    assert who(needy_app) == f"{python} 1.0"
    assert "Making the app's own Python environment in .odyssey/venv" in made.err
    assert "Installing collected packages: tiny" in made.err
    # when nothing has changed
    kept = needy_app.run("local", "train")
    # then it is kept
    assert kept.code == 0
    assert "environment" not in kept.err
    # when the requirements change, even in a file that they refer to
    more = (needy_app.folder / "more.txt").read_text()
    needy_app.write("more.txt", more.replace("1.0", "2.0"))
    again = needy_app.run("local", "train")
    # then it is made again
    assert again.code == 0
    assert who(needy_app) == f"{python} 2.0"
    # when it was never finished
    (needy_app.folder / ".odyssey" / "venv" / environment.STAMP).unlink()
    needy_app.write("more.txt", more)
    # then two at once make it once
    first = needy_app.start("local", "train")
    first.until_it_says("Making the app's own")
    second = needy_app.run("local", "train")
    assert "waiting for it" in second.err
    assert "Making the app's own" not in second.err
    assert first.finish().code == 0
    assert who(needy_app) == f"{python} 1.0"


def test_pip_s_reason_is_shown_and_nothing_is_left(needy_app: SmallApp) -> None:
    needy_app.write("requirements.txt", "--no-index\n--find-links wheels\ntiny==3.0\n")
    done = needy_app.run("local", "train", "--output", "json")
    assert done.code == 1
    error = done.document["error"]
    assert "pip could not install requirements.txt (exit code 1)" in error["message"]
    assert "No matching distribution found for tiny==3.0" in error["message"]
    assert "local.python" in error["hint"]
    assert needy_app.leftovers() == []


def test_an_interrupted_installation_is_taken_away(needy_app: SmallApp) -> None:
    # given an index that never answers
    with socket.create_server(("127.0.0.1", 0)) as index:
        port = index.getsockname()[1]
        needy_app.write("requirements.txt", f"--index-url http://127.0.0.1:{port}/simple\ntiny\n")
        training = needy_app.start("local", "train")
        index.settimeout(60)
        connection, _ = index.accept()
        # when
        training.send(signal.SIGINT)
        done = training.finish()
        connection.close()
    # then
    assert done.code == 130
    assert "the environment is made again next time" in done.err
    assert needy_app.leftovers() == []


def test_a_python_without_venv_says_what_to_install(needy_app: SmallApp) -> None:
    # given a Python that answers as Debian's does
    python = needy_app.write(
        "python",
        "#!/bin/sh\n"
        "echo 'The virtual environment was not created successfully because ensurepip is not'\n"
        "exit 1\n",
    )
    python.chmod(0o755)
    # when
    with pytest.raises(MissingToolError) as caught:
        environment.own(needy_app.folder, python, "tiny")
    # then
    assert caught.value.exit_code == 7
    assert "apt install python3-venv" in (caught.value.hint or "")
    assert needy_app.leftovers() == []
