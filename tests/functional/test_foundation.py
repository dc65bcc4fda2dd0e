"""What the foundation stack made, as the stack says."""

from __future__ import annotations

from pathlib import Path

import pytest

from odyssey import config, foundation
from odyssey.config import Config
from odyssey.errors import UsageError
from odyssey.foundation import Foundation
from tests.functional.stacks import FakeClients, FakeCloudFormation

OUTPUTS = [
    {"OutputKey": "RepositoryUri", "OutputValue": "1.dkr.ecr.eu-west-1.amazonaws.com/iris"},
    {"OutputKey": "BucketName", "OutputValue": "iris-bucket"},
    {"OutputKey": "TrainingRoleArn", "OutputValue": "arn:aws:iam::1:role/iris"},
    {"OutputKey": "Other", "OutputValue": "x"},
]


def settings(folder: Path, env: str | None = None) -> Config:
    (folder / "odyssey.toml").write_text(
        '[app]\nname = "iris"\n[foundation]\nbucket = "wished-for"\n[env.prod]\n'
    )
    return config.load(folder, env=env)


def test_a_deployed_stack_says_what_it_made(tmp_path: Path) -> None:
    # given
    cloudformation = FakeCloudFormation()
    cloudformation.put("iris-foundation", "UPDATE_COMPLETE", Outputs=OUTPUTS)
    # when
    found = foundation.find(settings(tmp_path), FakeClients(cloudformation))
    # then
    assert found.repository == "1.dkr.ecr.eu-west-1.amazonaws.com/iris"
    assert foundation.require_bucket(found) == "iris-bucket"
    assert foundation.require_role(found) == "arn:aws:iam::1:role/iris"


def test_an_environment_has_a_stack_of_its_own(tmp_path: Path) -> None:
    # given
    cloudformation = FakeCloudFormation()
    cloudformation.put("iris-foundation", "CREATE_COMPLETE", Outputs=OUTPUTS)
    prod = settings(tmp_path, "prod")
    # when
    found = foundation.find(prod, FakeClients(cloudformation))
    # then
    assert found.bucket is None
    assert foundation.stack_name(prod) == "iris-prod-foundation"
    assert found.deploy == "odyssey deploy iris-prod-foundation --env prod"


@pytest.mark.parametrize("status", [None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"])
def test_before_the_stack_is_deployed_the_settings_do_not_count(
    tmp_path: Path, status: str | None
) -> None:
    cloudformation = FakeCloudFormation()
    if status:
        cloudformation.put("iris-foundation", status, Outputs=OUTPUTS)
    found = foundation.find(settings(tmp_path), FakeClients(cloudformation))
    assert (found.repository, found.bucket, found.training_role) == (None, None, None)


def test_what_is_required_and_not_there_is_an_error_with_the_next_command(tmp_path: Path) -> None:
    found = foundation.find(settings(tmp_path), FakeClients(FakeCloudFormation()))
    with pytest.raises(UsageError, match="no bucket is known") as caught:
        foundation.require_bucket(found, "-m s3://BUCKET/PREFIX")
    assert caught.value.hint == (
        "odyssey deploy iris-foundation, or name it with -m s3://BUCKET/PREFIX"
    )
    with pytest.raises(UsageError, match="no role is known") as caught:
        foundation.require_role(Foundation(None, "a-bucket", None))
    assert caught.value.hint == "odyssey deploy APP-foundation, or name it with -r ROLE"
