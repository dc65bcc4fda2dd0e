"""Batch transform: requests, the limits between them, and a model that never stays behind."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from moto import mock_aws

from odyssey import config, shapes
from odyssey.errors import AwsError, InterruptedByUserError, JobError, UsageError
from odyssey.jobs import following, temporary, transform
from odyssey.jobs.consistency import eventually
from odyssey.jobs.following import Ended
from odyssey.jobs.transform import Planned, TransformedBatch, TransformRequest
from tests.functional.conftest import until
from tests.functional.stacks import FakeCloudFormation
from tests.functional.transforms import (
    IMAGE,
    ROLE,
    SETTINGS,
    START,
    FakeLogs,
    Fakes,
    FakeSageMaker,
    NoNetwork,
    refusal,
)

JOB = "iris-batch-20260102-030405"
WANTED = TransformRequest("s3://data/in/", "s3://data/out/", ROLE)
DONE = {
    "TransformJobStatus": "Completed",
    "CreationTime": START,
    "TransformStartTime": START,
    "TransformEndTime": START + timedelta(seconds=90),
}
WAITING = {"TransformJobStatus": "InProgress"}
RUNNING = {"TransformJobStatus": "InProgress", "TransformStartTime": START.isoformat()}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "odyssey.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="data")
        yield client


@pytest.fixture
def world(app: Path, s3: Any) -> World:
    return World(app, s3)


class World:
    """An app, and an AWS in which its job goes as a test says."""

    def __init__(self, app: Path, s3: Any) -> None:
        self.app = app
        self.s3 = s3
        self.sagemaker = FakeSageMaker(looks=[DONE])
        self.logs = FakeLogs()
        self.cloudformation = FakeCloudFormation()

    def batch(
        self,
        wanted: TransformRequest = WANTED,
        *,
        wait: bool = True,
        watch: Callable[..., Ended] | None = None,
        **flags: Any,
    ) -> TransformedBatch:
        services = {
            "sagemaker": self.sagemaker,
            "s3": self.s3,
            "logs": self.logs,
            "cloudformation": self.cloudformation,
        }
        done = transform.batch(
            settings(self.app, **flags),
            Fakes(services),
            wanted,
            wait=wait,
            now=START,
            watch=watch or quickly,
        )
        assert isinstance(done, TransformedBatch)
        return done

    def has_foundation(self) -> None:
        outputs = {"BucketName": "data", "TrainingRoleArn": ROLE}
        told = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
        self.cloudformation.put("iris-foundation", "CREATE_COMPLETE", Outputs=told)

    def has_object(self, key: str, body: bytes = b"1") -> None:
        self.s3.put_object(Bucket="data", Key=key, Body=body)


def quickly(client: Any, logs: Any, job: Any) -> Ended:
    return following.follow(client, logs, job, interval=0.01)


def settings(app: Path, **flags: Any) -> config.Config:
    return config.load(app, flags={name.replace("__", "."): value for name, value in flags.items()})


def plan(app: Path, wanted: TransformRequest = WANTED, **flags: Any) -> Planned:
    made = transform.batch(settings(app, **flags), NoNetwork(), wanted, dry_run=True, now=START)
    assert isinstance(made, Planned)
    return made


def test_a_dry_run_with_everything_named_needs_nothing_of_aws(app: Path) -> None:
    made = plan(app).document()
    assert made == {
        "CreateModel": {
            "ModelName": JOB,
            "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://models/one/model.tar.gz"},
            "ExecutionRoleArn": ROLE,
            "Tags": [
                {"Key": "odyssey:app", "Value": "iris"},
                {"Key": "odyssey:temporary", "Value": "true"},
            ],
        },
        "CreateTransformJob": {
            "TransformJobName": JOB,
            "ModelName": JOB,
            "MaxConcurrentTransforms": 1,
            "MaxPayloadInMB": 6,
            "BatchStrategy": "MultiRecord",
            "TransformInput": {
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://data/in/"}
                },
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {"S3OutputPath": "s3://data/out/", "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            "Tags": [{"Key": "odyssey:app", "Value": "iris"}],
        },
    }


def test_every_setting_reaches_its_member(app: Path) -> None:
    # given
    key = "arn:aws:kms:eu-west-1:123456789012:key/abc"
    (app / "odyssey.toml").write_text(
        f"""{SETTINGS}kms_key = "{key}"
