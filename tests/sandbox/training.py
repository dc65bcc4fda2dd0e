"""An app whose training does what a hyperparameter says, and jobs of it in a sandbox."""

import io
import json
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.executors.process import ProcessExecutor
from odyssey.sandbox.sandbox import Sandbox, Settings

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/trainer"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/app:1"
LOG_GROUP = "/aws/sagemaker/TrainingJobs"
TRUST = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
    },
}

NOTHING = "pass"
"""What a training does that matters to nobody."""

UNTIL_TERM = """
def end(*_):
    (model / "partial").write_text("so far")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
time.sleep(60)
"""
"""A training that takes a minute unless it is asked to end."""

TRAIN = """
import json, os, signal, sys, time
from pathlib import Path
root = Path(os.environ["ROCKET_ML_ROOT"])
parameters = json.loads((root / "input/config/hyperparameters.json").read_text())
resources = json.loads((root / "input/config/resourceconfig.json").read_text())
data, model, output = root / "input/data", root / "model", root / "output"
exec(json.loads(parameters["do"]))
"""

SESSION = boto3.Session(KEYS.access, KEYS.secret)


def app(folder: Path) -> Path:
    (folder / "rocket").mkdir(parents=True)
    (folder / "odyssey.toml").write_text('[app]\nname = "small"\n')
    (folder / "rocket" / "train").write_text(TRAIN)
    return folder


class Lab:
    """Jobs that are started in a sandbox with a bucket and a role."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.s3, self.sagemaker, self.logs, self.iam = (
            self.client(service) for service in ("s3", "sagemaker", "logs", "iam")
        )

    def furnish(self) -> None:
        """Make the bucket and the role."""
        region = {"LocationConstraint": REGION}
        self.s3.create_bucket(Bucket="lab", CreateBucketConfiguration=region)
        self.iam.create_role(RoleName="trainer", AssumeRolePolicyDocument=json.dumps(TRUST))

    def clear(self) -> None:
        """End the jobs and forget them, their logs, and what is in the bucket."""
        self.sandbox.faults.clear()
        jobs = self.sandbox.store.table("training-jobs")
        for _, name in jobs:
            if self.describe(name)["TrainingJobStatus"] == "InProgress":
                self.sagemaker.stop_training_job(TrainingJobName=name)
            self.ended(name)
        jobs.clear()
        with suppress(self.logs.exceptions.ResourceNotFoundException):
            self.logs.delete_log_group(logGroupName=LOG_GROUP)
        for key in self.keys():
            self.s3.delete_object(Bucket="lab", Key=key)

    def client(self, service: str) -> Any:
        return SESSION.client(
            service,
            region_name=REGION,
            endpoint_url=self.sandbox.url,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def put(self, **objects: bytes | str) -> None:
        """Put objects below data/, with a/b.csv written as a__b_csv."""
        for name, content in objects.items():
            key = "data/" + name.replace("__", "/").replace("_", ".")
            self.s3.put_object(Bucket="lab", Key=key, Body=content)

    def keys(self, prefix: str = "") -> list[str]:
        found = self.s3.list_objects_v2(Bucket="lab", Prefix=prefix)
        return [one["Key"] for one in found.get("Contents", ())]

    def read(self, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket="lab", Key=key)["Body"].read())

    def archive(self, key: str) -> dict[str, str]:
        """Return the files of an archive, or where a link of it leads."""
        with tarfile.open(fileobj=io.BytesIO(self.read(key))) as tar:
            return {
                member.name: member.linkname or _content(tar, member)
                for member in tar
                if not member.isdir()
            }

    def model(self, name: str) -> dict[str, str]:
        """Return the files of the model that a job has made."""
        return self.archive(f"models/{name}/output/model.tar.gz")

    def start(self, name: str, do: str, **changes: Any) -> str:
        request = {
            "TrainingJobName": name,
            "HyperParameters": {"do": json.dumps(do)},  # Hyperparameters have no line breaks.
            "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": "s3://lab/models"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 5,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        wanted = {**request, **changes}
        made = self.sagemaker.create_training_job(
            **{member: value for member, value in wanted.items() if value is not None}
        )
        return str(made["TrainingJobArn"])

    def describe(self, name: str) -> dict[str, Any]:
        told: dict[str, Any] = self.sagemaker.describe_training_job(TrainingJobName=name)
        return told

    def until(self, name: str, matches: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 30
        while not matches(told := self.describe(name)):
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        return told

    def ended(self, name: str) -> dict[str, Any]:
        return self.until(
            name, lambda told: told["TrainingJobStatus"] in ("Completed", "Failed", "Stopped")
        )

    def run(self, name: str, do: str, **changes: Any) -> dict[str, Any]:
        self.start(name, do, **changes)
        return self.ended(name)

    def log(self, name: str) -> dict[str, list[str]]:
        """Return the lines of each stream of a job's log."""
        streams = self.logs.describe_log_streams(
            logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/"
        )
        found = {}
        for stream in streams["logStreams"]:
            events = self.logs.get_log_events(
                logGroupName=LOG_GROUP, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
            found[stream["logStreamName"]] = [event["message"] for event in events]
        return found

    def await_word(self, name: str, word: str) -> None:
        """Wait until a job's log has a line."""
        deadline = time.monotonic() + 30
        while True:
            with suppress(self.logs.exceptions.ResourceNotFoundException):
                if any(word in lines for lines in self.log(name).values()):
                    return
            assert time.monotonic() < deadline
            time.sleep(0.02)


@contextmanager
def laboratory(folder: Path, **settings: Any) -> Iterator[Lab]:
    """A sandbox that many tests share, which clear it: to start one takes a second."""
    from moto.core.base_backend import BackendDict

    executor = ProcessExecutor(app(folder / "app"))
    BackendDict.reset()
    sandbox = Sandbox(Settings(folder, **settings), lambda _: executor)
    sandbox.start()
    lab = Lab(sandbox)
    lab.furnish()
    yield lab
    assert sandbox.stop() == []


def channel(uri: str, name: str = "training", **more: Any) -> dict[str, Any]:
    kind = more.pop("S3DataType", "S3Prefix")
    source = {"S3DataType": kind, "S3Uri": uri}
    if "sharded" in more:
        more.pop("sharded")
        source["S3DataDistributionType"] = "ShardedByS3Key"
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


def statuses(told: dict[str, Any]) -> list[str]:
    return [step["Status"] for step in told["SecondaryStatusTransitions"]]


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = tar.extractfile(member)
    assert file
    return file.read().decode()
