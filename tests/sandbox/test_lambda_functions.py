"""Lambda's functions: what is told of them, what is kept, and what is refused."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.images.manifests import OCI_INDEX
from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.functions import REPOSITORY, RUNTIME, Lambda

ARN = "arn:aws:lambda:eu-west-1:123456789012:function"


@pytest.fixture(scope="module")
def lambdas(shared: Sandbox) -> Lambda:
    made = Lambda(shared)
    made.push("1")
    return made


def refusal(lambdas: Lambda, operation: str, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        getattr(lambdas.client, operation)(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_function_is_told_as_lambda_tells_it(lambdas: Lambda) -> None:
    # given
    digest = lambdas.push("told", b"told")
    config = {"EntryPoint": RUNTIME, "Command": ["app.serve"]}
    # when
    made = lambdas.make(
        "told", f"{REPOSITORY}:told", ImageConfig=config, Environment={"Variables": {"AB": "1"}},
        MemorySize=512, Timeout=30, EphemeralStorage={"Size": 1024}, Tags={"of": "iris"},
    )  # fmt: skip
    # then
    assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
    lambdas.client.get_waiter("function_active_v2").wait(FunctionName="told")
    lambdas.client.get_waiter("function_updated_v2").wait(FunctionName="told")
    told = lambdas.client.get_function(FunctionName=f"{ARN}:told")
    assert told["Code"] == {
        "RepositoryType": "ECR",
        "ImageUri": f"{REPOSITORY}:told",
        "ResolvedImageUri": f"{REPOSITORY}@{digest}",
    }
    assert told["Tags"] == {"of": "iris"}
    expected = {
        "FunctionName": "told",
        "FunctionArn": f"{ARN}:told",
        "CodeSha256": digest.removeprefix("sha256:"),
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "MemorySize": 512,
        "Timeout": 30,
        "EphemeralStorage": {"Size": 1024},
        "Architectures": ["x86_64"],
        "Environment": {"Variables": {"AB": "1"}},
        "ImageConfigResponse": {"ImageConfig": config},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/told"},
    }
    assert expected.items() <= told["Configuration"].items()


def test_a_tag_that_moves_changes_nothing_until_the_code_is_updated(lambdas: Lambda) -> None:
    # given
    image = f"{REPOSITORY}:moving"
    first = lambdas.push("moving", b"first")
    lambdas.make("moving", image)
    # when
    second = lambdas.push("moving", b"second")
    # then
    get = lambdas.client.get_function_configuration
    assert get(FunctionName="moving")["CodeSha256"] == first.removeprefix("sha256:")
    told = lambdas.client.update_function_code(FunctionName="moving", ImageUri=image)
    assert told["LastUpdateStatus"] == "InProgress"
    assert get(FunctionName="moving")["CodeSha256"] == second.removeprefix("sha256:")


def test_a_version_keeps_its_image_and_settings_and_an_alias_leads_to_it(lambdas: Lambda) -> None:
    # given
    ask, name = lambdas.client, "versions"
    digest = lambdas.push("kept", b"kept")
    lambdas.make(name, f"{REPOSITORY}:kept", Timeout=5, Publish=True)
    assert ask.publish_version(FunctionName=name)["Version"] == "1"  # Nothing has changed.
    ask.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    # when
    ask.update_function_configuration(
        FunctionName=name, Timeout=9, Environment={"Variables": {"AB": "1"}}
    )
    ask.update_function_code(FunctionName=name, ImageUri=f"{REPOSITORY}:1", Publish=True)
    # then
    live = ask.get_function(FunctionName=name, Qualifier="live")
    assert live["Configuration"]["Timeout"] == 5
    assert "Environment" not in live["Configuration"]
    assert live["Configuration"]["Version"] == "1"
    assert live["Configuration"]["FunctionArn"] == f"{ARN}:{name}:live"
    assert live["Code"]["ResolvedImageUri"].endswith(digest)
    listed = ask.list_versions_by_function(FunctionName=name)["Versions"]
    assert [(each["Version"], each["Timeout"]) for each in listed] == [
        ("$LATEST", 9), ("1", 5), ("2", 9),
    ]  # fmt: skip
    code, _ = refusal(lambdas, "delete_function", FunctionName=name, Qualifier="1")
    assert code == "ResourceConflictException"
    ask.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    ask.delete_function(FunctionName=name, Qualifier="1")
    code, told = refusal(lambdas, "get_function", FunctionName=f"{name}:1")
    assert (code, told) == (
        "ResourceNotFoundException", f"Function not found: {ARN}:{name}:1"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "code", "told"),
    [
        ({"MemorySize": 20_000}, "InvalidParameterValueException", "less than or equal to 10240"),
        ({"Timeout": 2000}, "ValidationException", "Value '2000' at 'timeout'"),
        ({"EphemeralStorage": {"Size": 20_000}}, "ValidationException", "equal to 10240"),
        ({"Environment": {"Variables": {"AB": "c" * 4096}}}, "", "exceeded the 4KB limit"),
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "", "request: AWS_REGION"),
        ({"Handler": "app.serve", "Runtime": "python3.13"}, "", "Image deployment package"),
        ({"SnapStart": {"ApplyOn": "PublishedVersions"}}, "", "SnapStart"),
        ({"Role": "arn:aws:iam::123456789012:role/nobody"}, "", "cannot be assumed by Lambda"),
    ],
)
def test_settings_keep_lambdas_rules(
    lambdas: Lambda, setting: dict[str, Any], code: str, told: str
) -> None:
    wanted = {
        "FunctionName": "bad",
        "Role": lambdas.role,
        "Code": {"ImageUri": f"{REPOSITORY}:1"},
        "PackageType": "Image",
    }
    found = refusal(lambdas, "create_function", **{**wanted, **setting})
    assert (found[0], told in found[1]) == (code or "InvalidParameterValueException", True), found


def test_names_have_no_dots_and_no_two_functions_one(lambdas: Lambda) -> None:
    lambdas.make("once")
    with pytest.raises(ClientError, match="Function already exist: once"):
        lambdas.make("once")
    with pytest.raises(ClientError, match=r"Value 'a\.b' at 'functionName' failed"):
        lambdas.make("a.b")


def test_an_image_is_one_of_ecr_for_the_architecture_and_no_index(lambdas: Lambda) -> None:
    # given
    digest = lambdas.push("arm", b"arm", "arm64")
    entry = {"mediaType": "x", "digest": digest, "size": 1}
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    lambdas.registry.put("app", "index", json.dumps(index).encode(), OCI_INDEX)
    # then
    for tag, told in [
        ("nowhere", f"Source image {REPOSITORY}:nowhere does not exist."),
        ("index", f"media type for the source image {REPOSITORY}:index is not supported"),
        ("arm", r"is made for arm64, and Architectures is \[x86_64\]"),
    ]:
        with pytest.raises(ClientError, match=told):
            lambdas.make("image", f"{REPOSITORY}:{tag}")
    lambdas.make("image", f"{REPOSITORY}:arm", Architectures=["arm64"])
    # when: nothing is left of a change that is refused
    code, _ = refusal(
        lambdas, "update_function_code", FunctionName="image", ImageUri=f"{REPOSITORY}:1"
    )
    assert code == "InvalidParameterValueException"
    told = lambdas.client.get_function_configuration(FunctionName="image")
    assert told["CodeSha256"] == digest.removeprefix("sha256:")


def test_a_change_can_insist_on_a_revision(lambdas: Lambda) -> None:
    revision = lambdas.make("revised")["RevisionId"]
    change = {"FunctionName": "revised", "RevisionId": revision}
    lambdas.client.update_function_configuration(**change, Description="new")
    code, _ = refusal(lambdas, "update_function_configuration", **change, Description="newer")
    assert code == "PreconditionFailedException"


def test_what_belongs_to_a_function_goes_with_it(lambdas: Lambda) -> None:
    # given
    ask, name = lambdas.client, "whole"
    lambdas.make(name, Publish=True)
    ask.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    live = {"FunctionName": name, "Qualifier": "live"}
    # when
    url = ask.create_function_url_config(**live, AuthType="AWS_IAM")["FunctionUrl"]
    ask.add_permission(
        **live, StatementId="a", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        SourceArn="arn:aws:events:eu-west-1:123456789012:rule/x",
    )  # fmt: skip
    ask.put_function_event_invoke_config(**live, MaximumRetryAttempts=1)
    ask.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=5)
    ask.put_provisioned_concurrency_config(**live, ProvisionedConcurrentExecutions=2)
    ask.tag_resource(Resource=f"{ARN}:{name}", Tags={"a": "1", "b": "2"})
    ask.untag_resource(Resource=f"{ARN}:{name}", TagKeys=["b"])
    # then
    assert ask.get_function_url_config(**live)["FunctionUrl"] == url
    policy = json.loads(ask.get_policy(**live)["Policy"])
    assert policy["Statement"] == [
        {
            "Sid": "a",
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": f"{ARN}:{name}:live",
            "Condition": {
                "ArnLike": {"AWS:SourceArn": "arn:aws:events:eu-west-1:123456789012:rule/x"}
            },
        }
    ]
    code, _ = refusal(lambdas, "get_policy", FunctionName=name)  # That of the alias alone.
    assert code == "ResourceNotFoundException"
    assert ask.get_function_event_invoke_config(**live)["MaximumRetryAttempts"] == 1
    assert ask.get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 5
    assert ask.get_provisioned_concurrency_config(**live)["Status"] == "READY"
    assert ask.list_tags(Resource=f"{ARN}:{name}")["Tags"] == {"a": "1"}
    ask.delete_function(FunctionName=name)
    lambdas.make(name)
    assert ask.list_aliases(FunctionName=name)["Aliases"] == []
    code, _ = refusal(lambdas, "get_function_url_config", FunctionName=name)
    assert code == "ResourceNotFoundException"


def test_lists_come_in_pages(lambdas: Lambda) -> None:
    for name in ("page-a", "page-b"):
        lambdas.make(name, Publish=True)
    paginator = lambdas.client.get_paginator("list_functions")
    found = [
        f"{each['FunctionName']}:{each['Version']}"
        for page in paginator.paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 1})
        for each in page["Functions"]
    ]
    assert [each for each in found if each.startswith("page-")] == [
        "page-a:$LATEST", "page-a:1", "page-b:$LATEST", "page-b:1",
    ]  # fmt: skip
