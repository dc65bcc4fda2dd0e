"""Asynchronous endpoints: a queue in front, S3 behind, topics that tell."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.executors.process import ProcessExecutor
from tests.sandbox.conftest import Start
from tests.sandbox.serving import Account, app, client, until

OUTPUT = {"S3OutputPath": "s3://models/out", "S3FailurePath": "s3://models/failed"}


@pytest.fixture
def executor(tmp_path: Path) -> ProcessExecutor:
    return ProcessExecutor(app(tmp_path / "app"))


@pytest.fixture
def account(start: Start, executor: ProcessExecutor) -> Account:
    return Account(start(executor))


def serve(account: Account, concurrency: int = 4, **output: Any) -> None:
    config = {
        "OutputConfig": {**OUTPUT, **output},
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": concurrency},
    }
    model = account.model("red")
    assert account.endpoint(model, AsyncInferenceConfig=config) == "InService"


def ask(account: Account, body: str, **more: Any) -> dict[str, Any]:
    """Put a request into S3 and into the queue."""
    account.s3.put_object(Bucket="models", Key="input", Body=body.encode())
    where = {"InputLocation": "s3://models/input", **more}
    found: dict[str, Any] = account.runtime.invoke_endpoint_async(EndpointName="iris", **where)
    return found


def read(account: Account, uri: str) -> Callable[[], bytes | None]:
    """Return what reads an object, or None while it is not there."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")

    def content() -> bytes | None:
        try:
            with account.s3.get_object(Bucket=bucket, Key=key)["Body"] as body:
                found: bytes = body.read()
                return found
        except account.s3.exceptions.NoSuchKey:
            return None

    return content


def test_the_answer_is_in_s3(account: Account) -> None:
    # given
    serve(account)
    # when
    told = ask(account, "length 1234567", ContentType="text/csv", InferenceId="one")
    # then
    assert told["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert told["InferenceId"] == "one"
    assert told["OutputLocation"].startswith("s3://models/out/")
    assert told["FailureLocation"].startswith("s3://models/failed/")
    assert until(read(account, told["OutputLocation"])) == b"14"
    # and a body that is sent along goes the same way
    told = account.runtime.invoke_endpoint_async(
        EndpointName="iris", Body=b"headers", ContentType="text/csv", Filename="mine.json"
    )
    assert told["OutputLocation"] == "s3://models/out/mine.json"
    assert json.loads(until(read(account, told["OutputLocation"])))["Content-Type"] == "text/csv"


def test_a_failure_is_in_s3_and_told_to_its_topic(account: Account) -> None:
    # given
    topics = {}
    sns, sqs = client(account.sandbox, "sns"), client(account.sandbox, "sqs")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    for topic in ("SuccessTopic", "ErrorTopic"):
        topics[topic] = sns.create_topic(Name=topic)["TopicArn"]
        sns.subscribe(TopicArn=topics[topic], Protocol="sqs", Endpoint=arn["QueueArn"])
    serve(account, NotificationConfig=topics)

    def heard() -> dict[str, Any] | None:
        found = sqs.receive_message(QueueUrl=queue).get("Messages", [])
        return json.loads(json.loads(found[0]["Body"])["Message"]) if found else None

    # when
    told = ask(account, "status 500 no flower")
    # then
    failure = until(read(account, told["FailureLocation"]))
    assert failure.startswith(b'Received server error (500) from primary with message "no flower"')
    assert read(account, told["OutputLocation"])() is None
    message = until(heard)
    assert message["invocationStatus"] == "Failed"
    assert message["failureReason"] == failure.decode()
    assert message["inferenceId"] == told["InferenceId"]
    # when
    told = ask(account, "well", ContentType="text/csv")
    # then
    message = until(heard)
    assert message["invocationStatus"] == "Completed"
    assert message["responseParameters"]["outputLocation"] == told["OutputLocation"]
    assert message["requestParameters"] == {
        "contentType": "text/csv",
        "endpointName": "iris",
        "inputLocation": "s3://models/input",
    }


def test_an_input_that_is_not_there_is_a_failure(account: Account) -> None:
    serve(account)
    told = account.runtime.invoke_endpoint_async(
        EndpointName="iris", InputLocation="s3://models/none"
    )
    assert b"ClientError: Data Error" in until(read(account, told["FailureLocation"]))


def test_a_container_that_takes_too_long_is_a_failure(account: Account) -> None:
    serve(account)
    told = ask(account, "sleep 5", InvocationTimeoutSeconds=1)
    assert b"timed out" in until(read(account, told["FailureLocation"]))


def test_no_more_run_at_once_than_the_configuration_says(account: Account) -> None:
    # given
    serve(account, concurrency=1)
    account.s3.put_object(Bucket="models", Key="input", Body=b"sleep 0.3")
    begun = time.monotonic()
    # when
    asked = [ask(account, "sleep 0.3") for _ in range(3)]
    # then
    for told in asked:
        assert until(read(account, told["OutputLocation"])) == b"slept"
    assert time.monotonic() - begun > 0.9


def test_each_kind_of_endpoint_takes_its_own_kind_of_request(account: Account) -> None:
    serve(account)
    with pytest.raises(ClientError, match="asynchronous") as caught:
        account.invoke("?")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    account.endpoint("red", "other", config="other")
    with pytest.raises(ClientError, match="no asynchronous"):
        account.runtime.invoke_endpoint_async(
            EndpointName="other", InputLocation="s3://models/input"
        )
    with pytest.raises(ClientError, match="InputLocation or a Body"):
        account.runtime.invoke_endpoint_async(EndpointName="iris")


def test_what_waited_at_a_stop_is_answered_after_the_next_start(
    start: Start, executor: ProcessExecutor
) -> None:
    # given
    first = start(executor, keep=True)
    before = Account(first)
    serve(before, concurrency=1)
    slow = ask(before, "sleep 600")
    before.s3.put_object(Bucket="models", Key="second", Body=b"second")
    waits = before.runtime.invoke_endpoint_async(
        EndpointName="iris", InputLocation="s3://models/second"
    )
    first.stop()
    # when
    again = start(executor, keep=True)
    after = client(again, "s3")
    after.put_object(Bucket="models", Key="input", Body=b"quick")
    # then
    before.s3 = after
    for told, body in ((slow, b"quick"), (waits, b"second")):
        assert until(read(before, told["OutputLocation"])) == body
        assert read(before, told["FailureLocation"])() is None
