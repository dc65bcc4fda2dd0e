"""The images of jobs: a name, as a request has it, becomes an image that the engine has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.errors import ImageError
from odyssey.sandbox.calls import ACCOUNT, ServiceError
from odyssey.sandbox.ecr.passwords import USER
from odyssey.sandbox.iam.identities import ROOT, session_of
from odyssey.sandbox.machines import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import docker

    from odyssey.images.image import Image
    from odyssey.sandbox.ecr.passwords import Passwords
    from odyssey.sandbox.ecr.repositories import Repositories
    from odyssey.sandbox.ecr.repository import Repository, StoredImage
    from odyssey.sandbox.iam.guard import Guard
    from odyssey.sandbox.iam.identities import Principal

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What a role needs on the repository."""

_NAME = re.compile(
    r"(\d{12}\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?|(127\.0\.0\.1|localhost):\d+)"
    r"/(?P<name>[a-z0-9._/-]+)(:(?P<tag>\w[\w.-]{0,299}))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Located:
    """An image that the registry has, and that a role may pull.

    Args:
        repository: Its repository.
        stored: The image.
        principal: Who pulls it.
    """

    repository: Repository
    stored: StoredImage
    principal: Principal


class Images:
    """Finds and pulls the images of jobs.

    Every name of ECR's leads to the sandbox's own registry, whichever account it names: there is
    only one here. So does the address of a registry on this machine, even that of an earlier port,
    under which a repository was known before the sandbox was started again.

    Args:
        port: The sandbox's port.
        repositories: The repositories.
        passwords: The passwords that open them.
        guard: Who may do what.
    """

    def __init__(
        self, port: int, repositories: Repositories, passwords: Passwords, guard: Guard
    ) -> None:
        """Nothing is pulled yet."""
        self._host = f"127.0.0.1:{port}"
        self._repositories = repositories
        self._passwords = passwords
        self._guard = guard

    def pull(self, engine: docker.DockerClient, image: str, region: str, role: str | None) -> Image:
        """Return an image that the engine has, pulled where it has it not.

        Args:
            engine: The Docker engine.
            image: The image, as the request names it.
            region: The region of the job.
            role: The ARN of the role that pulls. Default: the account's root.

        Raises:
            MachineError: The image is not there, the role may not pull it, or the engine cannot.
        """
        from odyssey.images.image import find

        located = self.locate(image, region, role)
        name = f"{self._host}/{located.repository.name}@{located.stored.digest}"
        # An engine calls an image by the digest of its configuration or of its manifest.
        for known in filter(None, (located.stored.record["config"], name)):
            try:
                return find(engine, known)
            except ImageError:
                continue
        self._fetch(engine, name, located)
        try:
            return find(engine, name)
        except ImageError as error:
            raise MachineError(f"The image {image} cannot be pulled: {error.message}") from error

    def locate(self, image: str, region: str, role: str | None) -> Located:
        """Return an image that the registry has; nothing is pulled.

        Args:
            image: The image, as the request names it.
            region: The region of the job.
            role: The ARN of the role that pulls. Default: the account's root.

        Raises:
            MachineError: It is not there, or the role may not pull it.
        """
        found = _NAME.fullmatch(image)
        if found is None:
            raise MachineError(
                f'Using non-ECR image "{image}" without Vpc repository access mode is not '
                "supported."
            )
        if (found["region"] or region) != region:
            raise MachineError(
                f"Requested image {image} not found: it is of the region {found['region']}, and "
                f"the job is in {region}"
            )
        principal = session_of(role, "SageMaker", "") if role else ROOT
        repository = self._repository(found["name"], region, principal)
        stored = repository.find(found["digest"] or found["tag"] or "latest")
        if stored is None:
            raise MachineError(f"Requested image {image} not found.")
        return Located(repository, stored, principal)

    def _repository(self, name: str, region: str, principal: Principal) -> Repository:
        role = principal.role or principal.arn
        needs = f"proper pull permissions for SageMaker: {', '.join(PULL)}"
        try:
            repository = self._repositories.open(region, name)
        except ServiceError as error:
            raise MachineError(
                f"Cannot find repository: {name} in registry ID: {ACCOUNT} Please check if your "
                f"ECR repository exists and role {role} has {needs}"
            ) from error
        try:
            self._guard.require(principal, "ecr:GetAuthorizationToken", "*")
            for action in PULL:
                self._guard.require(principal, action, repository.arn)
        except ServiceError as error:
            raise MachineError(
                f"Access denied for repository: {name} in registry ID: {ACCOUNT}. Please check if "
                f"your ECR repository and image exist and role {role} has {needs} "
                f"({error.message})"
            ) from error
        return repository

    def _fetch(self, engine: docker.DockerClient, name: str, located: Located) -> None:
        from odyssey.images.engine import explained

        password = self._passwords.give(located.principal, located.repository.region)
        login = {"username": USER, "password": password.text}
        try:
            with explained(f"{name} cannot be pulled"):
                events = engine.api.pull(name, stream=True, decode=True, auth_config=login)
                problem = _problem(events)
        except ImageError as error:
            raise MachineError(error.message) from error
        if problem:
            raise MachineError(f"{name} cannot be pulled: {problem}")


def _problem(events: Iterable[dict[str, object]]) -> str:
    """Return what a pull says went wrong, once it is over; "" is nothing."""
    problem = ""
    for event in events:
        problem = str(event.get("error") or problem)
    return problem
