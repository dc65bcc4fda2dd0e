"""Training jobs of a sandbox, which really run: what they find, what they leave, how they end."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError, WaiterError

from odyssey.jobs import following
from odyssey.sandbox.machines import Executor, Machine, Task
from tests.sandbox.training import (
    IMAGE,
    NOTHING,
    ROLE,
    TRUST,
    UNTIL_TERM,
    Lab,
    channel,
    laboratory,
    statuses,
)


class Gate:
    """An executor that notes what it is to run, and waits until it may make a machine."""

    name = "process"

    def __init__(self, executor: Executor) -> None:
        self.opened = threading.Event()
        self.tasks: list[Task] = []
        self.network = executor.network
        self._executor = executor

    @contextmanager
    def machine(self, task: Task) -> Iterator[Machine]:
        self.tasks.append(task)
        self.opened.wait(30)
        with self._executor.machine(task) as machine:
            yield machine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with laboratory(tmp_path_factory.mktemp("training")) as lab:
        yield lab


@pytest.fixture
def lab(shared: Lab) -> Iterator[Lab]:
    yield shared
    shared.clear()


@pytest.fixture
def gate(lab: Lab) -> Iterator[Gate]:
    """The executor, which waits."""
    executor = lab.sandbox.executor
    lab.sandbox.executor = gate = Gate(executor)
    yield gate
    lab.sandbox.executor = executor


def refused(lab: Lab, **changes: Any) -> str:
    with pytest.raises(ClientError) as caught:
        lab.start("refused", NOTHING, **changes)
    return str(caught.value)


def test_a_job_goes_through_the_statuses_with_times_and_messages(lab: Lab) -> None:
    told = lab.run("iris", NOTHING)
    assert statuses(told) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    steps = told["SecondaryStatusTransitions"]
    assert [step["EndTime"] for step in steps[:-1]] == [step["StartTime"] for step in steps[1:]]
    assert steps[3]["StatusMessage"] == "Uploading generated training model"
    assert told["TrainingStartTime"] == steps[1]["StartTime"]
    assert told["TrainingEndTime"] == steps[4]["EndTime"]
    assert told["TrainingTimeInSeconds"] == told["BillableTimeInSeconds"] >= 1


def test_boto3_waits_for_a_job(lab: Lab) -> None:
    waiter = lab.sagemaker.get_waiter("training_job_completed_or_stopped")
    lab.start("good", NOTHING)
    lab.start("bad", "sys.exit(1)")
    waiter.wait(TrainingJobName="good", WaiterConfig={"Delay": 1})
    with pytest.raises(WaiterError, match="terminal failure"):
        waiter.wait(TrainingJobName="bad", WaiterConfig={"Delay": 1})


def test_odyssey_follows_a_job_and_tells_why_it_failed(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.start("iris", "print('epoch 1', flush=True); sys.exit(4)")
    ended = following.follow(
        lab.sagemaker,
        lab.logs,
        following.Job(following.TRAINING, "iris"),
        interval=0.05,
    )
    assert ended.reason == "AlgorithmError: , exit code: 4"
    assert ended.tail[-1] == "epoch 1"
    shown = capsys.readouterr().err
    assert "Training      Training image download completed. Training in progress." in shown


def test_the_log_has_a_stream_for_each_host(lab: Lab) -> None:
    lab.run("iris", "print('hello'); print('oops', file=sys.stderr)")
    ((stream, lines),) = lab.log("iris").items()
    assert stream.startswith("iris/algo-1-1")
    assert lines == ["odyssey sandbox: executor process", "hello", "oops"]


def test_hyperparameters_and_variables_arrive_as_texts(lab: Lab) -> None:
    do = "print(json.dumps([parameters['depth'], *map(os.environ.get, parameters['n'].split())]))"
    names = "TRAINING_JOB_NAME TRAINING_JOB_ARN AWS_REGION COLOR"
    parameters = {"do": json.dumps(do), "depth": "3", "n": names}
    made = lab.start("iris", do, HyperParameters=parameters, Environment={"COLOR": "red"})
    lab.ended("iris")
    ((_, lines),) = lab.log("iris").items()
    assert json.loads(lines[1]) == ["3", "iris", made, "eu-west-1", "red"]


def test_a_failure_has_its_reason_and_its_exit_code(lab: Lab) -> None:
    do = "(output / 'failure').write_text('no luck: ' + 'x' * 2000)\n"
    do += "(output / 'data' / 'trace').write_text('t')\nsys.exit(3)"
    told = lab.run("iris", do)
    assert told["TrainingJobStatus"] == told["SecondaryStatus"] == "Failed"
    assert told["FailureReason"].startswith("AlgorithmError: no luck: xxx")
    assert told["FailureReason"].endswith("xxx, exit code: 3")
    assert len(told["FailureReason"]) == 1024
    assert lab.keys("models/") == ["models/iris/output/output.tar.gz"]


def test_a_failure_without_words_has_its_exit_code(lab: Lab) -> None:
    told = lab.run("iris", "os.kill(os.getpid(), signal.SIGKILL)")
    assert told["FailureReason"] == "AlgorithmError: , exit code: 137"


def test_a_stopped_job_keeps_what_its_model_folder_has(lab: Lab) -> None:
    lab.start("iris", UNTIL_TERM)
    lab.await_word("iris", "ready")
    lab.sagemaker.stop_training_job(TrainingJobName="iris")
    assert lab.describe("iris")["TrainingJobStatus"] == "Stopping"
    told = lab.ended("iris")
    assert statuses(told)[2:] == ["Training", "Stopping", "Uploading", "Stopped"]
    assert told["TrainingJobStatus"] == "Stopped"
    assert lab.model("iris") == {"partial": "so far"}


def test_a_job_is_stopped_before_it_trains(lab: Lab, gate: Gate) -> None:
    lab.start("iris", NOTHING)
    lab.sagemaker.stop_training_job(TrainingJobName="iris")
    gate.opened.set()
    told = lab.ended("iris")
    assert statuses(told) == ["Starting", "Stopping", "Stopped"]
    assert "ModelArtifacts" not in told
    assert lab.keys() == []


def test_a_job_that_is_over_cannot_be_stopped(lab: Lab) -> None:
    lab.run("iris", NOTHING)
    with pytest.raises(ClientError, match="rejected because .* is in status Completed"):
        lab.sagemaker.stop_training_job(TrainingJobName="iris")


def test_a_job_ends_after_its_longest_time(lab: Lab) -> None:
    told = lab.run("iris", UNTIL_TERM, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (told["TrainingJobStatus"], told["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert statuses(told)[2:-1] == ["Training", "Stopping", "Uploading"]
    assert lab.model("iris") == {"partial": "so far"}


def test_the_first_host_that_fails_ends_the_others(lab: Lab) -> None:
    do = """
