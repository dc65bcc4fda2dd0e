"""Containers that are killed, and Docker commands that are."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.reliability import engines, kills, trees
from benchmarks.reliability.account import Account, archive, enter, put
from benchmarks.reliability.engines import containers, docker
from benchmarks.reliability.experiment import FAULTS, Experiment, Observed
from benchmarks.reliability.kills import Case, Place
from benchmarks.reliability.kills_local import state_left
from benchmarks.reliability.scene import Scene, SetupError, collect, until
from benchmarks.reliability.serving import BODY
from benchmarks.subjects import free_port

# -- docker serve


def _serving(scene: Scene) -> tuple[Path, int, Any]:
    app = engines.built(scene, "served")
    port = free_port()
    process = scene.start("docker", "serve", "--port", str(port), cwd=app)
    if not until(lambda: process.poll() is not None or _pings(port), 120, 0.1):
        raise SetupError("docker serve does not answer")
    if process.poll() is not None:
        raise SetupError(f"docker serve has ended: {collect(process, 0).said}")
    return app, port, process


def _pings(port: int) -> bool:
    return load.answers_200(port, "/ping")


def _kill_container(_: Scene, served: tuple[Path, int, Any]) -> Observed:
    app, _port, process = served
    (container,) = docker("ps", "--quiet", "--filter", f"ancestor={app.name}").split()
    begin = time.monotonic()
    docker("kill", container)
    done = collect(process, begin, 60)
    seen = Observed(
        {
            "until the command has ended, s": round(done.seconds, 1),
            "it ends with": f"exit {done.code}: {done.said}",
        }
    )
    if not done.is_proper:
        seen.faults.append(f"no proper error: exit {done.code}, {done.said}")
    seen.faults += [f"a container is left: {each}" for each in containers(app.name)]
    return seen


def _kill_docker_serve(scene: Scene, served: tuple[Path, int, Any]) -> Observed:
    app, port, process = served
    process.kill()
    process.wait()
    time.sleep(1)
    left = containers(app.name)
    again = scene.start("docker", "serve", "--port", str(port), cwd=app)

    def serves() -> bool:
        return bool(set(containers(app.name)) - set(left)) and _pings(port)

    # The one that is left may hold the port, and answer there.
    answers = until(lambda: again.poll() is not None or serves(), 120, 0.3)
    there = containers(app.name)
    again.terminate()
    done = collect(again, 0, 60)
    seen = Observed(
        {
            "containers left by the kill": len(left),
            "containers once the same command serves again": len(there),
            "containers after its end": len(containers(app.name)),
        }
    )
    if not answers or done.code not in (0, 130, 143):
        seen.faults.append(f"the same command does not serve: exit {done.code}, {done.said}")
    if len(there) > 1 or containers(app.name):
        seen.faults.append("the killed one's container stays")
    return seen


# -- a sandbox's endpoint


@dataclass
class Endpoint:
    """An endpoint in a sandbox of containers."""

    account: Account
    app: Path

    def answers(self) -> bool:
        """Return whether a request is answered."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self.account.client("sagemaker-runtime").invoke_endpoint(
                EndpointName="killed", Body=BODY.encode(), ContentType="application/json"
            )
            return "prediction" in json.load(answer["Body"])
        except (BotoCoreError, ClientError):
            return False


def _endpoint(scene: Scene) -> Endpoint:
    app = engines.built(scene, "endpoint")
    account = enter(scene, app, executor="docker")
    pushed = scene.must("docker", "push", cwd=app)
    account.bucket("models")
    put(account, "models", "model.tar.gz", archive(app))
    sagemaker = account.client("sagemaker")
    container = {"Image": pushed["image"], "ModelDataUrl": "s3://models/model.tar.gz"}
    sagemaker.create_model(
        ModelName="killed", ExecutionRoleArn=account.role(), PrimaryContainer=container
    )
    variant = {"VariantName": "All", "ModelName": "killed", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="killed", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName="killed", EndpointConfigName="killed")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="killed", WaiterConfig={"Delay": 1}
    )
    return Endpoint(account, app)


