"""What the tests of the serving constructs share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import App, Stack
from aws_cdk.assertions import Template

from cdk_constructs.images import ModelImage
from cdk_constructs.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/churn"
IMAGE = ModelImage.from_uri(f"{REPOSITORY}@sha256:{'a' * 64}")
NEXT_IMAGE = ModelImage.from_uri(f"{REPOSITORY}@sha256:{'b' * 64}")
PUBLIC_IMAGE = ModelImage.from_registry(f"docker.io/library/churn@sha256:{'c' * 64}")
NETWORK = Network.from_ids(
    subnets=["subnet-0a1b2c3d", "subnet-0a1b2c3e"], security_groups=["sg-0a1b2c3d"]
)

ALARM = "AWS::CloudWatch::Alarm"
CONFIG = "AWS::SageMaker::EndpointConfig"
ENDPOINT = "AWS::SageMaker::Endpoint"
MODEL = "AWS::SageMaker::Model"
POLICY = "AWS::IAM::Policy"
SCALING_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
SCALING_TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"


def stack() -> Stack:
    return Stack(App(), "Stack")


def resources(made: Stack) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = Template.from_stack(made).to_json()["Resources"]
    return found


def synthesized(build: Callable[[Stack], object]) -> dict[str, dict[str, Any]]:
    """Return the resources of a stack by logical id."""
    made = stack()
    build(made)
    return resources(made)


def of_type(found: Mapping[str, dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """Return the resources of a type by logical id."""
    return {name: each for name, each in found.items() if each["Type"] == kind}


def properties(found: Mapping[str, dict[str, Any]], kind: str) -> dict[str, Any]:
    """Return the properties of the only resource of a type."""
    (only,) = of_type(found, kind).values()
    values: dict[str, Any] = only["Properties"]
    return values


def statements(found: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every statement of every policy."""
    return [
        statement
        for policy in of_type(found, POLICY).values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def allowed(found: Mapping[str, dict[str, Any]], action: str) -> list[Any]:
    """Return what an action is allowed on."""
    targets: list[Any] = []
    for statement in statements(found):
        actions, places = statement["Action"], statement["Resource"]
        if action in ([actions] if isinstance(actions, str) else actions):
            targets += places if isinstance(places, list) else [places]
    return targets


def flat(value: Any) -> str:
    """Return a joined value as one text, with references in brackets."""
    match value:
        case {"Fn::Join": [delimiter, parts]}:
            return str(delimiter).join(flat(part) for part in parts)
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Ref": name}:
            return f"<{name}>"
    return str(value)
