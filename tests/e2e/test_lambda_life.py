"""The life of one app on Lambda, and its answers there and everywhere else, in a sandbox, by the
command line, the real CDK and containers."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy
import pytest

from tests.e2e.sandboxes import World
from tests.e2e.servers import free_port
from tests.e2e.test_sandbox_life import ROWS, expected, model_of, of_s3

NAME = "both"
RECORDS = ROWS * 20
CSV = "".join(",".join(map(str, row)) + "\n" for row in RECORDS)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    words = ["init", "-p", "aws", "-s", "sagemaker+lambda", "start", NAME, "--no-input"]
    subprocess.run([sys.executable, "-m", "odyssey", *words], cwd=tmp_path, check=True)
    return tmp_path / NAME


def train(world: World, app: Path, **hyperparameters: float) -> None:
    """Train by the function, and compare the model with scikit-learn's own."""
    event = json.dumps({"hyperparameters": hyperparameters})
    told = world.must("lambda", "invoke", "-n", f"{NAME}-train", "--data", event)
    trained = model_of(of_s3(world, of(told)["model"]))
    assert numpy.allclose(trained.coef_, expected(app, **hyperparameters).coef_, atol=1e-6)


def of(told: Any) -> Any:
    """The answer in what `invoke` prints."""
    return told["answer"] if "answer" in told else told["body"]


def answers(world: World, app: Path, **hyperparameters: float) -> None:
    model = expected(app, **hyperparameters)
    for row in ROWS:
        done = world.run("lambda", "invoke", "--data", json.dumps({"observation": row}))
        assert done.code == 0, done.err
        assert json.loads(done.out) == {"prediction": model.predict([row])[0]}


@contextmanager
def serving(world: World, *words: str) -> Iterator[int]:
    """A server of the command line, ready, for the length of a `with` block; its port."""
    port = free_port()
    argv = [sys.executable, "-m", "odyssey", *words, "--port", str(port), "--output", "json"]
    with subprocess.Popen(
        argv, cwd=world.app, env=world.environment(), stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            told = ""
            while not told.rstrip().endswith("}"):
                line = server.stdout.readline() if server.stdout else ""
                assert line, f"odyssey {' '.join(words)} has ended"
                told += line
            assert json.loads(told)["url"].endswith(str(port))
            yield port
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)


def asked(world: World, where: str, port: int, rows: Path) -> list[str]:
    csv = ("--file", str(rows), "--content-type", "text/csv")
    done = world.run(where, "request", "--port", str(port), *csv)
    assert done.code == 0, done.err
    return done.out.split()


def test_an_app_lives_on_lambda_and_answers_as_everywhere(
    app: Path, base_image: str, tmp_path: Path
) -> None:
    with World(app, tmp_path / "state", ("--executor", "docker")) as world:
        # given: an image that keeps Lambda's contract, with a model of this machine
        world.must("local", "train")
        world.must("docker", "build", "--base", base_image)
        assert world.must("docker", "test", "--as", "lambda")["passed"]
        world.must("deploy", "--yes")
        world.must("docker", "push")
        # when it is deployed, trains and serves, then it answers as scikit-learn does
        world.must("lambda", "-t", "120", "train", "--yes")
        train(world, app)
        world.must("lambda", "serve", "--yes")
        answers(world, app)
        # when a second model takes its place, then that one answers
        train(world, app, C=0.01)
        world.must("lambda", "serve", "--yes")
        answers(world, app, C=0.01)
        # when records are sent everywhere, then the answers are the same everywhere
        train(world, app)
        world.must("lambda", "serve", "--yes")
        rows = tmp_path / "rows.csv"
        rows.write_text(CSV)
        wanted = list(expected(app).predict(RECORDS))
        with serving(world, "local", "serve") as port:
            assert asked(world, "local", port, rows) == wanted
        with serving(world, "docker", "serve") as port:
            assert asked(world, "docker", port, rows) == wanted
        with serving(world, "docker", "serve", "--as", "lambda") as port:
            assert asked(world, "docker", port, rows) == wanted
        done = world.run("lambda", "invoke", "--file", str(rows), "--content-type", "text/csv")
        assert done.out.split() == wanted, done.err
        (out,) = world.must("sagemaker", "batch-transform", "-i", str(rows))["objects"]
        assert of_s3(world, out).decode().split() == wanted
        # when it is looked at and deleted, then its log was kept, and the functions are gone
        assert "REPORT RequestId" in world.run("lambda", "logs", "-n", f"{NAME}-serve").out
        world.must("lambda", "delete", "--yes")
        assert world.client("lambda").list_functions()["Functions"] == []
        world.must("destroy", "--yes")
