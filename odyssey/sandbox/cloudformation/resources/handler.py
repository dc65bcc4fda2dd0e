"""What makes, changes and deletes the resources of one type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.cloudformation.resources.site import Site

    Properties = Mapping[str, Any]


class Handler:
    """A type of resource.

    What a request of the service does not take, it refuses; so does each handler, and never leaves
    a property out in silence.

    Attributes:
        type: Such as ``AWS::S3::Bucket``.
        attributes: What ``Fn::GetAtt`` can ask for.
        required: The properties without which there is none.
        tags: ``list`` for ``Tags`` of Key and Value, ``map`` for an object; empty for none.
    """

    type: ClassVar[str]
    attributes: ClassVar[tuple[str, ...]] = ()
    required: ClassVar[tuple[str, ...]] = ()
    tags: ClassVar[str] = ""

    def create(self, site: Site, wanted: Properties) -> str:
        """Make a resource and return its physical id, which `Site.begun` hears as soon as it is.

        Args:
            site: Where.
            wanted: Its properties.

        Raises:
            ResourceError: It cannot be made.
            ClientError: The service refuses.
        """
        raise NotImplementedError

    def update(self, site: Site, physical_id: str, old: Properties, wanted: Properties) -> None:
        """Change a resource that stays the same one.

        Args:
            site: Where.
            physical_id: Which.
            old: Its properties, or those that a change before had in mind and failed at.
            wanted: The properties that it is to have.
        """
        raise NotImplementedError

    def delete(self, site: Site, physical_id: str, properties: Properties) -> None:
        """Delete a resource; the service may say that it is not there.

        Args:
            site: Where.
            physical_id: Which.
            properties: Its properties.
        """
        raise NotImplementedError

    def read(self, site: Site, physical_id: str, properties: Properties) -> dict[str, Any]:
        """Return the values of a resource's attributes.

        Args:
            site: Where.
            physical_id: Which.
            properties: Its properties.
        """
        return {}
