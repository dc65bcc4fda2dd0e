"""Models, endpoint configurations and tags: what is taken, what is refused."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.serving import ACCOUNT, IMAGE, REGION, ROLE, Account, client

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return Account(sandbox)


def refused(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def wanted(**container: Any) -> dict[str, Any]:
    return {
        "ModelName": "iris",
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {"Image": IMAGE, **container},
    }


def test_a_model_is_described_as_it_was_asked_for(account: Account) -> None:
    # when
    account.model("iris", weights="1")
    # then
    found = account.sagemaker.describe_model(ModelName="iris")
    assert found["ModelArn"] == f"{ARN}:model/iris"
    assert found["PrimaryContainer"]["ModelDataUrl"] == "s3://models/iris/model.tar.gz"
    assert found["ExecutionRoleArn"] == ROLE
    assert found["EnableNetworkIsolation"] is False


def test_a_name_is_taken_once(account: Account) -> None:
    account.model("iris")
    assert (
        refused(account.sagemaker.create_model, **wanted())
        == f'ValidationException: Cannot create already existing model "{ARN}:model/iris".'
    )


def test_a_model_that_is_deleted_is_gone(account: Account) -> None:
    # given
    account.model("iris")
    # when
    account.sagemaker.delete_model(ModelName="iris")
    # then
    gone = f'ValidationException: Could not find model "{ARN}:model/iris".'
    assert refused(account.sagemaker.describe_model, ModelName="iris") == gone
    assert refused(account.sagemaker.delete_model, ModelName="iris") == gone


def test_models_are_listed_with_the_newest_first(account: Account) -> None:
    for name in ("iris", "wine", "irises"):
        account.model(name)
    listed = account.sagemaker.list_models(NameContains="iris")["Models"]
    assert [model["ModelName"] for model in listed] == ["irises", "iris"]


def test_files_that_are_not_there_are_missed(account: Account) -> None:
    url = "s3://models/none/model.tar.gz"
    assert (
        refused(account.sagemaker.create_model, **wanted(ModelDataUrl=url))
        == f"ValidationException: Could not find model data at {url}."
    )


def test_files_of_another_region_cannot_be_accessed(account: Account) -> None:
    s3 = client(account.sandbox, "s3", "eu-west-3")
    s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    s3.put_object(Bucket="far", Key="model.tar.gz", Body=b"")
    told = refused(account.sagemaker.create_model, **wanted(ModelDataUrl="s3://far/model.tar.gz"))
    assert "Could not access model data at s3://far/model.tar.gz." in told
    assert f"located in {REGION}" in told


def test_a_role_that_is_not_there_is_refused(account: Account) -> None:
    other = {**wanted(), "ExecutionRoleArn": ROLE + "-other"}
    told = refused(account.sagemaker.create_model, **other)
    assert told.startswith(f"ValidationException: Could not assume role {ROLE}-other.")


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"PrimaryContainer": {"Image": IMAGE, "Mode": "MultiModel"}}, "multi-model"),
        ({"Containers": [{"Image": IMAGE}] * 2}, "inference pipelines"),
        ({}, "PrimaryContainer or Containers"),
        ({"PrimaryContainer": {"ModelPackageName": "p"}}, "with an Image"),
        ({"PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://models/a.zip"}}, ".tar.gz"),
        ({"PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "https://a/b"}}, "no URI of S3"),
    ],
)
def test_what_cannot_run_here_is_refused(
    account: Account, request_: dict[str, Any], why: str
) -> None:
    told = refused(
        account.sagemaker.create_model, ModelName="iris", ExecutionRoleArn=ROLE, **request_
    )
    assert why in told


def test_a_configuration_weighs_its_variants(account: Account) -> None:
    account.config(account.model("iris"))
    found = account.sagemaker.describe_endpoint_config(EndpointConfigName="iris-config")
    assert found["EndpointConfigArn"] == f"{ARN}:endpoint-config/iris-config"
    assert found["ProductionVariants"][0]["InitialVariantWeight"] == 1.0


def test_a_configuration_needs_its_model(account: Account) -> None:
    with pytest.raises(ClientError, match='Could not find model "arn'):
        account.config("iris")


SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 2}
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://models/out"}}
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://models/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}


@pytest.mark.parametrize(
    ("variant", "more", "why"),
    [
        ({"InstanceType": "ml.m5.large"}, {}, "InitialInstanceCount"),
        ({"ServerlessConfig": {**SERVERLESS, "MemorySizeInMB": 1500}}, {}, "steps of 1024"),
        (
            {"ServerlessConfig": {**SERVERLESS, "ProvisionedConcurrency": 3}},
            {},
            "ProvisionedConcurrency",
        ),
        ({"ServerlessConfig": SERVERLESS, "InstanceType": "ml.m5.large"}, {}, "InstanceType"),
        ({"ServerlessConfig": SERVERLESS}, {"AsyncInferenceConfig": ASYNC}, "AsyncInference"),
        ({"ServerlessConfig": SERVERLESS}, {"DataCaptureConfig": CAPTURE}, "DataCaptureConfig"),
        (None, {"AsyncInferenceConfig": {"OutputConfig": {}}}, "S3OutputPath"),
        (
            None,
            {"DataCaptureConfig": {**CAPTURE, "DestinationS3Uri": "https://a/b"}},
            "https://a/b is no URI of S3",
        ),
    ],
)
def test_members_that_do_not_go_together_are_refused(
    account: Account, variant: dict[str, Any] | None, more: dict[str, Any], why: str
) -> None:
    account.model("iris")
    with pytest.raises(ClientError, match=why) as caught:
        account.config("iris", variant=variant, **more)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_variants_have_names_of_their_own_and_some_weight(account: Account) -> None:
    # given
    variant = {
        "VariantName": "a",
        "ModelName": account.model("iris"),
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 0,
    }
    # when
    told = refused(
        account.sagemaker.create_endpoint_config,
        EndpointConfigName="iris",
        ProductionVariants=[variant, variant],
    )
    # then
    assert "names must be unique" in told
    assert "must not all be 0" in told


def test_tags_are_those_of_the_request_and_those_that_are_added(account: Account) -> None:
    # given
    sagemaker = account.sagemaker
    request = {**wanted(), "Tags": [{"Key": "team", "Value": "a"}, {"Key": "old", "Value": ""}]}
    arn = sagemaker.create_model(**request)["ModelArn"]
    # when
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "b"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["old", "never"])
    # then
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "b"}]
    sagemaker.delete_model(ModelName="iris")
    assert "Could not find model" in refused(sagemaker.list_tags, ResourceArn=arn)


def test_a_resource_has_fifty_tags_at_most_and_none_of_those_of_aws(account: Account) -> None:
    arn = account.sagemaker.create_model(**wanted())["ModelArn"]
    for begin in (0, 40):
        many = [{"Key": str(number), "Value": ""} for number in range(begin, begin + 40)]
        if begin:
            told = refused(account.sagemaker.add_tags, ResourceArn=arn, Tags=many)
            assert told.startswith("ResourceLimitExceeded")
        else:
            account.sagemaker.add_tags(ResourceArn=arn, Tags=many)
    aws = [{"Key": "aws:team", "Value": ""}]
    assert "reserved" in refused(account.sagemaker.add_tags, ResourceArn=arn, Tags=aws)
