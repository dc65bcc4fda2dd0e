"""Recordings of the AWS command line, and of odyssey why itself, are read as evidence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from odyssey.diagnosis import recorded, service
from odyssey.diagnosis.masking import masked
from odyssey.diagnosis.service import Report
from odyssey.errors import UsageError
from tests.diagnosis.cases import CASES

ARN = "arn:aws:cloudformation:eu-west-1:123456789012:stack/iris-endpoint/1"
QUOTA = (
    "The account-level service limit 'ml.g5.xlarge for endpoint usage' is 0 Instances, with "
    "current utilization of 0 Instances and a request delta of 1 Instances."
)
PING = "The primary container for production variant main did not pass the ping health check."


def event(second: int, logical: str, status: str, reason: str = "", **more: str) -> dict[str, Any]:
    own = logical == "iris-endpoint"
    return {
        "StackId": ARN,
        "EventId": str(second),
        "StackName": "iris-endpoint",
        "LogicalResourceId": logical,
        "PhysicalResourceId": ARN if own else logical,
        "ResourceType": "AWS::CloudFormation::Stack" if own else "AWS::SageMaker::Endpoint",
        "Timestamp": f"2026-01-02T03:04:{second:02}.123000+00:00",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        **more,
    }


EVENTS = {
    "StackEvents": [
        event(50, "iris-endpoint", "UPDATE_ROLLBACK_COMPLETE"),
        event(44, "Other", "UPDATE_FAILED", "Resource update cancelled"),
        event(43, "Endpoint", "UPDATE_FAILED", QUOTA),
        event(40, "iris-endpoint", "UPDATE_IN_PROGRESS", "User Initiated"),
        event(30, "iris-endpoint", "CREATE_COMPLETE"),
        event(20, "Endpoint", "CREATE_FAILED", PING),
        event(10, "iris-endpoint", "CREATE_IN_PROGRESS", "User Initiated"),
    ]
}
ENDPOINT = {
    "EndpointName": "iris",
    "EndpointStatus": "Failed",
    "FailureReason": PING,
    "LastModifiedTime": "2026-01-02T03:04:05Z",
}
LOGGED = {
    "events": [
        {"timestamp": 1767323045000, "message": "Traceback (most recent call last):"},
        {"timestamp": 1767323045001, "message": "ModuleNotFoundError: No module named 'lightgbm'"},
    ],
    "nextForwardToken": "f/1",
}


def write(folder: Path, **documents: object) -> Path:
    folder.mkdir(exist_ok=True)
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


def report(place: Path, name: str | None = None) -> Report:
    return service.of_recorded(recorded.read(place, "it"), name)


def cause(found: Report) -> str | None:
    (verdict,) = found.verdicts
    return verdict.cause.cause.id if verdict.cause else None


def test_of_a_stack_s_events_the_last_operation_counts_and_what_failed_by_itself(
    tmp_path: Path,
) -> None:
    # when
    found = report(write(tmp_path, events=EVENTS) / "events.json")
    # then
    (verdict,) = found.verdicts
    assert verdict.evidence.status == "UPDATE_ROLLBACK_COMPLETE"
    assert [line.text for line in verdict.evidence.lines if line.sort == "event"] == [QUOTA]
    assert verdict.cause is not None
    assert verdict.cause.title == "the account may have 0 of ml.g5.xlarge for endpoint usage"


@pytest.mark.parametrize(
    ("document", "wanted"),
    [
        (ENDPOINT, "ping-failed"),
        ({"Stacks": [{"StackName": "a", "StackStatus": "ROLLBACK_COMPLETE"}]}, "never-made"),
        (
            {
                "TrainingJobName": "iris-1",
                "TrainingJobStatus": "Stopped",
                "SecondaryStatusTransitions": [{"Status": "MaxRuntimeExceeded", "StartTime": 1.5}],
            },
            "max-runtime",
        ),
        (
            {
                "TransformJobName": "b-1",
                "TransformJobStatus": "Failed",
                "FailureReason": 'ClientError: No S3 objects found under S3 URL "s3://iris/in"',
            },
            "data-missing",
        ),
        (
            {
                "Configuration": {
                    "FunctionName": "f",
                    "State": "Failed",
                    "StateReason": "Lambda does not have permission to access the ECR image.",
                }
            },
            "image-pull-denied",
        ),
        (LOGGED, "module-missing"),
        (
            {"events": [{"message": "Task timed out after 3.00 seconds", "timestamp": 1}]},
            "function-timeout",
        ),
    ],
)
def test_an_output_of_the_aws_command_line_is_known_by_its_members(
    tmp_path: Path, document: object, wanted: str
) -> None:
    assert cause(report(write(tmp_path, it=document) / "it.json")) == wanted


def test_files_of_a_folder_are_put_together(tmp_path: Path) -> None:
    # given
    write(tmp_path, endpoint=ENDPOINT, log=LOGGED)
    (tmp_path / "notes.md").write_text("not read")
    # when
    found = report(tmp_path)
    # then
    assert cause(found) == "module-missing"
    (verdict,) = found.verdicts
    assert {line.about for line in verdict.evidence.lines} == {"endpoint"}
    assert [each.cause.id for each in verdict.others] == ["ping-failed"]


def test_a_log_and_a_failure_file_are_read_as_text(tmp_path: Path) -> None:
    told = {"TrainingJobName": "iris-1", "TrainingJobStatus": "Failed"}
    write(tmp_path, job={**told, "FailureReason": "AlgorithmError: , exit code: 1"})
    (tmp_path / "failure").write_text("Traceback (most recent call last):\nKeyError: 'species'\n")
    (tmp_path / "out.log").write_text("epoch 1\n\nepoch 2\n")
    found = report(tmp_path)
    assert cause(found) == "training-error"
    assert "KeyError: 'species'" in found.text()


def test_a_report_is_read_again_as_it_was(tmp_path: Path) -> None:
    # given
    first = report(write(tmp_path / "a", events=EVENTS, endpoint=ENDPOINT, log=LOGGED))
    # when
    first.save(tmp_path / "why.json")
    second = report(tmp_path / "why.json")
    # then
    assert second.document() == first.document()
    assert second.text() == first.text()
    assert len(second.verdicts) == 2


@pytest.mark.parametrize("name", CASES)
def test_the_evidence_of_every_cause_survives_being_saved(tmp_path: Path, name: str) -> None:
    first = service.of_recorded([CASES[name].shown])
    first.save(tmp_path / "why.json")
    assert report(tmp_path / "why.json").document() == first.document()


def test_one_of_several_things_can_be_chosen(tmp_path: Path) -> None:
    write(tmp_path, events=EVENTS, endpoint=ENDPOINT)
    assert cause(report(tmp_path, "iris")) == "ping-failed"
    with pytest.raises(UsageError, match='no recording is of "other"'):
        report(tmp_path, "other")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "no JSON"),
        ('{"Buckets": []}', "no recording that is known"),
        ("[1, 2]", "no recording that is known"),
        ('{"StackEvents": 3}', "not as AWS writes it"),
        ('{"verdicts": [{"thing": {"lines": []}}]}', "not as AWS writes it"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "it.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=told):
        report(file)


def test_an_empty_folder_is_refused_with_what_can_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no recording is in it") as caught:
        report(tmp_path)
    assert "describe-stack-events" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key AKIAIOSFODNN7EXAMPLE", "key AKIA***"),
        ("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "aws_secret_access_key=***"),
        ('{"password": "hunter2hunter2"}', '{"password": "***"}'),
        ("Authorization: Bearer abcdefghijklmnop.q", "Authorization: Bearer ***"),
        ("https://s3/x?X-Amz-Signature=0123456789ab&a=1", "https://s3/x?X-Amz-Signature=***&a=1"),
        ("postgres://ann:hunter22@db/x", "postgres://ann:***@db/x"),
        ("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig", "token ***"),
        ("arn:aws:iam::123456789012:role/x", "arn:aws:iam::123456789012:role/x"),
        ("the security token included is expired", "the security token included is expired"),
        ("tokens=512 tokenizer: fast", "tokens=512 tokenizer: fast"),
    ],
)
def test_keys_and_tokens_are_masked_and_nothing_else(text: str, shown: str) -> None:
    assert masked(text) == shown
