"""What may go wrong with a template or a resource."""

from __future__ import annotations

import uuid

from botocore.exceptions import BotoCoreError, ClientError

from odyssey.sandbox.calls import ServiceError

GONE = {
    "404",
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchEntity",
    "NotFound",
    "NotFoundException",
    "ObjectNotFoundException",
    "ParameterNotFound",
    "QueueDoesNotExist",
    "RepositoryNotFoundException",
    "RepositoryPolicyNotFoundException",
    "ResourceNotFound",
    "ResourceNotFoundException",
}
"""The codes with which services say that something is not there."""

_HANDLER_CODES = {
    "AccessDenied": "AccessDenied",
    "AccessDeniedException": "AccessDenied",
    "BucketAlreadyExists": "AlreadyExists",
    "BucketAlreadyOwnedByYou": "AlreadyExists",
    "EntityAlreadyExists": "AlreadyExists",
    "RepositoryAlreadyExistsException": "AlreadyExists",
    "ResourceAlreadyExistsException": "AlreadyExists",
    "ResourceLimitExceeded": "ServiceLimitExceeded",
    "Throttling": "Throttling",
    "ThrottlingException": "Throttling",
}


def invalid(message: str) -> ServiceError:
    """Return CloudFormation's refusal of a request."""
    return ServiceError("ValidationError", message)


class ResourceError(Exception):
    """A resource cannot be made, changed or deleted; its text is the event's reason."""


class Cancelled(ResourceError):
    """Another resource failed, or somebody asked for the operation to end."""


def handled(message: str, code: str) -> ResourceError:
    """Return what a handler of a resource says, in CloudFormation's form.

    Args:
        message: What went wrong.
        code: A HandlerErrorCode of CloudFormation's, such as ``NotStabilized``.
    """
    told = f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})"
    return ResourceError(f'Resource handler returned message: "{message}" {told}')


def reason(error: Exception) -> str:
    """Return why a resource failed, as its event says it."""
    if isinstance(error, ClientError):
        return str(handled(*_of_service(error)))
    if isinstance(error, BotoCoreError):
        return str(handled(str(error), "InvalidRequest"))
    if isinstance(error, ServiceError):
        return error.message
    return str(error)


def is_gone(error: ClientError) -> bool:
    """Return whether a service says that something is not there."""
    told = error.response["Error"]
    return told["Code"] in GONE or told.get("Message", "").startswith("Could not find")


def _of_service(error: ClientError) -> tuple[str, str]:
    told, metadata = error.response["Error"], error.response["ResponseMetadata"]
    status = metadata["HTTPStatusCode"]
    if status >= 500 or told["Code"].isdigit():
        what = f"the sandbox does not do {error.operation_name}, or failed in it"
        return f"{what} (Status Code: {status})", "GeneralServiceException"
    request = metadata.get("RequestId", "")
    where = f"(Status Code: {status}, Request ID: {request})"
    code = "NotFound" if is_gone(error) else _HANDLER_CODES.get(told["Code"], "InvalidRequest")
    return f"{told.get('Message', told['Code'])} {where}", code
