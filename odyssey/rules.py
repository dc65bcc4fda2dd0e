"""Rules for single settings, as AWS has them: each returns what a value must be, or None.

A rule is for what AWS would refuse only at deployment, or an hour later. What several settings
must be together is the constructs' affair.

Sources: the ``pattern`` and ``max`` of the services' models, such as
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Rule = Callable[[str], str | None]

ARN = r"arn:aws[a-z-]*"
"""What the ARN of any resource begins with, as a regular expression."""

_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_TAG = re.compile(r"[\w .:/=+@-]*")


def _pattern(pattern: str, rule: str) -> Rule:
    compiled = re.compile(pattern)

    def check(value: str) -> str | None:
        return None if not value or compiled.fullmatch(value) else f"must be {rule}"

    return check


account = _pattern(r"\d{12}", "twelve digits")
region = _pattern(r"[a-z]{2,4}(-[a-z]+)+-\d", "a region such as eu-west-1")
qualifier = _pattern(r"[a-z0-9]{1,10}", "1 to 10 lower-case letters and digits")
policy = _pattern(
    rf"{ARN}:iam::(\d{{12}}|aws):policy/[\w+=,.@/-]+|[\w+=,.@-]{{1,128}}",
    "the name of a policy, or its ARN",
)
role = _pattern(rf"{ARN}:iam::\d{{12}}:role/[\w+=,.@/-]+", "the ARN of a role")
kms_key = _pattern(
    rf"{ARN}:kms:[a-z0-9-]+:\d{{12}}:key/[\w-]+",
    "the ARN of a key, not of an alias: arn:aws:kms:REGION:ACCOUNT:key/ID",
)
topic = _pattern(rf"{ARN}:sns:[a-z0-9-]+:\d{{12}}:[\w.-]+", "the ARN of an SNS topic")
bucket = _pattern(_BUCKET, "3 to 63 lower-case letters, digits, dots and hyphens")
repository = _pattern(
    r"[a-z0-9]+([._/-][a-z0-9]+)*", "lower-case letters and digits, with single . _ - / between"
)
place = _pattern(rf"s3://{_BUCKET}/[^*?$\s]+", "s3://BUCKET/PREFIX")
model = _pattern(
    rf"none|s3://{_BUCKET}/[^*?$\s]*[^*?$\s/]\.tar\.gz", 's3://BUCKET/KEY.tar.gz, or "none"'
)
image = _pattern(
    r"\S+@sha256:[0-9a-f]{64}", "an image's URI with its digest: ...@sha256:..., as a tag can move"
)
json_path = _pattern(r"\$.{0,62}", "a JSONPath of 1 to 63 characters that begins with $")
instance_type = _pattern(r"ml\.[a-z][a-z0-9-]*\.[a-z0-9]+", "ml.FAMILY.SIZE, such as ml.m5.large")


def endpoint(value: str) -> str | None:
    """Check the name of an endpoint."""
    from cdk_constructs.validation import NAME, NAME_RULE

    return None if not value or re.fullmatch(NAME, value) else NAME_RULE


def function(value: str) -> str | None:
    """Check the name of a function."""
    from cdk_constructs.validation import FUNCTION, FUNCTION_RULE

    return None if not value or re.fullmatch(FUNCTION, value) else FUNCTION_RULE


def schedule(value: str) -> str | None:
    """Check when something is done by itself."""
    from cdk_constructs.schedule_expression import problem

    return problem(value) if value else None


def retention(value: int) -> str | None:
    """Check the days that logs are kept; 0 is for ever."""
    from cdk_constructs.validation import RETENTIONS

    if value in (0, *RETENTIONS):
        return None
    return f"must be one of {', '.join(map(str, (0, *RETENTIONS)))}"


def whole_gigabytes(value: int) -> str | None:
    """Check the memory of a serverless endpoint."""
    return None if value % 1024 == 0 else "must be in steps of 1024"


def subnets(values: tuple[str, ...]) -> str | None:
    """Check the ids of subnets."""
    return _ids(values, "subnet", 16)


def security_groups(values: tuple[str, ...]) -> str | None:
    """Check the ids of security groups."""
    return _ids(values, "sg", 5)


def tags(values: Mapping[str, str]) -> str | None:
    """Check tags; two more are odyssey's own.

    Source: https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html
    """
    if len(values) > 48:
        return "must be at most 48 tags"
    for name, value in values.items():
        if not 1 <= len(name) <= 128 or len(value) > 256:
            return f'must have names of 1 to 128 and values of up to 256 characters: "{name[:40]}"'
        if name.lower().startswith(("aws:", "odyssey:")):
            return f'must not have names that begin with "aws:" or "odyssey:": "{name}"'
        if not _TAG.fullmatch(name) or not _TAG.fullmatch(value):
            return f'must have letters, digits, spaces and . : / = + - @ _ only: "{name}"'
    return None


def variables(values: Mapping[str, str]) -> str | None:
    """Check the variables of a container: the CDK would take its own marks for other values."""
    for name, value in values.items():
        if re.search(r"[$#]\{Token\[", name + value):
            return f'must not have the CDK\'s own mark, "{{Token[": {name[:40]}'
    return None


def _ids(values: tuple[str, ...], prefix: str, most: int) -> str | None:
    if len(values) > most:
        return f"must be at most {most}"
    if all(re.fullmatch(rf"{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", value) for value in values):
        return None
    return f"must be ids such as {prefix}-0123456789abcdef0"
