"""Where a resource is made: the stack around it, and the identity that acts."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from odyssey.sandbox.cloudformation.resources import requests

if TYPE_CHECKING:
    from collections.abc import Mapping

    Properties = Mapping[str, Any]

RANDOM = 12
"""Characters at the end of a name that CloudFormation makes."""


class Acting(Protocol):
    """What a site needs of the operation that it is part of."""

    region: str
    stack_name: str

    def client(self, service: str) -> Any:
        """Return a client that acts as the stack's role, or else as whoever asked."""

    def begun(self, logical_id: str, physical_id: str) -> None:
        """Note the physical id of a resource as soon as there is one."""

    def pause(self, seconds: float) -> None:
        """Wait; raises `Cancelled` as soon as the operation is to end."""

    def exists(self, bucket: str) -> bool:
        """Return whether there is a bucket of that name, whoever's."""


@dataclass(frozen=True)
class Site:
    """The place of one resource of a stack.

    Args:
        logical_id: The resource's name in the template.
        operation: The operation on the stack.
    """

    logical_id: str
    operation: Acting

    @property
    def region(self) -> str:
        """The region."""
        return self.operation.region

    def client(self, service: str) -> Any:
        """Return a client of boto3's."""
        return self.operation.client(service)

    def pause(self, seconds: float) -> None:
        """Wait, or raise `Cancelled` as soon as the operation is to end."""
        self.operation.pause(seconds)

    def ask(
        self, service: str, operation: str, properties: Properties | None = None, **more: Any
    ) -> dict[str, Any]:
        """Ask a service for something, with properties of a template as members of the request.

        Args:
            service: The service as boto3 calls it.
            operation: The operation as AWS calls it.
            properties: Properties, in whose names the first letter may be large or small.
            more: Further members.

        Raises:
            ResourceError: The operation does not know a property.
            ClientError: The service refuses.
        """
        return requests.ask(self.client(service), operation, {**(properties or {}), **more})

    def begun(self, physical_id: str) -> str:
        """Note that the resource is there now, though it may not be ready; return its id."""
        self.operation.begun(self.logical_id, physical_id)
        return physical_id

    def name(self, limit: int, *, lower: bool = False, end: str = "") -> str:
        """Return a name as CloudFormation makes it, ``STACK-LOGICALID-RANDOM``.

        Args:
            limit: The longest name that the service takes.
            lower: Whether it takes small letters only.
            end: What it must end with.
        """
        letters = string.ascii_uppercase + string.digits
        random = "".join(secrets.choice(letters) for _ in range(RANDOM))
        begin = f"{self.operation.stack_name}-{self.logical_id}"
        name = f"{begin[: limit - RANDOM - 1 - len(end)].rstrip('-')}-{random}{end}"
        return name.lower() if lower else name
