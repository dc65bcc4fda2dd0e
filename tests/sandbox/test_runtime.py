"""Invocations: what the container gets, what the caller gets, and every limit."""

import http.client
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, EventStreamError

from odyssey.sandbox.executors.process import ProcessExecutor
from odyssey.sandbox.sandbox import Sandbox, Settings
from tests.sandbox.serving import ACCOUNT, REGION, Account, app, until

LARGEST = 6_291_456
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 2}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """One sandbox with an endpoint "iris", and a serverless one "less"."""
    from moto.core.base_backend import BackendDict

    BackendDict.reset()
    folder = tmp_path_factory.mktemp("runtime")
    executor = ProcessExecutor(app(folder / "app"))
    sandbox = Sandbox(Settings(folder), lambda _: executor)
    sandbox.start()
    try:
        account = Account(sandbox)
        model = account.model("red")
        assert account.endpoint(model) == "InService"
        less = {"ServerlessConfig": SERVERLESS}
        assert account.endpoint(model, "less", config="less", variant=less) == "InService"
        yield account
    finally:
        sandbox.stop()


def refusal(call: Any, *args: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as caught:
        call(*args, **request)
    return caught.value.response


def test_a_body_comes_back_byte_for_byte(account: Account) -> None:
    body = bytes(range(256)) * 10
    assert account.invoke(body) == body


def test_the_container_gets_the_documented_headers_and_no_others(account: Account) -> None:
    found = account.runtime.invoke_endpoint(
        EndpointName="iris",
        Body=b"headers",
        ContentType="text/csv",
        Accept="application/json",
        CustomAttributes="trace=1",
        InferenceId="one",
        SessionId="NEW_SESSION",
    )
    with found["Body"] as body:
        seen = json.load(body)
    assert {name: seen.get(name) for name in seen if name not in ("Host", "Accept-Encoding")} == {
        "Content-Type": "text/csv",
        "Accept": "application/json",
        "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
        "X-Amzn-SageMaker-Inference-Id": "one",
        "X-Amzn-SageMaker-Session-Id": "NEW_SESSION",
        "Content-Length": "7",
    }
    assert found["ContentType"] == "application/json"
    assert found["CustomAttributes"] == "seen"
    assert found["InvokedProductionVariant"] == "AllTraffic"
    assert "x-secret" not in found["ResponseMetadata"]["HTTPHeaders"]
    assert found["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(("status", "kind"), [(400, "client"), (415, "client"), (500, "server")])
def test_an_error_of_the_container_is_a_model_error(
    account: Account, status: int, kind: str
) -> None:
    told = refusal(account.invoke, f"status {status} no such flower")
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert told["Error"]["Code"] == "ModelError"
    assert told["OriginalStatusCode"] == status
    assert told["OriginalMessage"] == "no such flower"
    assert told["LogStreamArn"].startswith(
        f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/sagemaker/Endpoints/iris:"
    )
    assert told["Error"]["Message"] == (
        f'Received {kind} error ({status}) from primary with message "no such flower". See '
        f"https://{REGION}.console.aws.amazon.com/cloudwatch/home?region={REGION}"
        "#logEventViewer:group=/aws/sagemaker/Endpoints/iris in account "
        f"{ACCOUNT} for more information."
    )


def test_an_answer_that_breaks_off_is_a_model_error(account: Account) -> None:
    told = refusal(account.invoke, "break")
    assert told["Error"]["Code"] == "ModelError"
    assert "could not get a response from the iris endpoint" in told["Error"]["Message"]


@pytest.mark.parametrize(("name", "most"), [("iris", LARGEST), ("less", 4 << 20)])
def test_a_body_has_its_greatest_size(account: Account, name: str, most: int) -> None:
    body = b"length " + b"x" * (most - 7)
    assert account.invoke(body, name) == str(most).encode()
    told = refusal(account.invoke, body + b"x", name)
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert told["Error"]["Message"] == f"HTTP content length exceeded {most} bytes."


def test_an_answer_has_its_greatest_size(account: Account) -> None:
    assert len(account.invoke(f"size {LARGEST}")) == LARGEST
    told = refusal(account.invoke, f"size {LARGEST + 1}")
    assert told["Error"]["Code"] == "ModelError"
    assert "exceeded maximum allowed payload" in told["OriginalMessage"]


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"CustomAttributes": "a" * 1025}, "customAttributes"),
        ({"InferenceId": "i" * 65}, "inferenceId"),
        ({"TargetVariant": "not_a_name"}, "targetVariant"),
    ],
)
def test_headers_keep_the_rules_of_the_model(
    account: Account, more: dict[str, str], place: str
) -> None:
    told = refusal(account.invoke, "?", **more)
    assert told["Error"]["Code"] == "ValidationError"
    assert f"at '{place}' failed to satisfy constraint" in told["Error"]["Message"]


def test_an_endpoint_that_is_not_there_is_not_found(account: Account) -> None:
    told = refusal(account.invoke, "?", "none")
    assert told["Error"] == {
        "Code": "ValidationError",
        "Message": f"Endpoint none of account {ACCOUNT} not found.",
    }


