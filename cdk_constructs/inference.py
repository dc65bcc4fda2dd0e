"""What an endpoint writes to S3: the results of asynchronous inference, and captured data.

Sources:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceConfig.html
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DataCaptureConfig.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker

from cdk_constructs.acknowledgments import acknowledge_wildcards
from cdk_constructs.validation import Problems, is_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sns as sns

# In an IAM policy "*" and "?" are wildcards and "$" starts a variable: with one of them in the
# prefix, the grant would reach other objects.
_PREFIX = r"(?!/)[^*?$\x00-\x1f]+/"
_PREFIX_RULE = 'must end in "/", start with none, and have no "*", "?" or "$"'
_URI = "s3://{bucket}/{prefix}"
_LONGEST_URI = 512
_CONTENT_TYPE = r"[a-zA-Z0-9](-*[a-zA-Z0-9])*/[a-zA-Z0-9](-*[a-zA-Z0-9.])*"

_READ = ["s3:GetObject"]
_WRITE = ["s3:PutObject", "s3:AbortMultipartUpload"]
_REASON = "Objects below the prefix are named when they are written"


@dataclass(frozen=True, kw_only=True)
class AsyncInference:
    """Requests are queued, and their results written to S3.

    The endpoint then takes asynchronous requests only, with up to 1 GB each and an hour's work.
    A failed request leaves nothing at its output: look at the failures or the error topic too.

    Args:
        bucket: Where requests are read and results written.
        prefix: Below which results are written, with a ``/`` at the end.
        failure_prefix: Below which errors of the container are written, or None for nowhere.
        input_prefix: Below which callers put their requests. The three prefixes must differ.
        max_concurrent_per_instance: Requests that SageMaker sends to a container at a time, 1 to
            1000. Default: SageMaker's choice.
        success_topic: Where each result is announced. Default: nowhere.
        error_topic: Where each failure is announced. Default: nowhere.
        encryption_key: The key to encrypt results with. Default: the bucket's own encryption.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> AsyncInference(bucket=bucket, max_concurrent_per_instance=4)
    """

    bucket: s3.IBucket
    prefix: str = "async/"
    failure_prefix: str | None = "async-failures/"
    input_prefix: str = "async-input/"
    max_concurrent_per_instance: int | None = None
    success_topic: sns.ITopic | None = None
    error_topic: sns.ITopic | None = None
    encryption_key: kms.IKey | None = None

    def __post_init__(self) -> None:
        """Check every value."""
        problems = Problems("AsyncInference")
        for name in ("prefix", "failure_prefix", "input_prefix"):
            _check_prefix(problems, name, self.bucket, getattr(self, name))
        problems.unique("prefix", [*self._written(), self.input_prefix])
        concurrent = self.max_concurrent_per_instance
        problems.whole("max_concurrent_per_instance", concurrent, low=1, high=1000)
        problems.raise_any()

    def grant(self, role: iam.IRole) -> None:
        """Let a model's role read requests, write results and announce them."""
        _grant(role, self.bucket, _READ, [self.input_prefix])
        _grant(role, self.bucket, _WRITE, self._written())
        _grant_keys(role, self.bucket.encryption_key, self.encryption_key)
        for topic in (self.success_topic, self.error_topic):
            if topic is not None:
                _grant_publish(role, topic)

    def grant_caller(self, grantee: iam.IGrantable) -> None:
        """Let a caller write requests, and read results and failures."""
        _grant(grantee, self.bucket, ["s3:PutObject"], [self.input_prefix])
        _grant(grantee, self.bucket, _READ, self._written())
        _grant_keys(grantee, self.bucket.encryption_key)
        if self.encryption_key is not None:
            self.encryption_key.grant(grantee, "kms:Decrypt")

    def render(self) -> sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty:
        """Return this as CloudFormation has it."""
        config = sagemaker.CfnEndpointConfig
        client = None
        if self.max_concurrent_per_instance is not None:
            client = config.AsyncInferenceClientConfigProperty(
                max_concurrent_invocations_per_instance=self.max_concurrent_per_instance
            )
        return config.AsyncInferenceConfigProperty(
            client_config=client, output_config=self._output()
        )

    def _written(self) -> list[str]:
        prefixes = (self.prefix, self.failure_prefix)
        return [prefix for prefix in prefixes if prefix is not None]

    def _output(self) -> sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty:
        failures = self.failure_prefix
        return sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
            s3_output_path=_uri(self.bucket, self.prefix),
            s3_failure_path=None if failures is None else _uri(self.bucket, failures),
            notification_config=self._notification(),
            kms_key_id=None if self.encryption_key is None else self.encryption_key.key_arn,
        )

    def _notification(
        self,
    ) -> sagemaker.CfnEndpointConfig.AsyncInferenceNotificationConfigProperty | None:
        success, error = self.success_topic, self.error_topic
        if success is None and error is None:
            return None
        return sagemaker.CfnEndpointConfig.AsyncInferenceNotificationConfigProperty(
            success_topic=None if success is None else success.topic_arn,
            error_topic=None if error is None else error.topic_arn,
        )


