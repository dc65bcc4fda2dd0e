"""The ECR repository that the app's image goes to, and the password for it.

Which one: that of the app's foundation stack, else ``[foundation] repository`` of odyssey.toml,
where there is one of that name already, else one with the image's own name. That is made where it
is missing, with tags that cannot be moved, since a tag here is made of the image's content.

Sources: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_CreateRepository.html and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odyssey import console, foundation, rules
from odyssey.aws import explained
from odyssey.errors import AwsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.aws import Clients
    from odyssey.config import Config

LONGEST = 256
"""Characters of a repository's name."""


@dataclass(frozen=True)
class Destination:
    """Where an image goes, and who brings it.

    Args:
        repository_uri: The repository as ECR calls it, without a tag.
        username: The name for the registry.
        password: The password for the registry, good for twelve hours; it is never shown.
        endpoint: The registry's URL.
        known_as: The repository as SageMaker and Lambda know it, without a tag. Default: the same;
            it is another where ECR is an emulator's, and leads to a registry on this machine.
    """

    repository_uri: str
    username: str
    password: str = field(repr=False)
    endpoint: str
    known_as: str = ""

    def image(self, digest: str) -> str:
        """Return the URI of an image in it, by its digest."""
        return f"{self.known_as or self.repository_uri}@{digest}"

    @property
    def insecure(self) -> bool:
        """Whether the registry speaks plain HTTP, as one on this machine does."""
        return self.endpoint.startswith("http://")


@dataclass(frozen=True)
class Plan:
    """Which repository an image goes to, and whether that is there.

    Args:
        name: Its name.
        repository: ECR's description; None where it has to be made.
        request: The parameters of ``CreateRepository`` that make it.
    """

    name: str
    repository: Mapping[str, Any] | None
    request: Mapping[str, Any]

    def document(self) -> dict[str, Any]:
        """Return what would be changed, and where the image would go, as JSON takes it."""
        if self.repository is not None:
            return {"repository": str(self.repository["repositoryUri"])}
        return {"repository": self.name, "CreateRepository": dict(self.request)}


def plan(settings: Config, access: Clients, name: str) -> Plan:
    """Return which repository an image goes to; nothing is changed.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        name: The image's name, for where neither the foundation nor the settings name one.

    Raises:
        AwsError: AWS refuses, or the foundation's repository is gone.
        UsageError: The name is none that ECR takes, or one that the foundation is to make.
    """
    made = foundation.find(settings, access)
    # What follows the host, wherever the registry is.
    chosen = made.repository.partition("/")[2] if made.repository else ""
    chosen = chosen or settings.foundation.repository or name
    wrong = rules.repository(chosen)
    if wrong or not 2 <= len(chosen) <= LONGEST:
        raise UsageError(
            f'"{chosen}" is no name of an ECR repository: it must be 2 to {LONGEST} lower-case '
            "letters and digits, with single . _ - / between",
            "name it in odyssey.toml: repository under [foundation]",
        )
    there = _describe(access.client("ecr"), chosen)
    if there is None and made.repository:
        raise AwsError(
            f"the foundation's repository {made.repository} is gone",
            f"{made.deploy}, or odyssey diff",
        )
    if there is None and settings.foundation.repository:
        # Made here, it would stand in the way of the stack, which makes it by the same name.
        raise UsageError(
            f'there is no repository "{chosen}", which [foundation] of odyssey.toml names: the '
            "foundation stack makes it, and is not deployed",
            made.deploy,
        )
    return Plan(chosen, there, _request(settings, chosen))


def destination(settings: Config, access: Clients, name: str) -> Destination:
    """Return where to push an image, with a password for it; make the repository if need be.

    Args:
        settings: The app's settings.
        access: The way to AWS.
        name: The image's name, as for `plan`.

    Raises:
        AwsError: AWS refuses, or the foundation's repository is gone.
        UsageError: As for `plan`.
    """
    planned = plan(settings, access, name)
    client = access.client("ecr")
    there = planned.repository
    if there is None:
        there = _create(client, planned)
    return _log_in(client, there)


def _describe(client: Any, name: str) -> Mapping[str, Any] | None:
    from botocore.exceptions import ClientError

    with explained():
        try:
            found = client.describe_repositories(repositoryNames=[name])["repositories"]
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "RepositoryNotFoundException":
                raise
            return None
    return dict(found[0]) if found else None


def _create(client: Any, planned: Plan) -> Mapping[str, Any]:
    from botocore.exceptions import ClientError

    with explained():
        try:
            made = client.create_repository(**planned.request)["repository"]
        except ClientError as error:
            # Somebody else's push has made it since we looked.
            if error.response.get("Error", {}).get("Code") != "RepositoryAlreadyExistsException":
                raise
            made = client.describe_repositories(repositoryNames=[planned.name])["repositories"][0]
        else:
            console.note(f"Made the ECR repository {console.clean(made['repositoryUri'])}.")
    return dict(made)


def _request(settings: Config, name: str) -> dict[str, Any]:
    key = settings.foundation.kms_key
    encryption = {"encryptionType": "KMS", "kmsKey": key} if key else {"encryptionType": "AES256"}
    tags = {"odyssey:app": settings.app.name, **settings.aws.tags}
    return {
        "repositoryName": name,
        "tags": [{"Key": name, "Value": value} for name, value in tags.items()],
        "imageTagMutability": "IMMUTABLE",
        "imageScanningConfiguration": {"scanOnPush": True},
        "encryptionConfiguration": encryption,
    }


def _log_in(client: Any, repository: Mapping[str, Any]) -> Destination:
    uri = str(repository["repositoryUri"])
    asked = {"registryIds": [repository["registryId"]]} if "registryId" in repository else {}
    with explained():
        told = client.get_authorization_token(**asked)["authorizationData"]
    try:
        username, _, password = (
            base64.b64decode(told[0]["authorizationToken"]).decode().partition(":")
        )
    except (LookupError, ValueError) as error:
        # Not the token itself, which is a password.
        raise AwsError("GetAuthorizationToken: AWS sent no token that is a password") from error
    endpoint = str(told[0].get("proxyEndpoint") or "")
    if not re.match(r"https?://", endpoint):
        endpoint = f"https://{uri.partition('/')[0]}"
    return Destination(uri, username, password, endpoint, _known_as(uri, repository))


def _known_as(uri: str, repository: Mapping[str, Any]) -> str:
    """Return a repository's address in AWS where its URI is a place on this machine; else "".

    What is recorded and deployed then looks the same as it does for AWS, permissions included.
    """
    arn = str(repository.get("repositoryArn", "")).split(":", 5)
    if not re.match(r"(localhost|127\.0\.0\.1)[:/]", uri) or len(arn) < 6:
        return ""
    _, partition, _, region, account, resource = arn
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    return f"{account}.dkr.ecr.{region}.{suffix}/{resource.partition('/')[2]}"
