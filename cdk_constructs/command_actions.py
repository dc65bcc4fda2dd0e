"""What each command of an app does in AWS, itself and by way of CloudFormation.

This is plain data, on ARNs with ``{app}`` and the like to be filled in, as in
`cdk_constructs.managed_resources`; `cdk_constructs.permissions` makes policies of it.

Jobs have names that begin with the app's. A job of another name, as ``-n`` and ``--job-name`` can
give it, and a role of another name, as ``-r`` can, take a policy of their own.
"""

from __future__ import annotations

from cdk_constructs.managed_resources import (
    ANYTHING,
    BUCKET,
    BY_CLOUDFORMATION,
    ENDPOINT_LOGS,
    ENDPOINTS,
    FOUNDATION,
    FUNCTION_LOGS,
    FUNCTIONS,
    LAMBDA,
    REPOSITORIES,
    RIGHTS,
    ROLES,
    SAGEMAKER,
    Managed,
    Statement,
    regional,
    under,
    worldwide,
)

_STACKS = regional("cloudformation", "stack/{app}-*/*")
_OBJECTS = tuple(f"{arn}/*" for arn in BUCKET)
_KEYS = regional("kms", "key/*")
_TRAINING_JOBS = regional("sagemaker", "training-job/{app}-*")
_TRANSFORM_JOBS = regional("sagemaker", "transform-job/{app}-*")
_MODELS = regional("sagemaker", "model/{app}-*")

_LOOK_AT_STACKS = Statement(under("cloudformation", "DescribeStacks"), _STACKS)
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
            "CancelUpdateStack ContinueUpdateRollback CreateStack DeleteStack ExecuteChangeSet "
            "RollbackStack TagResource UntagResource UpdateStack UpdateTerminationProtection",
        ),
        _STACKS,
    ),
)
_DELETE_STACKS = (_READ_STACKS, Statement(under("cloudformation", "DeleteStack"), _STACKS))
# A change set is looked for in all stacks of the app, and only a list of all tells which these are.
_FIND_STACKS = Statement(under("cloudformation", "DescribeStacks ListStacks"), ANYTHING)
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


def _by_way_of(service: str, actions: str) -> Statement:
    """Return what a service does with keys for whoever asks it for something encrypted."""
    return Statement(
        under("kms", actions), _KEYS, (("StringLike", "kms:ViaService", f"{service}.*"),)
    )


def _follow(group: str, streams: str = "*") -> tuple[Statement, ...]:
    return (
        # IAM takes the name of a log group with an empty stream behind it.
        Statement(under("logs", "DescribeLogStreams"), regional("logs", f"log-group:{group}:*")),
        Statement(
            under("logs", "GetLogEvents"),
            regional("logs", f"log-group:{group}:log-stream:{streams}"),
        ),
    )


_TO_SAGEMAKER = _pass_to("sagemaker.amazonaws.com")
_TO_LAMBDA = _pass_to("lambda.amazonaws.com")
_TO_SCHEDULER = _pass_to("scheduler.amazonaws.com")
_NAMED_ROLE = Statement(under("iam", "GetRole"), ROLES)
_LIST_BUCKET = Statement(under("s3", "ListBucket"), BUCKET)
_UPLOAD = (
    # What is there already is not sent again.
    _LIST_BUCKET,
    Statement(under("s3", "AbortMultipartUpload PutObject"), _OBJECTS),
    _by_way_of("s3", "Decrypt GenerateDataKey"),
)
_PUSH = (
    _LOOK_AT_STACKS,
    Statement(under("ecr", "GetAuthorizationToken"), ANYTHING),
    Statement(
        under(
            "ecr",
            "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload CreateRepository "
            "DescribeRepositories GetDownloadUrlForLayer InitiateLayerUpload PutImage TagResource "
            "UploadLayerPart",
        ),
        REPOSITORIES,
    ),
    _by_way_of("ecr", "CreateGrant DescribeKey RetireGrant"),
)

