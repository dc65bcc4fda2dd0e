"""The role of a resource in the system, by its type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.review.report import Group

if TYPE_CHECKING:
    from odyssey.checks.template import Resource

SERVICES = {
    "ApplicationAutoScaling": Group.ENDPOINT,
    "CloudTrail": Group.WATCHING,
    "CloudWatch": Group.WATCHING,
    "DynamoDB": Group.DATA,
    "EC2": Group.NETWORK,
    "ECR": Group.IMAGE,
    "EFS": Group.DATA,
    "ElasticLoadBalancingV2": Group.NETWORK,
    "Events": Group.TRAINING,
    "Glue": Group.DATA,
    "IAM": Group.PERMISSIONS,
    "KMS": Group.PERMISSIONS,
    "Lambda": Group.FUNCTION,
    "Logs": Group.WATCHING,
    "RDS": Group.DATA,
    "S3": Group.DATA,
    "SNS": Group.WATCHING,
    "SQS": Group.DATA,
    "Scheduler": Group.TRAINING,
    "SecretsManager": Group.PERMISSIONS,
    "StepFunctions": Group.TRAINING,
}
"""By the service, the middle of a type's name."""

TYPES = {
    "AWS::Lambda::Permission": Group.PERMISSIONS,
    "AWS::S3::BucketPolicy": Group.PERMISSIONS,
    "AWS::SNS::TopicPolicy": Group.PERMISSIONS,
    "AWS::SQS::QueuePolicy": Group.PERMISSIONS,
    "AWS::SageMaker::Endpoint": Group.ENDPOINT,
    "AWS::SageMaker::EndpointConfig": Group.ENDPOINT,
    "AWS::SageMaker::InferenceComponent": Group.ENDPOINT,
    "AWS::SageMaker::InferenceExperiment": Group.ENDPOINT,
    "AWS::SageMaker::Model": Group.ENDPOINT,
    "AWS::SageMaker::MonitoringSchedule": Group.WATCHING,
    "AWS::SageMaker::FeatureGroup": Group.DATA,
}
"""Types that have another role than others of their service."""


def of(resource: Resource) -> Group:
    """Return the role of a resource in the system."""
    if resource.type in TYPES:
        return TYPES[resource.type]
    service = resource.type.split("::")[1] if resource.type.count("::") == 2 else ""
    if service == "SageMaker":
        watching = resource.type.endswith("JobDefinition")
        return Group.WATCHING if watching else Group.TRAINING
    if service == "Lambda" and "Train" in resource.id:
        return Group.TRAINING
    return SERVICES.get(service, Group.OTHER)
