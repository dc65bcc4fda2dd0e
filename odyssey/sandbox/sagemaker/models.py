"""SageMaker's models: an image, where its files are, and the role that it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.errors import OdysseyError
from odyssey.sandbox.calls import Call, ServiceError, operation
from odyssey.sandbox.sagemaker.kinds import SERVICE, Kind, arn
from odyssey.sandbox.sagemaker.model_data import Source, container
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox

HOME = "us-east-1"
"""The region of a bucket that has no location."""


def models(sandbox: Sandbox) -> Kind:
    """Return the records of the models."""
    return Kind(sandbox.store, "model", "Model", "model")


class Models:
    """The operations on models.

    Args:
        sandbox: The sandbox.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        """They are in the sandbox's store."""
        self._sandbox = sandbox
        self._models = models(sandbox)

    @operation("sagemaker", "CreateModel")
    def create(self, call: Call) -> dict[str, Any]:
        """Make a model of one container, whose files the role can read."""
        asked = call.parameters
        _require_supported(asked)
        with self._sandbox.store.lock:
            self._models.require_new(call.region, asked["ModelName"])
        source = {"aws:SourceArn": arn("model", call.region, asked["ModelName"])}
        self._sandbox.guard.require_trust(asked["ExecutionRoleArn"], SERVICE, source)
        self._require_data(Source(container(asked)), asked["ExecutionRoleArn"], call.region)
        isolated = asked.get("EnableNetworkIsolation", False)
        return self._models.add(call, EnableNetworkIsolation=isolated)

    @operation("sagemaker", "DescribeModel")
    def describe(self, call: Call) -> dict[str, Any]:
        """Return a model."""
        with self._sandbox.store.lock:
            return dict(self._models.find(call.region, call.parameters["ModelName"]))

    @operation("sagemaker", "ListModels")
    def list(self, call: Call) -> dict[str, Any]:
        """Return models, page by page."""
        return self._models.page(call)

    @operation("sagemaker", "DeleteModel")
    def delete(self, call: Call) -> dict[str, Any]:
        """Forget a model; endpoints that serve it go on."""
        self._models.remove(call.region, call.parameters["ModelName"])
        return {}

    def _require_data(self, source: Source, role: str, region: str) -> None:
        """Return if the role can read a model's files, which are in the region."""
        from botocore.exceptions import ClientError

        if not source.uri:
            return
        uri = _uri(source)
        client = self._sandbox.clients.client("s3", region, role)
        try:
            if source.is_prefix:
                found = client.list_objects_v2(Bucket=uri.bucket, Prefix=uri.key, MaxKeys=1)
                is_there = bool(found["KeyCount"])
            else:
                is_there = bool(client.head_object(Bucket=uri.bucket, Key=uri.key))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise _unreadable(source, role, region) from error
            is_there = False
        if not is_there:
            raise ServiceError("ValidationException", f"Could not find model data at {source.uri}.")
        if self._region_of(uri.bucket) != region:
            raise _unreadable(source, role, region)

    def _region_of(self, bucket: str) -> str:
        # Not as the role: AWS needs no permission of it for that.
        client = self._sandbox.clients.client("s3", HOME)
        return str(client.get_bucket_location(Bucket=bucket)["LocationConstraint"] or HOME)


def _require_supported(asked: Mapping[str, Any]) -> None:
    """Return if a model is one that can run here."""
    primary, several = asked.get("PrimaryContainer"), asked.get("Containers", [])
    if bool(primary) == bool(several):
        raise _refused("a model has either a PrimaryContainer or Containers")
    if len(several) > 1:
        raise _refused("the sandbox runs models of one container, not inference pipelines")
    found = container(asked)
    if found.get("Mode") == "MultiModel":
        raise _refused("the sandbox runs no multi-model containers")
    if "Image" not in found:
        raise _refused("the sandbox runs containers with an Image, not those of model packages")
    if "ExecutionRoleArn" not in asked:
        raise _refused("a model needs an ExecutionRoleArn")
    if found.get("ModelDataUrl") and found.get("ModelDataSource"):
        raise _refused("a container has either a ModelDataUrl or a ModelDataSource")


def _uri(source: Source) -> Uri:
    try:
        uri = Uri.parse(source.uri)
    except OdysseyError as error:
        raise _refused(f"{source.uri} is no URI of S3 that the sandbox takes") from error
    if source.is_url and not uri.key.endswith(".tar.gz"):
        raise _refused(f"ModelDataUrl {source.uri} must be that of a .tar.gz")
    if source.is_prefix and not uri.key.endswith("/"):
        raise _refused(f"S3Uri {source.uri} must end in a slash, as S3DataType is S3Prefix")
    return uri


def _refused(why: str) -> ServiceError:
    return ServiceError("ValidationException", why)


def _unreadable(source: Source, role: str, region: str) -> ServiceError:
    return ServiceError(
        "ValidationException",
        f'Could not access model data at {source.uri}. Please ensure that the role "{role}" exists '
        'and that its trust relationship policy allows the action "sts:AssumeRole" for the service '
        'principal "sagemaker.amazonaws.com". Also ensure that the role has "s3:GetObject" '
        f"permissions and that the object is located in {region}. If your Model uses multiple "
        "models or uncompressed models, please ensure that the role has "
        '"s3:ListBucket" permission.',
    )
