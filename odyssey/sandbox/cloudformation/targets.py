"""What a request wants of a stack: its template, with parameters, tags and a role."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation import parameters, sources, template
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.world import StackWorld

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.cloudformation.records import Record, Records


REFUSED = (
    "ResourceTypes",
    "RollbackTriggers",
    "StackPolicyBody",
    "StackPolicyDuringUpdateBody",
    "StackPolicyDuringUpdateURL",
    "StackPolicyURL",
)
"""Members of a request that would be left out in silence."""


def target(
    request: Mapping[str, Any],
    stack: Record,
    records: Records,
    client: Callable[[str], Any],
    port: int,
) -> Record:
    """Return what a request wants a stack to be, as members of its record.

    Args:
        request: The parameters of CreateStack, UpdateStack or CreateChangeSet.
        stack: The stack's record, or a sketch of one that is not there yet.
        records: The stacks.
        client: Returns a client of boto3's, as whoever asks.
        port: The sandbox's port.

    Raises:
        ServiceError: The template or the parameters are not in order, or a capability is missing.
    """
    _require_known(request)
    text = sources.text(request, client("s3"), port, stack.get("template"))
    document = template.parse(text)
    template.require(document)
    template.require_capabilities(document, request.get("Capabilities", []))
    given = request.get("Parameters", [])
    values = parameters.chosen(document, given, stack.get("values"))
    world = StackWorld(records, stack, client)
    resolved = parameters.resolved(document, values, world.parameter)
    return {
        "Capabilities": list(request.get("Capabilities", [])),
        "Description": str(document.get("Description", "")),
        "NotificationARNs": list(request.get("NotificationARNs", [])),
        "Parameters": parameters.told(document, values, resolved),
        "RoleARN": request.get("RoleARN") or stack.get("RoleARN", ""),
        "Tags": [dict(tag) for tag in request.get("Tags", stack.get("Tags", []))],
        "document": document,
        "resolved": resolved,
        "template": text,
        "values": values,
    }


def _require_known(request: Mapping[str, Any]) -> None:
    asked = {**request, **request.get("RollbackConfiguration", {})}
    for name in REFUSED:
        if asked.get(name):
            raise invalid(f"odyssey's sandbox does not know {name} of stacks")
