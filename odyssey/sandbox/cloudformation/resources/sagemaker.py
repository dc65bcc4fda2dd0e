"""SageMaker's models, endpoint configurations and endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from odyssey.sandbox.cloudformation.errors import handled, is_gone
from odyssey.sandbox.cloudformation.resources import tags
from odyssey.sandbox.cloudformation.resources.handler import Handler

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site

LONGEST = 63
"""Characters of the names of SageMaker's."""

INTERVAL = 0.2
"""Seconds between two looks at an endpoint."""

MOVING = {"Creating", "Updating", "SystemUpdating", "RollingBack"}
OF_UPDATES = (
    "ExcludeRetainedVariantProperties",
    "RetainAllVariantProperties",
    "RetainDeploymentConfig",
)
"""Properties of an endpoint that an update alone knows."""


def _name(physical_id: str) -> str:
    return physical_id.rpartition("/")[2]


class Model(Handler):
    """A model; it can never change."""

    type = "AWS::SageMaker::Model"
    attributes = ("ModelArn", "ModelName")
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        name = wanted.get("ModelName") or site.name(LONGEST)
        answer = site.ask("sagemaker", "CreateModel", {**wanted, "ModelName": name})
        return site.begun(answer["ModelArn"])

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change its tags."""
        tags.change(site, "sagemaker", physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("sagemaker", "DeleteModel", ModelName=_name(physical_id))

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its name and ARN."""
        return {"ModelArn": physical_id, "ModelName": _name(physical_id)}


class EndpointConfig(Handler):
    """A configuration of endpoints; it can never change."""

    type = "AWS::SageMaker::EndpointConfig"
    attributes = ("EndpointConfigArn", "EndpointConfigName")
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        name = wanted.get("EndpointConfigName") or site.name(LONGEST)
        properties = {**wanted, "EndpointConfigName": name}
        answer = site.ask("sagemaker", "CreateEndpointConfig", properties)
        return site.begun(answer["EndpointConfigArn"])

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change its tags."""
        tags.change(site, "sagemaker", physical_id, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("sagemaker", "DeleteEndpointConfig", EndpointConfigName=_name(physical_id))

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its name and ARN."""
        return {"EndpointConfigArn": physical_id, "EndpointConfigName": _name(physical_id)}


class Endpoint(Handler):
    """An endpoint, which changes in place and may go back to what it was."""

    type = "AWS::SageMaker::Endpoint"
    attributes = ("EndpointArn", "EndpointName")
    tags = "list"
    required = ("EndpointConfigName",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it, and wait until it is in service."""
        name = wanted.get("EndpointName") or site.name(LONGEST)
        of_creation = {key: value for key, value in wanted.items() if key not in OF_UPDATES}
        answer = site.ask("sagemaker", "CreateEndpoint", {**of_creation, "EndpointName": name})
        site.begun(answer["EndpointArn"])
        told = self._settled(site, name)
        if told["EndpointStatus"] != "InService":
            raise handled(
                told.get("FailureReason", "it is " + told["EndpointStatus"]), "NotStabilized"
            )
        return str(answer["EndpointArn"])

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Give it another configuration, and wait until it has it or has gone back."""
        name, config = _name(physical_id), wanted["EndpointConfigName"]
        tags.change(site, "sagemaker", physical_id, old, wanted)
        told = self._settled(site, name)
        if told["EndpointConfigName"] == config and told["EndpointStatus"] == "InService":
            return
        request = {key: wanted[key] for key in wanted if key not in ("Tags", "EndpointName")}
        site.ask("sagemaker", "UpdateEndpoint", request, EndpointName=name)
        told = self._settled(site, name)
        # An update that failed ends in service, with the configuration from before.
        if told["EndpointConfigName"] != config or told["EndpointStatus"] != "InService":
            reason = told.get("FailureReason", "it went back to its previous configuration")
            raise handled(reason, "NotStabilized")

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it as soon as it can be, and wait until it is gone."""
        name = _name(physical_id)
        self._settled(site, name)
        site.ask("sagemaker", "DeleteEndpoint", EndpointName=name)
        while True:
            try:
                site.ask("sagemaker", "DescribeEndpoint", EndpointName=name)
            except ClientError as error:
                if is_gone(error):
                    return
                raise
            site.pause(INTERVAL)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its name and ARN."""
        return {"EndpointArn": physical_id, "EndpointName": _name(physical_id)}

    def _settled(self, site: Site, name: str) -> dict[str, Any]:
        """Wait until an endpoint no longer moves, and return what is said of it."""
        while True:
            told = site.ask("sagemaker", "DescribeEndpoint", EndpointName=name)
            if told["EndpointStatus"] not in MOVING:
                return told
            site.pause(INTERVAL)
