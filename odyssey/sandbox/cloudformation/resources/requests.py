"""Properties of a template made members of a request.

Most types' properties are the members of the API's own request, up to the first letter. A template
may have a number as a text, and a policy as an object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation.errors import ResourceError

if TYPE_CHECKING:
    from collections.abc import Mapping


def ask(client: Any, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Send a request.

    Args:
        client: A client of boto3's.
        operation: The operation as AWS calls it.
        properties: The request's members, as a template has them.

    Raises:
        ResourceError: The operation does not know one.
        ClientError: The service refuses.
    """
    shape = client.meta.service_model.operation_model(operation).input_shape
    methods = {name: method for method, name in client.meta.method_to_api_mapping.items()}
    answer: dict[str, Any] = getattr(client, methods[operation])(**fitted(shape, properties))
    return answer


def fitted(shape: Any, value: Any) -> Any:
    """Return a value of a template as botocore takes it.

    Args:
        shape: botocore's shape of it.
        value: The value.

    Raises:
        ResourceError: It has a property that the shape has not, or is no number where one is due.
    """
    if shape.type_name == "structure" and isinstance(value, dict):
        return dict(_member(shape, name, each) for name, each in value.items())
    if shape.type_name == "list" and isinstance(value, list):
        return [fitted(shape.member, each) for each in value]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: fitted(shape.value, each) for name, each in value.items()}
    if shape.type_name in ("integer", "long", "float", "double"):
        return _number(shape.type_name, value)
    if shape.type_name == "boolean":
        return value if isinstance(value, bool) else str(value).lower() == "true"
    if shape.type_name == "string":
        return text(value)
    return value


def text(value: Any) -> str:
    """Return a value as a text: an object as JSON, as policies are sent."""
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def known(kind: str, properties: Mapping[str, Any], names: str) -> None:
    """Return if a handler knows all properties of a resource.

    Args:
        kind: The resource's type.
        properties: The properties.
        names: Those that it knows, with blanks between.

    Raises:
        ResourceError: It does not know one.
    """
    unknown = sorted(set(properties) - set(names.split()))
    if unknown:
        raise ResourceError(f"odyssey's sandbox does not know {', '.join(unknown)} of {kind}")


def _member(shape: Any, name: str, value: Any) -> tuple[str, Any]:
    for each in (name, name[:1].lower() + name[1:]):
        if each in shape.members:
            return each, fitted(shape.members[each], value)
    raise ResourceError(f"Encountered unsupported property {name}")


def _number(kind: str, value: Any) -> Any:
    try:
        return int(value) if kind in ("integer", "long") else float(value)
    except (TypeError, ValueError) as error:
        raise ResourceError(f"Value of property must be a number: {value!r}") from error
