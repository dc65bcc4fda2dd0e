"""What a stack's template can look up outside of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from odyssey.sandbox.cloudformation.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.sandbox.cloudformation.records import Record, Records


class StackWorld:
    """The world of a stack that is being made.

    Args:
        records: The stacks.
        stack: The stack's record.
        client: Returns a client of boto3's, as whoever acts.

    Attributes:
        imports: The exports of other stacks that were looked up.
    """

    def __init__(self, records: Records, stack: Record, client: Callable[[str], Any]) -> None:
        """Nothing was looked up yet."""
        self.imports: set[str] = set()
        self._records = records
        self._stack = stack
        self._client = client

    def resource(self, logical_id: str, attribute: str) -> Any:
        """Return a resource's attribute; without one its physical id.

        Raises:
            ServiceError: There is no such resource, or it has no such attribute.
        """
        with self._records.lock:
            return found(self._stack["resources"].get(logical_id), logical_id, attribute)

    def export(self, name: str) -> str:
        """Return the value of another stack's export.

        Raises:
            ServiceError: There is none of that name.
        """
        exports = self._records.exports(self._stack["region"])
        if name not in exports:
            raise invalid(f"No export named {name} found")
        self.imports.add(name)
        return exports[name][1]

    def parameter(self, name: str) -> str:
        """Return the value of a parameter of Systems Manager.

        Raises:
            ServiceError: There is none of that name.
        """
        try:
            return str(self._client("ssm").get_parameter(Name=name)["Parameter"]["Value"])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            raise invalid(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from error


def found(resource: Record | None, logical_id: str, attribute: str) -> Any:
    """Return what a reference to a resource's record gives.

    Raises:
        ServiceError: It is not there, or has no such attribute.
    """
    if resource is None or not resource["PhysicalResourceId"]:
        raise invalid(f"Unresolved resource dependencies [{logical_id}]")
    if not attribute:
        return resource["PhysicalResourceId"]
    if attribute not in resource["attributes"]:
        raise invalid(f"Resource {logical_id} does not support attribute type {attribute}")
    return resource["attributes"][attribute]
