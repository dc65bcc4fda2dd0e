"""Rules of buckets: their names, who reads them, and how long what is in them is kept.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from odyssey.checks import limits, policies
from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import UNKNOWN

if TYPE_CHECKING:
    from odyssey.checks.template import Resource, Template

BUCKET = "AWS::S3::Bucket"

_NAMES = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html"
_PUBLIC = (
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"
)
_OWNERSHIP = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html"
_DELETION = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
    "aws-attribute-deletionpolicy.html"
)
_EXPIRY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"
_TLS = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"

_FORBIDDEN = (
    (re.compile(r"\.\."), "two dots in a row"),
    (re.compile(r"^\d+\.\d+\.\d+\.\d+$"), "the form of an IP address"),
    (re.compile(r"^(xn--|sthree-|amzn-s3-demo-)"), "a beginning that S3 keeps for itself"),
    (
        re.compile(r"(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$"),
        "an end that S3 keeps for itself",
    ),
)
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


@rule(
    "BKT101",
    Severity.ERROR,
    "template",
    "A bucket's name is one that S3 takes",
    source=_NAMES,
    fix="leave the name to CloudFormation, or take 3 to 63 small letters, digits and hyphens",
)
def name(found: Template) -> Iterator[Fault]:
    """S3 refuses other names: no capitals, no underscores, no form of an IP address."""
    limit = limits.of("s3", "CreateBucket", "Bucket")
    for each in found.of(BUCKET):
        for path, value in each.each("BucketName"):
            wrong = [words for pattern, words in _FORBIDDEN if pattern.search(str(value))]
            if value and (wrong or not limit.admits(value)):
                message = f'the name "{value}"' + (f" has {wrong[0]}" if wrong else "")
                yield Fault(message, each, path, value, limit.describe())


@rule(
    "BKT102",
    Severity.WARNING,
    "template",
    "A bucket of data and models is closed to the public",
    source=_PUBLIC,
    fix="set all four to true, or leave PublicAccessBlockConfiguration out: true is the default",
)
def unblocked(found: Template) -> Iterator[Fault]:
    """S3 blocks public access by default; here it is let in again."""
    for each in found.of(BUCKET):
        for block in _BLOCKS:
            for path, value in each.each("PublicAccessBlockConfiguration", block):
                if value in (False, "false"):
                    yield Fault(f"{block} is false", each, path, value, "true")


@rule(
    "BKT103",
    Severity.WARNING,
    "template",
    "A bucket has no public access list",
    source=_OWNERSHIP,
    fix="leave AccessControl out, and grant access with policies",
)
def public_list(found: Template) -> Iterator[Fault]:
    """Everybody may read, or write, where S3 still takes the list.

    For a new bucket without OwnershipControls S3 refuses it, and with it the stack.
    """
    for each in found.of(BUCKET):
        for path, value in each.each("AccessControl"):
            if value in ("PublicRead", "PublicReadWrite", "AuthenticatedRead"):
                yield Fault(f"the access list is {value}", each, path, value, "none")


@rule(
    "BKT104",
    Severity.WARNING,
    "template",
    "A bucket's policy does not let everybody in",
    source=_PUBLIC,
    fix="name the accounts or roles, or add a condition such as aws:PrincipalOrgID",
)
def open_policy(found: Template) -> Iterator[Fault]:
    """With Principal ``*`` and no condition everybody on the internet is allowed.

    Where public access is blocked, as by default, S3 refuses the policy, and with it the stack.
    """
    for each in found.of("AWS::S3::BucketPolicy"):
        for statement in policies.of(each, "resource"):
            if statement.open:
                path = (*statement.path, "Principal")
                yield Fault("everybody may use the bucket", each, path, "*", "named principals")


@rule(
    "BKT105",
    Severity.INFO,
    "template",
    "A bucket of data and models outlives its stack",
    source=_DELETION,
    fix="set DeletionPolicy and UpdateReplacePolicy: Retain",
)
def deleted(found: Template) -> Iterator[Fault]:
    """Deleting the stack deletes the bucket, or fails, because it has objects in it."""
    for each in found.of(BUCKET):
        kept = each.definition.get("DeletionPolicy", "Delete")
        if kept == "Delete":
            yield Fault("the bucket is deleted with its stack", each, (), "Delete", "Retain")


@rule(
    "BKT106",
    Severity.WARNING,
    "template",
    "A bucket is not emptied with its stack",
    source="https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_s3-readme.html",
    fix="leave auto_delete_objects out, and retain the bucket",
)
def emptied(found: Template) -> Iterator[Fault]:
    """Data, models and captured requests go with the stack, or with a change of the name."""
    for each in found.of("Custom::S3AutoDeleteObjects"):
        bucket = each.target("BucketName")
        where = bucket.id if bucket else "a bucket"
        yield Fault(f"all objects of {where} are deleted with the stack", each, ("BucketName",))


@rule(
    "BKT107",
    Severity.INFO,
    "template",
    "A bucket is asked by TLS alone",
    source=_TLS,
    fix="deny s3:* where aws:SecureTransport is false, in the bucket's policy",
)
def tls(found: Template) -> Iterator[Fault]:
    """Without such a policy a client may send data and models in the clear."""
    asked = {
        policy.target("Bucket")
        for policy in found.of("AWS::S3::BucketPolicy")
        for statement in policies.of(policy, "resource")
        if not statement.allows and "aws:securetransport" in statement.conditions
    }
    for each in found.of(BUCKET):
        if each not in asked:
            yield Fault("requests without TLS are taken", each, (), None, "TLS alone")


@rule(
    "BKT108",
    Severity.WARNING,
    "template",
    "A bucket keeps the models that are served",
    source=f"{_EXPIRY}, https://docs.aws.amazon.com/sagemaker/latest/dg/realtime-endpoints.html",
    fix="limit the rule to another prefix, such as capture/, or let it expire old versions only",
)
def expired_models(found: Template) -> Iterator[Fault]:
    """SageMaker fetches the model again whenever it adds or replaces an instance.

    Once the rule has deleted it, an endpoint that has run for weeks cannot scale or heal itself.
    """
    served: dict[Resource, list[str]] = {}
    for bucket, key in _models(found):
        served.setdefault(bucket, []).append(key)
    for bucket, keys in served.items():
        rules = bucket.get("LifecycleConfiguration", "Rules")
        for number, each in enumerate(rules if isinstance(rules, list) else ()):
            days = _expiry(each)
            if days and any(_covers(each, key) for key in keys):
                yield Fault(
                    f"what is served is deleted after {days} days",
                    bucket,
                    ("LifecycleConfiguration", "Rules", number),
                    days,
                    "no expiration of models",
                )


def _models(found: Template) -> Iterator[tuple[Resource, str]]:
    """Yield the buckets of the template that models are fetched from, with the models' keys."""
    places = (("PrimaryContainer", "ModelDataUrl"), ("Containers", "*", "ModelDataUrl"))
    uri = ("ModelDataSource", "S3DataSource", "S3Uri")
    for model in found.of("AWS::SageMaker::Model"):
        for pattern in (*places, ("PrimaryContainer", *uri), ("Containers", "*", *uri)):
            for _, raw in policies.documents(model, pattern):
                bucket = found.target(raw)
                if bucket is not None and bucket.type == BUCKET:
                    yield bucket, policies.text(found, raw).removeprefix("s3://").partition("/")[2]


def _expiry(rule_: object) -> object:
    if not isinstance(rule_, Mapping) or rule_.get("Status") != "Enabled":
        return None
    return rule_.get("ExpirationInDays") or rule_.get("ExpirationDate") or None


def _covers(rule_: Mapping[str, object], key: str) -> bool:
    """Return whether a rule of a lifecycle surely reaches an object."""
    tagged = any(rule_.get(each) is not None for each in ("TagFilters", "ObjectSizeGreaterThan"))
    prefix = rule_.get("Prefix")
    prefix = "" if prefix is None else prefix
    sized = rule_.get("ObjectSizeLessThan") is not None
    if tagged or sized or prefix is UNKNOWN or not isinstance(prefix, str):
        return False
    return key.partition(policies.HOLE)[0].startswith(prefix)
