"""What is looked at before a commit is what `make lint` looks at."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

import odyssey as package

REPOSITORY = Path(package.__file__).parents[1]


def hooks() -> list[dict[str, Any]]:
    document = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())
    (repository,) = document["repos"]
    assert repository["repo"] == "local"
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def plain(command: str) -> str:
    """Return a command without the files it is for: a hook is given them."""
    inside = re.fullmatch(r"bash -c '(.*)'", command)
    words = (inside[1] if inside else command).split()
    return " ".join(word for word in words if word not in (".", "--force-exclude"))


def test_the_hooks_are_what_lint_runs() -> None:
    # given
    said = subprocess.run(
        ["make", "--dry-run", "--silent", "--old-file", ".venv/.ready", "lint"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    lint = [plain(line) for line in said.replace("\\\n", " ").splitlines() if line.strip()]
    # then
    assert [plain(hook["entry"]) for hook in hooks()] == lint


def test_a_hook_fetches_nothing() -> None:
    assert {hook["language"] for hook in hooks()} == {"system"}
