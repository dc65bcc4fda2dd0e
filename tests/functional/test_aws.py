"""Credentials, regions, and what is understood of a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore import exceptions
from botocore.parsers import ResponseParserError

from odyssey import aws
from odyssey.aws import Access
from odyssey.errors import AwsError
from tests.functional.stacks import refusal


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Settings of AWS that are this test's own; returns the file of profiles."""
    for name in (*aws.KEYS, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    profiles = tmp_path / "config"
    profiles.write_text("[profile work]\nregion = eu-north-1\naws_access_key_id = a\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(profiles))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return profiles


def test_a_region_is_the_chosen_one_then_the_variable_s_then_the_profile_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Access("work").region == "eu-north-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert Access().region == "eu-west-3"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert Access("work").region == "eu-west-2"
    assert Access("work", "eu-west-1").region == "eu-west-1"


def test_without_a_region_the_error_says_where_to_name_it() -> None:
    with pytest.raises(AwsError, match="no region is chosen") as caught:
        _ = Access().region
    assert "--region" in str(caught.value.hint)


def test_without_credentials_the_error_says_how_to_log_in() -> None:
    with pytest.raises(AwsError, match="credentials") as caught:
        Access(None, "eu-west-1").identity()
    assert caught.value.hint == aws.LOG_IN
    assert "\n" not in caught.value.message


def test_an_unknown_profile_is_an_error_with_the_command_that_lists_them() -> None:
    with pytest.raises(AwsError, match="nobody") as caught:
        Access("nobody", "eu-west-1").client("sts")
    assert caught.value.hint == "aws configure list-profiles"


def test_a_service_that_cannot_be_reached_is_an_error_that_says_where_it_was_sought() -> None:
    with pytest.raises(AwsError) as caught, aws.explained():
        raise exceptions.EndpointConnectionError(endpoint_url="http://localhost:1")
    assert "http://localhost:1" in caught.value.message
    assert "AWS_ENDPOINT_URL" in str(caught.value.hint)


def test_an_answer_that_is_not_aws_s_is_an_error_of_one_line() -> None:
    with pytest.raises(AwsError) as caught, aws.explained():
        raise ResponseParserError("Unable to parse response, invalid XML received:\n<html>")
    assert caught.value.message == (
        "what answered is not AWS: Unable to parse response, invalid XML received:"
    )


def test_a_child_has_the_same_region_and_profile() -> None:
    env = Access("work", "eu-west-1").environment({"AWS_ACCESS_KEY_ID": "other", "HOME": "/h"})
    assert env == {
        "HOME": "/h",
        "AWS_PROFILE": "work",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def test_without_a_profile_a_child_has_the_variables_keys() -> None:
    env = Access(None, "eu-west-1").environment({"AWS_ACCESS_KEY_ID": "mine"})
    assert env["AWS_ACCESS_KEY_ID"] == "mine"
    assert "AWS_PROFILE" not in env


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        ("ExpiredToken", "The security token included in the request is expired", "credentials"),
        ("InvalidClientTokenId", "The security token is invalid", "credentials"),
        ("AccessDenied", "User: x is not authorized to perform: y", "not authorized"),
        ("ValidationError", "1 validation error", "DescribeStacks: ValidationError: 1 validation"),
    ],
)
def test_what_aws_refuses_is_an_error_with_exit_code_5(code: str, message: str, said: str) -> None:
    with pytest.raises(AwsError, match=said) as caught, aws.explained():
        raise refusal(code, message)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Unable to resolve AWS account to use. It must be either configured", True),
        ("Need to perform AWS calls for account 1, but no credentials", True),
        ("is not authorized to perform: iam:CreateRole", True),
        ("Resource limit exceeded", False),
    ],
)
def test_a_refusal_is_told_from_a_failure(text: str, is_one: bool) -> None:
    assert aws.is_refusal(text) is is_one
