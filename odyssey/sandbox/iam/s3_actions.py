"""Which actions of IAM's a request to S3 takes, and on what: many have other names.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote

from odyssey.sandbox.iam.policies import Asked
from odyssey.sandbox.iam.resources import ANY, Known

if TYPE_CHECKING:
    from odyssey.sandbox.calls import Call

_ACTIONS = {
    "CompleteMultipartUpload": "PutObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "DeleteBucketCors": "PutBucketCORS",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
    "DeleteBucketReplication": "PutReplicationConfiguration",
    "DeleteBucketTagging": "PutBucketTagging",
    "DeleteObjects": "DeleteObject",
    "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
    "GetBucketAnalyticsConfiguration": "GetAnalyticsConfiguration",
    "GetBucketCors": "GetBucketCORS",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketIntelligentTieringConfiguration": "GetIntelligentTieringConfiguration",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "GetBucketLifecycle": "GetLifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetBucketMetricsConfiguration": "GetMetricsConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "HeadBucket": "ListBucket",
    "HeadObject": "GetObject",
    "ListBuckets": "ListAllMyBuckets",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListParts": "ListMultipartUploadParts",
    "PutBucketCors": "PutBucketCORS",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "PutBucketLifecycle": "PutLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "PutBucketReplication": "PutReplicationConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "SelectObjectContent": "GetObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
}
_OF_VERSIONS = ("GetObject", "DeleteObject")
"""Actions that have another name on a version of an object."""
_ENCRYPTING = {
    # Each part of an upload is read again with the key, to be put together.
    "CreateMultipartUpload": ("Decrypt", "GenerateDataKey"),
    "CopyObject": ("GenerateDataKey",),
    "PutObject": ("GenerateDataKey",),
}


def needed(call: Call, known: Known) -> list[Asked]:
    """Return what a request to S3 takes.

    Of a `DeleteObjects`, whose keys are in its body, the right to delete any object is asked.

    Args:
        call: The request.
        known: What is known of buckets.
    """
    bucket, key = call.parameters.get("Bucket"), call.parameters.get("Key")
    if call.operation == "ListBuckets" or bucket is None:
        return [Asked(f"s3:{_ACTIONS.get(call.operation, call.operation)}", ANY)]
    if call.operation == "DeleteObjects":
        key = "*"
    resource = f"arn:aws:s3:::{bucket}/{key}" if key is not None else f"arn:aws:s3:::{bucket}"
    found = [Asked(f"s3:{_action(call)}", resource, _listing(call))]
    return found + _reading_of_source(call) + _with_key(call, known.key(str(bucket)))


def _action(call: Call) -> str:
    action = _ACTIONS.get(call.operation, call.operation)
    version = _said(call, "VersionId", "versionId")
    return f"{action}Version" if version and action in _OF_VERSIONS else action


def _said(call: Call, member: str, in_url: str) -> str | None:
    """Return a member, which a request has by another name in its URL."""
    found = call.parameters.get(member, call.parameters.get(in_url))
    return None if found is None else str(found)


def _listing(call: Call) -> dict[str, str]:
    """Return the condition keys of a list: no prefix is an empty one."""
    if not call.operation.startswith("ListObject"):
        return {}
    context = {"s3:prefix": _said(call, "Prefix", "prefix") or ""}
    for key, member in (("delimiter", "Delimiter"), ("max-keys", "MaxKeys")):
        if said := _said(call, member, key):
            context[f"s3:{key}"] = said
    return context


def _reading_of_source(call: Call) -> list[Asked]:
    """Return what a copy takes: to read what is copied."""
    if call.operation not in ("CopyObject", "UploadPartCopy"):
        return []
    said = call.parameters.get("CopySource")
    if isinstance(said, dict):
        said = f"{said['Bucket']}/{said['Key']}"
    path, _, version = unquote(str(said)).lstrip("/").partition("?versionId=")
    action = "s3:GetObjectVersion" if version else "s3:GetObject"
    return [Asked(action, f"arn:aws:s3:::{path}")]


def _with_key(call: Call, of_bucket: str | None) -> list[Asked]:
    """Return what S3 does with a key for whoever asks: the request's, or the bucket's."""
    key = call.parameters.get("SSEKMSKeyId") or of_bucket
    actions = _ENCRYPTING.get(call.operation, ())
    if call.operation == "GetObject" and of_bucket is not None:
        actions = ("Decrypt",)
    if key is None:
        return []
    context = {"kms:viaservice": f"s3.{call.region}.amazonaws.com"}
    return [Asked(f"kms:{action}", str(key), context) for action in actions]
