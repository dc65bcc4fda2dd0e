"""Asking an endpoint in AWS, at once and over its queue."""

from __future__ import annotations

import http.server
import io
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from odyssey import config, invocation, shapes
from odyssey.aws import Access
from odyssey.errors import (
    AwsError,
    InterruptedByUserError,
    OdysseyError,
    RequestError,
    TimedOutError,
    UsageError,
)
from odyssey.runtime import Answer, Clock
from tests.functional.stacks import FakeCloudFormation

BODY = b'{"observation": [1, 2]}'
ANSWER = "s3://answers/async/output/1.out"
FAILURE = "s3://answers/async/failures/1-error.out"


def refusal(code: str, message: str = "no", **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}, **more}, "InvokeEndpoint")


@dataclass
class FakeRuntime:
    """An endpoint that gives each caller the next of its answers."""

    answers: list[bytes | BaseException] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    failure: str = FAILURE

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        shapes.require("sagemaker-runtime", "InvokeEndpoint", request)
        return {"ContentType": "application/json", "Body": io.BytesIO(self._next(request))}

    def invoke_endpoint_async(self, **request: Any) -> dict[str, Any]:
        shapes.require("sagemaker-runtime", "InvokeEndpointAsync", request)
        self._next(request)
        return {"OutputLocation": ANSWER, "FailureLocation": self.failure}

    def _next(self, request: dict[str, Any]) -> bytes:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer


