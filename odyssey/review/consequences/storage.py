"""What a change does to what keeps something: buckets, repositories, keys, tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.review.consequences.catalogue import caution, danger, note, tells
from odyssey.review.report import Action
from odyssey.review.side import policy
from odyssey.review.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.report import Consequence

BUCKET, REPOSITORY, KEY = "AWS::S3::Bucket", "AWS::ECR::Repository", "AWS::KMS::Key"
S3_DELETE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html"
ECR = "https://docs.aws.amazon.com/AmazonECR/latest/userguide"
KMS_DELETE = "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"
RESOURCES = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide"
EMPTIES = ("Custom::S3AutoDeleteObjects", "Custom::ECRAutoDeleteImages")
"""The CDK's resources that empty what is deleted."""

KEEPING = {
    "AWS::DynamoDB::Table": "items",
    "AWS::DynamoDB::GlobalTable": "items",
    "AWS::EFS::FileSystem": "files",
    "AWS::RDS::DBInstance": "databases",
    "AWS::RDS::DBCluster": "databases",
    "AWS::SQS::Queue": "messages",
    "AWS::SecretsManager::Secret": "secret",
    "AWS::SSM::Parameter": "value",
    "AWS::SageMaker::FeatureGroup": "records",
    "AWS::EC2::Volume": "data",
}
"""Types that keep something which goes with them."""


@tells(BUCKET)
def bucket(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A bucket is deleted, or another takes its place."""
    emptied = any(each.either.type == EMPTIES[0] for each in all_.resources.values())
    if change.action is Action.DELETE and emptied:
        yield danger(
            "bucket-deleted",
            "The bucket is emptied and deleted: all objects and their versions are lost.",
            S3_DELETE,
        )
    elif change.action is Action.DELETE:
        yield danger(
            "bucket-deleted",
            "The bucket is deleted if it is empty. If it is not, S3 refuses, and it stays behind "
            "with its objects, out of the stack.",
            S3_DELETE,
        )
    elif change.action is Action.REPLACE:
        yield danger(
            "bucket-replaced",
            "Another bucket is made, which is empty: nothing is copied. What reads the old one by "
            "its name, such as the model data of endpoints and training jobs, does not find it.",
            f"{RESOURCES}/aws-resource-s3-bucket.html",
        )


@tells(BUCKET)
def bucket_settings(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A bucket opens, forgets versions, or deletes objects."""
    if change.before is None or change.after is None:
        return
    for each in change.changed("PublicAccessBlockConfiguration"):
        if each.after in (None, False, "false") or each.after == {}:
            yield danger(
                "bucket-open",
                f"{each.path} is not on any more: a policy or an ACL may open the bucket to "
                "anybody.",
                "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
                "access-control-block-public-access.html",
            )
    versioned = [
        side.get("VersioningConfiguration", "Status") for side in (change.before, change.after)
    ]
    if versioned[0] == "Enabled" and versioned[1] != "Enabled":
        yield caution(
            "versions-off",
            "Versioning is turned off: what is overwritten or deleted cannot be had back.",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html",
        )
    expires = [
        each
        for each in change.changed("LifecycleConfiguration")
        if "Expir" in shown({each.path: each.after})
    ]
    if any(each.after is not None for each in expires):
        yield caution(
            "objects-expire",
            "Another rule deletes objects by their age, and those that are there already: see that "
            "no model or data in use is among them.",
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html",
        )


@tells(REPOSITORY)
def repository(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A repository is deleted, or another takes its place."""
    if change.action is Action.DELETE:
        empties = change.before is not None and change.before.get("EmptyOnDelete") is True
        yield danger(
            "repository-deleted",
            "The repository is deleted with all its images: what runs one of them cannot start "
            "again, scale or roll back."
            if empties
            else "The repository is deleted if it has no image. If it has some, ECR refuses, and "
            "it stays behind, out of the stack.",
            f"{ECR}/repository-delete.html",
        )
    elif change.action is Action.REPLACE:
        why = ""
        if change.changed("EncryptionConfiguration"):
            why = "The encryption of a repository is fixed when it is made. "
        yield danger(
            "repository-replaced",
            f"{why}Another repository is made, which is empty: no image is copied, and what names "
            "an image of the old one, such as a model, finds it only while the old one stays.",
            f"{ECR}/encryption-at-rest.html",
        )


@tells(REPOSITORY)
def repository_settings(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A repository forgets images, or lets tags move."""
    if change.before is None or change.after is None:
        return
    if change.changed("LifecyclePolicy") and (rules := _expiring(change)):
        yield caution(
            "images-expire",
            f"Another lifecycle rule deletes images ({rules}). An image that an endpoint or a "
            "function runs must stay, and the one before it: without it a rollback ends in "
            "UPDATE_ROLLBACK_FAILED, and an endpoint cannot scale.",
            f"{ECR}/LifecyclePolicies.html",
        )
    mutable = change.changed("ImageTagMutability")
    if mutable and mutable[0].before == "IMMUTABLE":
        yield caution(
            "tags-move",
            "Tags may be moved to other images: what names an image by its tag does not know what "
            "it gets.",
            f"{ECR}/image-tag-mutability.html",
        )
    if any(each.after is False for each in change.changed("ImageScanningConfiguration")):
        yield note(
            "scan-off", "Images are not scanned when they are pushed.", f"{ECR}/image-scanning.html"
        )


def _expiring(change: Compared) -> str:
    """Return the rules of the head that the base has not, in words."""
    old, new = (_rules(side) for side in (change.before, change.after))
    return "; ".join(_rule(each) for each in new if each not in old)


def _rules(side: Any) -> list[dict[str, Any]]:
    text = side.get("LifecyclePolicy", "LifecyclePolicyText")
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return []
    rules = found.get("rules", []) if isinstance(found, dict) else []
    return [each for each in rules if isinstance(each, dict)]


def _rule(rule: dict[str, Any]) -> str:
    chosen = rule.get("selection", {})
    which = {"untagged": "untagged", "tagged": "tagged", "any": "all"}.get(
        str(chosen.get("tagStatus")), "some"
    )
    number = chosen.get("countNumber")
    if chosen.get("countType") == "imageCountMoreThan":
        return f"{which} but the last {number}"
    return f"{which} older than {number} {chosen.get('countUnit', 'days')}"


@tells(KEY)
def key(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """What was encrypted by a key that is gone is gone, too."""
    if change.action in {Action.DELETE, Action.REPLACE}:
        days = change.before.get("PendingWindowInDays") if change.before else None
        yield danger(
            "key-deleted",
            f"The key is deleted {days if isinstance(days, int) else 30} days later, and can be "
            "had back until then (CancelKeyDeletion). It cannot be used from this deployment on: "
            "what is encrypted with it cannot be read, models, volumes and logs included.",
            KMS_DELETE,
        )
    if change.changed("Enabled") and change.either.get("Enabled") in (False, "false"):
        yield danger(
            "key-off",
            "The key is turned off: what is encrypted with it cannot be read.",
            "https://docs.aws.amazon.com/kms/latest/developerguide/enabling-keys.html",
        )


@tells(*KEEPING)
def keeps(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """What it keeps goes with it."""
    what = KEEPING[change.type]
    if change.action is Action.DELETE:
        saved = " A snapshot is kept." if policy(change.before) == "Snapshot" else ""
        yield danger("data-lost", f"It is deleted, and its {what} with it.{saved}")
    elif change.action is Action.REPLACE:
        yield danger("data-lost", f"Another one is made, which has none of its {what}.")
