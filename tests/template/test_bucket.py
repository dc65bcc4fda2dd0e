"""The bucket: private, encrypted, versioned, and laid out."""

from typing import Any

import pytest
from aws_cdk import App, CfnParameter, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from cdk_constructs import ArtifactBucket


@pytest.fixture(scope="module")
def made() -> Stack:
    stack = Stack(App(), "Stack")
    ArtifactBucket(stack, "Bucket")
    return stack


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Stack")


def properties(stack: Stack) -> dict[str, Any]:
    found = Template.from_stack(stack).find_resources("AWS::S3::Bucket")
    return next(each["Properties"] for name, each in found.items() if not name.startswith("Logs"))


def denied(stack: Stack) -> list[dict[str, Any]]:
    found = Template.from_stack(stack).find_resources("AWS::S3::BucketPolicy")
    policy = next(iter(found.values()))["Properties"]["PolicyDocument"]
    return [each["Condition"] for each in policy["Statement"] if each["Effect"] == "Deny"]


def test_a_bucket_refuses_plain_http(made: Stack) -> None:
    assert {"Bool": {"aws:SecureTransport": "false"}} in denied(made)


def test_a_bucket_refuses_tls_before_1_2(made: Stack) -> None:
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in denied(made)


def test_a_bucket_is_private_and_owned_by_its_account(made: Stack) -> None:
    assert set(properties(made)["PublicAccessBlockConfiguration"].values()) == {True}
    ownership = properties(made)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_a_bucket_is_encrypted_with_s3s_keys_and_versioned(made: Stack) -> None:
    (rule,) = properties(made)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert properties(made)["VersioningConfiguration"] == {"Status": "Enabled"}


def test_earlier_versions_and_unfinished_uploads_go_after_a_while(made: Stack) -> None:
    versions, uploads = properties(made)["LifecycleConfiguration"]["Rules"]
    assert versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert versions["ExpiredObjectDeleteMarker"] is True
    assert uploads["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_a_bucket_outlives_its_stack_and_needs_no_function_to_go(made: Stack) -> None:
    template = Template.from_stack(made)
    template.has_resource(
        "AWS::S3::Bucket", {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    )
    template.resource_count_is("AWS::Lambda::Function", 0)


def test_a_bucket_to_be_destroyed_is_deleted(stack: Stack) -> None:
    ArtifactBucket(stack, "Bucket", removal_policy=RemovalPolicy.DESTROY)

    Template.from_stack(stack).has_resource("AWS::S3::Bucket", {"DeletionPolicy": "Delete"})


def test_a_key_of_your_own_encrypts_with_few_requests_to_kms(stack: Stack) -> None:
    key = kms.Key(stack, "Key")

    ArtifactBucket(stack, "Bucket", encryption_key=key)

    (rule,) = properties(stack)["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["BucketKeyEnabled"] is True
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": stack.resolve(key.key_arn),
    }


def test_accesses_are_logged_where_asked(stack: Stack) -> None:
    logs = s3.Bucket(stack, "Logs")

    ArtifactBucket(stack, "Bucket", access_logs_bucket=logs)

    assert properties(stack)["LoggingConfiguration"] == {
        "DestinationBucketName": stack.resolve(logs.bucket_name),
        "LogFilePrefix": "Bucket/",
    }


def test_model_data_is_below_model(stack: Stack) -> None:
    bucket = ArtifactBucket(stack, "Bucket")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))

    uri = bucket.model_data("1/model.tar.gz").bind(stack, role)

    assert stack.resolve(uri)["Fn::Join"][1][-1] == "/model/1/model.tar.gz"


def test_the_models_before_may_be_read_too(stack: Stack) -> None:
    bucket = ArtifactBucket(stack, "Bucket")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))

    bucket.model_data(CfnParameter(stack, "Key").value_as_string).bind(stack, role)

    found = Template.from_stack(stack).find_resources("AWS::IAM::Policy")
    (statement,) = next(iter(found.values()))["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Resource"]["Fn::Join"][1][-1] == "/model/*.tar.gz"


@pytest.mark.parametrize("key", ["/1/model.tar.gz", None])
def test_model_data_is_not_in_a_folder_without_a_name(stack: Stack, key: Any) -> None:
    bucket = ArtifactBucket(stack, "Bucket")

    with pytest.raises(ValueError, match="^Stack/Bucket: model_data: key .*: must begin"):
        bucket.model_data(key)


def test_all_that_breaks_s3s_rules_is_told_at_once_and_nothing_is_made(stack: Stack) -> None:
    with pytest.raises(ValueError, match="^Stack/Bucket: 3 problems:") as caught:
        ArtifactBucket(
            stack, "Bucket", bucket_name="My_Bucket", noncurrent_days=0, incomplete_upload_days=0
        )

    assert 'bucket_name "My_Bucket": must be 3 to 63' in str(caught.value)
    assert "noncurrent_days 0: must be at least 1" in str(caught.value)
    assert "incomplete_upload_days 0: must be at least 1" in str(caught.value)
    assert stack.node.try_find_child("Bucket") is None


@pytest.mark.parametrize("name", ["ab", "a" * 64, "xn--a", "a..b", "-ab", "ab-", "ab-s3alias"])
def test_a_name_that_s3_refuses_is_refused(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match="bucket_name"):
        ArtifactBucket(stack, "Bucket", bucket_name=name)
