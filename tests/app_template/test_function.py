"""app.train and app.serve: their events here, and both beside Lambda's own runtime client."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from odyssey.scaffold import bake
from rocket.job import Job
from rocket.settings import Layout
from tests.app_template.test_archives import tree
from tests.functional.buckets import BUCKET
from tests.functional.emulation import Function

TRAIN = """
import json
from pathlib import Path

def train(input_path, model_path, param_path=None, hyperparameters=None, channels=None):
    if "reason" in hyperparameters:
        raise ValueError(hyperparameters["reason"])
    files = [path for path in sorted(Path(input_path).rglob("*")) if path.is_file()]
    model = {"data": [path.read_text() for path in files], "channels": sorted(channels),
             "hyperparameters": hyperparameters}
    Path(model_path, "model.json").write_text(json.dumps(model))
"""

SERVE = """
import json, os, sys
from pathlib import Path
from rocket import BadInput

if os.environ.get("BROKEN") == "import":
    sys.exit("not today")

def get_model(model_path):
    print("get_model is called")
    if os.environ.get("BROKEN") == "model":
        raise KeyError("weights")
    return json.loads((Path(model_path) / "model.json").read_text())

def predict(input_data, model):
    if input_data == {}:
        raise BadInput("a record expected")
    if input_data == "exit":
        sys.exit(3)
    return {"got": input_data, "model": model}
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app for Lambda whose model is what it was trained with."""
    made = bake("iris", "lambda", tmp_path)
    (made / "train.py").write_text(TRAIN)
    (made / "serve.py").write_text(SERVE)
    (made / "input" / "data" / "training" / "iris.data").write_text("home")
    (tmp_path / "tmp").mkdir()
    return made


Start = Callable[..., Function]


@pytest.fixture
def start(app: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts `app.train` or `app.serve` behind the emulator, beside the real runtime client."""
    with ExitStack() as stack:

        def begin(handler: str, **environ: str) -> Function:
            own = {"TMPDIR": str(tmp_path / "tmp"), "AWS_LAMBDA_FUNCTION_NAME": "iris-train"}
            function = Function(app, handler, **{"ROCKET_ML_ROOT": str(app), **own, **environ})
            return stack.enter_context(function)

        yield begin


@pytest.fixture
def s3() -> Iterator[dict[str, str]]:
    """The variables that lead to an S3 with a bucket and two channels of data."""
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    known = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        **{name.lower(): value for name, value in known.items()},
    )
    client.create_bucket(Bucket=BUCKET)
    for channel in ("training", "other"):
        client.put_object(Bucket=BUCKET, Key=f"input/data/{channel}/a", Body=channel.encode())
    yield {**known, "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_REGION": "us-east-1"}
    server.stop()


def ask(function: Function, event: Any) -> Any:
    told = function.ready().invoke(json.dumps(event).encode(), 60)
    assert not told.error, told.payload
    return json.loads(told.payload)


def error_of(function: Function, event: Any) -> tuple[str, str]:
    told = function.ready().invoke(json.dumps(event).encode(), 60)
    assert told.error, told.payload
    document = json.loads(told.payload)
    return document["errorType"], document["errorMessage"]


def test_a_model_goes_by_s3_from_one_function_to_the_other(
    start: Start, s3: dict[str, str], tmp_path: Path
) -> None:
    # when it is trained
    places = {"DATA_URI": f"s3://{BUCKET}/input/data/", "MODELS_URI": f"s3://{BUCKET}/model/"}
    train = start("app.train", **s3, **places)
    identity = "1b2c3d4e-0000-4000-8000-000000000000"
    event = json.dumps({"hyperparameters": {"depth": 3, "name": "x"}}).encode()
    told = json.loads(train.ready().invoke(event, 60, identity).payload)
    # then
    pattern = rf"s3://{BUCKET}/model/iris-train-\d{{8}}-\d{{6}}-1b2c3d4e/model\.tar\.gz"
    assert re.fullmatch(pattern, told["model"])
    assert 0 < told["seconds"] < 60
    # and a failure says why, once more in the same environment
    failed = error_of(train, {"hyperparameters": {"reason": "no rain\nfor days"}})
    assert failed == ("TrainingFailed", "ValueError: no rain")
    nowhere = error_of(train, {"data": f"s3://{BUCKET}/nowhere"})
    assert nowhere[0] == "TransferError"
    assert nowhere[1].startswith(f"s3://{BUCKET}/nowhere: there is no data")
    # and neither leaves anything in /tmp, nor loads a model
    assert list((tmp_path / "tmp").iterdir()) == []
    assert "get_model" not in train.log
    # when it is served
    serve = start("app.serve", **s3, MODEL_URI=told["model"])
    serve.ready()
    # then it was loaded at the start
    assert "get_model is called" in serve.log
    model = {
        "data": ["training"],
        "channels": ["other", "training"],
        "hyperparameters": {"depth": 3, "name": "x"},
    }
    assert ask(serve, {"a": 1}) == {"got": {"a": 1}, "model": model}
    gateway = {"version": "2.0", "requestContext": {"http": {"method": "POST"}}, "body": "5"}
    assert json.loads(ask(serve, gateway)["body"]) == {"got": 5, "model": model}
    assert error_of(serve, {}) == ("BadInput", "a record expected")
    assert error_of(serve, "exit")[0] == "RuntimeError"
    assert serve.log.count("get_model is called") == 1


