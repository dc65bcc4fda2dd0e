"""Endpoints: from Creating to InService, updates under load, what fails, what is replaced."""

import contextlib
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.executors.process import ProcessExecutor
from tests.sandbox.conftest import Start
from tests.sandbox.serving import ACCOUNT, IMAGE, REGION, Account, app, client, until

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
UNHEALTHY = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


@pytest.fixture
def executor(tmp_path: Path) -> ProcessExecutor:
    return ProcessExecutor(app(tmp_path / "app"))


@pytest.fixture
def account(start: Start, executor: ProcessExecutor) -> Account:
    return Account(start(executor))


def update(account: Account, model: str, **more: Any) -> dict[str, Any]:
    """Give the endpoint a model, and return how the endpoint stands afterwards."""
    config = account.config(model)
    account.sagemaker.update_endpoint(EndpointName="iris", EndpointConfigName=config, **more)
    return account.settled()


def variants(*models: str, **more: Any) -> list[dict[str, Any]]:
    return [
        {
            "VariantName": model,
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            **more,
        }
        for model in models
    ]


def refusal(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Message"])


def test_an_endpoint_serves_the_model(account: Account) -> None:
    # when
    assert account.endpoint(account.model("red", answer="I am red")) == "InService"
    # then
    assert account.invoke("who?") == b"I am red"
    told = account.sagemaker.describe_endpoint(EndpointName="iris")
    assert told["EndpointArn"] == f"{ARN}:endpoint/iris"
    assert told["EndpointConfigName"] == "red-config"
    (variant,) = told["ProductionVariants"]
    assert variant["VariantName"] == "AllTraffic"
    assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"] == 1
    assert variant["CurrentWeight"] == 1.0
    assert variant["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    (listed,) = account.sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]
    assert listed["EndpointName"] == "iris"


def test_the_container_has_the_variables_of_the_model_and_the_region(account: Account) -> None:
    account.endpoint(account.model("red"))
    environment = account.invoke("environment").decode()
    assert '"COLOR": "red"' in environment
    assert f'"AWS_REGION": "{REGION}"' in environment


def test_what_the_container_prints_is_in_the_log_of_its_instance(account: Account) -> None:
    # given
    account.endpoint(account.model("red"))
    logs = client(account.sandbox, "logs")
    group = "/aws/sagemaker/Endpoints/iris"

    # when
    def lines() -> list[str]:
        events = logs.filter_log_events(logGroupName=group)["events"]
        return [event["message"] for event in events]

    # then
    until(lambda: any(line.startswith("serving ") for line in lines()))
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["logStreamName"].startswith("AllTraffic/i-")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"exit": "no weights"}, UNHEALTHY),
        ({"huge": "x"}, None),
    ],
)
def test_a_container_that_ends_before_it_is_healthy_fails_the_endpoint_at_once(
    account: Account, files: dict[str, str], reason: str | None
) -> None:
    status = account.endpoint(account.model("red", **files))
    assert status == ("Failed" if reason else "InService")
    assert account.settled().get("FailureReason") == reason


def test_an_archive_that_is_none_fails_the_endpoint(account: Account) -> None:
    # given
    model = account.model("red")
    account.s3.put_object(Bucket="models", Key="red/model.tar.gz", Body=b"no archive")
    # when
    assert account.endpoint(model) == "Failed"
    # then
    reason = account.settled()["FailureReason"]
    assert reason.startswith(
        'Failed to extract model data archive for container "container_1" from URL '
        '"s3://models/red/model.tar.gz". Please ensure that the object located at the URL is a '
        "valid tar.gz archive."
    )


def test_an_archive_that_has_gone_fails_the_endpoint(account: Account) -> None:
    model = account.model("red")
    account.s3.delete_object(Bucket="models", Key="red/model.tar.gz")
    assert account.endpoint(model) == "Failed"
    assert "Failed to download model data" in account.settled()["FailureReason"]


