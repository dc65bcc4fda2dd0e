"""CloudFormation's templates as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

RETAINING = {"Retain", "RetainExceptOnCreate", "Snapshot"}
"""The deletion policies with which a resource, or a copy of it, outlives its stack."""


def parse(body: str) -> dict[str, Any]:
    """Return the template that a text is, in YAML or in JSON.

    The CDK sends YAML where it has no bucket to put JSON into.
    """
    import yaml

    # A class of its own, since a constructor is added to it; what it keeps apart are
    # CloudFormation's short forms, such as ``!Ref``.
    loader_class: Any = type("TemplateLoader", (yaml.SafeLoader,), {})

    def short_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
        build = {"scalar": loader.construct_scalar, "sequence": loader.construct_sequence}
        return {f"!{suffix}": build.get(node.id, loader.construct_mapping)(node)}

    loader_class.add_multi_constructor("!", short_form)
    document = yaml.load(body, loader_class)  # noqa: S506 (it is a SafeLoader)
    return document if isinstance(document, dict) else {}


def retained(body: Mapping[str, Any]) -> set[str]:
    """Return the logical ids of a template's resources that outlive its stack."""
    return {
        logical_id
        for logical_id, resource in body.get("Resources", {}).items()
        if resource.get("DeletionPolicy") in RETAINING
    }


def paths(body: Mapping[str, Any], stack: str) -> dict[str, str]:
    """Return the construct paths that a template itself has, by logical id."""
    told = {
        logical_id: str(resource.get("Metadata", {}).get("aws:cdk:path", ""))
        for logical_id, resource in body.get("Resources", {}).items()
    }
    return {
        logical_id: path.removeprefix(f"{stack}/").removesuffix("/Resource")
        for logical_id, path in told.items()
        if path
    }
