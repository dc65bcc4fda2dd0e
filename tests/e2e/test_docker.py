"""The app's image in a real engine: what it is made of, and that nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from odyssey.images.orphans import LABEL
from tests.functional.conftest import SmallApp, alive, until

DOCKERFILE = """
ARG BASE
FROM ${BASE}
COPY train serve /usr/local/bin/
RUN chmod a+x /usr/local/bin/train /usr/local/bin/serve
CMD ["serve"]
"""

TRAIN = """#!/usr/bin/env python3
import json, os, pathlib, socket, sys
root = pathlib.Path("/opt/ml")
print("training in a container")
seen = {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*"))
        if path.is_file()}
seen["environment"] = {name: os.environ.get(name) for name in ("TRAINING_JOB_NAME", "TOKEN")}
seen["host"], seen["user"] = socket.gethostname(), os.getuid()
(root / "model/deep").mkdir()
(root / "model/deep/seen.json").write_text(json.dumps(seen))
(root / "output/data/note").write_text("kept")
"""

SERVE = """#!/usr/bin/env python3
import http.server, json, os, pathlib, signal, sys
def try_to_write():
    try:
        pathlib.Path("/opt/ml/model/mine").write_text("x")
    except OSError as error:
        return os.strerror(error.errno)
class Door(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        seen = {"model": pathlib.Path("/opt/ml/model/weights").read_text(), "write": try_to_write(),
                "body": self.rfile.read(length).decode(), "level": os.environ.get("LEVEL")}
        body = json.dumps(seen).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer
    def log_message(self, *words):
        pass
def stop(*_):
    print("draining", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("serving in a container", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Door).serve_forever()
"""


class TinyApp(SmallApp):
    """An app whose image is a base with two short scripts."""

    def build(self, **scripts: str) -> None:
        """Build the image; `train` and `serve` may be other scripts than usual."""
        self.write("train", scripts.get("train", TRAIN))
        self.write("serve", scripts.get("serve", SERVE))
        done = self.run("docker", "build")
        assert done.code == 0, done.err


@pytest.fixture
def tiny(
    tmp_path: Path, free_port: int, base_image: str, engine: docker.DockerClient
) -> Iterator[TinyApp]:
    app = TinyApp(tmp_path / "tiny", free_port)
    app.write(
        "odyssey.toml",
        f'[app]\nname = "tiny"\n[local]\nport = {free_port}\n[docker]\nbase = "{base_image}"\n'
        '[endpoint]\nenvironment = { LEVEL = "high" }\n',
    )
    app.write("Dockerfile", DOCKERFILE)
    app.write("input/data/training/numbers", "1 2 3")
    app.write("input/config/hyperparameters.json", '{"depth": 3, "kind": "tree", "flags": [1]}')
    app.write("model/weights", "old")
    yield app
    for running in app.running:
        running.process.kill()
        running.process.communicate()
    for image in engine.images.list("tiny"):
        engine.images.remove(image.id, force=True)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def edited(built: str, engine: docker.DockerClient) -> Iterator[str]:
    """The name for an image of the app as a test has edited it, which is not for the others."""
    yield "testapp-edited"
    engine.images.remove("testapp-edited", force=True)


@pytest.fixture(autouse=True)
def _nothing_left_behind(engine: docker.DockerClient) -> Iterator[None]:
    """Whatever happens in a test, no container and no volume of ours is there afterwards."""
    yield
    assert leftovers(engine) == []


def leftovers(engine: docker.DockerClient) -> list[str]:
    """What nobody owns any more; others may use the same engine at the same time."""
    ours = {"label": LABEL}
    containers = engine.api.containers(all=True, filters=ours)
    volumes = engine.api.volumes(filters=ours)["Volumes"] or []
    owners = [each["Labels"][LABEL] for each in [*containers, *volumes]]
    return [owner for owner in owners if not alive(int(owner.rpartition(":")[2]))]


class TestBuild:
    def test_makes_one_small_image_for_one_platform(
        self, built: str, engine: docker.DockerClient, base_image: str
    ) -> None:
        image = engine.images.get(built)
        assert (image.attrs["Os"], image.attrs["Architecture"]) == ("linux", "amd64")
        assert image.attrs["Config"]["Cmd"] == ["serve"]
        assert not image.attrs["Config"]["User"]
        look = "which gcc cc; ls /root/.cache /opt/venv/bin/pip /var/lib/apt/lists/*_* 2>/dev/null"
        found = engine.containers.run(built, ["sh", "-c", f"{look}; true"], remove=True)
        assert found == b""
        # No data and no models: they come from S3.
        assert engine.containers.run(built, ["ls", "/opt/program"], remove=True).split() == [
            *b"__pycache__ requirements.txt rocket serve.py train.py".split()
        ]

    def test_the_image_serves_as_a_user_without_rights_on_a_read_only_disk(
        self, built: str, trained: Path, engine: docker.DockerClient
    ) -> None:
        container = engine.containers.run(
            built,
            "serve",
            user="993:990",
            read_only=True,
            tmpfs={"/tmp": "mode=1777"},
            volumes={str(trained / "model"): {"bind": "/opt/ml/model", "mode": "ro"}},
            detach=True,
        )
        try:
            until(lambda: b"worker(s)" in container.logs())
            asked = "from urllib.request import urlopen as get; "
            asked += "print(get('http://127.0.0.1:8080/ping').status)"
            assert container.exec_run(["python", "-c", asked]).output == b"200\n"
        finally:
            container.remove(force=True)

    def test_after_an_edit_the_requirements_are_not_installed_again(
        self, edited: str, app: Path, base_image: str, capfd: pytest.CaptureFixture[str]
    ) -> None:
        from odyssey.cli import main

        (app / "serve.py").write_text((app / "serve.py").read_text() + "# edited\n")
        assert main(["docker", "-n", edited, "build", "--app", str(app), "--base", base_image]) == 0
        told = capfd.readouterr().err
        assert "Collecting" not in told
        assert "Using cache" in told

    def test_a_checkout_of_windows_and_secrets_do_no_harm(
        self, edited: str, app: Path, base_image: str, engine: docker.DockerClient
    ) -> None:
        script = app / "rocket/serve"
        script.write_bytes(script.read_bytes().replace(b"\n", b"\r\n"))
        for name in (".env.prod", "id.pem", ".netrc", ".aws/credentials", ".git/config"):
            (app / name).parent.mkdir(exist_ok=True)
            (app / name).write_text("secret")
        assert SmallApp(app, 1).run("docker", "-n", edited, "build", "--base", base_image).code == 0
        look = "find . -type f | xargs grep -l secret; head -1 rocket/serve"
        seen = engine.containers.run(edited, ["sh", "-c", look], remove=True)
        assert seen == b"#!/usr/bin/env python3\n"

    def test_an_edit_of_the_settings_makes_no_other_image(
        self, edited: str, app: Path, base_image: str
    ) -> None:
        here, words = SmallApp(app, 1), ("docker", "-n", edited, "build", "--base", base_image)
        first = here.run(*words)
        here.write("odyssey.toml", (app / "odyssey.toml").read_text() + "\n# edited\n")
        assert here.run(*words).out == first.out != ""

    def test_says_what_it_made(self, tiny: TinyApp) -> None:
        tiny.write("train", TRAIN)
        tiny.write("serve", SERVE)
        done = tiny.run("docker", "-n", "tiny/other", "build", "--output", "json")
        assert done.code == 0
        assert done.document["image"] == "tiny/other"
        assert done.document["platform"] == "linux/amd64"
        assert done.document["id"].startswith("sha256:")

    def test_a_step_that_fails_is_the_reason_and_nothing_is_left(
        self, tiny: TinyApp, engine: docker.DockerClient
    ) -> None:
        tiny.write("Dockerfile", "ARG BASE\nFROM ${BASE}\nRUN echo trying && exit 7\n")
        done = tiny.run("docker", "build")
        assert done.code == 1
        assert "trying" in done.err
        assert "returned a non-zero code: 7" in done.err
        steps = [each["Command"] for each in engine.api.containers(all=True)]
        assert not [step for step in steps if "echo trying" in step]

    def test_a_requirement_that_must_be_compiled_says_how(self, tiny: TinyApp) -> None:
        tiny.write(
            "Dockerfile",
            "ARG BASE\nFROM ${BASE}\nRUN echo \"error: command 'gcc' failed\"; exit 1\n",
        )
        done = tiny.run("docker", "build")
        assert "BUILD_PACKAGES" in done.err

    def test_a_base_for_another_platform_is_refused(self, tiny: TinyApp) -> None:
        tiny.write("train", TRAIN)
        tiny.write("serve", SERVE)
        done = tiny.run("docker", "build", "--platform", "linux/arm64")
        assert done.code == 1
        assert "linux/arm64" in done.err
        assert "--base" in done.err

    def test_is_stopped_by_ctrl_c(self, tiny: TinyApp, engine: docker.DockerClient) -> None:
        tiny.write("Dockerfile", "ARG BASE\nFROM ${BASE}\nRUN echo started && sleep 60\n")
        running = tiny.start("docker", "build")
        running.until_it_says("\nstarted")
        running.send(signal.SIGINT)
        assert running.finish().code == 130
        until(lambda: not [s for s in engine.api.containers() if "sleep 60" in s["Command"]])

    def test_without_a_dockerfile_it_says_where_one_comes_from(self, tiny: TinyApp) -> None:
        (tiny.folder / "Dockerfile").unlink()
        done = tiny.run("docker", "build")
        assert done.code == 1
        assert "no Dockerfile" in done.err


class TestTrain:
    def test_finds_what_sagemaker_gives(self, tiny: TinyApp) -> None:
        tiny.build()
        done = tiny.run("docker", "train")
        assert done.code == 0, done.err
        assert "training in a container" in done.err
        assert done.out == f"{tiny.folder / 'model'}\n"
        seen = json.loads((tiny.folder / "model/deep/seen.json").read_text())
        assert seen["input/data/training/numbers"] == "1 2 3"
        assert json.loads(seen["input/config/hyperparameters.json"]) == {
            "depth": "3",
            "kind": "tree",
            "flags": "[1]",
        }
        resources = json.loads(seen["input/config/resourceconfig.json"])
        assert resources["hosts"] == [resources["current_host"]] == [seen["host"]] == ["algo-1"]
        channels = json.loads(seen["input/config/inputdataconfig.json"])
        assert channels["training"]["TrainingInputMode"] == "File"
        assert seen["environment"]["TRAINING_JOB_NAME"]
        assert seen["user"] == 0

    def test_leaves_files_that_are_the_user_s(self, tiny: TinyApp) -> None:
        tiny.build()
        tiny.run("docker", "train")
        assert (tiny.folder / "output/data/note").read_text() == "kept"
        assert not (tiny.folder / "model/weights").exists()
        made = [tiny.folder / "model/deep/seen.json", tiny.folder / "output/data/note"]
        assert {path.stat().st_uid for path in made} == {os.getuid()}
        assert tiny.leftovers() == []

    def test_a_failure_keeps_the_old_model_and_passes_the_reason_on(self, tiny: TinyApp) -> None:
        script = (
            "#!/bin/sh\necho partial > /opt/ml/model/weights\n"
            "echo 'the labels are missing' > /opt/ml/output/failure\nexit 3\n"
        )
        tiny.build(train=script)
        done = tiny.run("docker", "train")
        assert done.code == 1
        assert "exit code 3" in done.err
        assert "the labels are missing" in done.err
        assert (tiny.folder / "output/failure").read_text() == "the labels are missing\n"
        assert (tiny.folder / "model/weights").read_text() == "old"

    def test_want_of_memory_is_named(self, tiny: TinyApp) -> None:
        tiny.build(train="#!/usr/bin/env python3\nwhole = [b'x' * 10_000_000 for _ in range(99)]\n")
        done = tiny.run("docker", "train", "--memory-mb", "64")
        assert done.code == 1
        assert "more memory than its 64 MB" in done.err

    def test_ctrl_c_lets_it_stop_and_keeps_the_old_model(self, tiny: TinyApp) -> None:
        script = (
            "#!/usr/bin/env python3\nimport pathlib, signal, sys, time\n"
            "def stop(*_):\n    print('asked to stop', flush=True)\n    sys.exit(0)\n"
            "signal.signal(signal.SIGTERM, stop)\nprint('ready', flush=True)\ntime.sleep(60)\n"
        )
        tiny.build(train=script)
        running = tiny.start("docker", "train")
        running.until_it_says("ready")
        running.send(signal.SIGINT)
        done = running.finish()
        assert done.code == 130
        assert "asked to stop" in done.err
        assert (tiny.folder / "model/weights").read_text() == "old"

    def test_a_second_ctrl_c_stops_what_does_not_listen(self, tiny: TinyApp) -> None:
        tiny.build(train="#!/bin/sh\ntrap '' TERM\necho ready\nwhile :; do sleep 0.1; done\n")
        running = tiny.start("docker", "train")
        running.until_it_says("ready")
        running.send(signal.SIGINT)
        running.until_it_says("Stopping")
        running.send(signal.SIGINT)
        assert running.finish().code == 130

    def test_a_model_that_leads_out_of_its_folder_is_refused(self, tiny: TinyApp) -> None:
        tiny.build(train="#!/bin/sh\nln -s /etc/passwd /opt/ml/model/weights\n")
        done = tiny.run("docker", "train")
        assert done.code == 1
        assert "is a link to /etc/passwd, which is outside" in done.err
        assert (tiny.folder / "model/weights").read_text() == "old"

    def test_what_a_killed_odyssey_left_is_taken_away_by_the_next(
        self, tiny: TinyApp, engine: docker.DockerClient
    ) -> None:
        tiny.build(train="#!/bin/sh\necho ready\nexec sleep 60\n")
        running = tiny.start("docker", "train")
        running.until_it_says("ready")
        running.send(signal.SIGKILL)
        running.finish()
        # Its container, and the volume with what SageMaker gives it.
        assert len(leftovers(engine)) == 2
        tiny.build()
        assert tiny.run("docker", "train").code == 0

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_is_stopped_while_the_data_is_put_in(
        self, tiny: TinyApp, engine: docker.DockerClient, number: signal.Signals
    ) -> None:
        tiny.build()
        os.truncate(tiny.write("input/data/training/large", ""), 4_000_000_000)
        running = tiny.start("docker", "train")
        its = {"label": f"{LABEL}={socket.gethostname()}:{running.pid}"}
        # Not containers.list, which asks after each, and waits until it has its data.
        until(lambda: engine.api.containers(all=True, filters=its))
        running.send(number)
        assert running.finish().code == 130
        assert (tiny.folder / "model/weights").read_text() == "old"
        assert tiny.leftovers() == []

    def test_a_model_that_cannot_be_taken_out_is_told_at_once(self, tiny: TinyApp) -> None:
        # What the engine has not sent yet must not keep it from removing the container.
        script = "#!/bin/sh\ncd /opt/ml/model; mkfifo a; truncate -s 200000000 b\n"
        tiny.build(train=script)
        began = time.monotonic()
        done = tiny.run("docker", "train")
        assert done.code == 1
        assert "is neither a file, a folder nor a link" in done.err
        assert time.monotonic() - began < 30

    def test_output_that_cannot_be_taken_out_does_not_cost_the_model(self, tiny: TinyApp) -> None:
        script = (
            "#!/bin/sh\ncd /opt/ml/output/data; ln -s /gone latest; echo kept > note\n"
            "cd ../../model; echo new > epoch-3; ln -s /opt/ml/model/epoch-3 best\n"
        )
        tiny.build(train=script)
        done = tiny.run("docker", "train")
        assert done.code == 0, done.err
        assert "link to /gone" in done.err
        assert (tiny.folder / "model/best").read_text() == "new\n"

    def test_what_the_image_has_at_the_model_s_place_is_no_model(self, tiny: TinyApp) -> None:
        lines = "RUN mkdir -p /opt/ml/model && echo baked > /opt/ml/model/baked\n"
        tiny.write("Dockerfile", DOCKERFILE + lines)
        tiny.build(train="#!/bin/sh\nls /opt/ml/model\n")
        done = tiny.run("docker", "train")
        assert done.code == 1
        assert "wrote no file" in done.err
        assert "baked" not in done.err

    def test_without_an_image_it_says_how_to_build_one(self, tiny: TinyApp) -> None:
        done = tiny.run("docker", "train")
        assert done.code == 1
        assert "odyssey docker build" in done.err


class TestServe:
    def test_answers_with_the_model_which_it_cannot_change(self, tiny: TinyApp) -> None:
        tiny.build()
        running = tiny.start("docker", "serve")
        running.until_it_says("Serving on")
        done = tiny.run("docker", "request", "--data", "hello")
        assert json.loads(done.out) == {
            "model": "old",
            "write": os.strerror(30),
            "body": "hello",
            "level": "high",
        }
        running.send(signal.SIGTERM)
        done = running.finish()
        assert done.code == 0
        assert "draining" in done.err

    def test_is_not_open_to_other_machines(
        self, tiny: TinyApp, engine: docker.DockerClient
    ) -> None:
        tiny.build()
        running = tiny.start("docker", "serve")
        running.until_it_says("Serving on")
        its = {"label": f"{LABEL}={socket.gethostname()}:{running.pid}"}
        (container,) = engine.containers.list(filters=its)
        assert container.ports["8080/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": str(tiny.port)}]
        running.send(signal.SIGINT)
        assert running.finish().code == 0

    def test_after_a_kill_the_same_port_serves_again(self, tiny: TinyApp) -> None:
        tiny.build()
        killed = tiny.start("docker", "serve")
        killed.until_it_says("Serving on")
        killed.send(signal.SIGKILL)
        killed.finish()
        running = tiny.start("docker", "serve")
        running.until_it_says("Serving on")
        running.send(signal.SIGTERM)
        assert running.finish().code == 0

    def test_a_server_that_ends_is_an_error(self, tiny: TinyApp) -> None:
        tiny.build(serve="#!/bin/sh\necho no model today\nexit 4\n")
        done = tiny.run("docker", "serve")
        assert done.code == 1
        assert "no model today" in done.err
        assert "exit code 4" in done.err

    def test_a_taken_port_is_named(self, tiny: TinyApp) -> None:
        tiny.build()
        with socket.socket() as other:
            other.bind(("127.0.0.1", tiny.port))
            other.listen()
            done = tiny.run("docker", "serve")
        assert done.code == 1
        assert "odyssey docker serve --port" in done.err

    def test_without_a_model_it_says_how_to_train_one(self, tiny: TinyApp) -> None:
        tiny.build()
        (tiny.folder / "model/weights").unlink()
        done = tiny.run("docker", "serve")
        assert done.code == 1
        assert "odyssey docker train" in done.err


class TestRequest:
    def test_larger_than_an_endpoint_takes_is_refused(self, tiny: TinyApp) -> None:
        (tiny.folder / "big.csv").write_bytes(b"1,2\n" * 1_600_000)
        done = tiny.run("docker", "request", "--file", "big.csv")
        assert done.code == 2
        assert "6291456" in done.err

    def test_without_a_server_it_says_how_to_start_one(self, tiny: TinyApp) -> None:
        done = tiny.run("docker", "request", "--data", "1")
        assert done.code == 1
        assert "odyssey docker serve" in done.err


class TestPush:
    @pytest.mark.parametrize("output", ["text", "json"])
    def test_a_dry_run_prints_what_would_be_sent(
        self, tiny: TinyApp, moto: str, output: str
    ) -> None:
        tiny.build()
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "eu-west-1"}
        words = ("docker", "push", "--dry-run", "--output", output)
        done = tiny.run(*words, AWS_ENDPOINT_URL=moto, **keys)
        assert done.code == 0, done.err
        assert done.document["CreateRepository"]["repositoryName"] == "tiny"
        assert done.document["image"].startswith("sha256:")


class TestAppsOfTheFirstGeneration:
    """A JSON string for one record, a data frame for a table: their serve.py runs unchanged."""

    SERVE = """
import json
import pickle

import pandas as pd


def get_model(model_path):
    with open(model_path + "/model.pkl", "rb") as file:
        return pickle.load(file)


def predict(input_data, model):
    if isinstance(input_data, dict):
        return json.dumps({"class": model.predict([input_data["observation"]])[0]})
    return pd.DataFrame({"class": model.predict(input_data.to_numpy())})
"""

    def test_their_answers_are_what_they_were(
        self, edited: str, app: Path, base_image: str, free_port: int
    ) -> None:
        (app / "serve.py").write_text(self.SERVE)
        first = SmallApp(app, free_port)
        assert first.run("docker", "-n", edited, "build", "--base", base_image).code == 0
        running = first.start("docker", "-n", edited, "serve", "--port", str(free_port))
        running.until_it_says("Serving on")
        port = ["--port", str(free_port)]
        one = first.run("docker", "request", "--file", "samples/request.json", *port)
        table = first.run("docker", "request", "--file", "samples/request.csv", *port)
        running.send(signal.SIGTERM)
        assert running.finish().code == 0
        assert json.loads(one.out) == {"class": "Iris-setosa"}
        assert table.out.split() == ["Iris-setosa"] * 3


class TestEngine:
    def test_none_is_exit_7_and_says_how_to_start_one(self, tiny: TinyApp) -> None:
        done = tiny.run("docker", "build", DOCKER_HOST="unix:///nowhere/docker.sock")
        assert done.code == 7
        assert "no Docker engine answers" in done.err
        assert "DOCKER_HOST" in done.err

    def test_a_command_outside_of_an_app_is_exit_2(self, tmp_path: Path) -> None:
        nowhere = SmallApp(tmp_path, 1)
        done = nowhere.run("docker", "build")
        assert done.code == 2
        assert "odyssey.toml" in done.err

    def test_a_name_that_no_registry_takes_is_refused(self, tiny: TinyApp) -> None:
        done = tiny.run("docker", "-n", "Tiny App", "build")
        assert done.code == 2
        assert "lower-case" in done.err
