"""Training on SageMaker: the request, the job, and what is recorded of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber

from odyssey import artifacts, config, hyperparameters, shapes
from odyssey.config import Config
from odyssey.errors import AwsError, InterruptedByUserError, JobError, UsageError
from odyssey.jobs import following, resuming, training, training_requests
from odyssey.jobs.following import TRAINING, Ended, Job
from odyssey.jobs.training_plan import Planned, Wanted
from odyssey.jobs.training_requests import job_name
from tests.functional import buckets
from tests.functional.jobs import (
    IMAGE,
    MODEL,
    NAME,
    ROLE,
    START,
    FakeClients,
    FakeClock,
    FakeLogs,
    FakeSageMaker,
    app,
    completed,
    refusal,
    step,
    told,
)

NAMED = Wanted(source="s3://data/iris", output="s3://models/iris", role=ROLE)


def watch(client: Any, logs: Any, job: Job, **how: Any) -> Ended:
    clock = FakeClock()
    return following.follow(client, logs, job, clock=clock, sleep=clock.sleep, **how)


def train(settings: Config, clients: Any, wanted: Wanted = NAMED, **how: Any) -> training.Trained:
    done = training.train(settings, clients, wanted, now=START, watch=watch, **how)
    assert isinstance(done, training.Trained)
    return done


def planned(settings: Config, wanted: Wanted = NAMED, clients: Any = None) -> dict[str, Any]:
    done = training.train(settings, clients or FakeClients(), wanted, now=START, dry_run=True)
    assert isinstance(done, Planned)
    request = done.document()["CreateTrainingJob"]
    assert shapes.problems("sagemaker", "CreateTrainingJob", request) == ()
    return dict(request)


def test_a_request_has_what_a_job_needs_and_no_more(tmp_path: Path) -> None:
    assert planned(app(tmp_path)) == {
        "TrainingJobName": NAME,
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": ROLE,
        "InputDataConfig": [
            {
                "ChannelName": "training",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": "s3://data/iris",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://models/iris"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 86400},
        "Tags": [{"Key": "odyssey:app", "Value": "iris"}],
    }


def test_botocore_takes_the_fullest_request(tmp_path: Path) -> None:
    # given
    key = "arn:aws:kms:eu-west-1:123456789012:key/1"
    settings = app(
        tmp_path,
        f'kms_key = "{key}"\n[training]\nspot = true\nnetwork_isolation = true',
        '[training.environment]\nA = "1"\n[aws.tags]\nteam = "blue"\n[network]',
        'subnets = ["subnet-12345678"]\nsecurity_groups = ["sg-12345678"]',
    )
    wanted = Wanted(
        source="s3://data/iris",
        output="s3://models/iris/",
        channels={"validation": "s3://data/validation/"},
        hyperparameters={"C": "0.5"},
        content_type="text/csv",
        role=ROLE,
    )
    # when
    request = planned(settings, wanted)
    # then
    client = boto3.client(
        "sagemaker", "eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with Stubber(client) as stubber:
        arn = f"arn:aws:sagemaker:eu-west-1:123456789012:training-job/{NAME}"
        stubber.add_response("create_training_job", {"TrainingJobArn": arn}, request)
        client.create_training_job(**request)
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://models/iris", "KmsKeyId": key}
    assert request["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 86400,
        "MaxWaitTimeInSeconds": 172800,
    }
    assert request["EnableManagedSpotTraining"] is True
    assert request["CheckpointConfig"] == {"S3Uri": f"s3://models/iris/checkpoints/{NAME}"}
    assert request["HyperParameters"] == {"C": "0.5"}
    assert request["Environment"] == {"A": "1"}
    assert request["EnableNetworkIsolation"] is True
    assert request["VpcConfig"] == {
        "SecurityGroupIds": ["sg-12345678"],
        "Subnets": ["subnet-12345678"],
    }
    assert {"Key": "team", "Value": "blue"} in request["Tags"]
    assert [each["ChannelName"] for each in request["InputDataConfig"]] == [
        "training",
        "validation",
    ]
    assert {each["ContentType"] for each in request["InputDataConfig"]} == {"text/csv"}


def test_an_environment_is_in_the_name_and_in_a_tag(tmp_path: Path) -> None:
    app(tmp_path, "[env.prod.training]\ninstance_count = 2")
    request = planned(config.load(tmp_path, env="prod"))
    assert request["TrainingJobName"] == "iris-prod-20260102-030405"
    assert {"Key": "odyssey:env", "Value": "prod"} in request["Tags"]
    assert request["ResourceConfig"]["InstanceCount"] == 2


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("iris", NAME),
        ("my_iris", "my-iris-20260102-030405"),
        ("a" * 63, "a" * 47 + "-20260102-030405"),
        ("a" * 46 + "-b", "a" * 46 + "-20260102-030405"),
    ],
)
def test_a_name_is_cut_to_what_sagemaker_takes(name: str, made: str) -> None:
    assert job_name(name, START) == made
    assert len(made) <= 63


def test_an_underscore_becomes_a_hyphen_and_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert job_name("iris", START, "my_job") == "my-job"
    assert capsys.readouterr().err == '"my_job" becomes "my-job": SageMaker takes no "_"\n'


def test_hyperparameters_are_those_of_the_app_then_those_of_the_job(tmp_path: Path) -> None:
    settings = app(tmp_path)
    file = tmp_path / "input" / "config" / "hyperparameters.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"C": 1.5, "solver": "lbfgs"}')
    wanted = Wanted(
        source="s3://data/iris", output="s3://models", role=ROLE, hyperparameters={"C": "2"}
    )
    assert planned(settings, wanted)["HyperParameters"] == {"C": "2", "solver": "lbfgs"}


def test_hyperparameters_of_a_file_are_json_but_for_texts(tmp_path: Path) -> None:
    file = tmp_path / "parameters.json"
    file.write_text('{"a": 1, "b": true, "c": "text", "d": [1, 2], "e": null, "f": 0.1}')
    assert hyperparameters.parse([f"@{file}", "a=2", "g=x=y", "h="]) == {
        "a": "2",
        "b": "true",
        "c": "text",
        "d": "[1, 2]",
        "e": "null",
        "f": "0.1",
        "g": "x=y",
        "h": "",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        ("[1]", "is no JSON object"),
        ("{", "is no JSON: "),
        ('{"a": NaN}', "NaN is no number of JSON"),
    ],
)
def test_a_file_that_is_no_object_is_refused(
    tmp_path: Path, content: str | None, message: str
) -> None:
    file = tmp_path / "parameters.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match=message):
        hyperparameters.parse([f"@{file}"])


@pytest.mark.parametrize("word", ["epochs", "=3", ""])
def test_a_hyperparameter_without_a_name_or_a_value_is_refused(word: str) -> None:
    with pytest.raises(UsageError, match="is neither NAME=VALUE nor @FILE"):
        hyperparameters.parse([word])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"training.instance_type": "ml.m6g.large"}, "has Graviton processors"),
        (
            {"training.spot": True, "training.max_wait": 10},
            "max_wait is 10 s, and must not be less than max_runtime, 86400 s",
        ),
    ],
)
def test_what_aws_would_refuse_later_is_refused_first(
    tmp_path: Path, flags: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        planned(app(tmp_path, flags=flags))


def test_without_an_image_the_command_that_pushes_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "iris"\n')
    with pytest.raises(UsageError, match="no image is known") as caught:
        planned(config.load(tmp_path))
    assert caught.value.hint == "odyssey docker push"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(source="s3://data", output="s3://models", role="arn:aws:iam::1:user/x"), "role"),
        (Wanted(source="https://data/x", output="s3://models", role=ROLE), "no URI of S3"),
        (Wanted(source="s3://data", output="models", role=ROLE), "no URI of S3"),
        (Wanted(source="/nowhere", output="s3://models", role=ROLE), "no such file or folder"),
        (
            Wanted(
                source="s3://data",
                output="s3://models",
                role=ROLE,
                channels={"a b": "s3://data"},
            ),
            r"InputDataConfig\[1\].ChannelName",
        ),
        (
            Wanted(source="s3://data", output="s3://models", role=ROLE, job_name="-iris"),
            "TrainingJobName",
        ),
    ],
)
def test_a_wrong_place_role_or_name_is_refused_before_anything_is_sent(
    tmp_path: Path, wanted: Wanted, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        planned(app(tmp_path), wanted)


def test_a_job_that_completes_is_recorded_with_its_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    settings = app(tmp_path)
    client = FakeSageMaker([told("InProgress", step("Training")), completed()])
    # when
    done = train(settings, FakeClients(client, FakeLogs()))
    # then
    assert done.document() == {
        "training_job": NAME,
        "status": "Completed",
        "model": MODEL,
        "training_seconds": 100,
        "billable_seconds": 100,
        "recorded": ".odyssey/artifacts.json",
    }
    assert artifacts.load(tmp_path, None) == {"training_job": NAME, "model": MODEL}
    assert config.load(tmp_path).artifacts.model == MODEL
    assert f"Started {NAME}" in capsys.readouterr().err
    assert done.summary() == (
        f"{NAME}: trained in 1 min 40 s, 100 s billed; recorded in .odyssey/artifacts.json"
    )


def test_spot_says_what_it_has_saved(tmp_path: Path) -> None:
    settings = app(tmp_path, flags={"training.spot": True})
    spot = completed(EnableManagedSpotTraining=True) | {"BillableTimeInSeconds": 30}
    done = train(settings, FakeClients(FakeSageMaker([spot]), FakeLogs()))
    assert done.document()["spot_saving_percent"] == 70
    assert "30 s billed, 70 % saved by spot" in done.summary()


def test_without_waiting_only_the_name_is_told_and_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = train(app(tmp_path), FakeClients(FakeSageMaker()), wait=False)
    assert done.document() == {"training_job": NAME}
    assert done.text() == NAME
    assert artifacts.load(tmp_path, None) == {"training_job": NAME}
    assert f"odyssey sagemaker status {NAME} --follow" in capsys.readouterr().err


def failing(tmp_path: Path, last: dict[str, Any], logs: FakeLogs | None = None) -> JobError:
    settings = app(tmp_path)
    with pytest.raises(JobError) as caught:
        train(settings, FakeClients(FakeSageMaker([last]), logs or FakeLogs()))
    assert artifacts.load(tmp_path, None) == {"training_job": NAME}
    return caught.value


def test_a_job_that_failed_is_told_with_the_reason_and_its_last_lines(tmp_path: Path) -> None:
    # given
    logs = FakeLogs()
    logs.put(f"{NAME}/algo-1-1767323045", *[f"line {number}" for number in range(20)])
    # when
    error = failing(tmp_path, told("Failed", FailureReason="AlgorithmError: no data"), logs)
    # then
    assert error.exit_code == 1
    first, *lines = error.message.splitlines()
    assert first == f"the training job {NAME} failed: AlgorithmError: no data"
    assert lines == [f"  line {number}" for number in range(10, 20)]
    assert error.hint == f"odyssey sagemaker logs {NAME}"


@pytest.mark.parametrize(
    ("secondary", "words", "hint"),
    [
        ("Stopped", "was stopped", f"odyssey sagemaker serve -m {MODEL}"),
        ("MaxRuntimeExceeded", "ran for longer than max_runtime", "--max-runtime SECONDS"),
        ("MaxWaitTimeExceeded", "waited for longer than max_wait", "--max-wait SECONDS"),
    ],
)
def test_a_job_that_was_stopped_says_why_and_where_its_model_is(
    tmp_path: Path, secondary: str, words: str, hint: str
) -> None:
    stopped = told("Stopped", step(secondary), ModelArtifacts={"S3ModelArtifacts": MODEL})
    error = failing(tmp_path, stopped)
    assert words in error.message
    assert MODEL in error.message
    assert error.hint == hint


def test_ctrl_c_leaves_the_job_and_its_record(tmp_path: Path) -> None:
    # given
    settings, client = app(tmp_path), FakeSageMaker([told("InProgress")])

    def press(_: int) -> None:
        raise KeyboardInterrupt

    # when
    with pytest.raises(InterruptedByUserError, match="goes on"):
        training.train(
            settings,
            FakeClients(client, FakeLogs()),
            NAMED,
            now=START,
            watch=lambda client, logs, job: following.follow(
                client, logs, job, sleep=lambda _: press(0)
            ),
        )
    # then
    assert artifacts.load(tmp_path, None) == {"training_job": NAME}
    assert len(client.created) == 1


ASSUME = refusal(
    "ValidationException",
    f"Could not assume role {ROLE}. Please ensure that the role exists and allows principal "
    "'sagemaker.amazonaws.com' to assume the role.",
    "CreateTrainingJob",
)


def send(client: FakeSageMaker, clock: FakeClock, settings: Config) -> None:
    job = Job(TRAINING, NAME)
    training.send(client, job, planned(settings), clock=clock, sleep=clock.sleep)


def test_a_role_that_was_made_a_moment_ago_is_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    client, clock = FakeSageMaker(refuses=[ASSUME, ASSUME]), FakeClock()
    send(client, clock, app(tmp_path))
    assert len(client.created) == 1
    assert "AWS does not see the role yet" in capsys.readouterr().err


def test_a_role_that_sagemaker_may_never_assume_is_told_with_the_trust_that_it_needs(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    with pytest.raises(AwsError, match="Could not assume role") as caught:
        send(FakeSageMaker(refuses=[ASSUME] * 100), clock, app(tmp_path))
    assert 50 <= clock.now <= 60
    assert '"Service": "sagemaker.amazonaws.com"' in str(caught.value.hint)
    assert ROLE in str(caught.value.hint)


def refused(tmp_path: Path, error: Exception, **flags: object) -> Exception:
    settings = app(tmp_path, flags={f"training.{name}": value for name, value in flags.items()})
    with pytest.raises((AwsError, UsageError)) as caught:
        send(FakeSageMaker(refuses=[error]), FakeClock(), settings)
    return caught.value


def test_a_quota_is_named(tmp_path: Path) -> None:
    limit = (
        "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances, "
        "with current utilization of 0 Instances and a request delta of 1 Instances."
    )
    error = refused(tmp_path, refusal("ResourceLimitExceeded", limit))
    assert isinstance(error, AwsError)
    assert error.exit_code == 5
    assert '"ml.m5.large for training job usage"' in str(error.hint)


def test_a_quota_that_aws_does_not_name_is_named_all_the_same(tmp_path: Path) -> None:
    error = refused(tmp_path, refusal("ResourceLimitExceeded", "too many"), spot=True)
    assert isinstance(error, AwsError)
    assert '"ml.m5.large for spot training job usage"' in str(error.hint)


def test_a_name_that_is_taken_is_a_usage_error(tmp_path: Path) -> None:
    error = refused(tmp_path, refusal("ResourceInUse", "Job name must be unique"))
    assert isinstance(error, UsageError)
    assert f"the name {NAME} is taken" in error.message
    assert "--job-name" in str(error.hint)


def test_a_name_that_our_own_lost_request_took_is_a_success(tmp_path: Path) -> None:
    again = refusal("ResourceInUse", "Job name must be unique")
    again.response["ResponseMetadata"]["RetryAttempts"] = 1
    client = FakeSageMaker(refuses=[again])
    send(client, FakeClock(), app(tmp_path))
    assert client.refuses == []


def test_another_refusal_is_told_as_it_is_and_not_sent_again(tmp_path: Path) -> None:
    client = FakeSageMaker(refuses=[refusal("ValidationException", "no objects found under x")] * 2)
    with pytest.raises(AwsError, match="no objects found under x"):
        send(client, FakeClock(), app(tmp_path))
    assert len(client.refuses) == 1


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with buckets.bucket(monkeypatch) as client:
        yield client


STACK = {
    "StackId": "arn:aws:cloudformation:eu-west-1:1:stack/iris-foundation/1",
    "StackName": "iris-foundation",
    "StackStatus": "CREATE_COMPLETE",
    "Outputs": [
        {"OutputKey": "BucketName", "OutputValue": buckets.BUCKET},
        {"OutputKey": "TrainingRoleArn", "OutputValue": ROLE},
    ],
}


class Stacks:
    """The foundation stack."""

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == "iris-foundation"
        return {"Stacks": [STACK]}


def test_a_folder_of_this_machine_is_uploaded_to_a_place_that_follows_from_its_content(
    tmp_path: Path, s3: Any
) -> None:
    # given
    settings = app(tmp_path / "app")
    data = tmp_path / "data"
    data.mkdir()
    (data / "iris.csv").write_text("1,2")
    clients = FakeClients(
        FakeSageMaker([completed()]), FakeLogs(), {"s3": s3, "cloudformation": Stacks()}
    )
    # when
    plan = planned(settings, Wanted(source=str(data)), clients)
    before = buckets.contents(s3)
    train(settings, clients, Wanted(source=str(data)))
    # then
    assert before == {}
    (request,) = clients.sagemaker.created
    assert request == plan
    uri = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert uri.startswith(f"s3://{buckets.BUCKET}/input/data/training/")
    assert buckets.contents(s3) == {
        uri.removeprefix(f"s3://{buckets.BUCKET}/") + "iris.csv": b"1,2"
    }
    assert request["RoleArn"] == ROLE
    assert request["OutputDataConfig"] == {"S3OutputPath": f"s3://{buckets.BUCKET}/model"}


def test_by_default_the_data_of_the_app_is_taken(tmp_path: Path, s3: Any) -> None:
    # given
    settings = app(tmp_path)
    file = tmp_path / "input" / "data" / "training" / "iris.csv"
    file.parent.mkdir(parents=True)
    file.write_text("1,2")
    clients = FakeClients(others={"s3": s3, "cloudformation": Stacks()})
    # when
    named = planned(settings, Wanted(), clients)["InputDataConfig"]
    other = planned(settings, Wanted(channels={"other": str(file)}), clients)["InputDataConfig"]
    # then
    assert [each["ChannelName"] for each in named] == ["training"]
    (channel,) = other
    uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
    assert uri.startswith(f"s3://{buckets.BUCKET}/input/data/other/")
    assert uri.endswith("/iris.csv")


class NoStack:
    """The foundation is not deployed."""

    def describe_stacks(self, StackName: str) -> None:  # noqa: N803
        raise refusal("ValidationError", f"Stack with id {StackName} does not exist")


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(source="s3://data", output="s3://models"), "no role is known"),
        (Wanted(source="s3://data", role=ROLE), "no bucket is known"),
    ],
)
def test_without_a_foundation_what_is_missing_is_told(
    tmp_path: Path, wanted: Wanted, message: str
) -> None:
    clients = FakeClients(others={"cloudformation": NoStack()})
    with pytest.raises(UsageError, match=message) as caught:
        planned(app(tmp_path), wanted, clients)
    assert "odyssey deploy iris-foundation" in str(caught.value.hint)


def resume(settings: Config, client: Any) -> Any:
    clients = FakeClients(client, FakeLogs())
    return resuming.resume(settings, clients, NAME, watch=watch)


def test_a_job_that_is_watched_again_is_recorded_as_if_nobody_had_gone(tmp_path: Path) -> None:
    # given
    settings = app(tmp_path)
    artifacts.record(tmp_path, None, {"training_job": NAME})
    # when
    done = resume(settings, FakeSageMaker([told("InProgress"), completed()]))
    # then
    assert done.recorded
    assert artifacts.load(tmp_path, None)["model"] == MODEL


def test_an_older_job_does_not_become_the_app_s_model(tmp_path: Path) -> None:
    settings = app(tmp_path)
    artifacts.record(tmp_path, None, {"training_job": "iris-20990101-000000", "model": "none"})
    done = resume(settings, FakeSageMaker([completed()]))
    assert not done.recorded
    assert done.document()["recorded"] is None
    assert artifacts.load(tmp_path, None)["model"] == "none"


def test_of_a_job_that_is_over_the_last_lines_are_told_whenever_that_was(tmp_path: Path) -> None:
    logs = FakeLogs()
    logs.put(f"{NAME}/algo-1-1767323045", "why")
    clients = FakeClients(FakeSageMaker([told("Failed", FailureReason="x")]), logs)
    with pytest.raises(JobError, match="failed: x\n  why"):
        resuming.resume(app(tmp_path), clients, NAME, watch=watch)


class Interrupted(FakeSageMaker):
    """Something happens to whoever waits for the answer of CreateTrainingJob."""

    happens: BaseException = KeyboardInterrupt()

    def create_training_job(self, **request: Any) -> None:
        raise self.happens


def test_ctrl_c_while_the_request_is_sent_says_that_the_job_goes_on_and_records_it(
    tmp_path: Path,
) -> None:
    clients = FakeClients(Interrupted([told("InProgress")]), FakeLogs())
    with pytest.raises(InterruptedByUserError, match="goes on"):
        train(app(tmp_path), clients)
    assert artifacts.load(tmp_path, None) == {"training_job": NAME}


def test_ctrl_c_before_the_job_is_made_leaves_no_record(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(app(tmp_path), FakeClients(Interrupted([]), FakeLogs()))
    assert artifacts.load(tmp_path, None) == {}


def test_a_job_whose_request_got_no_answer_is_watched_if_it_is_there(tmp_path: Path) -> None:
    client = Interrupted([completed()])
    client.happens = ReadTimeoutError(endpoint_url="https://api.sagemaker")
    assert train(app(tmp_path), FakeClients(client, FakeLogs())).model == MODEL


def test_a_network_that_is_away_does_not_hide_that_a_job_may_run(tmp_path: Path) -> None:
    away = EndpointConnectionError(endpoint_url="https://api.sagemaker")
    client = Interrupted([away])
    client.happens = away
    with pytest.raises(AwsError, match=f"training job {NAME} may have been started") as caught:
        train(app(tmp_path), FakeClients(client, FakeLogs()))
    assert f"odyssey sagemaker stop {NAME}" in str(caught.value.hint)


def test_the_same_channel_has_one_place(tmp_path: Path) -> None:
    wanted = replace(NAMED, channels={"training": "s3://data/other"})
    with pytest.raises(UsageError, match="-i s3://data/iris and --channel training=s3://data/o"):
        planned(app(tmp_path), wanted)


def test_without_spot_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--max-wait 99999 is about waiting for spare capacity"):
        planned(app(tmp_path, flags={"training.max_wait": 99999}))
    assert planned(app(tmp_path, "[training]", "max_wait = 99999"))


def test_without_a_foundation_local_data_goes_below_the_place_of_the_model(
    tmp_path: Path, s3: Any
) -> None:
    # given
    settings = app(tmp_path / "app")
    (tmp_path / "iris.csv").write_text("1,2")
    client = FakeSageMaker([completed()])
    clients = FakeClients(client, FakeLogs(), {"s3": s3, "cloudformation": NoStack()})
    output = f"s3://{buckets.BUCKET}/iris"
    # when
    train(settings, clients, Wanted(str(tmp_path / "iris.csv"), output, role=ROLE))
    # then
    (request,) = client.created
    uri = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert uri.startswith(f"{output}/input/data/training/")
    assert list(buckets.contents(s3)) == [uri.removeprefix(f"s3://{buckets.BUCKET}/")]


def test_data_that_is_not_there_is_told_before_a_stack_that_is_missing(tmp_path: Path) -> None:
    empty = tmp_path / "data"
    empty.mkdir()
    clients = FakeClients(others={"cloudformation": NoStack()})
    with pytest.raises(UsageError, match="has no file in it"):
        planned(app(tmp_path / "app"), Wanted(str(empty), role=ROLE), clients)


class Transforms(FakeSageMaker):
    """No training job, but a transform job; its temporary model is there until it is deleted."""

    def __init__(self, *statuses: str) -> None:
        super().__init__()
        self.statuses = list(statuses)
        self.models = [BATCH]

    def describe_transform_job(self, TransformJobName: str) -> dict[str, Any]:  # noqa: N803
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        return {
            "TransformJobName": TransformJobName,
            "TransformJobStatus": status,
            "TransformStartTime": START,
            "TransformOutput": {"S3OutputPath": "s3://answers/here/"},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
            "CreationTime": START,
        }

    def describe_model(self, ModelName: str) -> dict[str, Any]:  # noqa: N803
        return {"ModelName": ModelName, "ModelArn": "arn"}

    def list_tags(self, **_: Any) -> dict[str, Any]:
        return {"Tags": [{"Key": "odyssey:temporary", "Value": "true"}]}

    def delete_model(self, ModelName: str) -> None:  # noqa: N803
        self.models.remove(ModelName)


BATCH = "iris-batch-20260102-030405"


def test_a_transform_job_that_is_watched_again_leaves_no_model(tmp_path: Path) -> None:
    # given
    client = Transforms("InProgress", "InProgress", "Completed")
    clients = FakeClients(client, FakeLogs(group="/aws/sagemaker/TransformJobs"))
    # when
    done = resuming.resume(app(tmp_path), clients, BATCH, watch=watch)
    # then
    assert client.models == []
    assert done.document() == {
        "kind": "transform job",
        "name": BATCH,
        "status": "Completed",
        "failure_reason": None,
        "instance": "2 x ml.m5.large",
        "started": START.isoformat(),
        "ended": None,
        "output": "s3://answers/here/",
        "made": START.isoformat(),
    }


def test_a_transform_job_that_failed_is_an_error_and_leaves_no_model(tmp_path: Path) -> None:
    client = Transforms("Failed")
    clients = FakeClients(client, FakeLogs(group="/aws/sagemaker/TransformJobs"))
    with pytest.raises(JobError, match=f"the transform job {BATCH} failed"):
        resuming.resume(app(tmp_path), clients, BATCH, watch=watch)
    assert client.models == []


def test_the_request_is_text_that_is_json(tmp_path: Path) -> None:
    request = planned(app(tmp_path))
    assert json.loads(Planned(request).text()) == {"CreateTrainingJob": request}


def test_the_name_of_a_job_has_the_time_of_its_start() -> None:
    assert job_name("x", datetime(2026, 12, 31, 23, 59, 58)) == "x-20261231-235958"
    assert training_requests.LONGEST_NAME == 63
