"""Clients that know nothing of odyssey, in a sandbox: boto3 with its waiters, and the AWS CLI."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.sandboxes import World

ROW = {"observation": [5.1, 3.5, 1.4, 0.2]}
IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{'0' * 64}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
SOON = {"Delay": 1, "MaxAttempts": 120}


@pytest.fixture(scope="module")
def world(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("clients")
    app = Path(shutil.copytree(trained, folder / "app"))
    with World(app, folder / "state", ("--executor", "process")) as world:
        yield world


@pytest.fixture(scope="module")
def role(world: World) -> str:
    iam = world.client("iam")
    made = iam.create_role(RoleName="job", AssumeRolePolicyDocument=json.dumps(TRUST))
    world.client("s3").create_bucket(
        Bucket="iris-data", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    arn: str = made["Role"]["Arn"]
    return arn


@pytest.fixture(scope="module")
def model(world: World, role: str) -> str:
    """A model that a training job of plain boto3 has made."""
    s3, sagemaker = world.client("s3"), world.client("sagemaker")
    for path in (world.app / "input/data/training").iterdir():
        s3.upload_file(str(path), "iris-data", f"data/{path.name}")
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://iris-data/data/"}
    sagemaker.create_training_job(
        TrainingJobName="plain",
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        RoleArn=role,
        InputDataConfig=[{"ChannelName": "training", "DataSource": {"S3DataSource": source}}],
        OutputDataConfig={"S3OutputPath": "s3://iris-data/models"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={"C": "0.5"},
    )
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="plain", WaiterConfig=SOON)
    told = sagemaker.describe_training_job(TrainingJobName="plain")
    assert told["TrainingJobStatus"] == "Completed"
    uri: str = told["ModelArtifacts"]["S3ModelArtifacts"]
    return uri


@pytest.fixture(scope="module")
def endpoint(world: World, role: str, model: str) -> str:
    sagemaker = world.client("sagemaker")
    sagemaker.create_model(
        ModelName="plain",
        ExecutionRoleArn=role,
        PrimaryContainer={"Image": IMAGE, "ModelDataUrl": model},
    )
    variant = {"VariantName": "one", "ModelName": "plain", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName="plain", ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName="plain", EndpointConfigName="plain")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="plain", WaiterConfig=SOON)
    return "plain"


def test_boto3_trains_and_finds_the_archive_where_it_is_told(world: World, model: str) -> None:
    bucket, _, key = model.removeprefix("s3://").partition("/")
    body = world.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert archive.getnames() == ["model.pkl"]


def test_a_thousand_calls_at_once_are_all_answered(world: World, endpoint: str) -> None:
    runtime = world.client("sagemaker-runtime")
    body = json.dumps(ROW).encode()

    def ask(_: int) -> Any:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, Body=body, ContentType="application/json"
        )
        return json.load(answer["Body"])

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(1000)))
    assert answers == [{"prediction": "Iris-setosa"}] * 1000


def test_boto3_waits_for_a_transform_job(world: World, endpoint: str) -> None:
    # given
    s3, sagemaker = world.client("s3"), world.client("sagemaker")
    s3.put_object(Bucket="iris-data", Key="in/a.csv", Body=b"5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n")
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://iris-data/in/"}
    # when
    sagemaker.create_transform_job(
        TransformJobName="plain",
        ModelName="plain",
        TransformInput={
            "DataSource": {"S3DataSource": source},
            "ContentType": "text/csv",
            "SplitType": "Line",
        },
        TransformOutput={"S3OutputPath": "s3://iris-data/out", "AssembleWith": "Line"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    waiter = sagemaker.get_waiter("transform_job_completed_or_stopped")
    waiter.wait(TransformJobName="plain", WaiterConfig=SOON)
    # then
    text = s3.get_object(Bucket="iris-data", Key="out/a.csv.out")["Body"].read().decode()
    assert text.split() == ["Iris-setosa", "Iris-virginica"]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The AWS CLI of PyPI, in an environment of its own."""
    folder = tmp_path_factory.mktemp("aws")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "pip"), "install", "--quiet", "--no-compile"]
    subprocess.run([*install, "awscli>=1.44,<2"], check=True, capture_output=True)
    return str(folder / "bin" / "aws")


def test_the_aws_cli_finds_what_it_looks_for(
    world: World, endpoint: str, aws: str, tmp_path: Path
) -> None:
    def call(*words: str) -> Any:
        done = subprocess.run(
            [aws, *words, "--output", "json"],
            env={**world.environment(), "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"aws {' '.join(words)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.startswith(("{", "[")) else done.stdout

    # its waiter, on an endpoint that is there
    call("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", endpoint)
    # an answer, into a file
    body = tmp_path / "row.json"
    body.write_text(json.dumps(ROW))
    words = ("--endpoint-name", endpoint, "--content-type", "application/json")
    told = call(
        "sagemaker-runtime",
        "invoke-endpoint",
        *words,
        "--body",
        f"fileb://{body}",
        str(tmp_path / "answer"),
    )
    assert told["InvokedProductionVariant"] == "one"
    assert json.loads((tmp_path / "answer").read_text()) == {"prediction": "Iris-setosa"}
    # objects, by its own transfers
    big = tmp_path / "big"
    big.write_bytes(bytes(20 << 20))
    call("s3", "cp", str(big), "s3://iris-data/big", "--no-progress")
    call("s3", "cp", "s3://iris-data/big", str(tmp_path / "back"), "--no-progress")
    assert (tmp_path / "back").stat().st_size == 20 << 20
    # the log of the job, and the stacks, of which there are none
    streams = call(
        "logs", "describe-log-streams", "--log-group-name", "/aws/sagemaker/TrainingJobs"
    )
    assert streams["logStreams"][0]["logStreamName"].startswith("plain/algo-1-")
    assert call("cloudformation", "describe-stacks") == {"Stacks": []}
    refused = subprocess.run(
        [aws, "sagemaker", "describe-model", "--model-name", "bad_name!"],
        env={**world.environment(), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert "failed to satisfy constraint" in refused.stderr
