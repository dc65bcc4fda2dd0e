"""What each command of an app does in AWS, itself and by way of CloudFormation.

This is plain data, on ARNs with ``{app}`` and the like to be filled in, as in
`cdk_constructs.managed_resources`; `cdk_constructs.permissions` makes policies of it.
"""

from __future__ import annotations

from cdk_constructs.managed_resources import (
    ANYTHING,
    BUCKET,
    BY_CLOUDFORMATION,
    ENDPOINT_LOGS,
    ENDPOINTS,
    FOUNDATION,
    FUNCTIONS,
    LAMBDA,
    REPOSITORIES,
    ROLES,
    SAGEMAKER,
    Managed,
    Statement,
    regional,
    under,
    worldwide,
)

_STACKS = regional("cloudformation", "stack/{app}-*/*")
_READ_STACKS = Statement(
    under(
        "cloudformation",
        "DescribeStackEvents DescribeStackResources DescribeStacks GetTemplate ListStackResources",
    ),
    _STACKS,
)
_DIFF = (
    _READ_STACKS,
    Statement(
        under("cloudformation", "CreateChangeSet DeleteChangeSet DescribeChangeSet"), _STACKS
    ),
)
_CHANGE_STACKS = (
    *_DIFF,
    Statement(
        under(
            "cloudformation",
            "ContinueUpdateRollback CreateStack DeleteStack ExecuteChangeSet RollbackStack "
            "TagResource UntagResource UpdateStack UpdateTerminationProtection",
        ),
        _STACKS,
    ),
)
_DELETE_STACKS = (_READ_STACKS, Statement(under("cloudformation", "DeleteStack"), _STACKS))
ASSUME = Statement(under("sts", "AssumeRole"), worldwide("iam", "role/cdk-*"))
"""In a bootstrapped account: to take on the roles of the bootstrap."""
MAKE_ROLES = Statement(
    under("iam", "CreateRole PutRolePermissionsBoundary PutRolePolicy"),
    ROLES,
    (BY_CLOUDFORMATION,),
)
"""To make roles and give them rights, which a boundary can bound."""


def _pass_to(service: str) -> Statement:
    condition = ("StringEquals", "iam:PassedToService", service)
    return Statement(under("iam", "PassRole"), ROLES, (condition,))


def _follow(*groups: str) -> Statement:
    groups = tuple(f"log-group:{group}:*" for group in groups)
    return Statement(
        under("logs", "DescribeLogStreams FilterLogEvents GetLogEvents"), regional("logs", *groups)
    )


_TO_SAGEMAKER = _pass_to("sagemaker.amazonaws.com")
_TO_LAMBDA = _pass_to("lambda.amazonaws.com")
_FILES = (
    Statement(
        under("s3", "AbortMultipartUpload GetObject PutObject"), tuple(f"{arn}/*" for arn in BUCKET)
    ),
    Statement(under("s3", "GetBucketLocation ListBucket"), BUCKET),
)
_PUSH = (
    _READ_STACKS,
    Statement(under("ecr", "GetAuthorizationToken"), ANYTHING),
    Statement(
        under(
            "ecr",
            "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload "
            "DescribeImageScanFindings DescribeImages DescribeRepositories GetDownloadUrlForLayer "
            "InitiateLayerUpload PutImage UploadLayerPart",
        ),
        REPOSITORIES,
    ),
)
_TRAIN = (
    _READ_STACKS,
    *_FILES,
    _TO_SAGEMAKER,
    Statement(
        under("sagemaker", "AddTags CreateTrainingJob DescribeTrainingJob StopTrainingJob"),
        regional("sagemaker", "training-job/{app}-*"),
    ),
    _follow("/aws/sagemaker/TrainingJobs"),
)
_TRANSFORM = (
    _READ_STACKS,
    *_FILES,
    _TO_SAGEMAKER,
    Statement(
        under(
            "sagemaker",
            "AddTags CreateModel CreateTransformJob DeleteModel DescribeModel "
            "DescribeTransformJob StopTransformJob",
        ),
        regional("sagemaker", "model/{app}-*", "transform-job/{app}-*"),
    ),
    _follow("/aws/sagemaker/TransformJobs"),
)
_REQUEST = (
    # The input and the answer of an asynchronous request are files.
    *_FILES,
    Statement(
        under(
            "sagemaker",
            "DescribeEndpoint InvokeEndpoint InvokeEndpointAsync InvokeEndpointWithResponseStream",
        ),
        ENDPOINTS,
    ),
)
_INVOKE = (
    Statement(under("lambda", "GetFunction InvokeFunction InvokeFunctionUrl"), FUNCTIONS),
    _follow("/aws/lambda/{app}*"),
)
_WATCH_ENDPOINT = (
    Statement(
        under("sagemaker", "DescribeEndpoint DescribeEndpointConfig"),
        (*ENDPOINTS, *regional("sagemaker", "endpoint-config/*")),
    ),
    _follow(ENDPOINT_LOGS),
)


def _deployed(*kinds: tuple[Managed, ...]) -> tuple[Statement, ...]:
    return (*(row.to_deploy() for kind in (FOUNDATION, *kinds) for row in kind), MAKE_ROLES)


def _destroyed(*kinds: tuple[Managed, ...]) -> tuple[Statement, ...]:
    statements = (row.to_destroy() for kind in kinds for row in kind)
    return tuple(statement for statement in statements if statement is not None)


OWN: dict[str, tuple[Statement, ...]] = {
    "init": (),
    "local": (),
    "docker build": (),
    "docker push": _PUSH,
    "sagemaker train": _TRAIN,
    "sagemaker serve": (*_CHANGE_STACKS, *_WATCH_ENDPOINT),
    "sagemaker request": _REQUEST,
    "sagemaker batch-transform": _TRANSFORM,
    "lambda train": _INVOKE,
    "lambda serve": _CHANGE_STACKS,
    "lambda request": _INVOKE,
    "synth": (),
    "permissions": (),
    "config": (),
    "diff": _DIFF,
    "deploy": (*_CHANGE_STACKS, *_WATCH_ENDPOINT),
    "destroy": _DELETE_STACKS,
}
"""What each command does itself."""

BY_STACKS: dict[str, tuple[Statement, ...]] = {
    "sagemaker serve": (*_deployed(SAGEMAKER), _TO_SAGEMAKER),
    "lambda serve": (*_deployed(LAMBDA), _TO_LAMBDA),
    "diff": (),
    "deploy": (*_deployed(SAGEMAKER, LAMBDA), _TO_SAGEMAKER, _TO_LAMBDA),
    "destroy": _destroyed(FOUNDATION, SAGEMAKER, LAMBDA),
}
"""What CloudFormation does for each command; a bootstrapped account has roles for that."""
