"""`odyssey why`: evidence asked of AWS, and the command on recordings."""

# ruff: noqa: N803 - the arguments are AWS's own.

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey import artifacts, config
from odyssey.config import Config
from odyssey.diagnosis import service
from odyssey.diagnosis.collecting import Collector
from odyssey.errors import AppNotFoundError, AwsError, UsageError
from tests.functional.conftest import Done

Run = Callable[..., Done]
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STACK = "iris-endpoint"
ARN = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{STACK}/1"
INNER = "arn:aws:cloudformation:eu-west-1:123456789012:stack/inner/2"
PING = "The primary container for production variant main did not pass the ping health check."
NO_MODULE = "ModuleNotFoundError: No module named 'lightgbm'"


def refuse(code: str, message: str) -> Any:
    raise ClientError({"Error": {"Code": code, "Message": message}}, "Describe")


@dataclass
class Aws:
    """AWS, as far as it is asked about what failed."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    stacks: dict[str, str] = field(default_factory=dict)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    resources: list[dict[str, Any]] = field(default_factory=list)

    def client(self, service: str, region: str | None = None) -> Any:
        return self

    def describe_training_job(self, TrainingJobName: str) -> Any:
        missing = "Requested resource not found."
        return self.jobs.get(TrainingJobName) or refuse("ValidationException", missing)

    def describe_transform_job(self, TransformJobName: str) -> Any:
        return refuse("ValidationException", "Could not find requested job")

    def describe_endpoint(self, EndpointName: str) -> Any:
        missing = f'Could not find endpoint "{EndpointName}".'
        return self.endpoints.get(EndpointName) or refuse("ValidationException", missing)

    def describe_stacks(self, StackName: str) -> Any:
        if "describe_stacks" in self.denied:
            refuse("AccessDenied", "User: x is not authorized to perform: cloudformation:Describe")
        if StackName not in self.stacks:
            refuse("ValidationError", f"Stack with id {StackName} does not exist")
        return {
            "Stacks": [
                {
                    "StackId": ARN,
                    "StackName": StackName,
                    "StackStatus": self.stacks[StackName],
                    "CreationTime": NOW,
                }
            ]
        }

    def describe_stack_events(self, StackName: str, NextToken: str = "0") -> Any:
        place = int(NextToken)
        events = self.events[StackName]
        more = {"NextToken": str(place + 1)} if place + 1 < len(events) else {}
        return {"StackEvents": [events[place]], **more}

    def list_stack_resources(self, **_: Any) -> Any:
        return {"StackResourceSummaries": self.resources}

    def get_template(self, **_: Any) -> Any:
        config = {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}}
        return {"TemplateBody": {"Resources": {"Endpoint": {"Properties": config}}}}

    def get_function(self, FunctionName: str) -> Any:
        made = self.functions.get(FunctionName)
        return made or refuse("ResourceNotFoundException", "Function not found")

    def describe_log_streams(self, logGroupName: str, **_: Any) -> Any:
        if "logs" in self.denied:
            refuse("AccessDeniedException", "User: x is not authorized to perform: logs:Describe")
        if logGroupName not in self.logs:
            refuse("ResourceNotFoundException", "The specified log group does not exist.")
        return {"logStreams": [{"logStreamName": "main/i-1", "lastEventTimestamp": 1}]}

    def get_log_events(self, logGroupName: str, startTime: int = 0, **asked: Any) -> Any:
        assert asked["startFromHead"] is False
        lines = [
            {"timestamp": int(time.timestamp() * 1000), "message": text}
            for time, text in self.logs[logGroupName]
        ]
        return {"events": [line for line in lines if int(str(line["timestamp"])) >= startTime]}


def happened(logical: str, status: str, reason: str = "", **more: Any) -> dict[str, Any]:
    own = logical == STACK
    return {
        "StackId": ARN,
        "StackName": STACK,
        "LogicalResourceId": logical,
        "PhysicalResourceId": ARN if own else f"arn:aws:sagemaker:x:1:endpoint/{logical.lower()}",
        "ResourceType": "AWS::CloudFormation::Stack" if own else "AWS::SageMaker::Endpoint",
        "Timestamp": NOW,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **more,
    }


def serving(status: str = "Failed", **more: Any) -> dict[str, Any]:
    times = {"CreationTime": NOW - timedelta(minutes=30), "LastModifiedTime": NOW}
    return {"EndpointName": "iris", "EndpointStatus": status, **times, **more}


def config_of(name: str) -> dict[str, Any]:
    return {
        "LogicalResourceId": "Config",
        "PhysicalResourceId": f"arn:aws:sagemaker:x:1:endpoint-config/{name}",
        "ResourceType": "AWS::SageMaker::EndpointConfig",
        "ResourceStatus": "UPDATE_COMPLETE",
    }


LOG = "/aws/sagemaker/Endpoints/iris"


@pytest.fixture
def settings(tmp_path: Path) -> Config:
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "iris"\n')
    return config.load(tmp_path)


def named(aws: Aws, name: str, settings: Config | None = None) -> service.Verdict:
    (verdict,) = service.of_name(name, Collector(aws), settings).verdicts
    return verdict


def cause(verdict: service.Verdict) -> str | None:
    return verdict.cause.cause.id if verdict.cause else None


class TestStack:
    def test_an_endpoint_that_is_gone_after_the_rollback_is_explained_by_its_log(self) -> None:
        # given
        events = [
            happened(STACK, "ROLLBACK_COMPLETE"),
            happened("Iris", "CREATE_FAILED", PING),
            happened(STACK, "CREATE_IN_PROGRESS", "User Initiated"),
            happened("Old", "CREATE_FAILED", "of an earlier operation"),
        ]
        log = [(NOW - timedelta(hours=9), "KeyError: 'old'"), (NOW, NO_MODULE)]
        aws = Aws(stacks={STACK: "ROLLBACK_COMPLETE"}, events={ARN: events}, logs={LOG: log})
        # when
        verdict = named(aws, STACK)
        # then
        assert cause(verdict) == "module-missing"
        assert [each.cause.id for each in verdict.others] == ["ping-failed", "never-made"]
        assert not [line for line in verdict.evidence.lines if "old" in line.text]

    def test_what_failed_in_a_stack_within_the_stack_is_found(self) -> None:
        nested = {"ResourceType": "AWS::CloudFormation::Stack", "PhysicalResourceId": INNER}
        text = f"Embedded stack {INNER} was not successfully created"
        full = "The bucket you tried to delete is not empty"
        inner = {"StackId": INNER, "StackName": "inner"}
        events = {
            ARN: [
                happened(STACK, "ROLLBACK_COMPLETE"),
                happened("In", "CREATE_FAILED", text, **nested),
            ],
            INNER: [happened("B", "DELETE_FAILED", full, ResourceType="AWS::S3::Bucket", **inner)],
        }
        aws = Aws(stacks={STACK: "ROLLBACK_COMPLETE"}, events=events)
        assert cause(named(aws, STACK)) == "bucket-not-empty"

    def test_an_endpoint_that_runs_another_configuration_is_no_success(self) -> None:
        # given
        endpoint = {
            **config_of("iris"),
            "LogicalResourceId": "Endpoint",
            "ResourceType": "AWS::SageMaker::Endpoint",
            "PhysicalResourceId": "arn:aws:sagemaker:x:1:endpoint/iris",
        }
        aws = Aws(
            stacks={STACK: "UPDATE_COMPLETE"},
            resources=[config_of("config-b"), endpoint],
            endpoints={"iris": serving("InService", EndpointConfigName="config-a")},
        )
        # when
        verdict = named(aws, STACK)
        # then
        assert cause(verdict) == "rolled-back"
        assert "it runs config-a, and its stack has config-b" in " ".join(verdict.text().split())


class TestEndpoint:
    def test_what_it_logged_before_it_was_made_is_of_another_of_its_name(self) -> None:
        log = [(NOW - timedelta(minutes=40), NO_MODULE), (NOW, "ready")]
        aws = Aws(endpoints={"iris": serving(FailureReason=PING)}, logs={LOG: log})
        assert cause(named(aws, "iris")) == "ping-failed"

    def test_one_that_serves_is_told_by_what_it_logs_while_it_serves(self) -> None:
        large = "[error] 9#9: *1 client intended to send too large body: 2097152 bytes"
        log = [(NOW - timedelta(minutes=9), NO_MODULE), (NOW + timedelta(minutes=1), large)]
        aws = Aws(endpoints={"iris": serving("InService")}, logs={LOG: log})
        verdict = named(aws, "iris")
        assert cause(verdict) == "body-too-large"
        assert verdict.others == ()

    def test_one_of_an_app_that_is_gone_is_looked_for_in_its_stack(self, settings: Config) -> None:
        events = [happened("Iris", "CREATE_FAILED", PING), happened(STACK, "CREATE_IN_PROGRESS")]
        aws = Aws(stacks={STACK: "ROLLBACK_COMPLETE"}, events={ARN: events})
        assert named(aws, "iris", settings).evidence.name == STACK

    def test_a_log_that_may_not_be_read_is_told_and_is_no_cause(self) -> None:
        aws = Aws(endpoints={"iris": serving(FailureReason="mystery")}, denied={"logs"})
        verdict = named(aws, "iris")
        assert cause(verdict) is None
        assert f"the log {LOG} cannot be read" in verdict.text()


def test_a_function_is_found_by_a_name_that_sagemaker_does_not_take() -> None:
    log = {"/aws/lambda/my_serve": [(NOW, "Task timed out after 3.00 seconds")]}
    made = {"FunctionName": "my_serve", "State": "Active"}
    aws = Aws(functions={"my_serve": {"Configuration": made}}, logs=log)
    assert cause(named(aws, "my_serve")) == "function-timeout"


def test_what_is_nowhere_is_a_usage_error_and_what_may_not_be_seen_is_aws_s() -> None:
    with pytest.raises(UsageError, match='no stack, job, endpoint or function "other" here'):
        named(Aws(), "other")
    with pytest.raises(AwsError, match="not authorized to perform: cloudformation"):
        named(Aws(denied={"describe_stacks"}), "other")


def test_without_a_name_the_app_s_things_that_ail_are_told(settings: Config) -> None:
    # given
    artifacts.record(settings.folder, None, {"training_job": "iris-1"})
    reason = "AlgorithmError: , exit code: 137"
    job = {"TrainingJobName": "iris-1", "TrainingJobStatus": "Failed", "FailureReason": reason}
    aws = Aws(jobs={"iris-1": job}, endpoints={"iris": serving("InService")})
    # when
    report = service.of_aws(settings, aws)
    # then
    assert [each.evidence.name for each in report.verdicts] == ["iris-1", "iris"]
    assert report.text().startswith("training job iris-1  Failed")
    assert "endpoint iris" not in report.text()


def test_an_app_of_which_nothing_fails_is_told_so(settings: Config) -> None:
    aws = Aws(stacks={"iris-foundation": "CREATE_COMPLETE"})
    report = service.of_aws(settings, aws)
    assert report.text() == "nothing of the app fails\n  stack iris-foundation  CREATE_COMPLETE"
    assert "nothing on AWS here" in service.of_aws(settings, Aws()).text()


def test_neither_an_app_nor_a_name_is_a_usage_error() -> None:
    with pytest.raises(AppNotFoundError, match="no name is given"):
        service.of_aws(None, Aws())


def test_the_command_reads_a_recording_and_saves_what_it_found(
    odyssey: Run, tmp_path: Path
) -> None:
    # given
    told = {"EndpointName": "iris", "EndpointStatus": "Failed", "FailureReason": PING}
    (tmp_path / "it.json").write_text(json.dumps({**told, "password": "never shown"}))
    # when
    text = odyssey("why", "--from", "it.json", "--save", "why.json")
    again = odyssey("why", "iris", "--from", "why.json", "--output", "json")
    # then
    assert text.code == 0
    assert "Cause: the container did not answer the ping in time.  [ping-failed]" in text.out
    assert again.document == json.loads((tmp_path / "why.json").read_text())
    assert again.document["verdicts"][0]["cause"]["id"] == "ping-failed"
    assert max(map(len, text.out.splitlines())) <= 100


def test_the_command_says_what_it_cannot_read(odyssey: Run, tmp_path: Path) -> None:
    (tmp_path / "it.json").write_text("{}")
    done = odyssey("why", "--from", "it.json")
    assert done.code == 2
    assert "no recording that is known" in done.err
    assert "describe-stack-events" in done.err
