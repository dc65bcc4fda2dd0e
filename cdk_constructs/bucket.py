"""The bucket of a model's data, archives and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3

from cdk_constructs.acknowledgments import acknowledge
from cdk_constructs.data import ModelData
from cdk_constructs.validation import Problems

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

_NAME = r"(?!xn--|sthree-)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9](?<!-s3alias)(?<!--ol-s3)"
_NAME_RULE = (
    "must be 3 to 63 lower-case letters, digits, hyphens and single dots, with a letter or a "
    "digit at both ends, and no prefix or suffix that S3 reserves"
)


class ArtifactBucket(s3.Bucket):
    """A private, encrypted and versioned bucket, laid out for models.

    ``input/data/`` has the channels of training data, as SageMaker mounts them, ``model/`` the
    trained archives, and ``output/`` what jobs and endpoints write. The bucket refuses plain HTTP,
    TLS before 1.2, public access and ownership by others. A replaced or deleted object stays as an
    earlier version for a while.

    Args:
        scope: The parent construct.
        construct_id: The id in the scope.
        bucket_name: 3 to 63 characters, unique in the partition; a change replaces the bucket.
            Default a name by CloudFormation.
        encryption_key: The KMS key; default the keys that S3 manages.
        noncurrent_days: Days that an earlier version stays, at least 1; default 90.
        incomplete_upload_days: Days that an unfinished upload stays, at least 1; default 7.
        access_logs_bucket: Where accesses are logged, below the id's name; default no logs.
        removal_policy: What happens to the bucket when it leaves the stack; default it stays.
            Only an empty bucket can be destroyed.

    Raises:
        ValueError: The name or the days break S3's rules.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html

    Example:
        >>> bucket = ArtifactBucket(stack, "Artifacts")
        >>> data = bucket.model_data("2024-05-01/model.tar.gz")
    """

    DATA = "input/data/"
    """Where training data is, a folder for each channel."""
    MODEL = "model/"
    """Where trained archives are."""
    OUTPUT = "output/"
    """Where jobs and endpoints write."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket_name: str | None = None,
        encryption_key: kms.IKey | None = None,
        noncurrent_days: int = 90,
        incomplete_upload_days: int = 7,
        access_logs_bucket: s3.IBucket | None = None,
        removal_policy: RemovalPolicy = RemovalPolicy.RETAIN,
    ) -> None:
        problems = Problems.of(scope, construct_id)
        problems.matches("bucket_name", bucket_name, _NAME, _NAME_RULE)
        problems.whole("noncurrent_days", noncurrent_days, low=1)
        problems.whole("incomplete_upload_days", incomplete_upload_days, low=1)
        problems.raise_any()
        managed = s3.BucketEncryption.S3_MANAGED
        super().__init__(
            scope,
            construct_id,
            bucket_name=bucket_name,
            encryption=managed if encryption_key is None else s3.BucketEncryption.KMS,
            encryption_key=encryption_key,
            bucket_key_enabled=None if encryption_key is None else True,
            versioned=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            lifecycle_rules=_lifecycle(noncurrent_days, incomplete_upload_days),
            server_access_logs_bucket=access_logs_bucket,
            server_access_logs_prefix=None if access_logs_bucket is None else f"{construct_id}/",
            removal_policy=removal_policy,
        )
        if self.policy is not None:
            # A bucket that stays goes on refusing what is not encrypted on the way.
            self.policy.apply_removal_policy(removal_policy)
        if access_logs_bucket is None:
            acknowledge(self, "AwsSolutions-S1", _NO_LOGS)

    def model_data(self, key: str) -> ModelData:
        """Return a trained archive of this bucket, and let those before it be read too.

        Args:
            key: Its key below ``model/``, ending in ``.tar.gz``, with no ``/`` first.

        Raises:
            ValueError: The key is not one of an archive.
        """
        problems = Problems(f"{self.node.path}: model_data")
        problems.requires("key", key, r"(?!/)(?s:.*)", 'must begin with no "/": it is below model/')
        problems.raise_any()
        return ModelData.from_bucket(self, f"{self.MODEL}{key}", rollback_prefix=self.MODEL)


_NO_LOGS = (
    "Access logs need a second bucket, which access_logs_bucket takes; CloudTrail's data events "
    "record the same accesses"
)


def _lifecycle(noncurrent_days: int, incomplete_upload_days: int) -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(
            id="EarlierVersions",
            noncurrent_version_expiration=Duration.days(noncurrent_days),
            expired_object_delete_marker=True,
        ),
        s3.LifecycleRule(
            id="UnfinishedUploads",
            abort_incomplete_multipart_upload_after=Duration.days(incomplete_upload_days),
        ),
    ]
