"""EventBridge Scheduler's schedules, which are noted, and never fire here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.cloudformation.resources.handler import Handler

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site


class Schedule(Handler):
    """A schedule."""

    type = "AWS::Scheduler::Schedule"
    attributes = ("Arn",)
    required = ("FlexibleTimeWindow", "ScheduleExpression", "Target")

    def create(self, site: Site, wanted: Properties) -> str:
        """Create it."""
        name = wanted.get("Name") or site.name(64)
        site.ask("scheduler", "CreateSchedule", {**wanted, "Name": name})
        return site.begun(name)

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Write it anew; one of another group is made there, and goes here."""
        if _group(old) != _group(wanted):
            site.ask("scheduler", "CreateSchedule", {**wanted, "Name": physical_id})
            self.delete(site, physical_id, old)
        else:
            site.ask("scheduler", "UpdateSchedule", {**wanted, "Name": physical_id})

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete it."""
        which = {"Name": physical_id, "GroupName": _group(properties)}
        site.ask("scheduler", "DeleteSchedule", which)

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return its ARN."""
        group = _group(properties)
        arn = f"arn:aws:scheduler:{site.region}:{ACCOUNT}:schedule/{group}/{physical_id}"
        return {"Arn": arn}


def _group(properties: Properties) -> str:
    return str(properties.get("GroupName", "default"))