[network]
subnets = ["subnet-01234567"]
security_groups = ["sg-01234567"]
[endpoint]
network_isolation = true
environment = {{MODE = "quick"}}
[server]
timeout = 7
[env.prod.transform]
instance_count = 3
instance_type = "ml.m5.xlarge"
max_payload = 0
max_concurrent = 0
split_type = "RecordIO"
strategy = "SingleRecord"
assemble_with = "None"
accept = "application/json"
"""
    )
    # when
    loaded = config.load(app, env="prod")
    made = transform.batch(loaded, NoNetwork(), WANTED, dry_run=True, now=START).document()
    # then
    model, job = made["CreateModel"], made["CreateTransformJob"]
    assert model["ModelName"] == "iris-prod-batch-20260102-030405"
    assert model["PrimaryContainer"]["Environment"] == {
        "MODEL_SERVER_TIMEOUT": "7",
        "MODE": "quick",
    }
    assert model["EnableNetworkIsolation"] is True
    assert model["VpcConfig"] == {
        "Subnets": ["subnet-01234567"],
        "SecurityGroupIds": ["sg-01234567"],
    }
    assert {"Key": "odyssey:env", "Value": "prod"} in job["Tags"]
    assert job["MaxPayloadInMB"] == 0
    assert "MaxConcurrentTransforms" not in job
    assert job["BatchStrategy"] == "SingleRecord"
    assert job["TransformInput"]["SplitType"] == "RecordIO"
    assert job["TransformOutput"] == {
        "S3OutputPath": "s3://data/out/",
        "Accept": "application/json",
        "AssembleWith": "None",
        "KmsKeyId": key,
    }
    assert job["TransformResources"] == {"InstanceType": "ml.m5.xlarge", "InstanceCount": 3}


def test_an_image_with_its_model_inside_has_no_model_data(app: Path) -> None:
    made = plan(app, artifacts__model="none")
    assert "ModelDataUrl" not in made.model["PrimaryContainer"]


def test_whole_objects_have_no_strategy_and_nothing_between_them(app: Path) -> None:
    made = plan(app, transform__split_type="None")
    assert made.job["TransformInput"]["SplitType"] == "None"
    assert "BatchStrategy" not in made.job
    assert "AssembleWith" not in made.job["TransformOutput"]


def test_joining_takes_the_type_of_the_input_for_the_answers(app: Path) -> None:
    made = plan(app, transform__join="input", transform__content_type="application/jsonlines")
    assert made.job["DataProcessing"] == {"JoinSource": "Input"}
    assert made.job["TransformOutput"]["Accept"] == "application/jsonlines"
    assert made.job["TransformOutput"]["AssembleWith"] == "Line"


def test_filters_take_records_apart_and_the_answers_have_the_type_of_the_input(app: Path) -> None:
    made = plan(app, transform__input_filter="$[1:]", transform__output_filter="$[0,-1]")
    assert made.job["DataProcessing"] == {"InputFilter": "$[1:]", "OutputFilter": "$[0,-1]"}
    assert made.job["TransformOutput"]["Accept"] == "text/csv"


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        (
            {"max_payload": 30, "max_concurrent": 4},
            "--max-payload 30 x --max-concurrent 4 = 120 MB, and SageMaker takes 100 MB",
            "--max-concurrent 3, or --max-payload 25",
        ),
        ({"split_type": "None", "strategy": "SingleRecord"}, "makes none", "--split-type Line"),
        ({"join": "input", "content_type": "image/png"}, "cannot be joined", "text/csv"),
        (
            {"input_filter": "$[1:]", "content_type": "a/b"},
            "$[1:]: records",
            "leave --input-filter",
        ),
        ({"output_filter": "$.a", "split_type": "None"}, "--split-type is None", "--split-type L"),
        ({"join": "input", "accept": "application/json"}, "--accept is", "--accept text/csv"),
        ({"join": "input", "split_type": "None"}, "--split-type is None", "--split-type Line"),
        ({"join": "input", "assemble_with": "None"}, "--assemble-with is", "--assemble-with Line"),
    ],
)
def test_what_breaks_a_rule_is_refused_before_anything_is_asked(
    app: Path, flags: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match="--") as caught:
        plan(app, **{f"transform__{name}": value for name, value in flags.items()})
    assert message in caught.value.message
    assert hint in str(caught.value.hint)


def test_a_hundred_megabytes_at_once_are_taken(app: Path) -> None:
    made = plan(app, transform__max_payload=25, transform__max_concurrent=4)
    assert (made.job["MaxPayloadInMB"], made.job["MaxConcurrentTransforms"]) == (25, 4)


@pytest.mark.parametrize(("missing", "hint"), [("image", "docker push"), ("model", "train")])
def test_without_an_image_or_a_model_the_next_command_is_named(
    app: Path, missing: str, hint: str
) -> None:
    lines = [line for line in SETTINGS.splitlines() if not line.startswith(missing)]
    (app / "odyssey.toml").write_text("\n".join(lines))
    with pytest.raises(UsageError, match=f"no {missing} is recorded") as caught:
        plan(app)
    assert hint in str(caught.value.hint)


def test_a_name_that_sagemaker_refuses_is_refused_here(app: Path) -> None:
    wanted = TransformRequest("s3://data/in/", "s3://data/out/", ROLE, job_name="a b")
    with pytest.raises(UsageError, match='TransformJobName: "a b"'):
        plan(app, wanted)


def test_underscores_of_a_name_become_hyphens_and_it_is_said(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = TransformRequest("s3://data/in/", "s3://data/out/", ROLE, name="my_model")
    assert plan(app, wanted).job["TransformJobName"] == "my-model-batch-20260102-030405"
    assert '"my_model" becomes "my-model"' in capsys.readouterr().err


def test_a_long_name_is_cut_to_what_fits(app: Path) -> None:
    wanted = TransformRequest("s3://data/in/", "s3://data/out/", ROLE, name="x" * 60)
    name = plan(app, wanted).job["TransformJobName"]
    assert len(name) == 63
    assert name.endswith("x-batch-20260102-030405")


def test_a_batch_ends_with_its_answers_and_without_its_model(world: World) -> None:
    # given
    world.has_object("out/a.csv.out")
    world.has_object("out/b.csv.out")
    world.has_object("out/_SUCCESS")
    # when
    done = world.batch()
    # then
    assert done.document() == {
        "transform_job": JOB,
        "status": "Completed",
        "output": "s3://data/out/",
        "object_count": 2,
        "objects": ["s3://data/out/a.csv.out", "s3://data/out/b.csv.out"],
        "seconds": 90,
        "failed": 0,
    }
    assert done.text().splitlines()[0] == "s3://data/out/"
    assert world.sagemaker.calls == [
        "ListModels",
        "CreateModel",
        "CreateTransformJob",
        "DeleteModel",
    ]
    assert world.sagemaker.models == {}


def test_answers_of_earlier_jobs_do_not_count(world: World) -> None:
    world.has_object("out/a.csv.out")
    world.sagemaker.looks = [{**DONE, "CreationTime": datetime.now(UTC) + timedelta(hours=1)}]
    assert world.batch().objects == ()


def test_what_cannot_be_listed_is_no_failure(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    done = world.batch(TransformRequest("s3://data/in/", "s3://elsewhere/out/", ROLE))
    assert (done.status, done.objects) == ("Completed", ())
    assert "cannot be listed" in capsys.readouterr().err


def test_a_local_file_is_uploaded_and_the_foundation_s_places_are_taken(world: World) -> None:
    # given
    world.has_foundation()
    source = world.app / "iris.csv"
    source.write_text("1,2\n")
    # when
    done = world.batch(TransformRequest(str(source)))
    # then
    assert done.output == f"s3://data/output/{JOB}/"
    (sent,) = world.s3.list_objects_v2(Bucket="data")["Contents"]
    home, _, name = sent["Key"].rpartition("/")
    assert home.rpartition("/")[0] == "input/data/transform"
    assert name == "iris.csv"


def test_a_dry_run_shows_where_a_local_input_would_go_and_sends_nothing(world: World) -> None:
    world.has_foundation()
    (world.app / "iris.csv").write_text("1,2\n")
    access = Fakes({"cloudformation": world.cloudformation})
    wanted = TransformRequest(str(world.app / "iris.csv"))
    made = transform.batch(settings(world.app), access, wanted, dry_run=True, now=START)
    assert isinstance(made, Planned)
    source = made.job["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
    assert source.startswith("s3://data/input/data/transform/")
    assert source.endswith("/")
    assert made.model["ExecutionRoleArn"] == ROLE
    assert "Contents" not in world.s3.list_objects_v2(Bucket="data")


def test_an_input_that_is_not_there_is_refused(world: World) -> None:
    with pytest.raises(UsageError, match="-i nothing: there is no such file"):
        world.batch(TransformRequest("nothing", "s3://data/out/", ROLE))


def test_without_a_foundation_a_role_must_be_named(world: World) -> None:
    with pytest.raises(UsageError, match="no role is known"):
        world.batch(TransformRequest("s3://data/in/", "s3://data/out/"))


def test_a_failed_job_says_why_and_what_was_written(world: World) -> None:
    # given
    reason = "ClientError: 413 Payload too large. See job logs for more information"
    failed = {**DONE, "TransformJobStatus": "Failed", "FailureReason": reason}
    world.sagemaker.looks = [WAITING, failed]
    world.logs = FakeLogs("loading", "request of 7 MB is too large")
    world.has_object("out/a.csv.out")
    # when
    with pytest.raises(JobError) as caught:
        world.batch()
    # then
    assert "413 Payload too large" in caught.value.message
    assert "request of 7 MB is too large" in caught.value.message
    assert "written before: s3://data/out/a.csv.out" in caught.value.message
    assert "raise --max-payload" in str(caught.value.hint)
    assert f"odyssey sagemaker logs {JOB}" in str(caught.value.hint)
    assert caught.value.exit_code == 1
    assert world.sagemaker.models == {}


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("Too much data for max payload size", "--max-payload"),
        ("Bad HTTP status received from algorithm: 415", "--content-type"),
        ("Bad HTTP status received from algorithm: 500", "the app's own code fails"),
        ("No objects were found", "-i"),
        ("Access Denied (Service: S3)", "see -r, -i and -o"),
    ],
)
def test_a_line_of_the_log_tells_the_likely_cause(world: World, line: str, meaning: str) -> None:
    failed = {**DONE, "TransformJobStatus": "Failed", "FailureReason": "ClientError: See job logs"}
    world.sagemaker.looks = [failed]
    world.logs = FakeLogs(line)
    with pytest.raises(JobError) as caught:
        world.batch()
    assert meaning in str(caught.value.hint)


def test_a_failure_that_means_nothing_known_has_the_log_s_command_alone(world: World) -> None:
    world.sagemaker.looks = [{**DONE, "TransformJobStatus": "Failed", "FailureReason": "odd"}]
    world.logs = FakeLogs("mapping 4130 records, stopping")
    with pytest.raises(JobError) as caught:
        world.batch()
    assert caught.value.hint == f"odyssey sagemaker logs {JOB}"


def test_a_stopped_job_is_no_success(world: World) -> None:
    world.sagemaker.looks = [{**DONE, "TransformJobStatus": "Stopped"}]
    with pytest.raises(JobError, match="was stopped"):
        world.batch()
    assert world.sagemaker.models == {}


def test_a_job_that_is_refused_leaves_no_model(world: World) -> None:
    limit = refusal("CreateTransformJob", "The limit is 0", "ResourceLimitExceeded")
    world.sagemaker.refuses["CreateTransformJob"] = [limit]
    with pytest.raises(AwsError, match="The limit is 0") as caught:
        world.batch()
    assert '"ml.m5.large for transform job usage"' in str(caught.value.hint)
    assert world.sagemaker.calls[-1] == "DeleteModel"
    assert world.sagemaker.models == {}


def test_a_network_that_is_lost_while_the_job_is_sent_leaves_no_model(world: World) -> None:
    lost = ReadTimeoutError(endpoint_url="https://api.sagemaker")
    world.sagemaker.refuses["CreateTransformJob"] = [lost]
    with pytest.raises(AwsError, match="Read timeout"):
        world.batch()
    assert world.sagemaker.models == {}


def test_a_model_that_cannot_be_removed_does_not_hide_the_job_s_end(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.sagemaker.refuses["DeleteModel"] = [refusal("DeleteModel", "no", "AccessDenied")]
    assert world.batch().status == "Completed"
    assert f"the temporary model {JOB} may still be there" in capsys.readouterr().err


def test_a_model_of_somebody_else_with_this_name_stays(world: World) -> None:
    world.sagemaker.has_model(JOB, made=datetime.now(UTC), temporary=False)
    with pytest.raises(UsageError, match=f"there is a model {JOB} already") as caught:
        world.batch()
    assert "--job-name" in str(caught.value.hint)
    assert list(world.sagemaker.models) == [JOB]


def test_a_second_ctrl_c_does_not_hide_that_the_job_goes_on(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    def press(_: Any) -> None:
        raise KeyboardInterrupt

    def watch(client: Any, logs: Any, job: Any) -> Ended:
        return following.follow(client, logs, job, on_look=press)

    world.sagemaker.looks = [RUNNING]
    world.sagemaker.refuses["DeleteModel"] = [KeyboardInterrupt()]
    # when, then
    with pytest.raises(InterruptedByUserError, match="goes on"):
        world.batch(watch=watch)
    assert f"the temporary model {JOB} may still be there" in capsys.readouterr().err


def test_a_name_that_another_job_has_is_a_usage_error(world: World) -> None:
    taken = refusal("CreateTransformJob", "Job name must be unique", "ResourceInUse")
    world.sagemaker.refuses["CreateTransformJob"] = [taken]
    with pytest.raises(UsageError, match=f"the name {JOB} is taken"):
        world.batch()
    assert world.sagemaker.models == {}


@pytest.mark.parametrize(
    ("operation", "message", "code"),
    [
        ("CreateModel", "Cannot create already existing model", "ValidationException"),
        ("CreateTransformJob", "Job name must be unique", "ResourceInUse"),
    ],
)
def test_a_name_that_our_own_lost_request_took_is_ours(
    world: World, operation: str, message: str, code: str
) -> None:
    # given: boto3 has sent the request again, after the answer to the first was lost
    again = refusal(operation, message, code)
    again.response["ResponseMetadata"] = {"RetryAttempts": 1, "HTTPStatusCode": 400}
    world.sagemaker.refuses[operation] = [again]
    world.sagemaker.has_job(JOB, "InProgress")
    world.sagemaker.looks = [RUNNING, DONE]
    if operation == "CreateModel":
        world.sagemaker.has_model(JOB, made=datetime.now(UTC))
    # when
    done = world.batch()
    # then
    assert done.status == "Completed"
    assert world.sagemaker.models == {}


def test_a_job_whose_request_got_no_answer_is_watched_if_it_is_there(world: World) -> None:
    lost = ReadTimeoutError(endpoint_url="https://api.sagemaker")
    world.sagemaker.refuses["CreateTransformJob"] = [lost]
    world.sagemaker.has_job(JOB, "InProgress")
    assert world.batch().status == "Completed"
    assert world.sagemaker.models == {}


def test_the_underscores_of_a_whole_name_become_hyphens_too(
    app: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(app, replace(WANTED, job_name="my_job")).job["TransformJobName"] == "my-job"
    assert '"my_job" becomes "my-job"' in capsys.readouterr().err


def test_without_a_foundation_a_local_input_goes_below_the_place_of_the_answers(
    world: World, tmp_path: Path
) -> None:
    # given
    records = tmp_path / "records.csv"
    records.write_text("1")
    # when
    world.batch(replace(WANTED, source=str(records), output="s3://data/answers"))
    # then
    (listed,) = world.s3.list_objects_v2(Bucket="data")["Contents"]
    assert re.fullmatch(r"answers/input/data/transform/[0-9a-f]{12}/records\.csv", listed["Key"])


def test_a_model_s_role_that_is_refused_leaves_nothing(world: World) -> None:
    world.sagemaker.refuses["CreateModel"] = [refusal("CreateModel", "bad image")]
    with pytest.raises(AwsError, match="bad image"):
        world.batch()
    assert "CreateTransformJob" not in world.sagemaker.calls


def test_without_waiting_the_model_stays_until_the_job_has_started(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.sagemaker.looks = [WAITING]
    # when
    done = world.batch(wait=False)
    # then
    assert done.document() == {
        "transform_job": JOB,
        "status": "InProgress",
        "output": "s3://data/out/",
    }
    assert list(world.sagemaker.models) == [JOB]
    said = capsys.readouterr().err
    assert f"odyssey sagemaker status {JOB} --follow" in said
    # when it has not started, then nor is the model removed
    assert not temporary.remove_if_done(world.sagemaker, JOB)
    # when it has, then it is
    world.sagemaker.looks = [RUNNING]
    assert temporary.remove_if_done(world.sagemaker, JOB)
    assert world.sagemaker.models == {}
    assert temporary.remove_if_done(world.sagemaker, JOB)


def test_only_a_temporary_model_goes_with_its_job(world: World) -> None:
    world.sagemaker.has_model("mine", made=START, temporary=False)
    world.sagemaker.has_job("mine", "Completed")
    assert temporary.remove_if_done(world.sagemaker, "mine")
    assert list(world.sagemaker.models) == ["mine"]


def test_models_that_killed_runs_have_left_are_swept(world: World) -> None:
    # given
    now = datetime.now(UTC)
    old, young = now - timedelta(hours=1), now - timedelta(minutes=1)
    fake = world.sagemaker
    fake.looks = []
    fake.has_model("iris-batch-ended", made=young)
    fake.has_job("iris-batch-ended", "Failed")
    fake.has_model("iris-batch-never", made=old)
    fake.has_model("iris-batch-about-to", made=young)
    fake.has_model("iris-batch-at-work", made=old)
    fake.has_job("iris-batch-at-work", "InProgress")
    fake.has_model("iris-batch-of-somebody", made=old, temporary=False)
    fake.has_model("my-iris-batch-1", made=old)
    # when
    gone = temporary.sweep(fake, "iris", now=now)
    # then
    assert gone == ("iris-batch-ended", "iris-batch-never")
    assert sorted(fake.models) == [
        "iris-batch-about-to",
        "iris-batch-at-work",
        "iris-batch-of-somebody",
        "my-iris-batch-1",
    ]


def test_who_may_not_list_models_may_still_work(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.sagemaker.refuses["ListModels"] = [refusal("ListModels", "no", "AccessDenied")]
    assert world.batch().status == "Completed"
    assert "could not be looked for" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("job", "gone"), [(RUNNING, True), (WAITING, False)])
def test_a_signal_detaches_and_leaves_no_model_that_is_not_needed(
    app: Path, number: int, job: dict[str, str], gone: bool
) -> None:
    # given
    process = start(app, job)
    until(lambda: "CreateTransformJob" in calls(app) or process.poll() is not None)
    wait_for_words(process, b"InProgress")
    # when
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    # then
    assert (process.returncode, out) == (130, b"")
    assert b"goes on" in err
    assert b"--follow" in err
    assert ("DeleteModel" in calls(app)) is gone
    assert (b"stays until the job has started" in err) is not gone


def start(app: Path, job: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.functional.transforms", str(app), json.dumps(job)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def calls(app: Path) -> list[str]:
    noted = app / "calls"
    return noted.read_text().splitlines() if noted.exists() else []


def wait_for_words(process: subprocess.Popen[bytes], words: bytes) -> None:
    assert process.stderr is not None
    while line := process.stderr.readline():
        if words in line:
            return
    raise AssertionError("it never said so")


def test_both_requests_pass_botocore_s_own_checks(app: Path) -> None:
    made = plan(app, transform__join="input")
    client = boto3.client(
        "sagemaker",
        region_name="eu-west-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    with Stubber(client) as stub:
        stub.add_response("create_model", {"ModelArn": f"arn:aws:sagemaker:{'x' * 20}"}, made.model)
        client.create_model(**made.model)
    for operation, request in made.document().items():
        assert shapes.problems("sagemaker", operation, request) == ()


@pytest.mark.parametrize(("refusals", "slept"), [(2, 10), (13, 60)])
def test_a_role_that_is_not_seen_yet_is_waited_for_a_minute(
    refusals: int, slept: int, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    said = refusal("CreateModel", f"Could not assume role {ROLE}.")
    waiting: list[BaseException] = [said] * refusals
    fake = FakeSageMaker(refuses={"CreateModel": waiting})
    naps: list[float] = []

    def make() -> str:
        fake.create_model(ModelName="one")
        return "made"

    def ask() -> Any:
        return eventually(
            make,
            "could not assume role",
            waiting_for="the role",
            clock=lambda: sum(naps),
            sleep=naps.append,
        )

    # then
    if refusals < 13:
        assert ask() == "made"
    else:
        with pytest.raises(AwsError, match="assume"):
            ask()
    assert sum(naps) == slept
    assert "AWS does not see the role yet" in capsys.readouterr().err


class Moto:
    """The way to moto's services, by boto3's own clients."""

    def client(self, service: str, region: str | None = None) -> Any:
        return boto3.client(service, region_name="us-east-1")


@pytest.mark.usefixtures("s3")
def test_moto_s_sagemaker_agrees(app: Path) -> None:
    # given: a model that a killed run has left, whose job has ended
    sagemaker = Moto().client("sagemaker")
    left = plan(app).document()
    sagemaker.create_model(**left["CreateModel"])
    sagemaker.create_transform_job(**left["CreateTransformJob"])
    # when
    later = START + timedelta(hours=1)
    done = transform.batch(settings(app), Moto(), WANTED, now=later, watch=quickly)
    # then
    assert isinstance(done, TransformedBatch)
    assert (done.job, done.status) == ("iris-batch-20260102-040405", "Completed")
    assert sagemaker.list_models()["Models"] == []
    assert temporary.remove_if_done(sagemaker, done.job)
    assert temporary.remove_if_done(sagemaker, "never-was")
