"""What a command works on."""

from __future__ import annotations

from pathlib import Path

import pytest

from odyssey import aws, config
from odyssey.aws import Access
from odyssey.cloudformation import target
from odyssey.errors import AwsError, UsageError
from odyssey.scaffold import bake
from tests.functional.stacks import FakeCloudFormation


class Reach(Access):
    """Credentials of an account whose services are a stand-in."""

    def identity(self) -> aws.Identity:
        return aws.Identity("111111111111", "arn:aws:iam::111111111111:user/me")

    def client(self, service: str, region: str | None = None) -> FakeCloudFormation:
        fake = FakeCloudFormation()
        for name in ("app-endpoint", "app-prod-endpoint", "app-prod-extra", "apples-endpoint"):
            fake.put(name, "CREATE_COMPLETE")
        return fake


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "odyssey.toml").write_text('[app]\nname = "app"\n[env.prod.server]\nworkers = 2\n')
    return tmp_path


@pytest.mark.parametrize(
    ("env", "words", "names"),
    [
        (None, [], ("app-endpoint",)),
        ("prod", [], ("app-prod-endpoint", "app-prod-extra")),
        ("prod", ["endpoint"], ("app-prod-endpoint",)),
    ],
)
def test_the_deployed_stacks_of_an_environment_are_found_by_their_names(
    app: Path, env: str | None, words: list[str], names: tuple[str, ...]
) -> None:
    settings = config.load(app, env=env, environ={})
    assert target.deployed(settings, words, Reach(None, "eu-west-1")) == names


def test_a_stack_of_another_environment_is_not_found(app: Path) -> None:
    with pytest.raises(UsageError, match='no stack "app-prod-extra"'):
        target.deployed(config.load(app, environ={}), ["app-prod-extra"], Reach(None, "eu-west-1"))


def test_credentials_of_another_account_are_refused_before_anything_is_done(
    tmp_path: Path,
) -> None:
    # given
    app = bake("testapp", "sagemaker", tmp_path)
    with (app / "odyssey.toml").open("a") as file:
        file.write('\n[aws]\naccount = "222222222222"\nregion = "eu-west-1"\n')
    # when
    with pytest.raises(AwsError) as caught:
        target.resolve(config.load(app, environ={}), [], Reach(None, "eu-west-1"))
    # then
    assert caught.value.message == (
        "testapp-foundation is for the account 222222222222, and these are credentials of "
        "111111111111 (arn:aws:iam::111111111111:user/me)"
    )
