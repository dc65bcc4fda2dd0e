"""What CloudFormation does to an app's resources, with the rights of whoever deploys it.

This is plain data: the actions that making, reading and removing each kind of resource takes, on
ARNs with ``{app}`` and the like to be filled in. `cdk_constructs.permissions` makes policies of it.

CloudFormation makes its requests as the caller, and marks them as its own: what it needs is granted
only by way of it.

Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/ and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/fas-requests-and-permission-evaluation.html
"""

from __future__ import annotations

from dataclasses import dataclass

Condition = tuple[str, str, str]
"""An operator, a key and a value."""

BY_CLOUDFORMATION = ("ForAnyValue:StringEquals", "aws:CalledVia", "cloudformation.amazonaws.com")


@dataclass(frozen=True)
class Statement:
    """What may be done to which resources."""

    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Managed:
    """What CloudFormation does to resources: to make, to read and to remove them."""

    resources: tuple[str, ...]
    makes: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = (BY_CLOUDFORMATION,)

    def to_deploy(self) -> Statement:
        """Return what a deployment needs, which may have to roll back."""
        actions = self.makes + self.reads + self.removes
        return Statement(actions, self.resources, self.conditions)

    def to_destroy(self) -> Statement | None:
        """Return what a removal needs, or None where there is nothing to remove."""
        actions = self.reads + self.removes
        return Statement(actions, self.resources, self.conditions) if actions else None


def under(service: str, actions: str) -> tuple[str, ...]:
    """Return actions of a service: ``s3:GetObject`` for ``GetObject``."""
    return tuple(f"{service}:{action}" for action in actions.split())


def regional(service: str, *resources: str) -> tuple[str, ...]:
    """Return the ARNs of resources that are in a region."""
    return tuple(f"arn:{{partition}}:{service}:{{region}}:{{account}}:{part}" for part in resources)


def worldwide(service: str, *resources: str) -> tuple[str, ...]:
    """Return the ARNs of resources that are in no region."""
    return tuple(f"arn:{{partition}}:{service}::{{account}}:{part}" for part in resources)


ANYTHING = ("*",)
"""For actions that take no resource."""
REPOSITORIES = regional("ecr", "repository/{repository}", "repository/{repositories}")
ROLES = worldwide("iam", "role/{made}")
BUCKET = ("arn:{partition}:s3:::{bucket}",)
ENDPOINTS = regional("sagemaker", "endpoint/{endpoint}", "endpoint/{endpoints}")
ENDPOINT_LOGS = "/aws/sagemaker/Endpoints/{endpoint}*"
FUNCTIONS = regional(
    "lambda",
    *(f"function:{{{name}}}" for name in ("train", "train_versions", "serve", "serve_versions")),
)
FUNCTION_LOGS = ("/aws/lambda/{train}", "/aws/lambda/{serve}")


def _logs(*groups: str) -> Managed:
    return Managed(
        regional("logs", *(f"log-group:{group}" for group in groups)),
        makes=under("logs", "CreateLogGroup PutRetentionPolicy TagResource UntagResource"),
        reads=under("logs", "ListTagsForResource"),
        removes=under("logs", "DeleteLogGroup DeleteRetentionPolicy"),
    )


STORES = (
    Managed(
        REPOSITORIES,
        makes=under(
            "ecr",
            "CreateRepository DeleteLifecyclePolicy PutImageScanningConfiguration "
            "PutImageTagMutability PutLifecyclePolicy SetRepositoryPolicy TagResource "
            "UntagResource",
        ),
        reads=under(
            "ecr", "DescribeRepositories GetLifecyclePolicy GetRepositoryPolicy ListTagsForResource"
        ),
        removes=under("ecr", "BatchDeleteImage DeleteRepository DeleteRepositoryPolicy"),
    ),
    Managed(
        BUCKET,
        makes=under(
            "s3",
            "CreateBucket PutBucketLogging PutBucketOwnershipControls PutBucketPolicy "
            "PutBucketPublicAccessBlock PutBucketTagging PutBucketVersioning "
            "PutEncryptionConfiguration PutLifecycleConfiguration",
        ),
        reads=under("s3", "GetBucket* Get*Configuration ListBucket"),
        removes=under("s3", "DeleteBucket DeleteBucketPolicy"),
    ),
    _logs("/aws/*/{app}*", ENDPOINT_LOGS, "{made}"),
)
"""The repository, the bucket and the logs, which an endpoint and a function only use."""

