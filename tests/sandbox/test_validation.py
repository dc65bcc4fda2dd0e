"""Requests are refused by AWS's rules and in its words."""

import json
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.serving import IMAGE, ROLE, client


def told(sandbox: Sandbox, operation: str, **request: Any) -> str:
    """Return what a request is refused with."""
    sagemaker = client(sandbox, "sagemaker", parameter_validation=False)
    with pytest.raises(ClientError) as caught:
        getattr(sagemaker, operation)(**request)
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def model(**more: Any) -> dict[str, Any]:
    return {"ModelName": "iris", "ExecutionRoleArn": ROLE, **more}


@pytest.mark.parametrize(
    ("request_", "constraint"),
    [
        (
            {"ModelName": "bad_name!"},
            "Value 'bad_name!' at 'modelName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ",
        ),
        (
            {"ModelName": "i" * 64},
            f"Value '{'i' * 64}' at 'modelName' failed to satisfy constraint: "
            "Member must have length less than or equal to 63",
        ),
        (
            {"Containers": [{"Mode": "Many", "Image": IMAGE}]},
            "Value 'Many' at 'containers.1.member.mode' failed to satisfy constraint: "
            "Member must satisfy enum value set: [SingleModel, MultiModel]",
        ),
        (
            {"Tags": [{"Key": "a", "Value": ""}, {"Key": "", "Value": ""}]},
            "Value '' at 'tags.2.member.key' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
    ],
)
def test_a_broken_rule_is_told_in_the_words_of_aws(
    sandbox: Sandbox, request_: dict[str, Any], constraint: str
) -> None:
    refusal = told(sandbox, "create_model", **model(**request_))
    assert refusal.startswith(f"ValidationException: 1 validation error detected: {constraint}")


def test_what_is_missing_is_null(sandbox: Sandbox) -> None:
    # boto3 itself would not let it out.
    answer = raw(sandbox, "CreateModel", {})
    assert answer == (
        400,
        "ValidationException",
        "1 validation error detected: Value null at 'modelName' failed to satisfy constraint: "
        "Member must not be null",
    )


def test_every_broken_rule_is_told(sandbox: Sandbox) -> None:
    refusal = told(sandbox, "create_model", **model(ModelName="_", Tags=[{"Key": "", "Value": ""}]))
    assert "2 validation errors detected: Value '_' at 'modelName'" in refusal
    assert "; Value '' at 'tags.1.member.key'" in refusal


def test_an_instance_type_that_aws_does_not_know_is_refused(sandbox: Sandbox) -> None:
    variant = {
        "VariantName": "a",
        "ModelName": "iris",
        "InstanceType": "ml.bogus.large",
        "InitialInstanceCount": 0,
    }
    refusal = told(
        sandbox,
        "create_endpoint_config",
        EndpointConfigName="iris",
        ProductionVariants=[variant],
    )
    assert "Value 'ml.bogus.large' at 'productionVariants.1.member.instanceType'" in refusal
    assert "enum value set: [ml." in refusal
    assert (
        "Value '0' at 'productionVariants.1.member.initialInstanceCount' failed to satisfy "
        "constraint: Member must have value greater than or equal to 1"
    ) in refusal


def test_a_value_of_a_wrong_type_is_not_read(sandbox: Sandbox) -> None:
    status, code, message = raw(sandbox, "CreateModel", {"ModelName": 3})
    assert (status, code) == (400, "SerializationException")
    assert "ModelName" in message


def test_a_member_that_aws_does_not_know_is_passed_over(sandbox: Sandbox) -> None:
    _, _, message = raw(sandbox, "DescribeModel", {"ModelName": "iris", "Colour": "red"})
    assert "Could not find model" in message


def test_null_is_as_good_as_nothing(sandbox: Sandbox) -> None:
    assert (
        "validation"
        not in raw(
            sandbox, "CreateModel", {"ModelName": "iris", "Tags": None, "PrimaryContainer": None}
        )[2]
    )


def raw(sandbox: Sandbox, operation: str, body: dict[str, Any]) -> tuple[int, str, str]:
    """Send JSON as it is, and return the status, the code and the message of the refusal."""
    sent = urllib.request.Request(
        sandbox.url,
        json.dumps(body).encode(),
        {
            "X-Amz-Target": f"SageMaker.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=sandbox/20260101/eu-west-1/sagemaker/"
            "aws4_request, SignedHeaders=host, Signature=none",
        },
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(sent)
    with caught.value as error:
        told = json.load(error)
        return error.status, told["__type"], told["message"]
