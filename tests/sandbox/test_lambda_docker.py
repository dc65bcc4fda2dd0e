"""Functions in containers of a real engine, confined as Lambda confines them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from odyssey.images import image
from odyssey.images.image import Image
from odyssey.sandbox.executors.docker import DockerExecutor
from odyssey.sandbox.sandbox import Sandbox, Settings
from tests.sandbox.functions import Lambda

RUNTIME = """
import http.client, json, os, urllib.request

def place(event):
    free = os.statvfs("/tmp")
    try:
        open("/opt/made", "w")
    except OSError as error:
        refused = error.strerror
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/_sandbox/status") as answer:
        told = json.load(answer)["url"]
    return {
        "user": [os.getuid(), os.getgid()], "tmp": free.f_blocks * free.f_frsize >> 20,
        "elsewhere": refused, "sandbox": told, "words": sys.argv[1:],
    }

import sys
print("starting", flush=True)
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    answer = api.getresponse()
    event = json.load(answer)
    hoard = [b"x" * (1 << 20) for _ in range(event.get("megabytes", 0))]
    number = answer.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", f"/2018-06-01/runtime/invocation/{number}/response",
                json.dumps(place(event)))
    api.getresponse().read()
"""


@pytest.fixture
def lambdas(tmp_path: Path, engine: docker.DockerClient, base_image: str) -> Iterator[Lambda]:
    class Base:
        """Images that all are the same."""

        def pull(
            self, engine: docker.DockerClient, name: str, region: str, role: str | None
        ) -> Image:
            return image.find(engine, base_image)

    sandbox = Sandbox(Settings(tmp_path), lambda _: DockerExecutor(engine, Base()))
    sandbox.start()
    made = Lambda(sandbox)
    made.push("1")
    yield made
    assert sandbox.stop() == []


def test_a_function_runs_confined_and_reaches_the_sandbox(lambdas: Lambda) -> None:
    # given
    lambdas.make(
        "confined",
        ImageConfig={
            "EntryPoint": ["python", "-c", "import os; exec(os.environ['RUNTIME'])"],
            "Command": ["app.serve"],
        },
        Environment={"Variables": {"RUNTIME": RUNTIME}},
        EphemeralStorage={"Size": 600},
        MemorySize=192,
        Timeout=30,
    )

    def invoke(event: Any) -> Any:
        told = lambdas.client.invoke(FunctionName="confined", Payload=json.dumps(event))
        return json.load(told["Payload"])

    # then
    assert invoke({}) == {
        "user": [993, 990],
        "tmp": 600,
        "elsewhere": "Read-only file system",
        "sandbox": lambdas.sandbox.url,
        "words": ["app.serve"],
    }
    told = invoke({"megabytes": 400})
    assert told["errorType"] == "Runtime.OutOfMemory"
    assert invoke({})["tmp"] == 600
