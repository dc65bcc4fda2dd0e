"""The page of a sandbox: its endpoints and functions, their answers and their logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from odyssey import config
from odyssey.cli import main
from odyssey.client import Body
from odyssey.playground.place import READY, Reply
from odyssey.sandbox import records, standing
from odyssey.sandbox.executors.process import ProcessExecutor
from odyssey.sandbox.sandbox import Sandbox, Settings
from odyssey.sandbox.ui.place import CloudTarget, SandboxPlace
from tests.sandbox import serving
from tests.sandbox.functions import Lambda
from tests.sandbox.serving import REGION, Account, until

APP = """
def serve(event, context):
    print("an event came")
    if "fail" in event:
        raise ValueError(event["fail"])
    if "requestContext" in event:
        status = 415 if "xml" in event["headers"]["content-type"] else 200
        headers = {"content-type": "text/csv"}
        return {"statusCode": status, "headers": headers, "body": event["body"]}
    return {"heard": event}
"""


@dataclass
class World:
    """A sandbox with an endpoint and a function, and its place."""

    place: SandboxPlace
    record: records.Record
    running: ExitStack

    def target(self, kind: str) -> CloudTarget:
        return next(each for each in self.place.targets() if each.key.startswith(kind))

    def send(self, kind: str, body: bytes, type_: str, accept: str | None = None) -> Reply:
        return self.target(kind).send(Body(body, type_), accept)

    def lines(self, kind: str) -> list[str]:
        log = self.target(kind).log
        news: dict[str, Any] = log.wait(0, "", 0.1)
        log.left(news["phase"])
        return [line["text"] for line in news["lines"]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ui")
    app = serving.app(folder / "app")
    (app / "app.py").write_text(APP)
    (app / "samples").mkdir()
    (app / "samples" / "one.json").write_text("{}")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        sandbox = Sandbox(Settings(folder), lambda _: ProcessExecutor(app))
        sandbox.start()
        stack.callback(sandbox.stop)
        account, functions = Account(sandbox), Lambda(sandbox)
        functions.push("1")
        functions.make("flowers", ImageConfig={"Command": ["app.serve"]})
        assert account.endpoint(account.model("red")) == "InService"
        record = records.Record("mine", sandbox.url, os.getpid(), "process", str(folder))
        running = stack.enter_context(ExitStack())
        running.enter_context(records.lock("mine"))
        records.write(record)
        yield World(SandboxPlace(record, config.load(app)), record, running)


def test_endpoints_and_functions_are_targets_with_the_commands_that_lead_there(
    world: World,
) -> None:
    # when
    told = {each.document()["kind"]: each.document() for each in world.place.targets()}
    # then
    assert told["endpoint"]["name"] == "iris"
    assert told["endpoint"]["status"] == "InService"
    assert told["endpoint"]["url"] == f"{world.record.url}/endpoints/iris/invocations"
    assert told["endpoint"]["command"] == (
        f"odyssey sagemaker invoke --endpoint-name iris --region {REGION}"
    )
    assert told["function"]["command"] == f"odyssey lambda invoke -n flowers --region {REGION}"
    assert 'eval "$(odyssey sandbox env --name mine)"' in told["function"]["where"]
    assert world.place.state().phase == READY
    assert world.place.app is not None


def test_what_is_wanted_comes_first(world: World) -> None:
    for name in ("iris", "flowers"):
        place = SandboxPlace(world.record, None, name)
        assert [each.document()["name"] for each in place.targets()][0] == name


def test_an_endpoint_answers_with_the_container_s_bytes(world: World) -> None:
    reply = world.send("endpoint", b"echo \xff", "application/x-bytes", "text/x-odd")
    assert (reply.status, reply.body, reply.content_type) == (200, b"echo \xff", "text/x-odd")
    assert reply.milliseconds > 0
    assert not reply.failed


def test_an_error_of_the_container_is_told_as_its_own(world: World) -> None:
    reply = world.send("endpoint", b'status 400 {"error": "no"}', "text/plain")
    assert (reply.status, reply.reason, reply.failed) == (400, "Bad Request", True)
    assert (reply.body, reply.content_type) == (b'{"error": "no"}', "application/json")
    assert reply.note == "The container's answer, which SageMaker passes on as ModelError with 424."


def test_a_container_that_breaks_off_gave_no_answer(world: World) -> None:
    reply = world.send("endpoint", b"break", "text/plain")
    assert (reply.status, reply.reason, reply.failed) == (0, "No answer", True)
    assert b"could not get a response" in reply.body
    assert "gave no answer" in reply.note


def test_a_refusal_of_aws_is_told_by_its_name(world: World) -> None:
    target = world.target("endpoint")
    gone = CloudTarget(
        type(target._run)("endpoint", REGION, "gone"),
        world.record.url,
        target._clients,
        target.log,
        "",
    )
    reply = gone.send(Body(b"{}"), None)
    assert (reply.status, reply.reason, reply.failed) == (400, "ValidationError", True)
    assert b"Endpoint gone" in reply.body


def test_json_is_a_function_s_event_and_the_rest_a_request(world: World) -> None:
    # when
    plain = world.send("function", b'{"a": 1}', "application/json")
    rows = world.send("function", b"1,2\n", "text/csv")
    refused = world.send("function", b"<a/>", "application/xml")
    # then
    assert json.loads(plain.body) == {"heard": {"a": 1}}
    assert (plain.status, plain.note) == (200, "")
    assert (rows.status, rows.content_type, rows.body) == (200, "text/csv", b"1,2\n")
    assert "as a function URL does" in rows.note
    assert (refused.status, refused.failed) == (415, True)


def test_an_error_of_a_function_has_no_status_of_its_own(world: World) -> None:
    reply = world.send("function", b'{"fail": "no"}', "application/json")
    assert (reply.status, reply.reason, reply.failed) == (0, "Function error", True)
    told = json.loads(reply.body)
    assert (told["errorType"], told["errorMessage"]) == ("ValueError", "no")
    assert reply.note.endswith("X-Amz-Function-Error: Unhandled.")


def test_the_logs_are_those_of_cloudwatch(world: World) -> None:
    world.send("function", b"{}", "application/json")
    until(lambda: "an event came" in world.lines("function"))
    until(lambda: any(line.startswith("serving ") for line in world.lines("endpoint")))
    assert "an event came" not in world.lines("endpoint")
    # and it is not noted as if somebody had asked for them
    asked = json.dumps(standing.permissions(world.record).document)
    assert "sagemaker:InvokeEndpoint" in asked
    assert "logs:GetLogEvents" not in asked


def test_the_command_lists_what_there_is_and_goes_on_until_ctrl_c(world: World) -> None:
    # given
    words = [sys.executable, "-m", "odyssey", "sandbox", "ui", "-n", "mine", "--output", "json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as command:
        assert command.stdout is not None
        told = b"".join(iter(command.stdout.readline, b"}\n")) + b"}"
        # when
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=30)
    # then
    assert command.returncode == 0
    assert {(each["kind"], each["name"]) for each in json.loads(told)["targets"]} == {
        ("endpoint", "iris"),
        ("function", "flowers"),
    }
    assert json.loads(told)["ui"].startswith("http://127.0.0.1:")
    assert b"the sandbox goes on" in err


def test_a_name_that_is_not_there_is_an_error_with_those_that_are(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["sandbox", "ui", "rose", "--name", "mine"]) == 1
    told = capfd.readouterr().err
    assert "the sandbox has no endpoint or function rose; there is: " in told
    assert "iris" in told
    assert "flowers" in told


def test_where_no_sandbox_runs_it_says_how_to_start_one(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["sandbox", "ui"]) == 1
    assert "Hint: odyssey sandbox start" in capfd.readouterr().err


def test_a_sandbox_that_has_stopped_is_told(world: World) -> None:
    # given
    log = world.target("endpoint").log
    log.left(log.wait(0, "", 0.1)["phase"])
    # when
    world.running.close()
    news = log.wait(10**6, READY, 30)
    # then
    assert (news["phase"], news["reason"]) == ("ended", 'The sandbox "mine" has stopped.')
    assert {each.document()["name"] for each in world.place.targets()} == {"iris", "flowers"}
