"""Where a model is: whether SageMaker and Lambda find it there.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey import aws, storage
from odyssey.console import clean, note
from odyssey.errors import AwsError, UsageError
from odyssey.storage import Uri

if TYPE_CHECKING:
    from odyssey.aws import Access
    from odyssey.config import Config

NO_MODEL = "none"
"""The model of an image that has its model inside."""


def require_model(settings: Config, access: Access) -> None:
    """Make sure that the model is in S3, and in the region of the endpoint.

    What S3 does not let us see is left to the deployment: the endpoint's role may see more.

    Args:
        settings: The app's settings.
        access: The way to AWS.

    Raises:
        UsageError: It is not there, or is elsewhere. Source:
            https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
        AwsError: S3 refuses in another way.
    """
    model = settings.artifacts.model
    if not is_seen(model, access, "odyssey sagemaker train"):
        return
    region = _region(access.client("s3"), Uri.parse(model).bucket)
    if region not in {None, access.region}:
        raise UsageError(
            f"the model {model} is in {region}, and the endpoint in {access.region}: SageMaker "
            "takes a model of its own region only",
            f"aws s3 cp {model} s3://BUCKET-IN-{access.region}/..., or --region {region}",
        )


def is_seen(model: str, access: Access, train: str) -> bool:
    """Return whether a model is an object of S3's that these credentials may look at.

    Args:
        model: Its URI, or `NO_MODEL`.
        access: The way to AWS.
        train: The command that makes one, for the hint.

    Raises:
        UsageError: It is not there.
        AwsError: S3 refuses in another way than by forbidding it.
    """
    if model == NO_MODEL:
        return False
    try:
        size = storage.size(access.client("s3"), Uri.parse(model))
    except AwsError as error:
        if _status(error) != 403:
            raise
        note(f"{model} cannot be looked at with these credentials: {clean(error.message)}")
        return False
    if not size:
        raise UsageError(
            f"the model {model} is {'not there' if size is None else 'empty'}",
            f"{train}, or name another with -m s3://BUCKET/KEY.tar.gz",
        )
    return True


def _region(s3: Any, bucket: str) -> str | None:
    """Return the region of a bucket, or None where S3 does not say."""
    try:
        with aws.explained():
            answer = s3.head_bucket(Bucket=bucket)
    except AwsError as error:
        if _status(error) != 403:
            raise
        return None
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    region: str | None = answer.get("BucketRegion") or headers.get("x-amz-bucket-region")
    return region


def _status(error: AwsError) -> int:
    return int(aws.answer(error).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