_FOLLOW_TRAINING = _follow("/aws/sagemaker/TrainingJobs", "{app}-*")
_FOLLOW_TRANSFORM = _follow("/aws/sagemaker/TransformJobs", "{app}-*")
_TRAIN = (
    _LOOK_AT_STACKS,
    _NAMED_ROLE,
    _TO_SAGEMAKER,
    *_UPLOAD,
    Statement(under("sagemaker", "AddTags CreateTrainingJob DescribeTrainingJob"), _TRAINING_JOBS),
    *_FOLLOW_TRAINING,
)
_TIDY = Statement(under("sagemaker", "DeleteModel DescribeModel ListTags"), _MODELS)
"""To remove the temporary model of a transform job."""
_TRANSFORM = (
    _LOOK_AT_STACKS,
    _NAMED_ROLE,
    _TO_SAGEMAKER,
    *_UPLOAD,
    # Models that an earlier run has left are looked for.
    Statement(under("sagemaker", "ListModels"), ANYTHING),
    _TIDY,
    Statement(under("sagemaker", "AddTags CreateModel"), _MODELS),
    Statement(
        under("sagemaker", "AddTags CreateTransformJob DescribeTransformJob"), _TRANSFORM_JOBS
    ),
    *_FOLLOW_TRANSFORM,
)
_INVOKE_ENDPOINT = (
    Statement(under("sagemaker", "InvokeEndpoint InvokeEndpointAsync"), ENDPOINTS),
    # The input and the answer of an asynchronous request are files, in the app's bucket.
    _LOOK_AT_STACKS,
    Statement(under("s3", "GetObject PutObject"), _OBJECTS),
    _by_way_of("s3", "Decrypt GenerateDataKey"),
)


def _describe(*names: str) -> tuple[Statement, ...]:
    """Return what it takes to see what things of some names are: jobs or an endpoint."""
    kinds = {"TrainingJob": "training-job", "TransformJob": "transform-job", "Endpoint": "endpoint"}
    actions = " ".join(f"Describe{word}" for word in kinds)
    return (
        Statement(
            under("sagemaker", actions),
            regional("sagemaker", *(f"{kind}/{name}" for kind in kinds.values() for name in names)),
        ),
    )


# A name may be that of a job or of an endpoint: each is asked for it, jobs for an endpoint's too.
_IDENTIFY = _describe("{app}-*", "{endpoint}", "{endpoints}")
_LOGS = (*_IDENTIFY, *_FOLLOW_TRAINING, *_FOLLOW_TRANSFORM, *_follow(ENDPOINT_LOGS))
_STATUS = (*_IDENTIFY, _TIDY, _LOOK_AT_STACKS, *_FOLLOW_TRAINING, *_FOLLOW_TRANSFORM)
_LIST = (
    Statement(
        under("sagemaker", "ListEndpoints ListModels ListTrainingJobs ListTransformJobs"), ANYTHING
    ),
    # Whatever has the app's name in its own is listed.
    *_describe("*{app}*"),
    # CloudFormation names a configuration after its id in the template alone.
    Statement(
        under("sagemaker", "DescribeEndpointConfig"), regional("sagemaker", "endpoint-config/*")
    ),
)
_STOP = (
    *_IDENTIFY,
    _TIDY,
    Statement(under("sagemaker", "StopTrainingJob"), _TRAINING_JOBS),
    Statement(under("sagemaker", "StopTransformJob"), _TRANSFORM_JOBS),
)
_LOOK_AT_ENDPOINT = Statement(under("sagemaker", "DescribeEndpoint"), ENDPOINTS)
_DEPLOY = (*_CHANGE_STACKS, _LOOK_AT_ENDPOINT)
_SERVE = (
    *_DEPLOY,
    _NAMED_ROLE,
    # The model must be there, and in the region of the endpoint.
    _LIST_BUCKET,
    Statement(under("s3", "GetObject"), _OBJECTS),
)
_DESTROY = (*_DELETE_STACKS, _LOOK_AT_ENDPOINT)
_LOOK_AT_FUNCTIONS = Statement(under("lambda", "GetFunction"), FUNCTIONS)
_LOOK_AT_IMAGE = Statement(under("ecr", "BatchGetImage GetDownloadUrlForLayer"), REPOSITORIES)
"""To see whether Lambda would take an image."""
_INVOKE_FUNCTION = (Statement(under("lambda", "InvokeFunction"), FUNCTIONS),)
_SERVE_FUNCTION = (
    *_CHANGE_STACKS,
    _NAMED_ROLE,
    _LOOK_AT_IMAGE,
    # The model must be there, and in the region of the functions.
    _LIST_BUCKET,
    Statement(under("s3", "GetObject"), _OBJECTS),
)
_TRAIN_FUNCTION = (
    *_CHANGE_STACKS,
    _NAMED_ROLE,
    _LOOK_AT_IMAGE,
    # The function itself says where it reads its data.
    _LOOK_AT_FUNCTIONS,
    *_UPLOAD,
    *_INVOKE_FUNCTION,
)
_FUNCTION_LOGS = (*_follow(FUNCTION_LOGS[0]), *_follow(FUNCTION_LOGS[1]), _LOOK_AT_FUNCTIONS)
_FUNCTION_STATUS = (_LOOK_AT_FUNCTIONS, _LOOK_AT_STACKS)