def _kill_of_endpoint(_: Scene, endpoint: Endpoint) -> Observed:
    owner = f"label=odyssey.owner={_host()}:{endpoint.account.record['pid']}"
    found = docker("ps", "--quiet", "--filter", owner).split()
    if not found or not endpoint.answers():
        raise SetupError(f"{len(found)} containers serve, and no request is answered")
    begin = time.monotonic()
    docker("kill", *found)
    refused, back = 0, False
    while not back and time.monotonic() - begin < 90:
        back = endpoint.answers()
        refused += not back
        time.sleep(0.1)
    seen = Observed(
        {
            "requests refused meanwhile, ten a second": refused,
            "until it answers again, s": round(time.monotonic() - begin, 1),
        }
    )
    if not back:
        seen.faults.append("the endpoint does not come back within 90 s")
    return seen


def _host() -> str:
    import socket

    return socket.gethostname()


# -- commands that are killed


def _to_build(scene: Scene, name: str) -> Place:
    app = engines.app(scene, name)
    with (app / "serve.py").open("a", encoding="utf-8") as code:
        code.write(f"\n# {scene.folder.name} {name}\n")
    return Place(app, ("docker", "build"), app.name)


def _image(_: Scene, place: Place) -> Any:
    told = json.loads(docker("image", "inspect", place.name))
    return {key: told[0]["Config"].get(key) for key in ("Cmd", "Entrypoint", "Env", "ExposedPorts")}


def _left(scene: Scene, place: Place) -> list[str]:
    return [*state_left(scene, place), *(f"container {id_}" for id_ in containers(place.name))]


def _to_test(scene: Scene, name: str) -> Place:
    return Place(engines.built(scene, name), ("docker", "test"), f"{engines.PREFIX}{name}")


def _passed(_: Scene, place: Place) -> bool:
    document = json.loads((place.cwd / ".odyssey" / "artifacts.json").read_text(encoding="utf-8"))
    return bool(document["passed"]["sagemaker"])


def _to_train(scene: Scene, name: str) -> Place:
    place = Place(engines.built(scene, name), ("docker", "train"), f"{engines.PREFIX}{name}")
    (place.cwd / "model" / "model.pkl").unlink()
    return place


def _to_push(scene: Scene, name: str) -> Place:
    app = engines.built(scene, name)
    if "account" not in scene.kept:
        scene.kept["account"] = enter(scene, app, executor="docker")
    return Place(app, ("docker", "push"), app.name)


def _pushed(scene: Scene, place: Place) -> list[Any]:
    account = scene.kept["account"]
    if not isinstance(account, Account):
        raise SetupError("there is no sandbox")
    listed = account.client("ecr").describe_images(repositoryName=place.name)["imageDetails"]
    return [len(listed), bool(listed[0]["imageTags"])]


KILLS = [
    kills.experiment(
        "kill-docker-build",
        "`odyssey docker build` after an edit of the code is killed at three moments",
        Case(_to_build, _image, _left, moments=(0.3, 0.6, 0.85)),
    ),
    kills.experiment(
        "kill-docker-test",
        "`odyssey docker test` is killed at two moments",
        Case(_to_test, _passed, _left, moments=(0.3, 0.7)),
    ),
    kills.experiment(
        "kill-docker-train",
        "`odyssey docker train` is killed at two moments",
        Case(
            _to_train,
            lambda _, place: sorted(trees.digests(place.cwd / "model")),
            _left,
            moments=(0.5, 0.85),
        ),
    ),
    kills.experiment(
        "kill-docker-push",
        "`odyssey docker push` into a sandbox's registry is killed at two moments",
        Case(_to_push, _pushed, _left, moments=(0.4, 0.75)),
    ),
]

EXPERIMENTS = [
    Experiment(
        "kill-container-docker-serve",
        FAULTS,
        "The container of `odyssey docker serve` is killed",
        "the command ends with a proper error and leaves no container",
        _serving,
        _kill_container,
        lambda _scene, _served, seen: seen,
    ),
    Experiment(
        "kill-docker-serve",
        FAULTS,
        "`odyssey docker serve` itself is killed (SIGKILL)",
        "the same command serves again on the same port, and the container of the killed one goes",
        _serving,
        _kill_docker_serve,
        lambda _scene, _served, seen: seen,
    ),
    Experiment(
        "kill-container-endpoint",
        FAULTS,
        "The container of a sandbox's endpoint is killed",
        "another takes its place by itself",
        _endpoint,
        _kill_of_endpoint,
        lambda _scene, _endpoint, seen: seen,
    ),
]