def test_files_below_a_prefix_are_served_as_they_are(account: Account) -> None:
    # given
    account.s3.put_object(Bucket="models", Key="plain/answer", Body=b"from a prefix")
    account.s3.put_object(Bucket="models", Key="plain/deep/er", Body=b"")
    source = {"S3Uri": "s3://models/plain/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    account.sagemaker.create_model(
        ModelName="plain",
        ExecutionRoleArn=f"arn:aws:iam::{ACCOUNT}:role/serving",
        PrimaryContainer={"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}},
    )
    # when
    account.endpoint("plain")
    # then
    assert account.invoke("?") == b"from a prefix"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("capacity", "InsufficientInstanceCapacity"), ("unhealthy", "ping health check")],
)
def test_an_ordered_fault_fails_the_endpoint(account: Account, kind: str, reason: str) -> None:
    account.sandbox.faults.order({"kind": kind, "on": "iris"})
    assert account.endpoint(account.model("red")) == "Failed"
    told = account.settled()
    assert reason in told["FailureReason"]
    assert refusal(account.invoke, body="?") == f"Endpoint iris of account {ACCOUNT} not found."
    account.sagemaker.delete_endpoint(EndpointName="iris")


def test_an_endpoint_that_is_deleted_is_gone(account: Account) -> None:
    # given
    account.endpoint(account.model("red"))
    # when
    account.sagemaker.delete_endpoint(EndpointName="iris")
    # then
    gone = f'Could not find endpoint "{ARN}:endpoint/iris".'
    describe = account.sagemaker.get_waiter("endpoint_deleted")
    describe.wait(EndpointName="iris", WaiterConfig={"Delay": 1, "MaxAttempts": 20})
    assert refusal(account.sagemaker.describe_endpoint, EndpointName="iris") == gone
    assert refusal(account.invoke, body="?") == f"Endpoint iris of account {ACCOUNT} not found."
    assert account.sagemaker.describe_endpoint_config(EndpointConfigName="red-config")


def test_nothing_else_is_done_to_an_endpoint_that_is_being_made(account: Account) -> None:
    # given
    config = account.config(account.model("red", hang=""))
    account.sagemaker.create_endpoint(EndpointName="iris", EndpointConfigName=config)
    # when, then
    in_progress = f'Cannot update in-progress endpoint "{ARN}:endpoint/iris".'
    one = {"EndpointName": "iris"}
    sagemaker = account.sagemaker
    assert refusal(sagemaker.update_endpoint, **one, EndpointConfigName=config) == in_progress
    assert refusal(sagemaker.delete_endpoint, **one) == in_progress
    assert "not found" in refusal(account.invoke, body="?")
    assert (
        refusal(sagemaker.create_endpoint, **one, EndpointConfigName=config)
        == f'Cannot create already existing endpoint "{ARN}:endpoint/iris".'
    )


def test_an_endpoint_needs_its_configuration_and_its_models(account: Account) -> None:
    create = account.sagemaker.create_endpoint
    assert "Could not find endpoint configuration" in refusal(
        create, EndpointName="iris", EndpointConfigName="none"
    )
    config = account.config(account.model("red"))
    account.sagemaker.delete_model(ModelName="red")
    assert "Could not find model" in refusal(create, EndpointName="iris", EndpointConfigName=config)


class Load:
    """Requests that come without a pause, from several threads."""

    def __init__(self, account: Account, body: str) -> None:
        self.answers: list[bytes] = []
        self.errors: list[Exception] = []
        self.account, self.body = account, body
        self.over = threading.Event()

    def ask(self) -> None:
        while not self.over.is_set():
            try:
                self.answers.append(self.account.invoke(self.body))
            except ClientError as error:
                self.errors.append(error)
                time.sleep(0.02)


@contextmanager
def load(account: Account, body: str = "sleep 0.02") -> Iterator[Load]:
    asking = Load(account, body)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(asking.ask)
        try:
            yield asking
        finally:
            asking.over.set()


def test_an_update_under_load_loses_no_request(account: Account) -> None:
    # given
    account.endpoint(account.model("red", answer="red"))
    account.model("blue", answer="blue")
    with load(account) as asking:
        until(lambda: b"red" in asking.answers)
        # when
        told = update(account, "blue")
        # then
        until(lambda: asking.answers[-20:] == [b"blue"] * 20)
    assert asking.errors == []
    assert told["EndpointStatus"] == "InService"
    assert told["EndpointConfigName"] == "blue-config"
    assert "FailureReason" not in told


def test_a_failed_update_keeps_what_serves(account: Account) -> None:
    # given
    account.endpoint(account.model("red", answer="red"))
    account.model("broken", exit="no weights")
    with load(account) as asking:
        # when
        told = update(account, "broken")
    # then
    assert asking.errors == []
    assert set(asking.answers) == {b"red"}
    assert told["EndpointStatus"] == "InService"
    assert told["EndpointConfigName"] == "red-config"
    assert told["FailureReason"] == UNHEALTHY
    # and the next one that goes well takes the reason away
    account.model("blue", answer="blue")
    assert "FailureReason" not in update(account, "blue")
    assert account.invoke("?") == b"blue"


