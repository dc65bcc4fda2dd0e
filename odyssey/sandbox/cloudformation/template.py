"""A template as data, and the rules that it keeps before anything is made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation import graph
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.references import conditions_of, references
from odyssey.sandbox.cloudformation.resources import handlers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SECTIONS = {
    "AWSTemplateFormatVersion",
    "Conditions",
    "Description",
    "Mappings",
    "Metadata",
    "Outputs",
    "Parameters",
    "Resources",
    "Rules",
}
MOST = {"Resources": 500, "Outputs": 200, "Parameters": 200, "Mappings": 200}
"""How many members sections may have."""

LONGEST_ID = 255
"""Characters of a logical id."""

POLICIES = {"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"}
PSEUDO = {
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
}

_NAMED = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}


def parse(text: str) -> dict[str, Any]:
    """Return the template that a text is, in JSON or YAML, and in its long forms.

    Raises:
        ServiceError: It is no template.
    """
    document = _json(text) if text.lstrip().startswith("{") else None
    document = _yaml(text) if document is None else document
    if not isinstance(document, dict):
        raise invalid("Template format error: unsupported structure.")
    return document


def require(document: Mapping[str, Any]) -> None:
    """Return if a template keeps every rule that needs no account to be known.

    Raises:
        ServiceError: It breaks one, in CloudFormation's words.
    """
    _require_sections(document)
    resources = document["Resources"]
    unknown = sorted({r["Type"] for r in resources.values()} - set(handlers()))
    if unknown:
        raise invalid(f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")
    for logical_id, definition in resources.items():
        _require_policies(logical_id, definition)
    _require_names(document)
    graph.in_order(dependencies(resources))


def dependencies(resources: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the resources that each of them needs first: those that it names."""
    return {
        logical_id: {
            name
            for name in [
                *(named for named, _ in references(definition.get("Properties", {}))),
                *depends_on(definition),
            ]
            if name in resources
        }
        for logical_id, definition in resources.items()
    }


def depends_on(definition: Mapping[str, Any]) -> list[str]:
    """Return a resource's ``DependsOn`` as a list."""
    names = definition.get("DependsOn", [])
    return [names] if isinstance(names, str) else list(names)


def capabilities(document: Mapping[str, Any]) -> list[str]:
    """Return the capabilities that a template asks for: one at most."""
    of_iam = [r for r in document["Resources"].values() if r["Type"].startswith("AWS::IAM::")]
    if any(_NAMED.get(r["Type"], "") in r.get("Properties", {}) for r in of_iam):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if of_iam else []


def require_capabilities(document: Mapping[str, Any], given: list[str]) -> None:
    """Return if a template's capabilities were acknowledged.

    Raises:
        ServiceError: They were not.
    """
    from odyssey.sandbox.calls import ServiceError

    missing = [each for each in capabilities(document) if each not in given]
    if missing == ["CAPABILITY_IAM"] and "CAPABILITY_NAMED_IAM" in given:
        return
    if missing:
        told = f"Requires capabilities : [{', '.join(missing)}]"
        raise ServiceError("InsufficientCapabilitiesException", told)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None  # What begins like JSON may still be YAML.


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.load(text, _loader())  # noqa: S506 (it is a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        told = getattr(error, "problem", None) or str(error)
        raise invalid(f"Template format error: YAML not well-formed. {told}{where}") from error


def _loader() -> Any:
    """Return a loader of CloudFormation's YAML: short forms, no dates, and no aliases.

    An alias may stand for an alias: a small text would be an endless template.
    """
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.events.AliasEvent):
                event = self.peek_event()
                told = "YAML aliases are not allowed in CloudFormation templates"
                raise yaml.composer.ComposerError(None, None, told, event.start_mark)
            return super().compose_node(parent, index)

    def short_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
        if node.id == "scalar":
            value: Any = loader.construct_scalar(node)
        elif node.id == "sequence":
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}

    Loader.add_multi_constructor("!", short_form)
    Loader.yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return Loader


def _require_sections(document: Mapping[str, Any]) -> None:
    if "Transform" in document:
        raise invalid("odyssey's sandbox runs no transforms: the template has a Transform section")
    extra = [name for name in document if name not in SECTIONS]
    if extra:
        raise invalid(f"Invalid template property or properties [{', '.join(map(str, extra))}]")
    resources = document.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    for section, most in MOST.items():
        _require_members(section, document.get(section, {}), most)
    for logical_id, definition in resources.items():
        if not str(logical_id).isalnum():
            raise invalid(f"Template format error: Resource name {logical_id} is non alphanumeric.")
        if len(str(logical_id)) > LONGEST_ID:
            raise invalid(
                f"Template format error: Resource name {logical_id} is longer than {LONGEST_ID} "
                "characters."
            )
        if not isinstance(definition, dict) or not isinstance(definition.get("Type"), str):
            raise invalid(
                f"Template format error: [/Resources/{logical_id}] Every Resources object must "
                "contain a Type member."
            )


def _require_members(section: str, members: Any, most: int) -> None:
    of_objects = isinstance(members, dict) and all(
        isinstance(each, dict) for each in members.values()
    )
    if not of_objects and section != "Resources":  # Of those, which one is told.
        raise invalid(f"Template format error: Every {section} member must be an object.")
    if len(members) > most:
        raise invalid(
            f"Template format error: Number of {section.lower()}, {len(members)}, is greater than "
            f"maximum allowed, {most}"
        )


def _require_policies(logical_id: str, definition: Mapping[str, Any]) -> None:
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        value = definition.get(name, "Delete")
        if value not in POLICIES or (value, name) == (
            "RetainExceptOnCreate",
            "UpdateReplacePolicy",
        ):
            raise invalid(f"Template format error: Unrecognized {name} {value} for {logical_id}")
        if value == "Snapshot":
            kind = definition["Type"]
            raise invalid(
                f"Template error: resource type {kind} does not support deletion policy Snapshot"
            )


def _require_names(document: Mapping[str, Any]) -> None:
    """Require that all that is named is there."""
    resources = document["Resources"]
    known = {*resources, *document.get("Parameters", {}), *PSEUDO}
    for section, value in _sections(document):
        missing = sorted({n for n, attribute in references(value) if not attribute} - known)
        if missing:
            raise invalid(
                f"Template format error: Unresolved resource dependencies [{', '.join(missing)}] "
                f"in the {section} block of the template"
            )
        for name, attribute in sorted(references(value, attributes_only=True)):
            _require_attribute(resources, name, attribute)
        for name in sorted(conditions_of(value) - set(document.get("Conditions", {}))):
            raise invalid(
                f"Template format error: Unresolved condition dependency {name} in the {section} "
                "block of the template"
            )


def _sections(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "Conditions", document.get("Conditions", {})
    for definition in document["Resources"].values():
        yield (
            "Resources",
            [
                definition.get("Properties", {}),
                [{"Ref": name} for name in depends_on(definition)],
                {"Fn::If": [definition["Condition"], "", ""]} if "Condition" in definition else "",
            ],
        )
    for output in document.get("Outputs", {}).values():
        condition = output.get("Condition")
        yield "Outputs", [output, {"Fn::If": [condition, "", ""]} if condition else ""]


def _require_attribute(resources: Mapping[str, Any], name: str, attribute: str) -> None:
    if name not in resources:
        raise invalid(
            f"Template error: instance of Fn::GetAtt references undefined resource {name}"
        )
    kind = resources[name]["Type"]
    if attribute not in handlers()[kind].attributes:
        raise invalid(
            f"Template error: resource {name} does not support attribute type {attribute} in "
            "Fn::GetAtt"
        )
