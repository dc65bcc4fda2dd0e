"""`odyssey sagemaker` as it is typed."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import click
import pytest
from moto import mock_aws

from odyssey import artifacts, shapes
from odyssey.cli import main
from odyssey.commands.sagemaker import group
from odyssey.errors import UsageError
from odyssey.jobs import listing, stopping
from tests.functional.conftest import Done, Running
from tests.functional.jobs import (
    GROUP,
    IMAGE,
    MODEL,
    NAME,
    ROLE,
    SETTINGS,
    FakeSageMaker,
    completed,
    refusal,
    told,
)

Run = Callable[..., Done]
PLACES = ("-i", "s3://data/iris", "-m", "s3://models/iris")
OUTSIDE = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_REGION")


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials and no region from outside."""
    for name in (*OUTSIDE, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `odyssey sagemaker` with these words in an app's folder."""
    (tmp_path / "odyssey.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)

    def typed(*words: str) -> Done:
        capfd.readouterr()
        code = main(words, program=group)
        return Done(code, *capfd.readouterr())

    return typed


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """An AWS of moto's; makes clients of it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        yield boto3.client


def request(done: Done) -> dict[str, Any]:
    assert (done.code, done.err.partition("Error")[1]) == (0, "")
    (operation,) = done.document
    asked = done.document[operation]
    assert shapes.problems("sagemaker", operation, asked) == ()
    return dict(asked)


def test_a_dry_run_prints_the_request_without_any_credentials(run: Run) -> None:
    done = run("train", *PLACES, "-r", ROLE, "--dry-run")
    assert request(done)["AlgorithmSpecification"]["TrainingImage"] == IMAGE
    assert json.loads(run("train", *PLACES, "-r", ROLE, "--dry-run", "--output", "json").out)


def test_the_options_of_the_group_are_for_its_commands(run: Run) -> None:
    done = run(
        *("-r", ROLE, "-n", "my_app", "-c", "3", "-in", "ml.m5.xlarge"),
        *("train", *PLACES, "--dry-run"),
    )
    asked = request(done)
    assert asked["RoleArn"] == ROLE
    assert asked["TrainingJobName"].startswith("my-app-20")
    assert asked["ResourceConfig"]["InstanceCount"] == 3
    assert asked["ResourceConfig"]["InstanceType"] == "ml.m5.xlarge"
    assert '"my_app" becomes "my-app"' in done.err


def test_the_options_of_a_command_come_before_those_of_the_group(run: Run) -> None:
    done = run(
        *("-r", "NotThis", "-n", "other", "-in", "ml.m5.large"),
        *("train", *PLACES, "-r", ROLE, "-in", "ml.c5.xlarge", "-n", "iris", "--dry-run"),
    )
    asked = request(done)
    assert asked["RoleArn"] == ROLE
    assert asked["TrainingJobName"].startswith("iris-20")
    assert asked["ResourceConfig"]["InstanceType"] == "ml.c5.xlarge"


def test_the_input_and_the_instance_type_are_told_apart(run: Run) -> None:
    done = run(
        *("train", "-in", "ml.m5.xlarge", "-is3://data/x", "-m", "s3://models/x"),
        *("-r", ROLE, "--dry-run"),
    )
    asked = request(done)
    channel = asked["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    assert (asked["ResourceConfig"]["InstanceType"], channel["S3Uri"]) == (
        "ml.m5.xlarge",
        "s3://data/x",
    )


def test_every_option_of_training_is_in_the_request(run: Run, tmp_path: Path) -> None:
    (tmp_path / "more.json").write_text('{"depth": 3}')
    done = run(
        *("train", *PLACES, "-r", ROLE, "--dry-run", "--job-name", "one", "--spot"),
        *("--max-runtime", "60", "--max-wait", "90", "--volume-gb", "5"),
        *("--input-mode", "FastFile", "--content-type", "text/csv"),
        *("--hyperparameters", "C=0.5", "--hyperparameters", "@more.json"),
        *("--channel", "validation=s3://data/v", "--channel", "test=s3://data/t"),
    )
    asked = request(done)
    assert asked["TrainingJobName"] == "one"
    assert asked["StoppingCondition"] == {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90}
    assert asked["ResourceConfig"]["VolumeSizeInGB"] == 5
    assert asked["AlgorithmSpecification"]["TrainingInputMode"] == "FastFile"
    assert asked["HyperParameters"] == {"C": "0.5", "depth": "3"}
    names = [channel["ChannelName"] for channel in asked["InputDataConfig"]]
    assert names == ["training", "validation", "test"]


@pytest.mark.parametrize("word", ["validation", "=s3://x", "validation="])
def test_a_channel_without_a_name_or_a_place_is_refused(run: Run, word: str) -> None:
    done = run("train", *PLACES, "-r", ROLE, "--channel", word, "--dry-run")
    assert done.code == 2
    assert "is not NAME=URI" in done.err


def test_a_channel_has_one_place(run: Run) -> None:
    twice = ("--channel", "a=s3://data/x", "--channel", "a=s3://data/y")
    done = run("train", *PLACES, "-r", ROLE, *twice, "--dry-run")
    assert done.code == 2
    assert "--channel a is there twice: s3://data/x and s3://data/y" in done.err


@pytest.mark.parametrize("command", ["logs", "status", "stop"])
def test_a_name_that_nothing_can_have_is_refused_before_aws_is_asked(
    run: Run, command: str
) -> None:
    done = run(command, "a b", "--region", "eu-west-1")
    assert done.code == 2
    assert '"a b": must match' in done.err


@pytest.mark.parametrize(
    "words", [("logs", "a_b"), ("status", "a_b"), ("stop", "a_b"), ("list", "-n", "a_b")]
)
def test_the_underscores_of_a_name_become_hyphens_and_it_is_said(
    run: Run, aws: Callable[[str], Any], words: tuple[str, ...]
) -> None:
    assert '"a_b" becomes "a-b"' in run(*words).err


def test_a_request_without_a_body_tells_this_command(run: Run) -> None:
    assert 'odyssey sagemaker invoke --data \'{"observation"' in run("invoke").err


def test_an_endpoint_s_name_is_checked_before_aws_is_asked(run: Run) -> None:
    done = run("invoke", "--endpoint-name", "a b", "--data", "1")
    assert done.code == 2
    assert 'EndpointName: "a b": must match' in done.err


@pytest.mark.parametrize("seconds", ["0", "nan", "-1"])
def test_a_time_to_wait_is_whole_seconds(run: Run, seconds: str) -> None:
    assert run("invoke", "--data", "1", "--timeout", seconds).code == 2


def test_a_rule_of_aws_that_is_broken_is_a_usage_error(run: Run) -> None:
    done = run("train", *PLACES, "-r", ROLE, "--job-name", "a.b", "--dry-run")
    assert (done.code, done.out) == (2, "")
    assert 'CreateTrainingJob: TrainingJobName: "a.b": must match' in done.err


def test_an_instance_type_of_tomorrow_is_a_warning(run: Run) -> None:
    done = run("train", *PLACES, "-r", ROLE, "-in", "ml.m99.large", "--dry-run")
    assert done.code == 0
    assert "Warning: CreateTrainingJob: ResourceConfig.InstanceType" in done.err


def test_without_credentials_training_exits_with_5(run: Run) -> None:
    done = run("train", *PLACES, "-r", ROLE, "--region", "eu-west-1")
    assert (done.code, done.out) == (5, "")


def test_training_prints_the_model_and_records_it(
    run: Run, aws: Callable[[str], Any], tmp_path: Path
) -> None:
    # when
    done = run("train", *PLACES, "-r", ROLE, "--job-name", NAME)
    # then
    assert (done.code, done.out) == (0, f"{MODEL}\n")
    assert "recorded in .odyssey/artifacts.json" in done.err
    assert artifacts.load(tmp_path, None) == {"training_job": NAME, "model": MODEL}
    # when
    known = run("status", "--output", "json")
    # then
    assert known.document["training_job"]["status"] == "Completed"
    assert known.document["training_job"]["model"] == MODEL
    assert known.document["endpoint"] is None
    assert known.document["stacks"] == [
        {"stack": "iris-foundation", "status": None},
        {"stack": "iris-endpoint", "status": None},
    ]


def begin(run: Run) -> None:
    assert run("train", *PLACES, "-r", ROLE, "--job-name", NAME, "--no-wait").code == 0


def test_the_status_of_a_job_is_told_in_words_too(run: Run, aws: Callable[[str], Any]) -> None:
    begin(run)
    shown = run("status", NAME)
    assert shown.out.splitlines()[:2] == [
        f"training job {NAME}",
        "  status            Completed",
    ]
    whole = run("status")
    assert "no endpoint is deployed" in whole.out
    assert "stack iris-foundation  not deployed" in whole.out


@pytest.mark.parametrize("command", ["status", "logs", "stop"])
def test_a_name_that_nothing_has_is_a_usage_error(
    run: Run, aws: Callable[[str], Any], command: str
) -> None:
    done = run(command, "nothing")
    assert (done.code, done.out) == (2, "")
    assert 'there is no training job, transform job or endpoint "nothing" here' in done.err
    assert "Hint: odyssey sagemaker list" in done.err


@pytest.mark.parametrize("words", [("logs",), ("stop",), ("status", "--follow")])
def test_before_the_first_job_a_name_is_needed(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words, "--region", "eu-west-1")
    assert done.code == 2
    assert "no training job was started from here" in done.err


def write_log(logs: Any) -> None:
    stream = {"logGroupName": GROUP, "logStreamName": f"{NAME}/algo-1-1767323045"}
    logs.create_log_group(logGroupName=GROUP)
    logs.create_log_stream(**stream)
    now = int(datetime.now(UTC).timestamp() * 1000)
    events = [{"timestamp": now - 7_200_000, "message": "early"}]
    events += [{"timestamp": now, "message": "late"}]
    logs.put_log_events(**stream, logEvents=events)


def test_the_log_is_the_result(run: Run, aws: Callable[[str], Any]) -> None:
    # given
    begin(run)
    write_log(aws("logs"))
    # when, then
    assert run("logs").out == "early\nlate\n"
    assert run("logs", NAME, "--since", "1h").out == "late\n"
    document = run("logs", NAME, "--output", "json").document
    assert document["name"] == NAME
    assert [line["text"] for line in document["lines"]] == ["early", "late"]
    assert set(document["lines"][0]) == {"time", "stream", "text"}


def test_a_job_that_is_over_is_not_stopped(run: Run, aws: Callable[[str], Any]) -> None:
    begin(run)
    done = run("stop", "--output", "json")
    assert done.code == 0
    assert done.document == {"training_job": NAME, "status": "Completed", "stopped": False}
    assert f"the training job {NAME} is Completed already" in done.err


def test_a_stop_that_is_only_tried_prints_its_request(run: Run, aws: Callable[[str], Any]) -> None:
    begin(run)
    assert request(run("stop", "--dry-run")) == {"TrainingJobName": NAME}


def test_what_there_is_is_listed(run: Run, aws: Callable[[str], Any]) -> None:
    # given
    begin(run)
    sagemaker = aws("sagemaker")
    sagemaker.create_model(ModelName="iris-model", ExecutionRoleArn=ROLE)
    sagemaker.create_model(ModelName="other", ExecutionRoleArn=ROLE)
    variant = {"VariantName": "A", "ModelName": "iris-model", "InitialInstanceCount": 2}
    sagemaker.create_endpoint_config(
        EndpointConfigName="iris-config",
        ProductionVariants=[{**variant, "InstanceType": "ml.m5.large"}],
    )
    sagemaker.create_endpoint(EndpointName="iris", EndpointConfigName="iris-config")
    # when
    listed = run("list")
    found = run("list", "--output", "json").document["found"]
    # then
    assert listed.out.splitlines()[0].split() == ["kind", "name", "status", "made", "instance"]
    assert [(row["kind"], row["name"], row["instance"]) for row in found] == [
        ("training job", NAME, "ml.m5.large"),
        ("endpoint", "iris", "2 x ml.m5.large"),
        ("model", "iris-model", ""),
    ]
    assert run("list", "-n", "other", "--output", "json").document["found"][0]["name"] == "other"
    # and
    assert run("status", "iris", "--output", "json").document["kind"] == "endpoint"
    assert "is never over" in run("status", "iris", "--follow").err
    assert "is deleted and not stopped" in run("stop", "iris").err


def test_a_serverless_endpoint_is_listed_with_its_memory(
    run: Run, aws: Callable[[str], Any]
) -> None:
    # given
    sagemaker = aws("sagemaker")
    sagemaker.create_model(ModelName="iris-model", ExecutionRoleArn=ROLE)
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    variant = {"VariantName": "A", "ModelName": "iris-model", "ServerlessConfig": serverless}
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="iris", EndpointConfigName="c")
    # when
    rows = run("list", "--output", "json").document["found"]
    # then
    assert [row["instance"] for row in rows if row["kind"] == "endpoint"] == ["serverless, 2048 MB"]


def test_an_empty_list_is_no_failure(run: Run, aws: Callable[[str], Any]) -> None:
    done = run("list")
    assert (done.code, done.out) == (0, "")
    assert 'nothing on SageMaker has "iris" in its name' in done.err


def test_a_thing_that_goes_while_it_is_listed_has_no_instance() -> None:
    class Going(FakeSageMaker):
        def list_training_jobs(self, **_: Any) -> dict[str, Any]:
            row = {"TrainingJobName": NAME, "TrainingJobStatus": "Failed"}
            return {"TrainingJobSummaries": [{**row, "CreationTime": datetime.now(UTC)}]}

        def __getattr__(self, _: str) -> Any:
            return lambda **_: {"Nothing": []}

    (row,) = listing.find(Going(), "iris")
    assert (row.name, row.instance) == (NAME, "")


class Stoppable(FakeSageMaker):
    """A training job that can be stopped, unless it is over by itself just then."""

    def stop_training_job(self, TrainingJobName: str) -> None:  # noqa: N803
        if len(self.looks) == 1:
            raise refusal("ValidationException", "The job is in status Completed")
        self.stopped.append(TrainingJobName)


def test_a_job_is_asked_to_stop_and_what_happens_then_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    client = Stoppable([told("InProgress"), told("Stopping")])
    client.looks.append(told("Stopping"))
    done = stopping.stop(client, NAME, "--env prod")
    assert client.stopped == [NAME]
    assert done.document() == {"training_job": NAME, "status": "Stopping", "stopped": True}
    said = capsys.readouterr().err
    assert "that may take 120 s, and what is in its model folder by then is kept" in said
    assert f"odyssey sagemaker status {NAME} --env prod" in said


def test_a_job_that_is_over_just_before_its_stop_is_no_failure() -> None:
    done = stopping.stop(Stoppable([told("InProgress"), completed()]), NAME)
    assert (done.asked, done.status) == (False, "Completed")


class Transforms(FakeSageMaker):
    """A transform job that has begun, with its temporary model."""

    deleted: list[str]

    def describe_transform_job(self, TransformJobName: str) -> dict[str, Any]:  # noqa: N803
        return {
            "TransformJobName": TransformJobName,
            "TransformJobStatus": "InProgress",
            "TransformStartTime": datetime.now(UTC),
        }

    def stop_transform_job(self, TransformJobName: str) -> None:  # noqa: N803
        self.stopped.append(TransformJobName)

    def describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        return {"ModelName": ModelName, "ModelArn": "arn"}

    def list_tags(self, **_: Any) -> dict[str, Any]:
        return {"Tags": [{"Key": "odyssey:temporary", "Value": "true"}]}

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        self.deleted = [ModelName]


def test_the_model_of_a_transform_job_that_is_stopped_goes_too() -> None:
    client = Transforms()
    done = stopping.stop(client, "iris-batch-20260102-030405")
    assert client.stopped == client.deleted == ["iris-batch-20260102-030405"]
    assert done.document()["transform_job"] == "iris-batch-20260102-030405"


def test_an_endpoint_is_not_stopped() -> None:
    class Endpoint(Transforms):
        def describe_transform_job(self, TransformJobName: str) -> dict[str, Any]:  # noqa: N803
            raise refusal("ResourceNotFound", TransformJobName)

        def describe_endpoint(self, EndpointName: str) -> dict[str, str]:  # noqa: N803
            return {"EndpointName": EndpointName, "EndpointStatus": "InService"}

    with pytest.raises(UsageError, match="is deleted and not stopped"):
        stopping.stop(Endpoint(), "iris")


def test_a_batch_transform_takes_its_options(run: Run) -> None:
    done = run(
        *("-in", "ml.m5.xlarge", "-c", "2", "batch-transform", "-m", "s3://models/a/model.tar.gz"),
        *("-i", "s3://data/records", "-o", "s3://answers/here/", "-r", ROLE, "--dry-run"),
        *("--split-type", "Line", "--strategy", "SingleRecord", "--content-type", "text/csv"),
        *("--max-payload", "10", "--max-concurrent", "4", "--assemble-with", "Line"),
        *("--accept", "text/csv", "--join", "input"),
        *("--input-filter", "$[1:]", "--output-filter", "$[0,-1]"),
    )
    assert done.code == 0, done.err
    asked = done.document["CreateTransformJob"]
    assert shapes.problems("sagemaker", "CreateTransformJob", asked) == ()
    assert asked["TransformResources"] == {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}
    assert asked["BatchStrategy"] == "SingleRecord"
    assert (asked["MaxPayloadInMB"], asked["MaxConcurrentTransforms"]) == (10, 4)
    assert asked["DataProcessing"] == {
        "InputFilter": "$[1:]",
        "JoinSource": "Input",
        "OutputFilter": "$[0,-1]",
    }
    assert asked["TransformOutput"]["S3OutputPath"] == "s3://answers/here/"
    model = done.document["CreateModel"]["PrimaryContainer"]["ModelDataUrl"]
    assert model == "s3://models/a/model.tar.gz"


def test_serving_without_a_model_tells_how_to_get_one(run: Run) -> None:
    done = run("-r", ROLE, "serve", "--yes")
    assert done.code == 2
    assert "no model is recorded" in done.err


def test_an_answer_of_the_endpoint_is_printed_as_it_is(run: Run, aws: Callable[[str], Any]) -> None:
    done = run("invoke", "--data", "{}", "--endpoint-name", "the_endpoint")
    assert '"the_endpoint" becomes "the-endpoint"' in done.err
    assert (done.code, done.out) == (0, "body")
    document = run("-n", "other", "invoke", "--data", "{}", "--output", "json").document
    assert (document["endpoint"], document["body"]) == ("other", "body")


def test_deleting_what_is_not_there_is_no_failure(run: Run, aws: Callable[[str], Any]) -> None:
    done = run("delete", "--yes", "--output", "json")
    assert (done.code, done.document) == (0, {"stacks": []})
    assert "iris-endpoint: there is nothing to delete" in done.err


def test_an_upload_that_is_only_tried_prints_its_request_and_records_nothing(
    run: Run, app: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given
    monkeypatch.chdir(app)
    # when
    done = run("upload", "model", "-m", "s3://models/iris", "--dry-run")
    # then
    assert done.code == 0, done.err
    assert done.document["PutObject"]["Bucket"] == "models"
    assert done.document["PutObject"]["Key"].endswith("/model.tar.gz")
    assert artifacts.load(app, None) == {}


def test_an_upload_needs_files(run: Run) -> None:
    assert run("upload").code == 2
    assert run("upload", "nowhere").code == 2


def test_the_group_has_its_commands_in_the_order_of_an_app_s_life() -> None:
    assert group.list_commands(click.Context(group)) == [
        "train",
        "upload",
        "serve",
        "invoke",
        "batch-transform",
        "logs",
        "status",
        "list",
        "stop",
        "delete",
    ]


class Service(http.server.ThreadingHTTPServer):
    """SageMaker and CloudWatch over HTTP, with one training job and no log."""

    status = "InProgress"
    operations: list[str]

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.operations = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers one request."""

    server: Service

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.server.operations.append(operation)
        if operation == "DescribeLogStreams":
            answer: dict[str, Any] = {"logStreams": []}
        elif operation == "CreateTrainingJob":
            answer = {"TrainingJobArn": f"arn:aws:sagemaker:eu-west-1:1:training-job/{NAME}"}
        else:
            answer = {
                "TrainingJobName": NAME,
                "TrainingJobStatus": self.server.status,
                "ModelArtifacts": {"S3ModelArtifacts": MODEL},
            }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


PROGRAM = """
import sys
from odyssey.cli import main
from odyssey.commands.sagemaker import group
sys.exit(main(program=group))
"""


def start(app: Path, service: Service, *words: str) -> Running:
    """Start the command line in a process of its own."""
    (app / "odyssey.toml").write_text(SETTINGS)
    keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with (app / "stderr").open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words, "--region", "eu-west-1"],
            cwd=app,
            env={**os.environ, **keys, "AWS_ENDPOINT_URL": service.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    return Running(process, app / "stderr")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_the_job_which_can_be_watched_again_to_its_end(
    tmp_path: Path, service: Service, number: signal.Signals
) -> None:
    # given
    words = ("train", *PLACES, "-r", ROLE, "--job-name", NAME, "--output", "json")
    running = start(tmp_path, service, *words)
    running.until_it_says("InProgress")
    # when
    running.send(number)
    done = running.finish()
    # then
    assert done.code == 130
    error = done.document["error"]
    assert error["message"] == f"stopped watching; the training job {NAME} goes on"
    again = f"odyssey sagemaker status {NAME} --follow --region eu-west-1"
    assert error["hint"].startswith(again)
    assert "StopTrainingJob" not in service.operations
    # when
    service.status = "Completed"
    done = start(tmp_path, service, "status", NAME, "--follow").finish()
    # then
    assert (done.code, done.out) == (0, f"{MODEL}\n")
    assert artifacts.load(tmp_path, None) == {"training_job": NAME, "model": MODEL}
    assert service.operations.count("CreateTrainingJob") == 1
