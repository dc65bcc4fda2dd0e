"""Real servers behind each door."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.servers import DOORS, Server

# An app whose predict does what the request asks for; it counts how often its model is loaded.
PROBE = """
import os, sys, time
from pathlib import Path
from rocket import BadInput


def get_model(model_path):
    with open(Path(model_path) / "loads", "a") as loads:
        loads.write(f"{os.getpid()}\\n")
    return "the model"


def spin(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def predict(input_data, model):
    assert model == "the model"
    if not isinstance(input_data, dict):
        return input_data
    for verb, argument in input_data.items():
        if verb == "sleep":
            time.sleep(argument)
        elif verb == "spin":
            spin(argument)
        elif verb == "raise":
            raise RuntimeError(argument)
        elif verb == "exit":
            sys.exit(argument)
        elif verb == "refuse":
            raise BadInput(argument)
        elif verb == "evaluate":
            import numpy, pandas
            return eval(argument, {"numpy": numpy, "pandas": pandas})
    return {"pid": os.getpid(), "echo": input_data}
"""


@pytest.fixture(scope="session")
def probe_app(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    app = tmp_path_factory.mktemp("probe") / "app"
    shutil.copytree(trained, app)
    (app / "serve.py").write_text(PROBE)
    return app


@pytest.fixture(scope="session", params=sorted(DOORS))
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def iris(trained: Path, door: str) -> Iterator[Server]:
    """The app as it is baked, behind each door in turn."""
    with Server(trained, door, MODEL_SERVER_MAX_PAYLOAD_MB=8) as server:
        yield server


@pytest.fixture(scope="session")
def probe(probe_app: Path, door: str) -> Iterator[Server]:
    """The app that does what it is asked for, behind each door in turn."""
    with Server(probe_app, door, MODEL_SERVER_MAX_PAYLOAD_MB=8) as server:
        yield server
