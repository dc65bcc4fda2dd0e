"""Which changes of a property need a new resource, and which resources have a name of their own.

Source: ``createOnlyProperties`` of CloudFormation's resource schemas,
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation.intrinsics import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATE_ONLY: dict[str, frozenset[str]] = {
    kind: frozenset(names.split())
    for kind, names in {
        "AWS::ApplicationAutoScaling::ScalableTarget": (
            "ResourceId ScalableDimension ServiceNamespace"
        ),
        "AWS::ApplicationAutoScaling::ScalingPolicy": (
            "PolicyName ResourceId ScalableDimension ScalingTargetId ServiceNamespace"
        ),
        "AWS::CloudWatch::Alarm": "AlarmName",
        "AWS::CloudWatch::Dashboard": "DashboardName",
        "AWS::ECR::Repository": "EncryptionConfiguration RepositoryName",
        "AWS::Events::Rule": "EventBusName Name",
        "AWS::IAM::InstanceProfile": "InstanceProfileName Path",
        "AWS::IAM::ManagedPolicy": "Description ManagedPolicyName Path",
        "AWS::IAM::Role": "Path RoleName",
        "AWS::KMS::Alias": "AliasName",
        "AWS::Lambda::Alias": "FunctionName Name",
        "AWS::Lambda::EventInvokeConfig": "FunctionName Qualifier",
        "AWS::Lambda::Function": "FunctionName PackageType",
        "AWS::Lambda::Permission": (
            "Action EventSourceToken FunctionName FunctionUrlAuthType InvokedViaFunctionUrl "
            "Principal PrincipalOrgID SourceAccount SourceArn"
        ),
        "AWS::Lambda::Url": "Qualifier TargetFunctionArn",
        "AWS::Lambda::Version": "CodeSha256 Description FunctionName",
        "AWS::Logs::LogGroup": "LogGroupName",
        "AWS::S3::Bucket": "BucketName",
        "AWS::S3::BucketPolicy": "Bucket",
        "AWS::SNS::Subscription": "Endpoint Protocol TopicArn",
        "AWS::SNS::Topic": "FifoTopic TopicName",
        "AWS::SQS::Queue": "FifoQueue QueueName",
        "AWS::SSM::Parameter": "Name",
        "AWS::Scheduler::Schedule": "Name",
        "AWS::SageMaker::Endpoint": "EndpointName",
        "AWS::SageMaker::EndpointConfig": (
            "AsyncInferenceConfig DataCaptureConfig EnableNetworkIsolation EndpointConfigName "
            "ExecutionRoleArn ExplainerConfig KmsKeyId MetricsConfig ProductionVariants "
            "ShadowProductionVariants VpcConfig"
        ),
        "AWS::SageMaker::Model": (
            "Containers EnableNetworkIsolation ExecutionRoleArn InferenceExecutionConfig ModelName "
            "PrimaryContainer VpcConfig"
        ),
    }.items()
}
"""The properties that only a new resource can have differently, by type."""

NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::ECR::Repository": "RepositoryName",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SageMaker::EndpointConfig": "EndpointConfigName",
    "AWS::SageMaker::Model": "ModelName",
}
"""The property with which a template names a resource that would else be given a name."""


def changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the names of the properties that are not the same, in alphabetical order."""
    return sorted(name for name in {*old, *new} if plain(old.get(name)) != plain(new.get(name)))


def replaces(kind: str, name: str) -> bool:
    """Return whether another value of a property needs a new resource.

    Args:
        kind: The resource's type.
        name: The property.
    """
    return name in CREATE_ONLY.get(kind, ())


def custom_name(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> str | None:
    """Return the name that the template gives a resource both before and after, or None.

    A new resource would have to have it while the old one still does.
    """
    name = NAMES.get(kind, "")
    wanted = new.get(name)
    return str(wanted) if wanted is not None and old.get(name) == wanted else None
