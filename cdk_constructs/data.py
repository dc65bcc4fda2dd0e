"""Where a trained model is: one compressed archive in S3, or nowhere outside the image.

SageMaker downloads a single ``.tar.gz`` file and unpacks it below ``/opt/ml/model``. It sees no
change in a new archive under the same key: give each model a key of its own.

An update takes the right to read the model before away as soon as it starts, while instances with
that model still run, and must start again if the update fails. By default, therefore, all archives
below the first folder of the key may be read.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Aws, Fn
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_constructs.acknowledgments import acknowledge_wildcards
from cdk_constructs.validation import Problems, is_token

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3

# In an IAM policy "*" and "?" are wildcards and "$" starts a variable: with one of them in the key,
# the grant would reach other objects.
_KEY = r"(?!/)[^*?$\x00-\x1f]+\.tar\.gz"
_KEY_RULE = 'must end in .tar.gz, start with no "/", and have no "*", "?" or "$"'
_URI = rf"s3://[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]/{_KEY}"
_URI_RULE = f"must be s3://BUCKET/KEY, and KEY {_KEY_RULE}"
_PREFIX = r"(?!/)[^*?$\x00-\x1f]+/"
_ROLLBACK = "While an update lasts or goes back, instances with the model before may have to start"
_LONGEST = 1024
"""Bytes of a key that S3 takes, and characters of a URI that SageMaker takes."""


class ModelData(ABC):
    """A model's archive; made by one of the three factories.

    Example:
        >>> data = ModelData.from_uri("s3://models/churn/2024-05-01/model.tar.gz")
    """

    @staticmethod
    def from_bucket(
        bucket: s3.IBucket, key: str, *, rollback_prefix: str | None = None
    ) -> ModelData:
        """Return an archive in a bucket.

        Args:
            bucket: The bucket, of this app or imported; its key is granted, if it has one.
            key: The archive's key, ending in ``.tar.gz``, at most 1,024 bytes.
            rollback_prefix: Where the key begins, up to a ``/``: all archives below it may be
                read. Default the first folder of the key, such as ``model/``; of a key without a
                folder, or whose first folder is known only at deployment, that archive alone. To
                grant less, pass a longer prefix, but one that the model before has too.

        Raises:
            ValueError: The key is not one of an archive, or not below the prefix.
        """
        return _BucketData(bucket, key, rollback_prefix)

    @staticmethod
    def from_uri(
        uri: str, *, encryption_key: kms.IKey | None = None, rollback_prefix: str | None = None
    ) -> ModelData:
        """Return an archive by its URI.

        Args:
            uri: ``s3://BUCKET/KEY.tar.gz``, or a value known at deployment.
            encryption_key: The key that the archive is encrypted with; default none of your own.
            rollback_prefix: As for `from_bucket`. Of a URI that is known only at deployment, that
                archive alone may be read: the one before must be readable by other means.

        Raises:
            ValueError: The URI is not one of an archive, or not below the prefix.
        """
        return _UriData(uri, encryption_key, rollback_prefix)

    @staticmethod
    def none() -> ModelData:
        """Return no archive: the model is in the image."""
        return _NoData()

    @abstractmethod
    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str | None:
        """Grant the reading of the archive and of those before, and return its URI, or None.

        Args:
            scope: The construct that uses the archive.
            grantee: The role that reads it.
        """


@dataclass(frozen=True)
class _BucketData(ModelData):
    bucket: s3.IBucket
    key: str
    rollback_prefix: str | None

    def __post_init__(self) -> None:
        problems = Problems("ModelData")
        problems.requires("key", self.key, _KEY, _KEY_RULE)
        problems.raise_any()
        _check_length(problems, "key", self.key)
        _check_prefix(problems, self.rollback_prefix, self.key)
        problems.raise_any()

    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str:
        """Grant the key or the prefix, with the bucket's own key, and return the URI."""
        granted = _granted(self.key, self.rollback_prefix)
        arn = self.bucket.arn_for_objects(granted)
        _grant_read(grantee, arn, self.bucket.encryption_key)
        return self.bucket.s3_url_for_object(self.key)


@dataclass(frozen=True)
class _UriData(ModelData):
    uri: str
    encryption_key: kms.IKey | None
    rollback_prefix: str | None

    def __post_init__(self) -> None:
        problems = Problems("ModelData")
        problems.requires("uri", self.uri, _URI, _URI_RULE)
        problems.raise_any()
        _check_length(problems, "uri", self.uri)
        if self.uri.startswith("s3://"):
            _check_prefix(problems, self.rollback_prefix, _key_of(self.uri))
        elif self.rollback_prefix is not None:
            problems.add("rollback_prefix: takes a uri whose key is known at synthesis")
        problems.raise_any()

    def bind(self, scope: Construct, grantee: iam.IGrantable) -> str:
        """Grant the key or the prefix, with the key that was given, and return the URI."""
        bucket, _, key = _without_scheme(self.uri).partition("/")
        place = f"{bucket}/{_granted(key, self.rollback_prefix)}" if key else bucket
        arn = f"arn:{Aws.PARTITION}:s3:::{place}"
        _grant_read(grantee, arn, self.encryption_key)
        return self.uri


@dataclass(frozen=True)
class _NoData(ModelData):
    def bind(self, scope: Construct, grantee: iam.IGrantable) -> None:
        """Grant nothing, and return no URI."""
        return


def _grant_read(grantee: iam.IGrantable, arn: str, encryption_key: kms.IKey | None) -> None:
    # The L2's grant_read adds GetBucket* and List* on the whole bucket.
    iam.Grant.add_to_principal(grantee=grantee, actions=["s3:GetObject"], resource_arns=[arn])
    if "*" in arn and isinstance(grantee, Construct):
        acknowledge_wildcards(grantee, {arn: _ROLLBACK})
    if encryption_key is not None:
        encryption_key.grant_decrypt(grantee)


def _granted(key: str, prefix: str | None) -> str:
    """Return the key that may be read, or the pattern of those of all archives below a prefix."""
    if prefix is None:
        first, slash, _ = key.partition("/")
        prefix = f"{first}/" if slash and not is_token(first) else None
    return key if prefix is None else f"{prefix}*.tar.gz"


def _key_of(uri: str) -> str:
    return uri.removeprefix("s3://").partition("/")[2]


def _check_prefix(problems: Problems, prefix: str | None, key: str) -> None:
    if prefix is None or is_token(prefix) or is_token(key):
        return
    if not re.fullmatch(_PREFIX, prefix) or not key.startswith(prefix):
        problems.add(
            f'rollback_prefix "{prefix}": must end in "/", and the key "{key}" must begin with it'
        )


def _without_scheme(uri: str) -> str:
    """Return ``BUCKET/KEY``, also of a URI that is known only at deployment."""
    if uri.startswith("s3://"):
        return uri.removeprefix("s3://")
    return Fn.select(1, Fn.split("s3://", uri))


def _check_length(problems: Problems, name: str, value: str) -> None:
    size = len(value.encode())
    if not is_token(value) and size > _LONGEST:
        problems.add(f"{name} of {size} bytes: must be at most {_LONGEST}")