def test_an_alarm_rolls_an_update_back(account: Account) -> None:
    # given
    cloudwatch = client(account.sandbox, "cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        MetricName="Errors",
        Namespace="Iris",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
    )
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    account.endpoint(account.model("red", answer="red"))
    account.model("blue")
    # when
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}
    told = update(account, "blue", DeploymentConfig=alarms)
    # then
    assert told["EndpointConfigName"] == "red-config"
    assert "errors" in told["FailureReason"]
    assert account.invoke("?") == b"red"
    # and an alarm that is silent rolls nothing back
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="OK", StateReason="a test")
    told = update(account, account.model("green"), DeploymentConfig=alarms)
    assert told["EndpointConfigName"] == "green-config"


def test_a_container_that_dies_is_replaced(account: Account) -> None:
    # given
    account.endpoint(account.model("red", answer="red"))
    # when
    with pytest.raises(ClientError) as caught:
        account.invoke("die")
    # then
    assert caught.value.response["Error"]["Code"] == "ModelError"

    def answered() -> bool:
        # It may be asked before its end is seen.
        exceptions = account.runtime.exceptions
        with contextlib.suppress(exceptions.ServiceUnavailable, exceptions.ModelError):
            return account.invoke("?") == b"red"
        return False

    until(answered)
    assert account.settled()["EndpointStatus"] == "InService"


def test_requests_go_to_variants_by_their_weights_or_to_the_one_they_name(
    account: Account,
) -> None:
    # given
    for name in ("red", "blue"):
        account.model(name, answer=name)
    both = [
        {**variant, "InitialVariantWeight": weight}
        for variant, weight in zip(variants("red", "blue"), (3, 1), strict=True)
    ]
    account.sagemaker.create_endpoint_config(EndpointConfigName="both", ProductionVariants=both)
    account.sagemaker.create_endpoint(EndpointName="iris", EndpointConfigName="both")
    account.settled()
    # when
    answers = [account.invoke("?") for _ in range(60)]
    # then
    assert 30 < answers.count(b"red") < 60
    assert account.invoke("?", TargetVariant="blue") == b"blue"
    assert "Variant green" in refusal(account.invoke, body="?", TargetVariant="green")
    # and a weight of nothing is no traffic
    wanted = [{"VariantName": "red", "DesiredWeight": 0}]
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="iris", DesiredWeightsAndCapacities=wanted
    )
    account.settled()
    assert {account.invoke("?") for _ in range(20)} == {b"blue"}


def test_instances_are_added_and_taken_away_and_kept_by_an_update(account: Account) -> None:
    # given
    account.endpoint(account.model("red"))

    def scale(count: int) -> dict[str, Any]:
        wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
        account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="iris", DesiredWeightsAndCapacities=wanted
        )
        return account.settled()

    # when
    told = scale(2)
    # then
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    with ThreadPoolExecutor(4) as pool:
        bodies = ["sleep 0.2"] * 4
        assert list(pool.map(account.invoke, bodies)) == [b"slept"] * 4
    # when
    account.model("blue")
    told = update(account, "blue", RetainAllVariantProperties=True)
    # then
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert scale(1)["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    # and without capacity all stays
    account.sandbox.faults.order({"kind": "capacity"})
    told = scale(3)
    assert told["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert "InsufficientInstanceCapacity" in told["FailureReason"]


def test_endpoints_are_started_again_with_what_was_kept(
    start: Start, executor: ProcessExecutor
) -> None:
    # given
    first = start(executor, keep=True)
    before = Account(first)
    before.endpoint(before.model("red", answer="red"))
    first.stop()
    # when
    again = start(executor, keep=True)
    # then
    sagemaker = client(again, "sagemaker")
    statuses = set()

    def is_in_service() -> bool:
        found = sagemaker.describe_endpoint(EndpointName="iris")
        statuses.add(found["EndpointStatus"])
        return bool(found["EndpointStatus"] == "InService")

    until(is_in_service)
    assert statuses <= {"Updating", "InService"}
    runtime = client(again, "sagemaker-runtime")
    with runtime.invoke_endpoint(EndpointName="iris", Body=b"?")["Body"] as body:
        assert body.read() == b"red"
