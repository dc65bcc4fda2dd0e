"""`odyssey local` of an app for Lambda, with an `app.py` of a few lines."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable

import pytest

from odyssey import config
from odyssey.errors import UsageError
from odyssey.images import build
from tests.functional.conftest import Done, SmallApp
from tests.functional.function_app import APP

Run = Callable[..., Done]


@pytest.fixture
def lambda_app(small_app: SmallApp) -> SmallApp:
    small_app.write(
        "odyssey.toml",
        f'[app]\nname = "small"\nservice = "lambda"\n[local]\nport = {small_app.port}\n'
        "[function]\ntimeout = 5\nmemory_mb = 256\n",
    )
    small_app.write("app.py", APP)
    return small_app


def test_serve_is_a_function_behind_a_url(lambda_app: SmallApp, odyssey: Run) -> None:
    # given
    server = lambda_app.start("local", "serve", MODEL_URI="s3://elsewhere/model.tar.gz")
    server.until_it_says("Serving on")
    # when
    good = odyssey("local", "request", "--data", '{"x": "look"}', at=lambda_app.folder)
    bad = odyssey("local", "request", "--data", "{}", at=lambda_app.folder)
    server.send(signal.SIGINT)
    done = server.finish()
    # then
    seen = good.document
    assert (seen["name"], seen["memory"]) == ("small-serve", "256")
    assert "weights" in seen["model"]
    assert bad.err.startswith("Error: 400 Bad Request")
    assert done.code == 0
    assert " s; Lambda gives it 10 s\n" in done.err
    assert done.err.count("REPORT RequestId: ") == 2
    assert done.err.endswith("The function has stopped\n")


def test_quiet_leaves_out_the_lines_of_each_event(lambda_app: SmallApp, odyssey: Run) -> None:
    server = lambda_app.start("local", "serve", "--quiet")
    server.until_it_says("Serving on")
    assert odyssey("local", "request", "--data", '{"x": 1}', at=lambda_app.folder).out == "2"
    server.send(signal.SIGTERM)
    assert "REPORT" not in server.finish().err


def test_a_function_that_cannot_start_is_an_error(lambda_app: SmallApp) -> None:
    done = lambda_app.run("local", "serve", FLAW="import")
    assert done.code == 1
    assert "the function cannot start: Runtime.ImportModuleError: Unable to import" in done.err


def test_without_app_py_it_says_where_one_comes_from(lambda_app: SmallApp) -> None:
    (lambda_app.folder / "app.py").unlink()
    done = lambda_app.run("local", "serve")
    assert done.code == 1
    assert "app.py is missing from" in done.err


@pytest.mark.parametrize("words", [["--reload"], ["--workers", "2"], ["--kind", "flask"]])
def test_a_function_has_no_server_to_choose(
    lambda_app: SmallApp, odyssey: Run, words: list[str]
) -> None:
    done = odyssey("local", "serve", *words, at=lambda_app.folder)
    assert done.code == 2
    assert done.err.startswith(f"Error: {words[0]} is for the server of SageMaker's container")


@pytest.mark.parametrize("command", [["local", "serve"], ["docker", "test"], ["docker", "serve"]])
def test_an_app_acts_as_a_service_that_it_is_for(
    lambda_app: SmallApp, odyssey: Run, command: list[str]
) -> None:
    done = odyssey(*command, "--as", "sagemaker", at=lambda_app.folder)
    assert done.code == 2
    assert 'Error: --as sagemaker: app.service is "lambda"' in done.err


def test_an_app_for_both_is_a_function_where_it_is_told_so(lambda_app: SmallApp) -> None:
    toml = (lambda_app.folder / "odyssey.toml").read_text()
    lambda_app.write("odyssey.toml", toml.replace('"lambda"', '"sagemaker+lambda"'))
    done = lambda_app.run("local", "serve", "--as", "lambda", FLAW="import")
    assert "the function cannot start" in done.err


def test_training_is_the_same(lambda_app: SmallApp, odyssey: Run) -> None:
    done = odyssey("local", "train", "--output", "json", at=lambda_app.folder)
    assert [file["path"] for file in json.loads(done.out)["files"]] == ["deep/weights"]


def test_what_a_function_would_not_take_is_refused(lambda_app: SmallApp, odyssey: Run) -> None:
    large = lambda_app.write("large.json", "x" * (6 * 1024 * 1024 + 1))
    done = odyssey("docker", "request", "--file", str(large), at=lambda_app.folder)
    assert done.code == 2
    assert "the request has 6291457 bytes, and a function takes 6291456" in done.err


def test_an_image_for_another_processor_than_the_function_s_is_refused(
    lambda_app: SmallApp,
) -> None:
    settings = config.load(lambda_app.folder, flags={"docker.platform": "linux/arm64"})
    rule = "docker.platform wants linux/arm64 and function.architecture wants linux/amd64"
    with pytest.raises(UsageError, match=rule):
        build.platform(settings)
