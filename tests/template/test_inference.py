from __future__ import annotations

import re
from typing import Any

import pytest
from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns

from cdk_constructs.inference import AsyncInference, DataCapture
from cdk_constructs.model_endpoint import ModelEndpoint
from tests.template.serving import (
    CONFIG,
    IMAGE,
    POLICY,
    allowed,
    flat,
    of_type,
    properties,
    resources,
    stack,
)


def bucket(name: str = "results") -> s3.IBucket:
    return s3.Bucket.from_bucket_name(Stack(), "Bucket", name)


@pytest.fixture(scope="module")
def asynchronous() -> dict[str, Any]:
    made = stack()
    results = s3.Bucket(made, "Results", encryption_key=kms.Key(made, "BucketKey"))
    queue = AsyncInference(
        bucket=results,
        max_concurrent_per_instance=4,
        success_topic=sns.Topic(made, "Done"),
        error_topic=sns.Topic(made, "Failed", master_key=kms.Key(made, "TopicKey")),
        encryption_key=kms.Key(made, "ResultsKey"),
    )
    ModelEndpoint(made, "Churn", image=IMAGE, async_inference=queue)
    return resources(made)


@pytest.fixture(scope="module")
def captured() -> dict[str, Any]:
    made = stack()
    capture = DataCapture(
        bucket=s3.Bucket(made, "Kept"),
        sampling_percent=10,
        capture_input=False,
        encryption_key=kms.Key(made, "Key"),
        csv_content_types=["text/csv", "application/x-csv"],
        json_content_types=[],
    )
    ModelEndpoint(made, "Churn", image=IMAGE, data_capture=capture)
    return resources(made)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"prefix": "async"}, 'prefix "async": must end in "/"'),
        ({"prefix": "/"}, 'prefix "/"'),
        ({"prefix": "async-input/"}, "prefix given twice: async-input/"),
        ({"failure_prefix": "async/"}, "prefix given twice: async/"),
        ({"failure_prefix": "a*/"}, 'failure_prefix "a*/"'),
        ({"input_prefix": "${aws:username}/"}, "input_prefix"),
        ({"max_concurrent_per_instance": 0}, "max_concurrent_per_instance 0"),
        ({"max_concurrent_per_instance": 1001}, "must be from 1 to 1000"),
        ({"prefix": "a" * 499 + "/"}, "prefix makes a URI of 513 characters: must be at most 512"),
    ],
)
def test_asynchronous_inference_refuses(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="^AsyncInference: ") as refusal:
        AsyncInference(bucket=bucket("results"), **setting)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"prefix": "capture"}, "prefix"),
        ({"sampling_percent": 101}, "sampling_percent 101: must be from 0 to 100"),
        ({"sampling_percent": -1}, "sampling_percent -1"),
        ({"capture_input": False, "capture_output": False}, "nothing would be kept"),
        ({"csv_content_types": ["csv"]}, 'csv_content_types "csv": must be a content type'),
        ({"json_content_types": ["a/b"] * 11}, "11 json_content_types: must be from 0 to 10"),
    ],
)
def test_data_capture_refuses(setting: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="^DataCapture: ") as refusal:
        DataCapture(bucket=bucket(), **setting)
    assert said in str(refusal.value)


def test_results_and_failures_are_written_below_their_prefixes(
    asynchronous: dict[str, Any],
) -> None:
    config = properties(asynchronous, CONFIG)["AsyncInferenceConfig"]
    output = config["OutputConfig"]
    assert config["ClientConfig"] == {"MaxConcurrentInvocationsPerInstance": 4}
    assert flat(output["S3OutputPath"]).endswith(">/async/")
    assert flat(output["S3FailurePath"]).endswith(">/async-failures/")
    assert flat(output["KmsKeyId"]).startswith("<ResultsKey")
    assert flat(output["NotificationConfig"]["SuccessTopic"]).startswith("<Done")
    assert flat(output["NotificationConfig"]["ErrorTopic"]).startswith("<Failed")


def test_the_role_may_read_requests_and_write_results_and_nothing_else(
    asynchronous: dict[str, Any],
) -> None:
    read = [flat(place) for place in allowed(asynchronous, "s3:GetObject")]
    written = [flat(place) for place in allowed(asynchronous, "s3:PutObject")]
    assert [place.split("Arn>")[1] for place in read] == ["/async-input/*"]
    assert [place.split("Arn>")[1] for place in written] == ["/async/*", "/async-failures/*"]


def test_the_role_may_publish_and_use_every_key(asynchronous: dict[str, Any]) -> None:
    topics = {flat(place)[:5] for place in allowed(asynchronous, "sns:Publish")}
    keys = {flat(place)[:5] for place in allowed(asynchronous, "kms:GenerateDataKey")}
    assert topics == {"<Done", "<Fail"}
    assert keys == {"<Buck", "<Resu", "<Topi"}


def test_a_caller_may_write_requests_and_read_results_and_failures() -> None:
    # given
    made = stack()
    results = s3.Bucket(made, "Results", encryption_key=kms.Key(made, "BucketKey"))
    queue = AsyncInference(bucket=results, encryption_key=kms.Key(made, "ResultsKey"))
    endpoint = ModelEndpoint(made, "Churn", image=IMAGE, async_inference=queue)
    caller = iam.Role(made, "Caller", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))

    # when
    endpoint.grants.invoke(caller)

    # then
    policies = of_type(resources(made), POLICY)
    own = {name: each for name, each in policies.items() if name.startswith("Caller")}

    def places(action: str) -> list[str]:
        return [re.sub(r"[0-9A-F]{8}", "", flat(place)) for place in allowed(own, action)]

    assert places("s3:PutObject") == ["<Results.Arn>/async-input/*"]
    assert places("s3:GetObject") == ["<Results.Arn>/async/*", "<Results.Arn>/async-failures/*"]
    assert places("kms:GenerateDataKey") == ["<BucketKey.Arn>"]
    assert places("kms:Decrypt") == ["<BucketKey.Arn>", "<ResultsKey.Arn>"]
    assert len(places("sagemaker:InvokeEndpointAsync")) == 1


def test_failures_may_be_left_out() -> None:
    # given
    made = stack()
    queue = AsyncInference(bucket=s3.Bucket(made, "Results"), failure_prefix=None)

    # when
    ModelEndpoint(made, "Churn", image=IMAGE, async_inference=queue)

    # then
    found = resources(made)
    output = properties(found, CONFIG)["AsyncInferenceConfig"]["OutputConfig"]
    assert set(output) == {"S3OutputPath"}
    assert len(allowed(found, "s3:PutObject")) == 1


def test_capture_keeps_what_it_is_asked_to(captured: dict[str, Any]) -> None:
    capture = properties(captured, CONFIG)["DataCaptureConfig"]
    assert capture["EnableCapture"] is True
    assert capture["InitialSamplingPercentage"] == 10
    assert capture["CaptureOptions"] == [{"CaptureMode": "Output"}]
    assert capture["CaptureContentTypeHeader"] == {
        "CsvContentTypes": ["text/csv", "application/x-csv"]
    }
    assert flat(capture["DestinationS3Uri"]).endswith(">/capture/")
    assert flat(capture["KmsKeyId"]).startswith("<Key")


def test_capture_lets_the_role_write_below_its_prefix_alone(captured: dict[str, Any]) -> None:
    (place,) = allowed(captured, "s3:PutObject")
    assert flat(place).split("Arn>")[1] == "/capture/*"
    assert allowed(captured, "s3:GetObject") == []
    assert len(allowed(captured, "kms:GenerateDataKey")) == 1