if resources["current_host"] == "algo-2":
    (output / "failure").write_text("second")
    sys.exit(2)
time.sleep(60)
"""
    count = {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 5}
    told = lab.run("iris", do, ResourceConfig=count)
    assert told["FailureReason"] == "AlgorithmError: second, exit code: 2"


def test_a_job_without_capacity_fails(lab: Lab) -> None:
    lab.sandbox.faults.order({"kind": "capacity", "on": "iris*"})
    told = lab.run("iris-1", NOTHING)
    assert told["FailureReason"].startswith("CapacityError: Unable to provision requested ML")
    assert "TrainingStartTime" not in told
    assert lab.run("iris-2", NOTHING)["TrainingJobStatus"] == "Completed"


def test_metrics_are_read_from_the_log(lab: Lab) -> None:
    algorithm = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "MetricDefinitions": [
            {"Name": "loss", "Regex": "loss=([0-9.]+)"},
            {"Name": "never", "Regex": "never=(.*)"},
        ],
    }
    do = "print('loss=0.5'); print('loss=0.25'); print('never=nan')"
    told = lab.run("iris", do, AlgorithmSpecification=algorithm)
    ((name, value),) = ((m["MetricName"], m["Value"]) for m in told["FinalMetricDataList"])
    assert (name, value) == ("loss", 0.25)


def test_a_container_entry_point_stands_in_the_place_of_train(lab: Lab, gate: Gate) -> None:
    algorithm = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["train"],
        "ContainerArguments": ["--fast"],
    }
    gate.opened.set()
    lab.run("iris", NOTHING, AlgorithmSpecification=algorithm)
    (task,) = gate.tasks
    assert (task.entrypoint, task.command) == (["train"], ["--fast"])


def test_a_machine_that_cannot_be_made_fails_the_job(lab: Lab) -> None:
    algorithm = {
        "TrainingImage": IMAGE,
        "TrainingInputMode": "File",
        "ContainerEntrypoint": ["python"],
    }
    told = lab.run("iris", NOTHING, AlgorithmSpecification=algorithm)
    assert told["FailureReason"].startswith("ClientError: without Docker")
    assert statuses(told) == ["Starting", "Failed"]


def test_a_name_is_taken_until_its_job_is_deleted(lab: Lab) -> None:
    made = lab.start("iris", NOTHING)
    with pytest.raises(ClientError, match=rf"ResourceInUse.*already exists \({made}\)"):
        lab.start("iris", NOTHING)
    lab.ended("iris")
    lab.sagemaker.delete_training_job(TrainingJobName="iris")
    with pytest.raises(ClientError, match="Requested resource not found"):
        lab.describe("iris")
    lab.run("iris", NOTHING)


def test_a_job_that_runs_cannot_be_deleted(lab: Lab) -> None:
    lab.start("iris", UNTIL_TERM)
    with pytest.raises(ClientError, match="ResourceInUse.*in status InProgress"):
        lab.sagemaker.delete_training_job(TrainingJobName="iris")
    lab.await_word("iris", "ready")


def test_a_role_must_be_there_and_trust_sagemaker(lab: Lab) -> None:
    lambdas = json.dumps(TRUST).replace("sagemaker", "lambda")
    lab.iam.create_role(RoleName="lambdas", AssumeRolePolicyDocument=lambdas)
    for name in ("lambdas", "nobody"):
        role = ROLE.replace("trainer", name)
        message = refused(lab, RoleArn=role)
        assert f"Could not assume role {role}. Please ensure that the role exists" in message


HUB = "arn:aws:sagemaker:eu-west-1:123456789012:hub-content/hub/Model/llama/1.0.0"
SPOT = {"EnableManagedSpotTraining": True}
TWICE = [channel("s3://lab/a"), channel("s3://lab/b")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ResourceConfig": None}, "Value null at 'resourceConfig' failed"),
        ({"StoppingCondition": None}, "Value null at 'stoppingCondition' failed"),
        ({"AlgorithmSpecification": {"TrainingInputMode": "File"}}, "either an AlgorithmName or"),
        ({"ResourceConfig": {"InstanceType": "ml.m5.large"}}, "InstanceCount are required"),
        ({"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 0}}, "at least 1"),
        ({**SPOT}, "Invalid MaxWaitTimeInSeconds"),
        (
            {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 8}},
            "greater than or equal to MaxRuntimeInSeconds",
        ),
        ({"StoppingCondition": {"MaxWaitTimeInSeconds": 8}}, "EnableManagedSpotTraining"),
        ({"InputDataConfig": TWICE}, "Duplicate channel name training"),
        ({"InputDataConfig": [channel("s3://lab/a", InputMode="Pipe")]}, "no Pipe input mode"),
        (
            {"InputDataConfig": [channel("s3://lab/a", S3DataType="AugmentedManifestFile")]},
            "AugmentedManifestFile is not supported",
        ),
        ({"InputDataConfig": [channel("https://lab/a")]}, "no URI of S3"),
        ({"TrainingJobName": "a_b"}, "a_b"),
        (
            {"ServerlessJobConfig": {"JobType": "FineTuning", "BaseModelArn": HUB}},
            "runs no serverless training jobs",
        ),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(
    lab: Lab, changes: dict[str, Any], words: str
) -> None:
    message = refused(lab, **changes)
    assert "(ValidationException)" in message
    assert words in message
    assert lab.sagemaker.list_training_jobs()["TrainingJobSummaries"] == []


def test_jobs_are_listed_by_name_status_and_time_in_pages(lab: Lab) -> None:
    for name in ("pear-1", "apple-1", "apple-2"):
        lab.run(name, "sys.exit(1)" if name == "apple-2" else NOTHING)
    listed = lab.sagemaker.list_training_jobs

    def names(**asked: Any) -> list[str]:
        return [job["TrainingJobName"] for job in listed(**asked)["TrainingJobSummaries"]]

    assert names() == ["pear-1", "apple-1", "apple-2"]
    assert names(SortOrder="Descending", NameContains="APPLE") == ["apple-2", "apple-1"]
    assert names(SortBy="Name") == ["apple-1", "apple-2", "pear-1"]
    assert names(StatusEquals="Failed") == ["apple-2"]
    made = lab.describe("apple-1")["CreationTime"]
    assert names(CreationTimeAfter=made) == ["apple-1", "apple-2"]
    assert names(LastModifiedTimeBefore=made) == ["pear-1"]
    first = listed(MaxResults=2)
    assert names(MaxResults=2, NextToken=first["NextToken"]) == ["apple-2"]
    with pytest.raises(ClientError, match="Invalid pagination token"):
        listed(NextToken="nonsense")


def test_tags_of_a_job_are_kept(lab: Lab) -> None:
    made = lab.start("iris", NOTHING, Tags=[{"Key": "team", "Value": "blue"}])
    assert lab.sagemaker.list_tags(ResourceArn=made)["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert "Tags" not in lab.ended("iris")
