"""The tour: once in containers, from its first step to its last; and what ends it before that."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import docker
import pytest

from odyssey.tour.executor import choose

OURS = ("AWS_", "ODYSSEY_", "MODEL_SERVER", "CDK_")


@dataclass
class Home:
    """A user's home, in which a tour is taken."""

    folder: Path

    def environ(self, **variables: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        places = {"XDG_STATE_HOME": str(self.folder / "state"), "TMPDIR": str(self.folder / "tmp")}
        return {**kept, **places, **variables}

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "odyssey", "tour", *words],
            cwd=self.folder,
            env=self.environ(**variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def left(self) -> list[str]:
        """Files, and processes that have this home among their variables."""
        found = [str(path) for path in (self.folder / "tmp").iterdir()]
        found += [str(path) for path in (self.folder / "state").rglob("*.json")]
        found += [path.name for path in self.folder.iterdir() if path.name not in ("tmp", "state")]
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                if f"={self.folder}/".encode() in environ.read_bytes():
                    found.append((environ.parent / "cmdline").read_text())
            except OSError:
                continue
        return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "state").mkdir()
    return Home(tmp_path)


def test_the_tour_in_containers_does_what_it_says_and_leaves_nothing(
    home: Home, engine: docker.DockerClient, base_image: str
) -> None:
    # when
    tour = home.start("--executor", "docker", "--output", "json", ODYSSEY_DOCKER_BASE=base_image)
    out, told = tour.communicate(timeout=1400)
    # then
    assert tour.returncode == 0, told[-4000:]
    document = json.loads(out)
    assert document["passed"]
    found = {step["step"]: step["found"] for step in document["steps"]}
    # the answers of the same flower, first of the timid model, then of the better one
    assert found["local-serve"]["prediction"] == "Iris-setosa"
    assert found["local-serve"]["rows"].split() == ["Iris-setosa", "Iris-virginica"]
    assert found["endpoint"]["prediction"] == "Iris-virginica"
    assert found["canary"]["prediction"] == "Iris-versicolor"
    assert found["lambda-serve"]["prediction"] == "Iris-versicolor"
    assert float(found["train"]["accuracy"]) < 0.9 < float(found["canary"]["accuracy"])
    # the endpoint has changed its model, to that of the second job
    assert found["train"]["job"] in found["endpoint"]["serves"]
    assert found["canary"]["job"] in found["canary"]["serves"]
    assert found["endpoint"]["config"] != found["canary"]["config"]
    # the image was tested, and has a digest; the batch has an answer for each flower
    assert int(found["docker-test"]["passed"]) > 15
    assert re.fullmatch("sha256:[0-9a-f]{64}", found["push"]["digest"])
    assert (found["batch"]["rows"], found["batch"]["right"]) == ("150", "146")
    # every line that it says was typed, and what failed nowhere
    lines = [line for step in document["steps"] for line in step["commands"]]
    assert [line for line in lines if line["exit_code"]] == []
    assert all(line["command"].splitlines()[0] in told for line in lines)
    # nothing is left, as it says and as is seen
    assert found["destroy"]["left"] == found["clean"]["left"] == "nothing"
    assert "bucket" in found["destroy"]["stays"]
    assert document["left_behind"] == []
    assert home.left() == []
    assert engine.images.list("iris-tour") == []


def test_a_step_that_fails_ends_the_tour_with_its_exit_code_and_leaves_nothing(home: Home) -> None:
    # when the check finds what is only worth knowing, and that is to fail it
    tour = home.start("--executor", "process", ODYSSEY_CHECK_FAIL_ON="info")
    out, told = tour.communicate(timeout=280)
    # then
    assert tour.returncode == 3
    assert "odyssey check: exit code 3" in told
    assert "odyssey tour --keep" in told
    assert home.left() == []
    # and the table of what was done fits a terminal
    assert "failed with exit code 3" in out
    assert max(map(len, out.splitlines())) <= 80


def test_ctrl_c_in_the_middle_leaves_nothing(home: Home) -> None:
    # given: a sandbox runs
    tour = home.start("--executor", "process")
    wait_for(tour.stderr, "$ odyssey check")
    # when
    tour.send_signal(signal.SIGINT)
    _, told = tour.communicate(timeout=120)
    # then
    assert tour.returncode == 130
    assert "Error: interrupted" in told
    assert home.left() == []


def wait_for(stream: IO[str] | None, wanted: str) -> None:
    assert stream is not None
    deadline = time.monotonic() + 200
    while wanted not in (line := stream.readline()):
        assert line, "the tour has ended"
        assert time.monotonic() < deadline


def test_what_is_kept_is_said_and_how_to_go_on_with_it(home: Home) -> None:
    # when a step fails, of a tour that keeps what it makes
    tour = home.start("--keep", "mine", "--executor", "process", ODYSSEY_LOCAL_PYTHON="/none")
    out, told = tour.communicate(timeout=60)
    # then
    assert tour.returncode == 2, told
    app = home.folder / "mine" / "iris-tour"
    assert (app / "train.py").is_file()
    assert f"cd {app}" in told
    assert "/none" in (home.folder / "mine" / "iris-tour.log").read_text()
    # and a second tour does not touch it
    again = home.start("--keep", "mine", "--executor", "process")
    assert "is there already" in again.communicate(timeout=60)[1]
    assert again.returncode == 2


def test_step_by_step_wants_somebody_who_presses_enter(home: Home) -> None:
    tour = home.start("--step", "--executor", "process")
    _, told = tour.communicate(timeout=60)
    assert tour.returncode == 2
    assert "--step" in told
    assert home.left() == []


def test_without_an_engine_or_a_base_image_jobs_are_processes(
    engine: docker.DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given: an engine, whose registry has no such image
    monkeypatch.setenv("ODYSSEY_DOCKER_BASE", "127.0.0.1:9/none:latest")
    # when, then
    assert choose("auto").name == "process"
    assert "127.0.0.1:9/none:latest cannot be had" in choose("auto").reason
    # given: no engine
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    assert "no Docker engine answers" in choose("auto").reason
    # and who asks for containers hears of it
    words = [sys.executable, "-m", "odyssey", "tour", "--executor", "docker", "--output", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    error: dict[str, Any] = json.loads(done.stdout)["error"]
    assert done.returncode == error["exit_code"] == 7


WITHOUT_MOTO = """
import importlib.util, sys
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "moto" else found(name, *more)
from odyssey.cli import main
sys.exit(main(["tour"]))
"""


def test_without_moto_it_says_what_to_install(home: Home) -> None:
    words = [sys.executable, "-c", WITHOUT_MOTO]
    done = subprocess.run(
        words, cwd=home.folder, env=home.environ(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 7
    assert "pip install 'moto[server]" in done.stderr
