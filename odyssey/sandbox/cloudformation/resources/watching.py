"""Alarms, dashboards and logs, and what scales by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.cloudformation.replacement import changed
from odyssey.sandbox.cloudformation.resources import tags
from odyssey.sandbox.cloudformation.resources.handler import Handler
from odyssey.sandbox.cloudformation.resources.requests import known

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site


class Alarm(Handler):
    """An alarm on a metric."""

    type = "AWS::CloudWatch::Alarm"
    attributes = ("Arn",)
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        name = wanted.get("AlarmName") or site.name(255)
        site.ask("cloudwatch", "PutMetricAlarm", {**wanted, "AlarmName": name})
        return site.begun(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Write it anew: an alarm's tags are no part of that."""
        request = {key: wanted[key] for key in wanted if key != "Tags"}
        site.ask("cloudwatch", "PutMetricAlarm", {**request, "AlarmName": physical_id})
        tags.change(site, "cloudwatch", self._arn(site, physical_id), old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("cloudwatch", "DeleteAlarms", AlarmNames=[physical_id])

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        return {"Arn": self._arn(site, physical_id)}

    def _arn(self, site: Site, name: str) -> str:
        return f"arn:aws:cloudwatch:{site.region}:{ACCOUNT}:alarm:{name}"


class Dashboard(Handler):
    """A dashboard."""

    type = "AWS::CloudWatch::Dashboard"
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        name = wanted.get("DashboardName") or site.name(255)
        site.ask("cloudwatch", "PutDashboard", {**wanted, "DashboardName": name})
        return site.begun(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Write it anew, with its tags."""
        site.ask("cloudwatch", "PutDashboard", {**wanted, "DashboardName": physical_id})

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        site.ask("cloudwatch", "DeleteDashboards", DashboardNames=[physical_id])


class LogGroup(Handler):
    """A group of logs."""

    type = "AWS::Logs::LogGroup"
    attributes = ("Arn",)
    tags = "list"

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        known(self.type, wanted, "KmsKeyId LogGroupClass LogGroupName RetentionInDays Tags")
        name = wanted.get("LogGroupName") or site.name(512)
        request = {key: wanted[key] for key in ("KmsKeyId", "LogGroupClass") if key in wanted}
        labels = tags.pairs(wanted.get("Tags"))
        request.update({"tags": labels} if labels else {})
        site.ask("logs", "CreateLogGroup", request, logGroupName=name)
        site.begun(name)
        self._keep(site, name, {}, wanted)
        return str(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change how long it keeps them, and its key and tags."""
        self._keep(site, physical_id, old, wanted)
        if "KmsKeyId" in changed(old, wanted):
            key = wanted.get("KmsKeyId")
            of_group = {"logGroupName": physical_id}
            if key:
                site.ask("logs", "AssociateKmsKey", of_group, kmsKeyId=key)
            else:
                site.ask("logs", "DisassociateKmsKey", of_group)
        arn = self._arn(site, physical_id).removesuffix(":*")
        tags.change(site, "logs", arn, old, wanted)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it, with all logs."""
        site.ask("logs", "DeleteLogGroup", logGroupName=physical_id)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        return {"Arn": self._arn(site, physical_id)}

    def _keep(self, site: Site, name: str, old: Properties, wanted: Properties) -> None:
        if "RetentionInDays" not in changed(old, wanted):
            return
        days = wanted.get("RetentionInDays")
        if days:
            site.ask("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)
        else:
            site.ask("logs", "DeleteRetentionPolicy", logGroupName=name)

    def _arn(self, site: Site, name: str) -> str:
        return f"arn:aws:logs:{site.region}:{ACCOUNT}:log-group:{name}:*"


class ScalableTarget(Handler):
    """A capacity that may be scaled."""

    type = "AWS::ApplicationAutoScaling::ScalableTarget"
    attributes = ("Id",)
    tags = "list"
    required = ("ResourceId", "ScalableDimension", "ServiceNamespace")

    def create(self, site: Site, wanted: Properties) -> str:
        """Register it."""
        labels = tags.pairs(wanted.get("Tags"))
        request = {**wanted, "Tags": labels}
        site.ask("application-autoscaling", "RegisterScalableTarget", request)
        return site.begun("|".join(str(wanted[key]) for key in WHICH))

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Register it anew; moto keeps no tags of such, and so has none to change."""
        request = {key: wanted[key] for key in wanted if key != "Tags"}
        site.ask("application-autoscaling", "RegisterScalableTarget", request)

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Take it out of the register."""
        site.ask("application-autoscaling", "DeregisterScalableTarget", _which(physical_id))

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its id."""
        return {"Id": physical_id}


class ScalingPolicy(Handler):
    """How a capacity is scaled."""

    type = "AWS::ApplicationAutoScaling::ScalingPolicy"
    attributes = ("Arn",)
    required = ("PolicyName",)

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        answer = site.ask("application-autoscaling", "PutScalingPolicy", self._request(wanted))
        return site.begun(answer["PolicyARN"])

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Write it anew."""
        site.ask("application-autoscaling", "PutScalingPolicy", self._request(wanted))

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        request = self._request(properties)
        which = {key: request[key] for key in (*WHICH, "PolicyName")}
        site.ask("application-autoscaling", "DeleteScalingPolicy", which)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        return {"Arn": physical_id}

    def _request(self, wanted: Properties) -> dict[str, Any]:
        request = dict(wanted)
        target = request.pop("ScalingTargetId", None)
        return {**request, **(_which(str(target)) if target else {})}


WHICH = ("ResourceId", "ScalableDimension", "ServiceNamespace")
"""What a scalable target is known by: in this order its physical id has them."""


def _which(physical_id: str) -> dict[str, str]:
    return dict(zip(WHICH, physical_id.split("|"), strict=True))