_WHY = (
    *_LOGS,
    *_FUNCTION_LOGS,
    Statement(
        under(
            "cloudformation", "DescribeStackEvents DescribeStacks GetTemplate ListStackResources"
        ),
        _STACKS,
    ),
)


def _deployed(*kinds: tuple[Managed, ...]) -> tuple[Statement, ...]:
    return (*(row.to_deploy() for kind in (FOUNDATION, *kinds) for row in kind), MAKE_ROLES)


def _destroyed(*kinds: tuple[Managed, ...]) -> tuple[Statement, ...]:
    statements = (row.to_destroy() for kind in kinds for row in kind)
    return tuple(statement for statement in statements if statement is not None)


_FUNCTIONS_DEPLOYED = (*_deployed(LAMBDA), _TO_LAMBDA, _TO_SCHEDULER)

OWN: dict[str, tuple[Statement, ...]] = {
    "init start": (),
    # Nobody needs a right to ask who they are.
    "configure": (),
    "doctor": (),
    "tour": (),
    "local train": (),
    "local serve": (),
    "local request": (),
    "docker build": (),
    "docker test": (),
    "docker train": (),
    "docker serve": (),
    "docker request": (),
    "docker push": _PUSH,
    # Its AWS is one's own.
    "sandbox start": (),
    "sandbox stop": (),
    "sandbox status": (),
    "sandbox env": (),
    "sandbox ui": (),
    "sandbox run": (),
    "sagemaker train": _TRAIN,
    "sagemaker upload": (_LOOK_AT_STACKS, *_UPLOAD),
    "sagemaker serve": _SERVE,
    "sagemaker invoke": _INVOKE_ENDPOINT,
    "sagemaker batch-transform": _TRANSFORM,
    "sagemaker logs": _LOGS,
    "sagemaker status": _STATUS,
    "sagemaker list": _LIST,
    "sagemaker stop": _STOP,
    "sagemaker delete": _DESTROY,
    "lambda train": _TRAIN_FUNCTION,
    "lambda serve": _SERVE_FUNCTION,
    "lambda invoke": _INVOKE_FUNCTION,
    "lambda logs": _FUNCTION_LOGS,
    "lambda status": _FUNCTION_STATUS,
    "lambda delete": _DELETE_STACKS,
    "synth": (),
    "check": (),
    "diff": _DIFF,
    # What is deployed, where the base is that.
    "review": (Statement(under("cloudformation", "DescribeStacks GetTemplate"), _STACKS),),
    "deploy": (*_DEPLOY, _FIND_STACKS),
    "destroy": _DESTROY,
    "why": _WHY,
    "permissions": (),
    "config show": (),
}
"""What each command does itself."""

BY_STACKS: dict[str, tuple[Statement, ...]] = {
    "sagemaker serve": (*_deployed(SAGEMAKER), _TO_SAGEMAKER),
    # The foundation stays.
    "sagemaker delete": _destroyed(RIGHTS, SAGEMAKER),
    "lambda train": _FUNCTIONS_DEPLOYED,
    "lambda serve": _FUNCTIONS_DEPLOYED,
    # The foundation stays.
    "lambda delete": _destroyed(RIGHTS, LAMBDA),
    "diff": (),
    "deploy": (*_deployed(SAGEMAKER, LAMBDA), _TO_SAGEMAKER, _TO_LAMBDA, _TO_SCHEDULER),
    "destroy": _destroyed(FOUNDATION, SAGEMAKER, LAMBDA),
}
"""What CloudFormation does for each command; a bootstrapped account has roles for that."""
