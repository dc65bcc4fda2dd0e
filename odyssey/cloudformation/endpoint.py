"""A deployed SageMaker endpoint: whether it serves what its stack says, and why it failed.

SageMaker takes an update that fails back by itself, so that an endpoint in service may still run
what it ran before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey import aws
from odyssey.console import clean
from odyssey.errors import AwsError, DeploymentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from odyssey.cloudformation.service import Resource

ENDPOINT = "AWS::SageMaker::Endpoint"


def verify(sagemaker: Any, resources: Iterable[Resource], body: Mapping[str, Any]) -> None:
    """Check that every endpoint of a deployed stack runs the stack's own configuration.

    Args:
        sagemaker: A client of boto3 for ``sagemaker``.
        resources: The stack's resources.
        body: The stack's template.

    Raises:
        DeploymentError: An endpoint runs another configuration, or does not serve.
        AwsError: AWS refuses.
    """
    by_id = {resource.logical_id: resource for resource in resources}
    for endpoint in by_id.values():
        config = by_id.get(_config_of(body, endpoint.logical_id))
        if endpoint.type == ENDPOINT and config is not None:
            _compare(_describe(sagemaker, endpoint), name_of(config))


def explain(sagemaker: Any, physical_id: str) -> str:
    """Return what SageMaker says about an endpoint that could not be made, and where its log is.

    Args:
        sagemaker: A client of boto3 for ``sagemaker``.
        physical_id: The endpoint's name or ARN.
    """
    name = physical_id.rpartition("/")[2]
    try:
        with aws.explained():
            told = sagemaker.describe_endpoint(EndpointName=name)
    except AwsError:
        told = {}  # It is gone already: the stack has been rolled back.
    reason = told.get("FailureReason")
    said = f"\n  SageMaker says: {clean(reason)}" if reason else ""
    return f"{said}\n  its containers' log is {log_group(name)}"


def log_group(name: str) -> str:
    """Return the log group of an endpoint's containers."""
    return f"/aws/sagemaker/Endpoints/{name}"


def log_command(name: str) -> str:
    """Return the command that shows an endpoint's log."""
    return f"odyssey sagemaker logs {name} --since 1h"


def name_of(resource: Resource) -> str:
    """Return the name of a resource of SageMaker, whose physical id is its ARN."""
    return resource.physical_id.rpartition("/")[2]


def _config_of(body: Mapping[str, Any], endpoint: str) -> str:
    """Return the logical id of the configuration that a template gives an endpoint, or nothing."""
    properties = body.get("Resources", {}).get(endpoint, {}).get("Properties", {})
    told = properties.get("EndpointConfigName")
    if not isinstance(told, dict):
        return ""
    attribute = told.get("Fn::GetAtt", [""])
    first = attribute.partition(".")[0] if isinstance(attribute, str) else attribute[0]
    return str(told.get("Ref", first))


def _describe(sagemaker: Any, endpoint: Resource) -> dict[str, Any]:
    with aws.explained():
        told: dict[str, Any] = sagemaker.describe_endpoint(EndpointName=name_of(endpoint))
        return told


def _compare(told: Mapping[str, Any], wanted: str) -> None:
    name, running, status = told["EndpointName"], told["EndpointConfigName"], told["EndpointStatus"]
    # An ARN has the name in lower case.
    is_wanted = running.lower() == wanted.lower()
    if is_wanted and status == "InService":
        return
    reason = f": {clean(told['FailureReason'])}" if told.get("FailureReason") else ""
    if is_wanted:
        raise DeploymentError(f"the endpoint {name} is {status}{reason}", log_command(name))
    raise DeploymentError(
        f"the endpoint {name} went back to its previous configuration{reason}; it runs {running}, "
        f"and its stack has {wanted}",
        log_command(name),
    )
