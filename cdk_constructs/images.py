"""Which container image a model or a function runs, named by its digest.

A tag can be moved to another image without any change of the template, so that nothing is deployed;
a digest names one image for ever. Lambda resolves a tag to a digest when a function is updated, and
SageMaker pulls the image again whenever an endpoint grows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from aws_cdk import Fn, Stack
from aws_cdk import aws_iam as iam

from cdk_constructs.ecr_address import DIGEST, DIGEST_RULE, EcrAddress, check_length, is_of_ecr
from cdk_constructs.validation import Problems, is_token

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
"""What a role may do to one repository to pull from it."""

_REGISTRY = rf"[^\s@]+@{DIGEST}"

Platform = Literal["linux/amd64", "linux/arm64"]
_PLATFORMS = ("linux/amd64", "linux/arm64")


class ModelImage(ABC):
    """A container image, by its digest; made by one of the four factories.

    Example:
        >>> image = ModelImage.from_repository(repository, digest="sha256:2c26b46b68ff…")
    """

    @staticmethod
    def from_repository(repository: ecr.IRepository, digest: str) -> ModelImage:
        """Return an image of an ECR repository.

        Args:
            repository: The repository, of this app or imported.
            digest: ``sha256:`` and 64 hexadecimal digits, or a value known at deployment.

        Raises:
            ValueError: The digest is none; a tag is refused.
        """
        return _RepositoryImage(repository, digest)

    @staticmethod
    def from_uri(uri: str) -> ModelImage:
        """Return an image of an ECR repository by its URI.

        Args:
            uri: ``ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:DIGEST``, or as the partition
                has it. It must be known at synthesis, as the pull is granted on that repository
                alone; `from_repository` takes a digest that is known only at deployment. The
                repository may be another account's, which must let this one pull, but must be of
                the region that the image runs in.

        Raises:
            ValueError: The URI is not one of ECR, in a domain of AWS, with a digest.
        """
        return _UriImage(uri, EcrAddress.read(Problems("ModelImage"), uri))

    @staticmethod
    def from_asset(
        directory: str,
        *,
        file: str | None = None,
        build_args: Mapping[str, str] | None = None,
        platform: Platform = "linux/amd64",
    ) -> ModelImage:
        """Return an image that the CDK builds and pushes when the app is deployed.

        It needs a bootstrapped account and Docker where ``cdk deploy`` runs. The CDK names it by a
        hash of its files, in a repository whose tags cannot be moved.

        Args:
            directory: The folder with the Dockerfile.
            file: The Dockerfile, relative to the folder; default ``Dockerfile``.
            build_args: Build arguments; default none.
            platform: ``linux/amd64`` (the default), or ``linux/arm64`` for Graviton.

        Raises:
            ValueError: The platform is neither.
        """
        return _AssetImage(directory, file, dict(build_args or {}), platform)

    @staticmethod
    def from_registry(uri: str) -> ModelImage:
        """Return an image of a registry other than ECR, which needs no grant.

        SageMaker pulls it through the VPC of the model, which must therefore be in one; Lambda
        takes no such image.

        Args:
            uri: ``HOST/NAME@sha256:DIGEST``, at most 255 characters.

        Raises:
            ValueError: The URI has no digest, is too long, or is one of ECR.
        """
        return _RegistryImage(uri)

    @property
    def repository_access_mode(self) -> Literal["Platform", "Vpc"]:
        """How SageMaker reaches the registry: ``Platform`` for ECR, ``Vpc`` for another.

        Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ImageConfig.html
        """
        return "Platform"

    @property
    def platform(self) -> Platform | None:
        """What the image is built for, or None where it is not known here."""
        return None

    @property
    def region(self) -> str | None:
        """The region of the repository, or None where it is that of whoever uses the image."""
        return None

    def check(self, problems: Problems, scope: Construct) -> None:
        """Add why what is made in a scope cannot run the image: it is in another region."""
        here = Stack.of(scope).region
        if self.region not in (None, here) and not is_token(self.region) and not is_token(here):
            problems.add(f"image in {self.region}: must be in {here}, where the stack is")

    def check_function(self, problems: Problems, scope: Construct) -> None:
        """Add why a function that is made in a scope cannot run the image."""
        self.check(problems, scope)

    @abstractmethod
    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str:
        """Grant the pull, and return the image's URI.

        Args:
            scope: The construct that uses the image.
            grantee: The role that pulls it.

        Raises:
            ValueError: The image is in another region than the scope.
        """

    @abstractmethod
    def bind_function(
        self,
        scope: Construct,
        *,
        entrypoint: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
    ) -> lambda_.DockerImageCode:
        """Return the image as the code of a Lambda function.

        A repository of this app lets the Lambda service pull, in its own policy: what Lambda adds
        by itself when a function is made is not added again when it is updated. The policy names
        no function, as AWS documents that for functions of other accounts only.

        Args:
            scope: The construct that uses the image.
            entrypoint: What to run in place of the image's ``ENTRYPOINT``; default its own.
            command: What to run in place of the image's ``CMD``; default the image's own.

        Raises:
            ValueError: Lambda takes no image of this registry, or the image is in another region.
        """


@dataclass(frozen=True)
class _RepositoryImage(ModelImage):
    repository: ecr.IRepository
    digest: str

    def __post_init__(self) -> None:
        problems = Problems("ModelImage")
        problems.requires("digest", self.digest, DIGEST, DIGEST_RULE)
        problems.raise_any()

    @property
    def region(self) -> str:
        # The CDK gives an imported repository the region of the stack that imports it.
        arn = self.repository.repository_arn.split(":")
        return arn[3] if len(arn) > 3 else self.repository.env.region

    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str:
        _require(scope, self.check)
        self.repository.grant_pull(grantee)
        return self.repository.repository_uri_for_digest(self.digest)

    def bind_function(
        self,
        scope: Construct,
        *,
        entrypoint: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
    ) -> lambda_.DockerImageCode:
        from aws_cdk import aws_lambda as lambda_

        _require(scope, self.check_function)
        return lambda_.DockerImageCode.from_ecr(
            self.repository,
            tag_or_digest=_recognised(self.digest),
            entrypoint=_words(entrypoint),
            cmd=_words(command),
        )


@dataclass(frozen=True)
class _UriImage(ModelImage):
    uri: str
    address: EcrAddress

    @property
    def region(self) -> str:
        return self.address.region

    def check_function(self, problems: Problems, scope: Construct) -> None:
        super().check_function(problems, scope)
        if self.address.fips is not None:
            problems.add(f'image "{self.uri}": must be of no FIPS endpoint, which Lambda refuses')

    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str:
        _require(scope, self.check)
        iam.Grant.add_to_principal(
            grantee=grantee, actions=[*PULL], resource_arns=[self.address.repository_arn]
        )
        iam.Grant.add_to_principal(
            grantee=grantee, actions=["ecr:GetAuthorizationToken"], resource_arns=["*"]
        )
        return self.uri

    def bind_function(
        self,
        scope: Construct,
        *,
        entrypoint: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
    ) -> lambda_.DockerImageCode:
        from aws_cdk import aws_ecr as ecr
        from aws_cdk import aws_lambda as lambda_

        _require(scope, self.check_function)
        repository = ecr.Repository.from_repository_attributes(
            scope,
            _free_id(scope, "Repository"),
            repository_arn=self.address.repository_arn,
            repository_name=self.address.name,
        )
        return lambda_.DockerImageCode.from_ecr(
            repository,
            tag_or_digest=self.address.digest,
            entrypoint=_words(entrypoint),
            cmd=_words(command),
        )


@dataclass(frozen=True)
class _AssetImage(ModelImage):
    directory: str
    file: str | None
    build_args: Mapping[str, str]
    built_for: Platform

    def __post_init__(self) -> None:
        problems = Problems("ModelImage")
        problems.one_of("platform", self.built_for, _PLATFORMS)
        problems.raise_any()

    @property
    def platform(self) -> Platform:
        return self.built_for

    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str:
        from aws_cdk import aws_ecr_assets as assets

        image = assets.DockerImageAsset(
            scope,
            _free_id(scope, "Image"),
            directory=self.directory,
            file=self.file,
            build_args=dict(self.build_args),
            platform=assets.Platform.custom(self.platform),
        )
        image.repository.grant_pull(grantee)
        return image.image_uri

    def bind_function(
        self,
        scope: Construct,
        *,
        entrypoint: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
    ) -> lambda_.DockerImageCode:
        from aws_cdk import aws_ecr_assets as assets
        from aws_cdk import aws_lambda as lambda_

        return lambda_.DockerImageCode.from_image_asset(
            self.directory,
            file=self.file,
            build_args=dict(self.build_args),
            platform=assets.Platform.custom(self.platform),
            entrypoint=_words(entrypoint),
            cmd=_words(command),
        )


@dataclass(frozen=True)
class _RegistryImage(ModelImage):
    uri: str

    def __post_init__(self) -> None:
        problems = Problems("ModelImage")
        problems.requires("uri", self.uri, _REGISTRY, "must be HOST/NAME@sha256:DIGEST")
        problems.raise_any()
        if is_of_ecr(self.uri):
            problems.add(f'uri "{self.uri}": is one of ECR: from_uri grants the pull')
        check_length(problems, self.uri)
        problems.raise_any()

    @property
    def repository_access_mode(self) -> Literal["Platform", "Vpc"]:
        return "Vpc"

    def check_function(self, problems: Problems, scope: Construct) -> None:
        problems.add(self._refusal())

    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str:
        return self.uri

    def bind_function(
        self,
        scope: Construct,
        *,
        entrypoint: Sequence[str] | None = None,
        command: Sequence[str] | None = None,
    ) -> lambda_.DockerImageCode:
        raise ValueError(f"{scope.node.path}: {self._refusal()}")

    def _refusal(self) -> str:
        return f'image "{self.uri}": Lambda pulls from ECR only'


def _require(scope: Construct, check: Callable[[Problems, Construct], None]) -> None:
    problems = Problems(scope.node.path)
    check(problems, scope)
    problems.raise_any()


def _recognised(digest: str) -> str:
    """Return a digest that the CDK takes for one: it takes a token for a tag."""
    return f"sha256:{Fn.select(1, Fn.split(':', digest))}" if is_token(digest) else digest


def _words(given: Sequence[str] | None) -> list[str] | None:
    """Return words as the CDK takes them: of sequences, lists alone."""
    return None if given is None else list(given)


def _free_id(scope: Construct, wanted: str) -> str:
    """Return an id that is free in a scope: the same image may be bound twice."""
    number, free = 1, wanted
    while scope.node.try_find_child(free) is not None:
        number += 1
        free = f"{wanted}{number}"
    return free