RIGHTS = (
    Managed(
        ROLES,
        makes=under("iam", "TagRole UntagRole UpdateAssumeRolePolicy UpdateRole"),
        reads=under("iam", "GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies"),
        removes=under("iam", "DeleteRole DeleteRolePolicy"),
    ),
    Managed(
        regional("kms", "key/*"),
        makes=under("kms", "Decrypt Encrypt GenerateDataKey"),
        reads=under("kms", "DescribeKey"),
        removes=under("kms", "RetireGrant"),
    ),
    Managed(
        regional("kms", "key/*"),
        makes=under("kms", "CreateGrant"),
        conditions=(BY_CLOUDFORMATION, ("Bool", "kms:GrantIsForAWSResource", "true")),
    ),
    Managed(
        ANYTHING,
        reads=(
            *under("ec2", "DescribeSecurityGroups DescribeSubnets DescribeVpcs"),
            *under("logs", "DescribeLogGroups"),
        ),
    ),
)
"""The roles that the app's resources have, and the keys and networks they may have.

Managed policies are not among them: whoever may change one may take what it grants, or bounds.
"""

FOUNDATION = (*STORES, *RIGHTS)
"""What every app has."""

SAGEMAKER = (
    Managed(
        # CloudFormation names a model, a configuration and a dashboard after their ids in the
        # template, without the stack's name: nothing narrower than all names them.
        (*ENDPOINTS, *regional("sagemaker", "endpoint-config/*", "model/*")),
        makes=under(
            "sagemaker",
            "AddTags CreateEndpoint CreateEndpointConfig CreateModel DeleteTags UpdateEndpoint "
            "UpdateEndpointWeightsAndCapacities",
        ),
        reads=under("sagemaker", "DescribeEndpoint DescribeEndpointConfig DescribeModel ListTags"),
        removes=under("sagemaker", "DeleteEndpoint DeleteEndpointConfig DeleteModel"),
    ),
    Managed(
        regional("application-autoscaling", "scalable-target/*"),
        makes=under(
            "application-autoscaling", "PutScalingPolicy RegisterScalableTarget TagResource"
        ),
        removes=under("application-autoscaling", "DeleteScalingPolicy DeregisterScalableTarget"),
    ),
    Managed(
        ANYTHING,
        reads=(
            *under("application-autoscaling", "DescribeScalableTargets DescribeScalingPolicies"),
            *under("cloudwatch", "DescribeAlarms"),
        ),
    ),
    Managed(
        (
            *regional("cloudwatch", "alarm:{made}", "alarm:TargetTracking-endpoint/{endpoint}*"),
            *worldwide("cloudwatch", "dashboard/*"),
        ),
        makes=under("cloudwatch", "PutDashboard PutMetricAlarm TagResource"),
        reads=under("cloudwatch", "GetDashboard ListTagsForResource"),
        removes=under("cloudwatch", "DeleteAlarms DeleteDashboards"),
    ),
    Managed(
        # The account's own role that scales endpoints, made when the first one is to scale.
        worldwide(
            "iam", "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/AWS*"
        ),
        makes=under("iam", "CreateServiceLinkedRole"),
    ),
)
"""The endpoint, its model and configuration, its scaling, its alarms and its dashboard."""

LAMBDA = (
    Managed(
        FUNCTIONS,
        makes=under(
            "lambda",
            "AddPermission CreateAlias CreateFunction CreateFunctionUrlConfig PublishVersion "
            "PutFunctionConcurrency PutFunctionEventInvokeConfig PutProvisionedConcurrencyConfig "
            "TagResource UntagResource UpdateAlias UpdateFunctionCode UpdateFunctionConfiguration "
            "UpdateFunctionEventInvokeConfig UpdateFunctionUrlConfig",
        ),
        reads=under(
            "lambda",
            "GetAlias GetFunction* GetPolicy GetProvisionedConcurrencyConfig "
            "GetRuntimeManagementConfig ListTags ListVersionsByFunction",
        ),
        removes=under(
            "lambda",
            "DeleteAlias DeleteFunction DeleteFunctionConcurrency "
            "DeleteFunctionEventInvokeConfig DeleteFunctionUrlConfig "
            "DeleteProvisionedConcurrencyConfig RemovePermission",
        ),
    ),
    Managed(
        # Lambda reads the image with the rights of who makes the function.
        REPOSITORIES,
        makes=under("ecr", "BatchGetImage GetDownloadUrlForLayer"),
    ),
    # A function may have a name of its own, and has its logs by it.
    _logs(*FUNCTION_LOGS),
    Managed(
        regional("scheduler", "schedule/default/{made}"),
        makes=under("scheduler", "CreateSchedule UpdateSchedule"),
        reads=under("scheduler", "GetSchedule"),
        removes=under("scheduler", "DeleteSchedule"),
    ),
)
"""The functions, with their versions, aliases and URLs, and the schedule of one of them."""