@dataclass(frozen=True, kw_only=True)
class DataCapture:
    """Requests and responses are kept in S3, as one object for a few minutes of traffic.

    Args:
        bucket: Where they are kept.
        prefix: Below which they are kept, with a ``/`` at the end.
        sampling_percent: How many of the requests, 0 to 100 percent.
        capture_input: Whether requests are kept.
        capture_output: Whether responses are kept.
        encryption_key: The key to encrypt them with. Default: the bucket's own encryption.
        csv_content_types: Up to 10 content types to keep as CSV, as they are.
        json_content_types: Up to 10 content types to keep as JSON. Content of other types is
            kept in base64.

    Raises:
        ValueError: A value is out of its range.

    Example:
        >>> DataCapture(bucket=bucket, sampling_percent=10, capture_input=False)
    """

    bucket: s3.IBucket
    prefix: str = "capture/"
    sampling_percent: int = 100
    capture_input: bool = True
    capture_output: bool = True
    encryption_key: kms.IKey | None = None
    csv_content_types: Sequence[str] = ("text/csv",)
    json_content_types: Sequence[str] = ("application/json",)

    def __post_init__(self) -> None:
        """Check every value."""
        problems = Problems("DataCapture")
        _check_prefix(problems, "prefix", self.bucket, self.prefix)
        problems.whole("sampling_percent", self.sampling_percent, low=0, high=100)
        if not self.capture_input and not self.capture_output:
            problems.add("neither capture_input nor capture_output: nothing would be kept")
        for name in ("csv_content_types", "json_content_types"):
            types = getattr(self, name)
            problems.count(name, types, low=0, high=10)
            for content_type in types:
                rule = 'must be a content type, such as "text/csv"'
                problems.matches(name, content_type, _CONTENT_TYPE, rule)
        problems.raise_any()

    def grant(self, role: iam.IRole) -> None:
        """Let a model's role write what is kept."""
        _grant(role, self.bucket, _WRITE, [self.prefix])
        _grant_keys(role, self.bucket.encryption_key, self.encryption_key)

    def render(self) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
        """Return this as CloudFormation has it."""
        config = sagemaker.CfnEndpointConfig
        modes = {"Input": self.capture_input, "Output": self.capture_output}
        options = [config.CaptureOptionProperty(capture_mode=mode) for mode in modes if modes[mode]]
        return config.DataCaptureConfigProperty(
            enable_capture=True,
            initial_sampling_percentage=self.sampling_percent,
            destination_s3_uri=_uri(self.bucket, self.prefix),
            kms_key_id=None if self.encryption_key is None else self.encryption_key.key_arn,
            capture_options=options,
            capture_content_type_header=self._headers(),
        )

    def _headers(self) -> sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty | None:
        if not self.csv_content_types and not self.json_content_types:
            return None
        return sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
            csv_content_types=list(self.csv_content_types) or None,
            json_content_types=list(self.json_content_types) or None,
        )


def _check_prefix(problems: Problems, name: str, bucket: s3.IBucket, prefix: str | None) -> None:
    problems.matches(name, prefix, _PREFIX, _PREFIX_RULE)
    known = "" if is_token(bucket.bucket_name) else bucket.bucket_name
    size = len(_URI.format(bucket=known, prefix=prefix))
    if prefix is not None and not is_token(prefix) and size > _LONGEST_URI:
        problems.add(f"{name} makes a URI of {size} characters: must be at most {_LONGEST_URI}")


def _uri(bucket: s3.IBucket, prefix: str) -> str:
    return _URI.format(bucket=bucket.bucket_name, prefix=prefix)


def _grant(
    grantee: iam.IGrantable, bucket: s3.IBucket, actions: Sequence[str], prefixes: Sequence[str]
) -> None:
    arns = [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]
    # The L2's grant_put adds the right to change tags, retention and legal holds.
    iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=arns)
    principal: Any = grantee.grant_principal
    if hasattr(principal, "node"):
        acknowledge_wildcards(principal, dict.fromkeys(arns, _REASON))


def _grant_keys(grantee: iam.IGrantable, *keys: kms.IKey | None) -> None:
    for key in keys:
        if key is not None:
            key.grant(grantee, "kms:Decrypt", "kms:GenerateDataKey")


def _grant_publish(role: iam.IRole, topic: sns.ITopic) -> None:
    # The L2's grant_publish adds every other way to make a data key of the topic's key.
    iam.Grant.add_to_principal(
        grantee=role, actions=["sns:Publish"], resource_arns=[topic.topic_arn]
    )
    _grant_keys(role, topic.master_key)