class World:
    """An app, an endpoint, S3, and a clock that goes when somebody sleeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runtime = FakeRuntime()
        self.cloudformation = FakeCloudFormation()
        self.naps: list[float] = []
        self.during: dict[int, Any] = {}
        self.options: dict[str, Any] = {}
        self.write("")

    def write(self, text: str) -> None:
        (self.folder / "odyssey.toml").write_text(f'[app]\nname = "iris"\n{text}')

    def client(self, service: str, region: str | None = None, **options: Any) -> Any:
        if service == "s3":
            return boto3.client("s3", region_name="us-east-1")
        if service == "sagemaker-runtime":
            self.options = options
        return {"sagemaker-runtime": self.runtime, "cloudformation": self.cloudformation}[service]

    def invoke(self, endpoint: str | None = None, body: bytes = BODY, **more: Any) -> Answer:
        clock = Clock(now=lambda: sum(self.naps), sleep=self.sleep)
        settings = config.load(self.folder)
        access: Any = self
        kind = "application/json"
        return invocation.invoke(settings, access, endpoint, body, kind, clock=clock, **more)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.during.pop(len(self.naps), lambda: None)()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="answers")
        yield client


@pytest.fixture
def queue(world: World, s3: Any) -> World:
    world.write('[endpoint]\nkind = "async"\n')
    outputs = [{"OutputKey": "BucketName", "OutputValue": "answers"}]
    world.cloudformation.put("iris-foundation", "CREATE_COMPLETE", Outputs=outputs)
    world.runtime.answers = [b""]
    return world


def put(s3: Any, uri: str, body: bytes) -> None:
    s3.put_object(Bucket="answers", Key=uri.removeprefix("s3://answers/"), Body=body)


def test_the_app_s_endpoint_is_asked(world: World) -> None:
    # given
    world.runtime.answers = [b'{"species": "setosa"}']
    # when
    answer = world.invoke(accept="application/json")
    # then
    assert world.runtime.requests == [
        {
            "EndpointName": "iris",
            "ContentType": "application/json",
            "Accept": "application/json",
            "Body": BODY,
        }
    ]
    assert answer.document() == {
        "endpoint": "iris",
        "content_type": "application/json",
        "body": {"species": "setosa"},
        "milliseconds": 0.0,
    }


def test_another_endpoint_can_be_named(world: World) -> None:
    world.runtime.answers = [b"1"]
    assert world.invoke("other").endpoint == "other"
    assert "Accept" not in world.runtime.requests[0]


@pytest.mark.parametrize(
    ("kind", "limit", "shown"),
    [("instance", 6_291_456, "6,291,456"), ("serverless", 4_194_304, "4,194,304")],
)
def test_a_body_over_the_limit_is_refused_first(
    world: World, kind: str, limit: int, shown: str
) -> None:
    # given
    world.write(f'[endpoint]\nkind = "{kind}"\n')
    world.runtime.answers = [b"1"]
    # then
    assert world.invoke(body=b"x" * limit).body == b"1"
    with pytest.raises(UsageError, match=f"takes {shown}") as caught:
        world.invoke(body=b"x" * (limit + 1))
    assert "batch-transform" in str(caught.value.hint)
    assert len(world.runtime.requests) == 1


def test_the_limit_of_a_serverless_app_is_not_that_of_another_endpoint(world: World) -> None:
    world.write('[endpoint]\nkind = "serverless"\n')
    world.runtime.answers = [b"1"]
    assert world.invoke("other", body=b"x" * 5_000_000).body == b"1"


def test_a_model_s_error_has_its_status_its_words_and_the_log(world: World) -> None:
    said = "no \x1b[31mgood\n" + "x" * 2000
    world.runtime.answers = [refusal("ModelError", OriginalStatusCode=400, OriginalMessage=said)]
    with pytest.raises(RequestError) as caught:
        world.invoke()
    assert caught.value.message.startswith("the model of iris failed with 400: no \\x1b[31mgood\n")
    assert caught.value.message.endswith("x...")
    assert len(caught.value.message) < 1100
    assert caught.value.hint == "odyssey sagemaker logs iris --since 10m"
    assert len(world.runtime.requests) == 1


def test_an_endpoint_that_is_not_there_has_the_command_that_makes_it(world: World) -> None:
    absent = refusal("ValidationError", "Endpoint iris of account 1 not found.")
    world.runtime.answers = [absent]
    with pytest.raises(RequestError, match="there is no endpoint iris") as caught:
        world.invoke()
    assert "odyssey sagemaker serve" in str(caught.value.hint)


def test_an_endpoint_of_another_kind_is_told_apart(world: World) -> None:
    message = "Endpoint iris is an async endpoint: InvokeEndpoint is not supported"
    world.runtime.answers = [refusal("ValidationError", message)]
    with pytest.raises(RequestError, match="this kind of request") as caught:
        world.invoke()
    assert "--async" in str(caught.value.hint)


@pytest.mark.parametrize("code", ["ThrottlingException", "ModelNotReadyException"])
def test_what_was_not_taken_is_sent_again(world: World, code: str) -> None:
    world.runtime.answers = [refusal(code), refusal(code), b"1"]
    assert world.invoke().body == b"1"
    assert world.naps == [1.0, 2.0]


def test_what_is_never_taken_is_given_up_after_a_minute(world: World) -> None:
    world.runtime.answers = [refusal("ModelNotReadyException", "loading")] * 100
    with pytest.raises(AwsError, match="loading"):
        world.invoke()
    assert 50 < sum(world.naps) <= 60


def test_a_refusal_stays_one(world: World) -> None:
    world.runtime.answers = [refusal("AccessDeniedException", "not authorized to perform")]
    with pytest.raises(AwsError, match="not authorized"):
        world.invoke()
    assert world.options == {"read_timeout": 70, "retries": {"total_max_attempts": 1}}


class Impatient(Access):
    """The real way to AWS, but that it waits half a second only."""

    def client(self, service: str, region: str | None = None, **options: Any) -> Any:
        return super().client(service, region, **{**options, "read_timeout": 0.5})


@pytest.fixture
def hangs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A server that takes requests and never answers."""
    requests: list[str] = []

    class Door(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            requests.append(self.path)
            time.sleep(1.5)

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield requests
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_request_without_an_answer_is_sent_once(world: World, hangs: list[str]) -> None:
    settings = config.load(world.folder)
    access = Impatient(chosen_region="eu-west-1")
    with pytest.raises(TimedOutError, match="gave no answer within 70 s") as caught:
        invocation.invoke(settings, access, None, BODY, "text/csv")
    assert hangs == ["/endpoints/iris/invocations"]
    assert caught.value.exit_code == 6


def test_an_asynchronous_answer_is_waited_for(queue: World, s3: Any) -> None:
    # given
    queue.during[2] = lambda: put(s3, ANSWER, b'{"species": "setosa"}')
    # when
    answer = queue.invoke()
    # then
    assert answer.document() == {
        "endpoint": "iris",
        "content_type": "application/json",
        "body": {"species": "setosa"},
        "milliseconds": 4000.0,
        "location": ANSWER,
    }
    (asked,) = queue.runtime.requests
    assert asked["InputLocation"].startswith("s3://answers/async/input/")
    sent = s3.get_object(Bucket="answers", Key=asked["InputLocation"].removeprefix("s3://answers/"))
    assert (sent["Body"].read(), sent["ContentType"]) == (BODY, "application/json")
    assert "InvocationTimeoutSeconds" not in asked


def test_the_place_of_an_endpoint_with_a_bucket_of_its_own_is_its_own(
    queue: World, s3: Any
) -> None:
    queue.write('[endpoint]\nkind = "async"\n[async_inference]\nuri = "s3://answers/elsewhere/"\n')
    put(s3, ANSWER, b"1")
    queue.invoke(timeout=7200)
    (asked,) = queue.runtime.requests
    assert asked["InputLocation"].startswith("s3://answers/elsewhere/input/")
    assert asked["InvocationTimeoutSeconds"] == 3600


def test_an_asynchronous_failure_has_the_model_s_words(queue: World, s3: Any) -> None:
    queue.during[1] = lambda: put(s3, FAILURE, b"no good")
    with pytest.raises(RequestError, match="the model of iris failed: no good"):
        queue.invoke()


def test_an_answer_that_comes_too_late_is_named(queue: World) -> None:
    with pytest.raises(TimedOutError) as caught:
        queue.invoke(timeout=10)
    assert ANSWER in caught.value.message
    assert FAILURE in caught.value.message
    assert f"aws s3 cp {ANSWER} -" in str(caught.value.hint)


def test_ctrl_c_says_where_the_answer_will_be(queue: World) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    queue.during[1] = interrupt
    with pytest.raises(InterruptedByUserError, match=ANSWER):
        queue.invoke()


class NotYours:
    """An S3 that refuses what is absent to who may not list the bucket."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def get_object(self, **_: str) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")


def test_who_may_not_list_the_bucket_waits_all_the_same(queue: World, s3: Any) -> None:
    # given
    closed: Any = NotYours(s3)
    closed.put_object = s3.put_object
    real = queue.client

    def client(service: str, region: str | None = None, **options: Any) -> Any:
        return closed if service == "s3" else real(service, region, **options)

    def open_up() -> None:
        put(s3, ANSWER, b"1")
        closed.get_object = s3.get_object

    queue.during[1] = open_up
    access: Any = type("Way", (), {"client": staticmethod(client)})
    clock = Clock(now=lambda: sum(queue.naps), sleep=queue.sleep)
    # when
    answer = invocation.invoke(
        config.load(queue.folder), access, None, BODY, "text/csv", clock=clock
    )
    # then
    assert answer.body == b"1"


def test_without_a_bucket_an_asynchronous_request_has_no_place(queue: World) -> None:
    queue.cloudformation.stacks.clear()
    with pytest.raises(OdysseyError, match="no bucket is known"):
        queue.invoke()


def test_an_answer_that_is_no_text_is_shown_in_base64() -> None:
    shown = Answer("iris", "", b"\xff\xfe", 1.0).document()
    assert shown["body_base64"] == "//4="
    assert json.dumps(shown)
