"""Real servers behind each door, and an AWS of moto's."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from odyssey import aws
from odyssey.cli import main
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


MOTO = """
import time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
time.sleep(1e6)
"""


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The URL of a server. It needs "localhost": moto knows template URLs by that word."""
    environ = {name: value for name, value in os.environ.items() if name not in aws.KEYS}
    with subprocess.Popen(
        [sys.executable, "-c", MOTO],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        yield f"http://localhost:{server.stdout.readline().strip()}"
        server.kill()


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


@pytest.fixture(scope="session")
def built(trained: Path, engine: docker.DockerClient, base_image: str) -> str:
    """The name of the trained app's image, as `odyssey docker build` makes it."""
    code = main(["docker", "build", "--app", str(trained), "--base", base_image])
    assert code == 0
    return "testapp"
