"""Which changes of a property need another resource, and which resources have names of their own.

Source: ``createOnlyProperties`` of CloudFormation's resource schemas, which cfn-lint brings,
https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.review.values import leaves

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION = "us-east-1"
"""The region of the schemas, which has every type."""

MAYBE = {
    # The schema lists nothing, and no request renames or moves one.
    "AWS::SageMaker::InferenceComponent": (
        "InferenceComponentName",
        "EndpointName",
        "VariantName",
    ),
}
"""What the schemas do not tell, and the API does."""

NAMES = {
    "AWS::IAM::Policy": "",  # Is of its role: two roles may have policies of one name.
    "AWS::Lambda::Alias": "",  # Is of its function.
    "AWS::Lambda::Version": "",
}


@cache
def _fixed(kind: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Return what is fixed by creation, always and sometimes; None for an unknown type."""
    schema = _schema(kind)
    if schema is None:
        return None
    always = schema.get("createOnlyProperties") or ()
    sometimes = schema.get("conditionalCreateOnlyProperties") or ()
    return (
        tuple(_dotted(pointer) for pointer in always),
        (*(_dotted(pointer) for pointer in sometimes), *MAYBE.get(kind, ())),
    )


def _schema(kind: str) -> Mapping[str, Any] | None:
    """Return the schema of a type, as a file where it lies as one.

    cfn-lint takes a second to be imported, and a deployment is about to ask.
    """
    try:
        known = _json(f"providers/{REGION}.json")
        return _json(f"resources/{known[kind]}.json") if kind in known else None
    except (OSError, ValueError, TypeError):
        from cfnlint.schema import PROVIDER_SCHEMA_MANAGER, ResourceNotFoundError

    try:
        found: Mapping[str, Any] = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, kind).schema
    except ResourceNotFoundError:
        return None
    return found


@cache
def _json(name: str) -> dict[str, Any]:
    found = find_spec("cfnlint")
    if found is None or found.origin is None:
        raise FileNotFoundError(name)
    file = Path(found.origin).parent / "data" / "schemas" / name
    document: dict[str, Any] = json.loads(file.read_bytes())
    return document


def _dotted(pointer: str) -> str:
    return pointer.removeprefix("/properties/").replace("/", ".")


def replaces(kind: str, path: str, before: Any = None, after: Any = None) -> str:
    """Return ``yes`` where another value of a property means another resource, ``no`` or ``maybe``.

    Args:
        kind: The resource's type.
        path: The property, such as ``ProductionVariants[0].InstanceType``.
        before: The value of before.
        after: The value of after.
    """
    if kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource":
        return "maybe"  # Its own function decides.
    known = _fixed(kind)
    if known is None:
        return "maybe"
    # Of a whole map that comes or goes, its members count.
    below = {f"{path}.{name}" for value in (before, after) for name, _ in leaves(value) if name}
    touched = {re.sub(r"\[[^\]]*\]", "", place).replace("..", ".") for place in {path, *below}}
    for answer, pointers in zip(("yes", "maybe"), known, strict=True):
        if any(_within(place, pointer) for place in touched for pointer in pointers):
            return answer
    return "no"


def _within(place: str, pointer: str) -> bool:
    """Return whether a place is a property of a pointer, or below it."""
    plain = pointer.replace(".*", "")
    return place == plain or place.startswith(f"{plain}.")


def name_property(kind: str) -> str:
    """Return the property by which a template names a resource of a type; empty where none does.

    Example:
        >>> name_property("AWS::SageMaker::Model")
        'ModelName'
    """
    if kind in NAMES:
        return NAMES[kind]
    known = _fixed(kind)
    last = kind.rpartition("::")[2]
    generic = "JobDefinitionName" if last.endswith("JobDefinition") else f"{last}Name"
    fixed = known[0] if known else ()
    return next((name for name in (generic, "Name") if name in fixed), "")
