"""Folders that go with their maker, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from odyssey.workplace import workplace

PREFIX = "odyssey-trial-"
HOLDER = f"""
import pathlib, sys
from odyssey.workplace import workplace
with workplace("{PREFIX}", pathlib.Path(sys.argv[1])) as folder:
    (folder / "file").write_text("at work")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path, repository: Path) -> subprocess.Popen[str]:
    """Another process with a folder of the same kind."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(repository)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_a_killed_run_has_left_goes_with_the_next_and_what_is_in_use_stays(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    # given: a folder that is in use, and one of the user's own that begins alike
    with holder:
        assert holder.stdout
        other = Path(holder.stdout.readline().strip())
        mine = tmp_path / f"{PREFIX}notes"
        mine.mkdir()
        # when another comes, then neither goes
        with workplace(PREFIX, tmp_path) as folder:
            assert sorted(tmp_path.iterdir()) == sorted([other, mine, folder])
        assert not folder.exists()
        assert (other / "file").read_text() == "at work"
        # when its maker is killed, then it is left, and goes when the next comes
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert other.exists()
        with workplace(PREFIX, tmp_path) as folder:
            assert sorted(tmp_path.iterdir()) == sorted([mine, folder])
    assert list(tmp_path.iterdir()) == [mine]
