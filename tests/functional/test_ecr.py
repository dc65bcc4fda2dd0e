"""Which repository an image goes to, with an ECR that does what a test says."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from odyssey import config, ecr
from odyssey.errors import AwsError, UsageError

URI = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/small"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"


class Clients:
    """ECR and CloudFormation by their own models: a wrong parameter is an error."""

    def __init__(self) -> None:
        self.made = {name: self._client(name) for name in ("ecr", "cloudformation")}
        self.stubs = {name: Stubber(client) for name, client in self.made.items()}
        for stub in self.stubs.values():
            stub.activate()

    def client(self, service: str, region: str | None = None) -> Any:
        return self.made[service]

    def _client(self, name: str) -> Any:
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        return boto3.client(name, region_name="eu-west-1", **keys)

    def has_no_stack(self) -> None:
        self.stubs["cloudformation"].add_client_error(
            "describe_stacks", "ValidationError", "Stack with id small-foundation does not exist"
        )

    def has_stack(self, repository: str) -> None:
        stack = {
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/small-foundation/1",
            "StackName": "small-foundation",
            "CreationTime": datetime(2026, 1, 2, tzinfo=UTC),
            "StackStatus": "CREATE_COMPLETE",
            "Outputs": [{"OutputKey": "RepositoryUri", "OutputValue": repository}],
        }
        self.stubs["cloudformation"].add_response("describe_stacks", {"Stacks": [stack]})

    def has_repository(self, name: str, uri: str = URI) -> None:
        found = {"repositoryName": name, "repositoryUri": uri, "registryId": "123456789012"}
        self.stubs["ecr"].add_response(
            "describe_repositories", {"repositories": [found]}, {"repositoryNames": [name]}
        )

    def has_no_repository(self) -> None:
        self.stubs["ecr"].add_client_error("describe_repositories", "RepositoryNotFoundException")

    def makes_repository(self, expected: dict[str, Any]) -> None:
        made = {"repositoryName": "small", "repositoryUri": URI, "registryId": "123456789012"}
        self.stubs["ecr"].add_response("create_repository", {"repository": made}, expected)

    def gives_password(self, **told: str) -> None:
        token = base64.b64encode(b"AWS:open:sesame").decode()
        data = {"authorizationToken": token, "proxyEndpoint": f"https://{URI[:-6]}", **told}
        self.stubs["ecr"].add_response(
            "get_authorization_token",
            {"authorizationData": [data]},
            {"registryIds": ["123456789012"]},
        )

    def done(self) -> None:
        for stub in self.stubs.values():
            stub.assert_no_pending_responses()


@pytest.fixture
def clients() -> Clients:
    return Clients()


def settings_of(folder: Path, text: str = "") -> config.Config:
    (folder / "odyssey.toml").write_text(f'[app]\nname = "small"\n{text}')
    return config.load(folder)


def test_a_repository_that_is_there_is_used_with_its_own_address(
    clients: Clients, tmp_path: Path
) -> None:
    clients.has_no_stack()
    clients.has_repository("small")
    clients.gives_password()
    found = ecr.destination(settings_of(tmp_path), clients, "small")
    assert found == ecr.Destination(URI, "AWS", "open:sesame", f"https://{URI[:-6]}")
    assert not found.insecure
    clients.done()


def test_the_foundation_s_repository_comes_first(clients: Clients, tmp_path: Path) -> None:
    clients.has_stack("123456789012.dkr.ecr.eu-west-1.amazonaws.com/made/by-stack")
    clients.has_repository("made/by-stack", "localhost:5000/made/by-stack")
    settings = settings_of(tmp_path, '[foundation]\nrepository = "wished"\n')
    assert ecr.plan(settings, clients, "small").document() == {
        "repository": "localhost:5000/made/by-stack"
    }


def test_the_settings_repository_comes_before_the_image_s_name(
    clients: Clients, tmp_path: Path
) -> None:
    clients.has_no_stack()
    clients.has_repository("wished")
    settings = settings_of(tmp_path, '[foundation]\nrepository = "wished"\n')
    assert ecr.plan(settings, clients, "small").name == "wished"


def test_a_repository_that_the_foundation_is_to_make_is_not_made_before_it(
    clients: Clients, tmp_path: Path
) -> None:
    clients.has_no_stack()
    clients.has_no_repository()
    settings = settings_of(tmp_path, '[foundation]\nrepository = "wished"\n')
    with pytest.raises(UsageError, match='no repository "wished"') as caught:
        ecr.destination(settings, clients, "small")
    assert caught.value.hint == "odyssey deploy small-foundation"
    clients.done()


def test_a_foundation_whose_repository_is_gone_is_an_error_with_how_to_get_it_back(
    clients: Clients, tmp_path: Path
) -> None:
    clients.has_stack(URI)
    clients.has_no_repository()
    with pytest.raises(AwsError, match="is gone") as caught:
        ecr.plan(settings_of(tmp_path), clients, "small")
    assert "odyssey deploy small-foundation" in str(caught.value.hint)


def test_a_missing_repository_is_made_scanned_encrypted_and_with_tags_that_stay(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    clients.has_no_stack()
    clients.has_no_repository()
    clients.makes_repository(
        {
            "repositoryName": "small",
            "tags": [{"Key": "odyssey:app", "Value": "small"}, {"Key": "team", "Value": "ml"}],
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }
    )
    clients.gives_password()
    # when
    found = ecr.destination(settings_of(tmp_path, '[aws.tags]\nteam = "ml"\n'), clients, "small")
    # then
    assert found.repository_uri == URI
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"Made the ECR repository {URI}.\n"
    clients.done()


def test_a_key_of_the_foundation_encrypts_the_repository(clients: Clients, tmp_path: Path) -> None:
    clients.has_no_stack()
    clients.has_no_repository()
    settings = settings_of(tmp_path, f'[foundation]\nkms_key = "{KEY}"\n')
    request = ecr.plan(settings, clients, "small").request
    assert request["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": KEY}


def test_a_dry_run_shows_the_request_and_sends_nothing(clients: Clients, tmp_path: Path) -> None:
    clients.has_no_stack()
    clients.has_no_repository()
    document = ecr.plan(settings_of(tmp_path), clients, "small").document()
    assert document["repository"] == "small"
    assert document["CreateRepository"]["repositoryName"] == "small"
    clients.done()


def test_a_repository_that_another_push_has_just_made_is_used(
    clients: Clients, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clients.has_no_stack()
    clients.has_no_repository()
    clients.stubs["ecr"].add_client_error("create_repository", "RepositoryAlreadyExistsException")
    clients.has_repository("small")
    clients.gives_password()
    assert ecr.destination(settings_of(tmp_path), clients, "small").repository_uri == URI
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("operation", ["describe_repositories", "create_repository"])
def test_a_refusal_is_an_error_of_aws(clients: Clients, tmp_path: Path, operation: str) -> None:
    clients.has_no_stack()
    if operation == "create_repository":
        clients.has_no_repository()
    clients.stubs["ecr"].add_client_error(
        operation, "AccessDeniedException", "User: u is not authorized to perform: ecr:X"
    )
    with pytest.raises(AwsError, match="not authorized"):
        ecr.destination(settings_of(tmp_path), clients, "small")


@pytest.mark.parametrize("name", ["Small", "a", "a" * 257, "-a"])
def test_a_name_that_ecr_does_not_take_is_refused_before_ecr_is_asked(
    clients: Clients, tmp_path: Path, name: str
) -> None:
    clients.has_no_stack()
    with pytest.raises(UsageError, match="2 to 256 lower-case"):
        ecr.plan(settings_of(tmp_path), clients, name)


def test_a_registry_on_this_machine_speaks_plain_http(clients: Clients, tmp_path: Path) -> None:
    clients.has_no_stack()
    clients.has_repository("small", "127.0.0.1:5000/small")
    clients.gives_password(proxyEndpoint="http://127.0.0.1:5000")
    found = ecr.destination(settings_of(tmp_path), clients, "small")
    assert found.insecure
    assert found.repository_uri == "127.0.0.1:5000/small"


def test_without_an_endpoint_the_registry_is_that_of_the_repository(
    clients: Clients, tmp_path: Path
) -> None:
    clients.has_no_stack()
    clients.has_repository("small")
    clients.gives_password(proxyEndpoint="")
    found = ecr.destination(settings_of(tmp_path), clients, "small")
    assert found.endpoint == "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"


def test_the_password_is_never_shown(clients: Clients, tmp_path: Path) -> None:
    clients.has_no_stack()
    clients.has_repository("small")
    clients.gives_password()
    assert "sesame" not in repr(ecr.destination(settings_of(tmp_path), clients, "small"))


def test_a_token_that_is_no_password_is_an_error_that_does_not_show_it(
    clients: Clients, tmp_path: Path
) -> None:
    clients.has_no_stack()
    clients.has_repository("small")
    clients.gives_password(authorizationToken="!secret")
    with pytest.raises(AwsError, match="no token") as caught:
        ecr.destination(settings_of(tmp_path), clients, "small")
    assert "secret" not in caught.value.message
