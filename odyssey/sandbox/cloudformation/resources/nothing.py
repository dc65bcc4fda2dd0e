"""Resources of which nothing is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.sandbox.cloudformation.resources.handler import Handler

if TYPE_CHECKING:
    from odyssey.sandbox.cloudformation.resources.handler import Properties
    from odyssey.sandbox.cloudformation.resources.site import Site


class Metadata(Handler):
    """What the CDK tells of an app."""

    type = "AWS::CDK::Metadata"

    def create(self, site: Site, wanted: Properties) -> str:
        """Give it a name."""
        return site.begun(site.name(255))

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Leave it."""

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Leave it."""


class WaitConditionHandle(Metadata):
    """An address that somebody may signal to; a template that has nothing else takes one."""

    type = "AWS::CloudFormation::WaitConditionHandle"
