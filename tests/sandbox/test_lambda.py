"""Functions that run, as processes of an app: what they answer, and what is left of it."""

import base64
import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.executors.process import ProcessExecutor
from odyssey.sandbox.sandbox import Sandbox, Settings
from tests.sandbox.functions import RUNTIME, Lambda
from tests.sandbox.serving import client, until

APP = """
import json, os, time
print("loading")

def serve(event, context):
    print("event", json.dumps(event))
    if "fail" in event:
        raise ValueError(event["fail"])
    time.sleep(event.get("sleep", 0))
    if "end" in event:
        os._exit(event["end"])
    if "ask" in event:
        import boto3
        who = boto3.client("sts").get_caller_identity()["Arn"]
        got = boto3.client("s3").get_object(Bucket="models", Key="a/b")
        return {"who": who, "text": got["Body"].read().decode()}
    if "length" in event:
        return "x" * event["length"]
    if "requestContext" in event:
        return {"statusCode": 201, "headers": {"X-Path": event["rawPath"]}, "body": event["body"]}
    arn = context.invoked_function_arn
    return {"pid": os.getpid(), "variable": os.environ.get("MODE"), "arn": arn}
"""


@pytest.fixture(scope="module")
def lambdas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lambda]:
    folder = tmp_path_factory.mktemp("lambda")
    app = folder / "app"
    app.mkdir()
    (app / "odyssey.toml").write_text('[app]\nname = "small"\nservice = "lambda"\n')
    (app / "app.py").write_text(APP)
    sandbox = Sandbox(Settings(folder), lambda _: ProcessExecutor(app))
    sandbox.start()
    made = Lambda(sandbox)
    made.push("1")
    make(made, "echo")
    yield made
    assert sandbox.stop() == []


def make(lambdas: Lambda, name: str, **more: Any) -> None:
    config = {"EntryPoint": RUNTIME, "Command": ["app.serve"]}
    lambdas.make(name, **{"ImageConfig": config, "Timeout": 10, **more})


def invoke(lambdas: Lambda, event: Any, name: str = "echo", **more: Any) -> Any:
    told = lambdas.client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
    return {**told, "Payload": json.loads(told["Payload"].read() or "null")}


def events(lambdas: Lambda, name: str) -> list[str]:
    logs = client(lambdas.sandbox, "logs")
    found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    return [each["message"] for each in found]


def test_an_environment_stays_warm_and_its_log_is_written(lambdas: Lambda) -> None:
    # when
    first, second = invoke(lambdas, {}), invoke(lambdas, {"a": 1}, LogType="Tail")
    # then
    assert first["Payload"]["pid"] == second["Payload"]["pid"]
    assert (second["StatusCode"], second["ExecutedVersion"]) == (200, "$LATEST")
    assert "FunctionError" not in second
    number = second["ResponseMetadata"]["RequestId"]
    lines = base64.b64decode(second["LogResult"]).decode().splitlines()
    assert lines[0] == f"START RequestId: {number} Version: $LATEST"
    assert lines[1] == 'event {"a": 1}'
    assert lines[-1].startswith(f"REPORT RequestId: {number}\tDuration: ")
    until(lambda: any(number in line and "REPORT" in line for line in events(lambdas, "echo")))
    assert events(lambdas, "echo").count("loading") == 1
    (stream,) = client(lambdas.sandbox, "logs").describe_log_streams(
        logGroupName="/aws/lambda/echo"
    )["logStreams"]
    assert stream["logStreamName"].startswith(
        f"{time.strftime('%Y/%m/%d', time.gmtime())}/[$LATEST]"
    )


def test_a_function_asks_the_sandbox_as_its_role(lambdas: Lambda) -> None:
    s3 = client(lambdas.sandbox, "s3")
    where = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="models", CreateBucketConfiguration=where)
    s3.put_object(Bucket="models", Key="a/b", Body=b"model")
    assert invoke(lambdas, {"ask": 1})["Payload"] == {
        "who": "arn:aws:sts::123456789012:assumed-role/function/echo",
        "text": "model",
    }


def test_an_error_of_the_functions_is_told_in_lambdas_form(lambdas: Lambda) -> None:
    told = invoke(lambdas, {"fail": "no such iris"})
    assert (told["StatusCode"], told["FunctionError"]) == (200, "Unhandled")
    assert told["Payload"]["errorType"] == "ValueError"
    assert told["Payload"]["errorMessage"] == "no such iris"
    told = invoke(lambdas, {"end": 3})
    assert told["Payload"]["errorType"] == "Runtime.ExitError"
    assert "FunctionError" not in invoke(lambdas, {})


