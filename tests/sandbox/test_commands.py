"""`odyssey sandbox`, as it is typed: each sandbox here is a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3
import pytest

from odyssey.sandbox import records, variables
from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.records import Record

ROCKET = """#!/usr/bin/env python
import time
time.sleep(600)
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """As little of an app as a sandbox needs to run jobs as processes."""
    folder = tmp_path / "app"
    (folder / "rocket").mkdir(parents=True)
    (folder / "odyssey.toml").write_text('[app]\nname = "small"\nservice = "sagemaker"\n')
    (folder / "requirements.txt").write_text("")
    for name in ("train", "serve"):
        (folder / "rocket" / name).write_text(ROCKET)
    return folder


class Typed:
    """Types commands in the app's folder."""

    def __init__(self, app: Path, state: Path) -> None:
        self.app = app
        ours = ("AWS_", "ODYSSEY_")
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        self.environ["XDG_STATE_HOME"] = str(state)

    def __call__(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "odyssey", "sandbox", *words],
            cwd=self.app,
            env={**self.environ, **more},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def document(self, *words: str, **more: str) -> Any:
        done = self(*words, "--output", "json", **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def typed(app: Path, tmp_path: Path) -> Iterator[Typed]:
    typed = Typed(app, tmp_path / "state")
    yield typed
    for name in ("default", "other"):
        typed("stop", "--name", name)


PROCESS = ("--executor", "process")


def answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/_sandbox/status", timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def test_a_sandbox_starts_tells_how_it_stands_and_stops(typed: Typed) -> None:
    # when
    started = typed.document("start", *PROCESS)
    # then
    assert started["executor"] == "process"
    assert started["url"].startswith("http://localhost:")
    status = typed("status")
    assert started["url"] in status.stdout
    assert "as processes" in status.stdout
    # when it is started again, then the one that runs is told
    again = typed("start", *PROCESS)
    assert again.returncode == 1
    assert started["url"] in again.stderr
    # when
    stopped = typed("stop")
    # then nothing is left of it
    assert (stopped.returncode, stopped.stdout) == (0, "")
    assert not answers(started["url"])
    assert not Path(started["folder"]).exists()
    assert typed("status").returncode == 1


def test_to_stop_what_does_not_run_is_nothing_to_do(typed: Typed) -> None:
    stopped = typed("stop")
    assert stopped.returncode == 0
    assert 'No sandbox "default" runs' in stopped.stderr
    status = typed("status")
    assert status.returncode == 1
    assert "odyssey sandbox start" in status.stderr


def test_its_variables_lead_every_client_into_it(typed: Typed) -> None:
    # given a shell with keys of the real AWS
    typed.document("start", *PROCESS)
    real = {"AWS_PROFILE": "work", "AWS_SESSION_TOKEN": "real", "AWS_ENDPOINT_URL_S3": "https://x"}
    # when
    lines = typed("env", **real).stdout
    script = f"{lines}\nenv -0 | grep -z ^AWS_"
    shell = subprocess.run(
        ["bash", "-euc", script], env={**typed.environ, **real}, capture_output=True, text=True
    )
    # then
    found = dict(pair.split("=", 1) for pair in shell.stdout.strip("\0").split("\0"))
    assert found["AWS_ENDPOINT_URL"].startswith("http://localhost:")
    assert found["AWS_ACCESS_KEY_ID"] == KEYS.access
    assert not set(real) & set(found)
    sts = boto3.client(
        "sts",
        endpoint_url=found["AWS_ENDPOINT_URL"],
        region_name=found["AWS_REGION"],
        aws_access_key_id=found["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=found["AWS_SECRET_ACCESS_KEY"],
    )
    assert sts.get_caller_identity()["Account"] == "123456789012"
    # and what takes them away takes all of them
    left = typed("env", "--leave").stdout
    assert set(left.split()[1:]) >= set(found)


def test_keys_that_look_real_are_refused(typed: Typed) -> None:
    url = typed.document("start", *PROCESS)["url"]
    sts = boto3.client(
        "sts",
        endpoint_url=url,
        region_name="eu-west-1",
        aws_access_key_id="AKIA" + "ABCDEFGH23456777",
        aws_secret_access_key="x",
    )
    with pytest.raises(sts.exceptions.ClientError, match="this is a sandbox"):
        sts.get_caller_identity()


def test_run_ends_as_its_command_does(typed: Typed) -> None:
    # when
    script = "import os; print(os.environ['AWS_ENDPOINT_URL']); raise SystemExit(7)"
    done = typed("run", *PROCESS, "--", sys.executable, "-c", script, AWS_PROFILE="work")
    # then
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith("http://localhost:")
    assert not answers(done.stdout.strip())


def test_run_takes_the_options_of_its_command_for_the_command(typed: Typed) -> None:
    done = typed("run", *PROCESS, "--", "echo", "--name", "x", "-n", "--help")
    assert (done.returncode, done.stdout) == (0, "--name x -n --help\n")


def test_run_without_such_a_program_starts_nothing(typed: Typed) -> None:
    done = typed("run", *PROCESS, "--", "no-such-program")
    assert done.returncode == 2
    assert "no-such-program" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_run_that_is_asked_to_stop_stops_both(typed: Typed, number: signal.Signals) -> None:
    # given
    script = "import os,time; print(os.environ['AWS_ENDPOINT_URL'], flush=True); time.sleep(60)"
    words = ["sandbox", "run", *PROCESS, "--", sys.executable, "-c", script]
    with subprocess.Popen(
        [sys.executable, "-m", "odyssey", *words],
        cwd=typed.app,
        env=typed.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as run:
        assert run.stdout is not None
        url = run.stdout.readline().decode().strip()
        assert answers(url)
        # when: a terminal sends Ctrl-C to all of its programs
        os.killpg(run.pid, number) if number == signal.SIGINT else run.send_signal(number)
        code = run.wait(60)
    # then
    assert code == 128 + number if number == signal.SIGTERM else code in (1, 130)
    assert not answers(url)


def test_a_sandbox_whose_run_was_killed_goes_too(typed: Typed) -> None:
    # given
    script = "import os,time; print(os.environ['AWS_ENDPOINT_URL'], flush=True); time.sleep(5)"
    words = ["sandbox", "run", *PROCESS, "--", sys.executable, "-c", script]
    with subprocess.Popen(
        [sys.executable, "-m", "odyssey", *words],
        cwd=typed.app,
        env=typed.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as run:
        assert run.stdout is not None
        url = run.stdout.readline().decode().strip()
        # when
        run.kill()
    # then
    deadline = time.monotonic() + 20
    while answers(url):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_two_sandboxes_side_by_side_do_not_know_each_other(typed: Typed) -> None:
    # given
    one = typed.document("start", *PROCESS)["url"]
    other = typed.document("start", *PROCESS, "--name", "other")["url"]

    def buckets(url: str) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id=KEYS.access,
            aws_secret_access_key=KEYS.secret,
        )

    # when
    buckets(one).create_bucket(Bucket="only-here")
    # then
    assert [b["Name"] for b in buckets(one).list_buckets()["Buckets"]] == ["only-here"]
    assert buckets(other).list_buckets()["Buckets"] == []
    # when one stops, then the other answers
    typed("stop")
    assert answers(other)


def test_a_sandbox_that_was_killed_does_not_run_and_its_name_is_free(typed: Typed) -> None:
    # given
    killed = typed.document("start", *PROCESS)
    os.kill(killed["pid"], signal.SIGKILL)
    # when
    status = typed("status")
    again = typed("start", *PROCESS)
    # then
    assert status.returncode == 1
    assert again.returncode == 0, again.stderr
    assert not Path(killed["folder"]).exists()


def test_a_taken_port_is_told(typed: Typed) -> None:
    port = typed.document("start", *PROCESS)["url"].rpartition(":")[2]
    done = typed("start", *PROCESS, "--name", "other", "--port", port)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr


def test_processes_want_an_app(typed: Typed, tmp_path: Path) -> None:
    typed.app = tmp_path
    done = typed("start", *PROCESS)
    assert done.returncode == 2
    assert "odyssey.toml" in done.stderr


def test_the_image_of_processes_is_one_that_requests_can_name() -> None:
    record = Record("default", "http://localhost:1", 1, "process", "/tmp/x")
    told = variables.leading_to(record, {"AWS_REGION": "eu-west-1"})
    assert told["ODYSSEY_ARTIFACTS_IMAGE"].endswith(f"@sha256:{'0' * 64}")
    # A function takes an image of its own region only.
    assert ".dkr.ecr.eu-west-1." in told["ODYSSEY_ARTIFACTS_IMAGE"]
    assert told["AWS_REGION"] == "eu-west-1"
    in_docker = Record("default", "http://localhost:1", 1, "docker", "/tmp/x")
    assert "ODYSSEY_ARTIFACTS_IMAGE" not in variables.leading_to(in_docker, {})


@pytest.mark.parametrize("name", ["", "../x", "-x", "A", "x" * 40, "a/b"])
def test_a_name_leads_to_no_other_folder(name: str) -> None:
    with pytest.raises(Exception, match="is no name of a sandbox"):
        records.find(name)


def test_the_sandbox_s_process_reaches_nothing_but_this_machine() -> None:
    # given
    program = (
        "import os, socket\n"
        "from odyssey.sandbox.containment import contain\n"
        "contain()\n"
        "print([n for n in os.environ if n.startswith('AWS_')])\n"
        "here = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(('localhost', here.getsockname()[1])).close()\n"
        "udp = socket.socket(type=socket.SOCK_DGRAM)\n"
        "for leave in (\n"
        "    lambda: socket.create_connection(('192.0.2.1', 443), 1),\n"
        "    lambda: udp.sendto(b'?', ('192.0.2.2', 53)),\n"
        "    lambda: udp.sendmsg([b'?'], [], 0, ('192.0.2.3', 53)),\n"
        "    lambda: socket.getaddrinfo('sts.amazonaws.com', 443),\n"
        "    lambda: socket.gethostbyname('sts.amazonaws.com'),\n"
        "):\n"
        "    try:\n        leave()\n"
        "    except PermissionError as error:\n        print(str(error).split()[-1])\n"
    )
    # when
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "AWS_PROFILE": "work"},
        capture_output=True,
        text=True,
    )
    # then
    assert done.stdout.splitlines() == [
        "['AWS_EC2_METADATA_DISABLED']",
        "192.0.2.1",
        "192.0.2.2",
        "192.0.2.3",
        "sts.amazonaws.com",
        "sts.amazonaws.com",
    ]
