"""Which edits restart a server that reloads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from rocket.reload import snapshot
from rocket.settings import Layout
layout = Layout.from_environment()
print(json.dumps(snapshot(layout)), flush=True)
sys.stdin.readline()
print(json.dumps(snapshot(layout)), flush=True)
"""


def changes(app: Path, edit, root: Path | None = None) -> set[str]:
    """The files, below the app, that an edit changes for the reloader of that app."""
    with subprocess.Popen(
        [sys.executable, "-c", LOOK, str(app)],
        env={**os.environ, "ROCKET_ML_ROOT": str(root or app)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        before = json.loads(process.stdout.readline())
        edit()
        after = json.loads(process.communicate("\n")[0])
    changed = {path for path in {*before, *after} if before.get(path) != after.get(path)}
    return {os.path.relpath(path, app) for path in changed}


def write(path: Path, text: str = "edited = True\n"):
    def edit() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return edit


@pytest.mark.parametrize(
    "name",
    [
        "serve.py",  # edited
        "features.py",  # new
        "package/module.py",
        "package/model/layers.py",  # passed over at the top only
        "package/tests/data.py",
        "model/model.pkl",
        "model/parts/weights.bin",
        "model/.hidden",
    ],
)
def test_code_and_model_are_watched(app: Path, name: str) -> None:
    assert changes(app, write(app / name)) == {name}


@pytest.mark.parametrize(
    "name",
    [
        "rocket/core.py",
        "rocket/new.py",
        "tests/test_app.py",
        "input/data/training/script.py",
        "output/script.py",
        ".odyssey/script.py",
        ".venv/lib/module.py",
        "venv/lib/module.py",
        "cdk.out/script.py",
        "package/__pycache__/module.py",
        "package/.hidden/module.py",
        "README.md",
        "notes.txt",
    ],
)
def test_all_else_is_passed_over(app: Path, name: str) -> None:
    assert changes(app, write(app / name)) == set()


@pytest.mark.parametrize("name", ["serve.py", "model/model.pkl"])
def test_a_removed_file_is_a_change(app: Path, name: str) -> None:
    assert changes(app, (app / name).unlink) == {name}


def test_an_edit_of_the_same_length_is_a_change(app: Path) -> None:
    text = (app / "serve.py").read_text()
    edit = write(app / "serve.py", text.replace("prediction", "predicament"[:10]))
    assert changes(app, edit) == {"serve.py"}


def test_a_file_written_in_place_of_another_is_a_change(app: Path) -> None:
    def edit() -> None:
        new = app / "serve.py.new"
        new.write_text("edited = True\n")
        new.replace(app / "serve.py")

    assert changes(app, edit) == {"serve.py"}


def test_the_model_may_lie_elsewhere(app: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "ml"
    edit = write(elsewhere / "model" / "model.pkl")
    assert changes(app, edit, elsewhere) == {"../ml/model/model.pkl"}
    assert changes(app, write(app / "model" / "model.pkl"), elsewhere) == set()


def test_nothing_changes_when_nobody_edits(app: Path) -> None:
    assert changes(app, lambda: None) == set()


def test_a_link_that_leads_nowhere_is_passed_over(app: Path) -> None:
    def edit() -> None:
        (app / "model" / "link").symlink_to("nowhere")

    assert changes(app, edit) == set()