def test_what_takes_too_long_ends_and_the_next_event_finds_a_new_start(lambdas: Lambda) -> None:
    make(lambdas, "slow", Timeout=1)
    told = invoke(lambdas, {"sleep": 20}, "slow")
    assert told["FunctionError"] == "Unhandled"
    assert told["Payload"]["errorType"] == "Sandbox.Timedout"
    assert told["Payload"]["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert "FunctionError" not in invoke(lambdas, {}, "slow")


def test_each_event_at_work_has_an_environment_of_its_own_up_to_the_limit(lambdas: Lambda) -> None:
    # given
    make(lambdas, "busy")
    limit = {"FunctionName": "busy", "ReservedConcurrentExecutions": 2}
    lambdas.client.put_function_concurrency(**limit)
    with ThreadPoolExecutor(2) as pool:
        # when
        both = [pool.submit(invoke, lambdas, {"sleep": 3}, "busy") for _ in range(2)]
        until(lambda: sum('"sleep"' in line for line in events(lambdas, "busy")) == 2)
        # then
        with pytest.raises(ClientError) as caught:
            invoke(lambdas, {}, "busy")
        pids = {each.result()["Payload"]["pid"] for each in both}
    assert len(pids) == 2
    assert caught.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert caught.value.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert invoke(lambdas, {}, "busy")["Payload"]["pid"] in pids
    lambdas.sandbox.faults.order({"kind": "capacity", "on": "busy"})
    with pytest.raises(ClientError, match=r"Rate Exceeded\."):
        invoke(lambdas, {}, "busy")


def test_a_change_takes_hold_at_once_and_a_version_stays_as_it_was(lambdas: Lambda) -> None:
    # given
    ask = lambdas.client
    make(lambdas, "modes", Environment={"Variables": {"MODE": "old"}}, Publish=True)
    ask.create_alias(FunctionName="modes", Name="live", FunctionVersion="1")
    assert invoke(lambdas, {}, "modes")["Payload"]["variable"] == "old"
    # when
    variables = {"Variables": {"MODE": "new"}}
    ask.update_function_configuration(FunctionName="modes", Environment=variables)
    # then
    assert invoke(lambdas, {}, "modes")["Payload"]["variable"] == "new"
    live = invoke(lambdas, {}, "modes:live")
    assert (live["ExecutedVersion"], live["Payload"]["variable"]) == ("1", "old")
    assert live["Payload"]["arn"] == "arn:aws:lambda:eu-west-1:123456789012:function:modes:1"
    running = lambdas.sandbox.environments
    until(lambda: running.count("eu-west-1", "modes") == 2)
    # when
    ask.delete_function(FunctionName="modes")
    # then
    assert running.count("eu-west-1", "modes") == 0
    with pytest.raises(ClientError, match="Function not found: arn:aws:lambda:eu-west-1:"):
        invoke(lambdas, {}, "modes")


def test_what_nobody_waits_for_is_tried_three_times_and_then_sent_on(lambdas: Lambda) -> None:
    # given
    make(lambdas, "later")
    sqs = client(lambdas.sandbox, "sqs")
    queue = sqs.create_queue(QueueName="failed")["QueueUrl"]
    target = {"OnFailure": {"Destination": "arn:aws:sqs:eu-west-1:123456789012:failed"}}
    lambdas.client.put_function_event_invoke_config(FunctionName="later", DestinationConfig=target)
    # when
    told = invoke(lambdas, {"fail": "late"}, "later", InvocationType="Event")
    # then
    assert told["StatusCode"] == 202
    (message,) = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"]
    sent = json.loads(message["Body"])
    assert sent["requestContext"]["requestId"] == told["ResponseMetadata"]["RequestId"]
    assert sent["requestContext"]["condition"] == "RetriesExhausted"
    assert sent["requestContext"]["approximateInvokeCount"] == 3
    assert sent["requestPayload"] == {"fail": "late"}
    assert sent["responsePayload"]["errorMessage"] == "late"


def test_requests_are_refused_as_lambda_does(lambdas: Lambda) -> None:
    def refusal(payload: bytes, **more: Any) -> tuple[int, str]:
        with pytest.raises(ClientError) as caught:
            lambdas.client.invoke(FunctionName="echo", Payload=payload, **more)
        told = caught.value.response
        return told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Code"]

    assert refusal(b"{") == (400, "InvalidRequestContentException")
    large = b'"%b"' % (b"x" * (6 << 20))
    assert refusal(large + b" " * 99) == (413, "RequestTooLargeException")
    over = large[: 1 << 20] + b'"'
    assert refusal(over, InvocationType="Event") == (413, "RequestTooLargeException")
    told = lambdas.client.invoke(FunctionName="echo", InvocationType="DryRun")
    assert (told["StatusCode"], told["Payload"].read()) == (204, b"")
    assert invoke(lambdas, {"length": (6 << 20) + 99})["Payload"]["errorType"] == (
        "Function.ResponseSizeTooLarge"
    )


def test_a_url_answers_whoever_signs_the_request(lambdas: Lambda) -> None:
    # given
    config = {"FunctionName": "echo", "AuthType": "AWS_IAM"}
    url = lambdas.client.create_function_url_config(**config)["FunctionUrl"]
    wanted = AWSRequest("POST", f"{url}ab/c?d=1", data=b"hello")
    # when
    SigV4Auth(Credentials(KEYS.access, KEYS.secret), "lambda", "eu-west-1").add_auth(wanted)
    made = urllib.request.Request(wanted.url, b"hello", dict(wanted.headers))
    made.add_header("Content-Type", "text/plain")
    # then
    with urllib.request.urlopen(made) as answer:
        assert (answer.status, answer.headers["X-Path"], answer.read()) == (201, "/ab/c", b"hello")
    with pytest.raises(urllib.error.HTTPError) as caught, closing(urllib.request.urlopen(url)):
        pass
    with caught.value as error:
        assert (error.code, error.read()) == (403, b'{"Message": "Forbidden"}')


def test_the_status_tells_what_runs(lambdas: Lambda) -> None:
    invoke(lambdas, {})
    with urllib.request.urlopen(f"{lambdas.sandbox.url}/_sandbox/status") as answer:
        runs = json.load(answer)["runs"]
    assert {
        "kind": "function",
        "region": "eu-west-1",
        "name": "echo",
        "status": "Active, 1 environment",
    } in runs
