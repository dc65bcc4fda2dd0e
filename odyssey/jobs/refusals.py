"""What AWS means when it refuses to make a job."""

from __future__ import annotations

import re

from odyssey import aws
from odyssey.errors import AwsError, UsageError


def meant(error: AwsError, name: str, quota: str) -> AwsError | UsageError:
    """Return the error for the refusal of a job, with what to do about it.

    Args:
        error: The refusal.
        name: The job's name.
        quota: The quota that its instances count for, where AWS does not name it.
    """
    code = aws.answer(error).get("Error", {}).get("Code")
    if code == "ResourceInUse":
        return UsageError(
            f"the name {name} is taken; those of jobs that are over stay so",
            "take another with --job-name, or leave that out",
        )
    if code == "ResourceLimitExceeded":
        named = re.search(r"'([^']+ usage)'", error.message)
        return AwsError(
            error.message,
            f'ask for more in Service Quotas: "{named[1] if named else quota}" of Amazon '
            "SageMaker; or take another type or count with -in and -c",
        )
    return error