def test_without_s3_both_work_on_the_layout_s_folders(start: Start, app: Path) -> None:
    (app / "input" / "config").mkdir()
    parameters = {"depth": "3", "kept": "true"}
    (app / "input" / "config" / "hyperparameters.json").write_text(json.dumps(parameters))
    told = ask(start("app.train"), {"hyperparameters": {"depth": 4}})
    assert told["model"] == str(app / "model")
    model = json.loads((app / "model" / "model.json").read_text())
    assert model == {
        "data": ["home"],
        "channels": ["training"],
        "hyperparameters": {"depth": 4, "kept": True},
    }
    assert tree(app / "input")["data/training/iris.data"] == b"home"
    assert ask(start("app.serve"), 1) == {"got": 1, "model": model}


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"BROKEN": "model"}, "KeyError: 'weights'"),
        ({"BROKEN": "import"}, "RuntimeError: serve.py raised SystemExit: not today"),
        ({"MODEL_URI": "there"}, "TransferError: there: not a place on S3"),
        ({"MODEL_SERVER_CSV_HEADER": "maybe"}, "ValueError: MODEL_SERVER_CSV_HEADER=maybe"),
    ],
)
def test_what_keeps_the_model_away_is_an_error_of_the_start(
    start: Start, app: Path, environ: dict[str, str], reason: str
) -> None:
    (app / "model" / "model.json").write_text("{}")
    health = start("app.serve", **environ).emulated.await_ready(15)
    assert health.state == "failed"
    assert health.reason.startswith(reason)


def test_the_start_loads_nothing_that_it_does_not_need(app: Path) -> None:
    (app / "model" / "model.json").write_text("{}")
    script = "import sys; sys.argv[1:] = ['app.serve']; import app; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=app,
        env={"ROCKET_ML_ROOT": str(app)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "get_model is called" in ran.stdout
    heavy = {"asyncio", "boto3", "botocore", "flask", "gunicorn", "numpy", "pandas", "tarfile"}
    heavy |= {"rocket.job", "rocket.s3", "rocket.server", "subprocess"}
    assert heavy & set(ran.stdout.split()) == set()


class TestEvent:
    @pytest.mark.parametrize(
        ("event", "data", "models", "hyperparameters"),
        [
            ({}, "s3://a/", "s3://b/", {}),
            (None, "s3://a/", "s3://b/", {}),
            ({"data": "s3://c/"}, "s3://c/", "s3://b/", {}),
            ({"models": "s3://c/", "hyperparameters": {"x": 1}}, "s3://a/", "s3://c/", {"x": 1}),
            ({"detail-type": "Scheduled Event", "source": "aws.events"}, "s3://a/", "s3://b/", {}),
        ],
    )
    def test_says_what_the_environment_does_not(
        self, event: Any, data: str, models: str, hyperparameters: dict[str, Any]
    ) -> None:
        job = Job.from_event(event, {"DATA_URI": "s3://a/", "MODELS_URI": "s3://b/"})
        assert (job.data, job.models, job.hyperparameters) == (data, models, hyperparameters)

    def test_without_any_the_layout_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ROCKET_ML_ROOT", "/somewhere")
        job = Job.from_event({}, {})
        assert (job.data, job.models, job.home) == ("", "", Layout(Path("/somewhere")))

    @pytest.mark.parametrize(
        ("event", "message"),
        [
            ([], "the event is a list: send a JSON object"),
            ("{}", "the event is a str"),
            ({"hyperparameter": {}}, 'has "hyperparameter": only hyperparameters, data, models'),
            ({"hyperparameters": [1]}, r"hyperparameters must be an object, got \[1\]"),
            ({"data": None}, "data must be a string, got null"),
        ],
    )
    def test_that_says_something_else_is_refused(self, event: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            Job.from_event(event, {})
