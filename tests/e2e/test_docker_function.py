"""An image run as Lambda runs it: what the function finds, and what becomes of it."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from odyssey import artifacts
from tests.e2e.servers import free_port
from tests.functional.conftest import SmallApp
from tests.functional.function_app import APP

DOCKERFILE = """
ARG BASE
FROM ${BASE}
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir awslambdaric
ENV PATH="/opt/venv/bin:${PATH}"
WORKDIR /opt/program
COPY app.py .
"""
SECRET = "FROM tinyfunction\nRUN touch secret && chmod 600 secret\n"


@pytest.fixture(scope="module")
def image(
    tmp_path_factory: pytest.TempPathFactory, base_image: str, engine: docker.DockerClient
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("function")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "app.py").write_text(APP)
    made, _ = engine.images.build(
        path=str(folder), tag="tinyfunction", buildargs={"BASE": base_image}, rm=True
    )
    (folder / "Dockerfile").write_text(SECRET)
    engine.images.build(path=str(folder), tag="tinysecret", rm=True)
    yield "tinyfunction"
    engine.images.remove("tinysecret", force=True)
    engine.images.remove(made.id, force=True)


@pytest.fixture
def function(tmp_path: Path, image: str) -> Iterator[SmallApp]:
    app = SmallApp(tmp_path / "app", free_port())
    app.write("app.py", APP)
    app.write("input/data/training/numbers", "1 2 3")
    app.write("model/weights", "old")
    app.write("samples/one.json", '{"x": 1}')
    settle(app, image)
    yield app
    for running in app.running:
        running.process.kill()
        running.process.communicate()


def settle(app: SmallApp, name: str, flaw: str = "") -> None:
    app.write(
        "odyssey.toml",
        f'[app]\nname = "{name}"\nservice = "sagemaker+lambda"\n[local]\nport = {app.port}\n'
        f'[function]\nmemory_mb = 200\nstorage_mb = 600\nenvironment = {{ FLAW = "{flaw}" }}\n',
    )


def test_train_is_lambda_s_and_brings_the_model_home(function: SmallApp) -> None:
    done = function.run("docker", "train", "--as", "lambda")
    assert done.code == 0, done.err
    seen = json.loads((function.folder / "model/seen.json").read_text())
    assert seen["numbers"] == "1 2 3"
    assert seen["user"] == [993, 990]
    assert seen["write"] == {"/": "Read-only file system", "/opt/ml/model": True, "/tmp": True}
    assert seen["tmp_mb"] == 600
    assert (seen["memory"], seen["name"]) == ("200", "tinyfunction-train")
    assert seen["cache"] == "/tmp/cache"
    assert "REPORT RequestId: " in done.err


def test_a_training_that_fails_is_lambda_s_error_and_keeps_the_model(function: SmallApp) -> None:
    settle(function, "tinyfunction", "fails")
    done = function.run("docker", "train", "--as", "lambda")
    assert done.code == 1
    assert "the training failed: ValueError: no good; model/ is unchanged" in done.err
    assert (function.folder / "model/weights").read_text() == "old"


def test_serve_answers_requests_as_a_function_s_url(function: SmallApp) -> None:
    # given
    server = function.start("docker", "serve", "--as", "lambda")
    server.until_it_says("Serving on")
    # when
    answered = function.run("docker", "request", "--as", "lambda", "--data", '{"x": "look"}')
    server.send(signal.SIGINT)
    done = server.finish()
    # then
    seen = json.loads(answered.out)
    assert seen["model"] == ["weights"]
    assert seen["write"]["/opt/ml/model"] == "Read-only file system"
    assert done.code == 0
    assert "s; Lambda gives it 10 s\n" in done.err


def test_an_image_that_keeps_the_contract_is_remembered(function: SmallApp) -> None:
    done = function.run("docker", "test", "--as", "lambda", "--output", "json")
    assert done.code == 0, done.out
    assert {each["verdict"] for each in done.document["checks"]} == {"pass"}
    assert artifacts.is_tested(function.folder, done.document["image"], ("lambda",))


def test_a_file_that_not_everybody_reads_breaks_the_contract(function: SmallApp) -> None:
    settle(function, "tinysecret")
    report = function.run("docker", "test", "--as", "lambda", "--output", "json").document
    broken = {
        each["rule"]: each["detail"] for each in report["checks"] if each["verdict"] != "pass"
    }
    assert list(broken) == ["files"]
    assert broken["files"].startswith("not /opt/program/secret: ")
    assert not artifacts.is_tested(function.folder, report["image"], ("lambda",))


def test_want_of_memory_is_named(function: SmallApp) -> None:
    settle(function, "tinyfunction", "memory")
    done = function.run("docker", "serve", "--as", "lambda")
    assert done.code == 1
    assert "Runtime.OutOfMemory" in done.err
    assert "it took more memory than it has" in done.err
