"""The repository: tags that stay, scans, and what expires."""

import json
from typing import Any

import pytest
from aws_cdk import App, RemovalPolicy, Stack, Token
from aws_cdk import aws_kms as kms
from aws_cdk.assertions import Template

from cdk_constructs import ModelRepository


@pytest.fixture
def stack() -> Stack:
    return Stack(App(), "Stack")


def resource(stack: Stack) -> dict[str, Any]:
    found = Template.from_stack(stack).find_resources("AWS::ECR::Repository")
    made: dict[str, Any] = next(iter(found.values()))
    return made


def rules(stack: Stack) -> list[dict[str, Any]]:
    text = resource(stack)["Properties"]["LifecyclePolicy"]["LifecyclePolicyText"]
    made: list[dict[str, Any]] = json.loads(text)["rules"]
    return made


def test_tags_stay_and_images_are_scanned_and_kept_with_the_stack_gone(stack: Stack) -> None:
    ModelRepository(stack, "Repository")

    made = resource(stack)
    assert made["Properties"]["ImageTagMutability"] == "IMMUTABLE"
    assert made["Properties"]["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert "EmptyOnDelete" not in made["Properties"]
    assert made["DeletionPolicy"] == made["UpdateReplacePolicy"] == "Retain"


def test_only_untagged_images_expire(stack: Stack) -> None:
    ModelRepository(stack, "Repository", untagged_days=3)

    assert [rule["selection"] for rule in rules(stack)] == [
        {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countNumber": 3,
            "countUnit": "days",
        }
    ]


def test_a_repository_to_be_destroyed_goes_with_its_images_by_ecr_itself(stack: Stack) -> None:
    ModelRepository(stack, "Repository", removal_policy=RemovalPolicy.DESTROY)

    assert resource(stack)["Properties"]["EmptyOnDelete"] is True
    assert resource(stack)["DeletionPolicy"] == "Delete"


def test_a_repository_that_is_replaced_stays_with_the_images_in_use(stack: Stack) -> None:
    ModelRepository(stack, "Repository", removal_policy=RemovalPolicy.DESTROY)

    assert resource(stack)["UpdateReplacePolicy"] == "Retain"


def test_a_repository_is_destroyed_without_a_function_of_the_cdks(stack: Stack) -> None:
    ModelRepository(stack, "Repository", removal_policy=RemovalPolicy.DESTROY)

    Template.from_stack(stack).resource_count_is("AWS::Lambda::Function", 0)


def test_a_key_of_your_own_encrypts(stack: Stack) -> None:
    key = kms.Key(stack, "Key")

    ModelRepository(stack, "Repository", encryption_key=key)

    assert resource(stack)["Properties"]["EncryptionConfiguration"] == {
        "EncryptionType": "KMS",
        "KmsKey": stack.resolve(key.key_arn),
    }


def test_all_that_breaks_ecrs_rules_is_told_at_once_and_nothing_is_made(stack: Stack) -> None:
    with pytest.raises(ValueError, match="^Stack/Repository: 2 problems:") as caught:
        ModelRepository(stack, "Repository", repository_name="Churn", untagged_days=0)

    assert 'repository_name "Churn": must be 2 to 256' in str(caught.value)
    assert "untagged_days 0: must be at least 1" in str(caught.value)
    assert stack.node.try_find_child("Repository") is None


@pytest.mark.parametrize("name", ["a", "a" * 257, "a--b", "-a", "a/", "a//b", "a___b"])
def test_a_name_that_ecr_refuses_is_refused(stack: Stack, name: str) -> None:
    with pytest.raises(ValueError, match="repository_name"):
        ModelRepository(stack, "Repository", repository_name=name)


@pytest.mark.parametrize("name", ["ab", "a" * 256, "team/churn_model", "a-b.c"])
def test_a_name_that_ecr_takes_is_taken(stack: Stack, name: str) -> None:
    ModelRepository(stack, "Repository", repository_name=name)

    assert resource(stack)["Properties"]["RepositoryName"] == name


def test_values_known_only_at_deployment_are_let_through(stack: Stack) -> None:
    name = Token.as_string({"Ref": "Name"})

    ModelRepository(stack, "Repository", repository_name=name)

    assert resource(stack)["Properties"]["RepositoryName"] == {"Ref": "Name"}
