"""The reliability report: some of its experiments, and a program that fails one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CARELESS = """#!/bin/sh
mkdir -p .odyssey-left iris
sleep 0.3
echo "an app" > iris/train.py
"""


def report(repository: Path, page: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", "reliability", "--page", str(page), *words],
        cwd=repository,
        env={**os.environ, "TMPDIR": str(page.parent)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_experiments_of_each_kind_hold_and_are_written_down(
    repository: Path, tmp_path: Path
) -> None:
    page = tmp_path / "reliability.md"
    names = ("kill-init", "kill-worker-fast", "inputs-archives")
    # when
    done = report(repository, page, *(word for name in names for word in ("--only", name)))
    # then
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "3 experiments: 3 held"
    text = page.read_text()
    assert "**3 experiments: 3 held**" in text
    for name in names:
        assert f"### {name}\n" in text
        assert f"python -m benchmarks reliability --only {name}`" in text
    assert "| an archive cut in the middle " in text
    assert "| requests lost, of 16 in flight " in text
    # and nothing is left of the run
    assert sorted(tmp_path.iterdir()) == [page.with_suffix(".json"), page]


def test_a_program_that_leaves_something_behind_fails_and_is_told(
    repository: Path, tmp_path: Path
) -> None:
    # given
    program = tmp_path / "careless"
    program.write_text(CARELESS)
    program.chmod(0o755)
    page = tmp_path / "reliability.md"
    # when
    done = report(repository, page, "--only", "kill-init", "--program", str(program))
    # then
    assert done.returncode == 1
    text = page.read_text()
    assert "**1 experiment: 1 FAILED**" in text
    assert "left at last: .odyssey-left" in text
