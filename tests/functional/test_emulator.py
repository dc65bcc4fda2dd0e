"""The Lambda emulator around the real runtime client, in processes."""

from __future__ import annotations

import ast
import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from odyssey.functions import emulated
from odyssey.functions.emulated import Outcome
from odyssey.functions.tunnel import Tunnel
from tests.functional.conftest import alive, until
from tests.functional.emulation import Function

LIMIT = 6 * 1024 * 1024 + 100


@pytest.fixture(scope="module")
def function(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    """One function for the tests that leave it as it was."""
    with Function(tmp_path_factory.mktemp("function")) as running:
        running.ready()
        yield running


def invoke(function: Function, event: object, request_id: str | None = None) -> Outcome:
    return function.emulated.invoke(json.dumps(event).encode(), 20, request_id)


def document(outcome: Outcome) -> Any:
    return json.loads(outcome.payload)


def test_the_emulator_is_of_python_3_9_and_of_the_standard_library() -> None:
    tree = ast.parse(emulated.SOURCE.read_text(), feature_version=(3, 9))
    assert "odyssey" not in {
        node.module.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
    }


def test_a_cold_start_reports_its_init_and_a_warm_one_does_not(tmp_path: Path) -> None:
    with Function(tmp_path) as function:
        # when
        function.ready()
        cold, warm = invoke(function, {"answer": [1, "ü"]}, "first"), invoke(function, {})
    # then
    assert document(cold) == [1, "ü"]
    assert not cold.error
    assert cold.report["request_id"] == "first"
    assert cold.report["status"] == "success"
    assert 0 < cold.report["init_ms"] < 10000
    assert cold.report["billed_ms"] >= cold.report["init_ms"]
    assert cold.report["max_memory_mb"] > 5
    assert "init_ms" not in warm.report
    lines = function.log.splitlines()
    assert lines[:3] == ["loading", "START RequestId: first Version: $LATEST", lines[2]]
    assert lines[2] == "END RequestId: first"
    assert lines[3].startswith("REPORT RequestId: first\tDuration: ")
    assert "\tMemory Size: 128 MB\tMax Memory Used: " in lines[3]
    assert "\tInit Duration: " in lines[3]


def test_the_context_is_lambdas(function: Function) -> None:
    seen = document(invoke(function, {"context": 1}, "a-number"))
    assert seen["id"] == "a-number"
    assert 15000 < seen["left"] <= 20000
    assert seen["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:function"
    assert seen["memory"] == "128"
    assert set(seen["names"]) >= {
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
    }


def test_an_exception_of_the_handler_is_lambdas_document(function: Function) -> None:
    status, headers, body = function.ask("POST", emulated.INVOKE_PATH, b'{"raise": "no"}')
    assert status == 200
    assert headers["x-amz-function-error"] == "Unhandled"
    told = json.loads(body)
    assert told["errorType"] == "KeyError"
    assert told["errorMessage"] == "'no'"
    assert told["requestId"] == headers["x-amzn-requestid"]
    assert "raise KeyError(argument)" in told["stackTrace"][0]


def test_a_module_that_does_not_load_is_tried_again_by_each_event(tmp_path: Path) -> None:
    with Function(tmp_path, source="print('tried')\nimport nothing_of_the_kind\n") as function:
        # when
        health = function.emulated.await_ready(15)
        outcome = invoke(function, {}, "number")
        # then
        assert health.state == "failed"
        assert health.reason.startswith("Runtime.ImportModuleError: Unable to import module")
        assert outcome.error
        assert document(outcome)["errorType"] == "Runtime.ImportModuleError"
        assert document(outcome)["requestId"] == "number"
        (tmp_path / "handler.py").write_text("handle = lambda event, context: event\n")
        assert invoke(function, {"is": "mended"}).payload == b'{"is": "mended"}'
        assert function.emulated.health().state == "ready"
    assert function.log.count("tried") == 2
    assert "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError" in function.log


def test_a_start_that_takes_longer_than_it_may_goes_on_in_the_first_event(
    tmp_path: Path,
) -> None:
    # given
    once = "import os, time\nif not os.path.exists('seen'):\n open('seen', 'w')\n time.sleep(60)\n"
    source = once + "handle = lambda event, context: event\n"
    with Function(tmp_path, source=source, init=1) as function:
        # when
        health = function.emulated.await_ready(15)
        outcome = invoke(function, 1)
    # then
    assert health.reason == "Sandbox.Timedout: Error: Init timed out after 1.00 seconds"
    assert (outcome.payload, outcome.error) == (b"1", False)
    assert "init_ms" not in outcome.report
    assert "Phase: init\tStatus: timeout" in function.log


def test_a_timeout_kills_the_function_with_all_it_has_started(tmp_path: Path) -> None:
    with Function(tmp_path, timeout=1) as function:
        # when
        function.ready()
        outcome = invoke(function, {"child": str(tmp_path / "pid")}, "late")
        after = invoke(function, {"answer": 2})
        # then
        assert document(outcome) == {
            "errorType": "Sandbox.Timedout",
            "errorMessage": "RequestId: late Error: Task timed out after 1.00 seconds",
        }
        assert outcome.report["status"] == "timeout"
        assert outcome.report["duration_ms"] >= 1000
        assert after.payload == b"2"
        child = int((tmp_path / "pid").read_text())
        until(lambda: not alive(child), 5)
    assert "late Task timed out after 1.00 seconds" in function.log


@pytest.mark.parametrize(
    ("event", "kind", "message"),
    [
        ({"exit": 0}, "Runtime.ExitError", "Runtime exited without providing a reason"),
        ({"exit": 3}, "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ({"signal": 9}, "Runtime.OutOfMemory", "Runtime exited with error: signal: killed"),
        (
            {"signal": 11},
            "Runtime.ExitError",
            "Runtime exited with error: signal: segmentation fault",
        ),
    ],
)
def test_a_function_that_ends_is_started_again(
    function: Function, event: object, kind: str, message: str
) -> None:
    outcome, after = invoke(function, event, "number"), invoke(function, {"answer": "well"})
    expected = {"errorType": kind, "errorMessage": f"RequestId: number Error: {message}"}
    assert document(outcome) == expected
    assert outcome.report["status"] == "error"
    assert after.payload == b'"well"'


def test_a_runtime_that_is_not_there_is_named(tmp_path: Path) -> None:
    with Function(tmp_path, runtime=["no-such-program", "handler.handle"]) as function:
        health = function.emulated.await_ready(15)
        outcome = invoke(function, {}, "number")
    assert health.state == "failed"
    assert document(outcome) == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": "RequestId: number Error: fork/exec no-such-program: "
        "no such file or directory",
    }


def test_events_have_a_size(function: Function) -> None:
    largest = invoke(function, "x" * (LIMIT - 2))
    status, headers, body = function.ask("POST", emulated.INVOKE_PATH, b'"' + b"x" * LIMIT + b'"')
    assert len(largest.payload) == LIMIT
    assert status == 413
    assert headers["x-amzn-errortype"] == "RequestTooLargeException"
    assert "smaller than 6291456 bytes" in json.loads(body)["message"]


def test_answers_have_a_size(function: Function) -> None:
    outcome, after = invoke(function, {"long": LIMIT}), invoke(function, {"answer": "well"})
    assert document(outcome)["errorType"] == "Function.ResponseSizeTooLarge"
    assert outcome.error
    assert after.payload == b'"well"'


def test_an_event_that_is_no_json_does_not_reach_the_function(function: Function) -> None:
    status, headers, body = function.ask("POST", emulated.INVOKE_PATH, b"{")
    assert (status, headers["x-amzn-errortype"]) == (400, "InvalidRequestContentException")
    assert json.loads(body)["message"].startswith("Could not parse request body into json")


def test_one_event_at_a_time(function: Function) -> None:
    # given
    answers: list[Outcome] = []
    threads = [
        threading.Thread(target=lambda: answers.append(invoke(function, {"sleep": 0.1})))
        for _ in range(4)
    ]
    # when
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # then
    assert len(answers) == 4
    assert all(100 <= answer.report["duration_ms"] < 200 for answer in answers)


def test_a_body_may_come_in_chunks(function: Function) -> None:
    pieces = (piece for piece in (b'{"answer": ', b'"' + b"z" * 100000, b'"}'))
    status, _, body = function.ask("POST", emulated.INVOKE_PATH, pieces)
    assert (status, len(body)) == (200, 100002)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody counts it")
def test_a_function_that_takes_more_memory_than_it_has_is_killed(tmp_path: Path) -> None:
    with Function(tmp_path) as function:
        function.ready()
        outcome = invoke(function, {"hold": 200})
        assert document(outcome)["errorType"] == "Runtime.OutOfMemory"
        assert document(invoke(function, {"answer": 1})) == 1


def test_memory_counts_from_its_highest(function: Function) -> None:
    assert invoke(function, {"allocate": 64}).report["max_memory_mb"] > 64


ECHO = """
def handle(event, context):
    if event.get("rawPath") == "/answer":
        return {"statusCode": 201, "headers": {"X-Own": "a", "Content-Type": "text/csv"},
                "cookies": ["a=1", "b=2"], "body": "AAEC", "isBase64Encoded": True}
    if event.get("rawPath") == "/bad":
        return {"statusCode": "many"}
    if event.get("rawPath") == "/raise":
        raise ValueError("secret")
    return event
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    with Function(tmp_path_factory.mktemp("url"), source=ECHO) as running:
        running.ready()
        yield running


def test_any_other_request_is_one_to_the_functions_url(url: Function) -> None:
    status, headers, body = url.ask(
        "PUT",
        "/a%20b/c?x=1&x=2&y=",
        b"1,2\n",
        {"Content-Type": "text/csv", "X-Two": "2", "Cookie": "k=v; l=w"},
    )
    event = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert event["version"] == "2.0"
    assert event["rawPath"] == "/a b/c"
    assert event["rawQueryString"] == "x=1&x=2&y="
    assert event["queryStringParameters"] == {"x": "1,2", "y": ""}
    assert event["cookies"] == ["k=v", "l=w"]
    assert event["headers"]["x-two"] == "2"
    assert event["requestContext"]["http"]["method"] == "PUT"
    assert (event["body"], event["isBase64Encoded"]) == ("1,2\n", False)


@pytest.mark.parametrize(
    ("content_type", "body", "is_base64"),
    [
        ("application/json; charset=utf-8", b'"\xc3\xbc"', False),
        ("text/csv", b"\xff", True),
        ("application/x-npy", b"abc", True),
        ("application/jsonlines", b"1\n2", True),
    ],
)
def test_a_body_that_is_no_text_comes_as_base64(
    url: Function, content_type: str, body: bytes, is_base64: bool
) -> None:
    event = json.loads(url.ask("POST", "/", body, {"Content-Type": content_type})[2])
    text = base64.b64encode(body).decode() if is_base64 else body.decode()
    assert (event["body"], event["isBase64Encoded"]) == (text, is_base64)


def test_an_answer_with_a_status_becomes_http(url: Function) -> None:
    status, headers, body = url.ask("GET", "/answer")
    assert (status, body) == (201, b"\x00\x01\x02")
    assert (headers["x-own"], headers["content-type"]) == ("a", "text/csv")
    assert headers["set-cookie"] in ("a=1", "b=2")
    assert "duration_ms" in json.loads(headers["x-odyssey-report"])


@pytest.mark.parametrize("path", ["/bad", "/raise"])
def test_what_is_no_answer_is_a_502_that_tells_nothing(url: Function, path: str) -> None:
    status, _, body = url.ask("GET", path)
    assert (status, json.loads(body)) == (502, {"message": "Internal Server Error"})


def test_a_body_that_is_too_large_for_a_url_is_refused(url: Function) -> None:
    body = b"x" * (5 << 20)  # As base64 it is more than six megabytes.
    status, _, _ = url.ask("POST", "/", body, {"Content-Type": "application/x-npy"})
    assert status == 413


class Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_a_tunnel_leads_to_a_server_of_the_host(tmp_path: Path, free_port: int) -> None:
    # given
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Function(tmp_path, tunnel=free_port) as function:
        # when
        with Tunnel(function.address, ("127.0.0.1", server.server_address[1]), waiting=2):
            function.ready()
            answers = [document(invoke(function, {"ask": free_port})) for _ in range(6)]
        # then
        assert answers == ["y" * 300000] * 6
    server.shutdown()
    server.server_close()


def test_it_goes_with_its_parent(tmp_path: Path) -> None:
    # given
    (tmp_path / "handler.py").write_text("handle = lambda event, context: event\n")
    words = [sys.executable, "-I", str(emulated.SOURCE), "--port", "0", "--"]
    program = (
        "import subprocess, sys, time\n"
        "print(subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL).pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, *words, "sleep", "600"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        below = Path(f"/proc/{pid}/task/{pid}/children")
        until(lambda: below.read_text())
        child = int(below.read_text().split()[0])
        # when
        parent.kill()
        # then
        until(lambda: not alive(pid) and not alive(child), 10)