SIGNED = (
    f"AWS4-HMAC-SHA256 Credential=sandbox/20260101/{REGION}/sagemaker/aws4_request, "
    "SignedHeaders=host, Signature=none"
)


def raw(account: Account) -> http.client.HTTPConnection:
    address = urlsplit(account.sandbox.url)
    return http.client.HTTPConnection(str(address.hostname), address.port, timeout=20)


@pytest.mark.parametrize("pieces", [1, 300])
def test_a_body_may_come_in_chunks(account: Account, pieces: int) -> None:
    connection = raw(account)
    connection.request(
        "POST",
        "/endpoints/iris/invocations",
        (piece for piece in [b"length ", *[b"x" * 1000] * pieces]),
        {"Authorization": SIGNED},
        encode_chunked=True,
    )
    with connection.getresponse() as answer:
        assert answer.read() == str(7 + 1000 * pieces).encode()
    connection.close()


def test_chunks_that_are_too_many_are_refused(account: Account) -> None:
    connection = raw(account)
    connection.request(
        "POST",
        "/endpoints/less/invocations",
        (b"x" * 100_000 for _ in range(50)),
        {"Authorization": SIGNED},
        encode_chunked=True,
    )
    with connection.getresponse() as answer:
        assert answer.status == 413
        answer.read()
    connection.close()


def test_a_client_that_waits_for_a_word_before_it_sends_gets_it(account: Account) -> None:
    connection = raw(account)
    begun = time.monotonic()
    connection.putrequest("POST", "/endpoints/iris/invocations")
    for name, value in {
        "Authorization": SIGNED,
        "Content-Length": "5",
        "Expect": "100-continue",
    }.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.sock.recv(100).startswith(b"HTTP/1.1 100 Continue")
    assert time.monotonic() - begun < 5
    connection.send(b"hello")
    with connection.getresponse() as answer:
        assert answer.read() == b"hello"
    connection.close()


def stream(account: Account, body: str) -> Any:
    return account.runtime.invoke_endpoint_with_response_stream(EndpointName="iris", Body=body)


def test_an_answer_comes_part_by_part_as_the_container_sends_it(account: Account) -> None:
    found = stream(account, "stream one two three")
    with closing(found["Body"]) as parts:
        arrived = [(part["PayloadPart"]["Bytes"], time.monotonic()) for part in parts]
    assert [part for part, _ in arrived] == [b"one", b"two", b"three"]
    assert arrived[-1][1] - arrived[0][1] > 0.2
    assert found["ContentType"] == "text/plain"
    assert found["InvokedProductionVariant"] == "AllTraffic"


def test_a_stream_that_breaks_off_ends_with_an_error(account: Account) -> None:
    with (
        closing(stream(account, "stream one break")["Body"]) as parts,
        pytest.raises(EventStreamError, match="ModelStreamError"),
    ):
        list(parts)
    assert refusal(stream, account, "status 400 no")["OriginalStatusCode"] == 400


def test_a_serverless_endpoint_has_its_greatest_concurrency(account: Account) -> None:
    def ask(_: int) -> str:
        try:
            return account.invoke("sleep 1", "less").decode()
        except ClientError as error:
            return str(error.response["Error"]["Code"])

    with ThreadPoolExecutor(3) as pool:
        answers = sorted(pool.map(ask, range(3)))
    assert answers == ["ThrottlingException", "slept", "slept"]
    told = account.sagemaker.describe_endpoint(EndpointName="less")
    assert told["ProductionVariants"][0]["CurrentServerlessConfig"] == SERVERLESS


def test_a_thousand_calls_from_sixteen_threads_are_all_answered(account: Account) -> None:
    def ask(number: int) -> bool:
        return account.invoke(str(number)) == str(number).encode()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(ask, range(1000))) == 1000


def test_what_is_asked_and_answered_is_captured(account: Account) -> None:
    # given
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://models/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    account.endpoint("red", "seen", config="seen", DataCaptureConfig=capture)
    told = account.sagemaker.describe_endpoint(EndpointName="seen")["DataCaptureConfig"]
    assert told["CaptureStatus"] == "Started"
    # when
    account.invoke("1,2", "seen", ContentType="text/csv", Accept="x/y", InferenceId="one")

    # then
    def captured() -> Any:
        prefix = "captured/seen/AllTraffic/"
        return account.s3.list_objects_v2(Bucket="models", Prefix=prefix).get("Contents")

    (kept,) = until(captured)
    assert kept["Key"].endswith(".jsonl")
    with account.s3.get_object(Bucket="models", Key=kept["Key"])["Body"] as body:
        record = json.loads(body.read())
    assert record["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/csv",
            "mode": "INPUT",
            "data": "1,2",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": "x/y",
            "mode": "OUTPUT",
            "data": "MSwy",
            "encoding": "BASE64",
        },
    }
    assert record["eventMetadata"]["inferenceId"] == "one"
    assert record["eventVersion"] == "0"
