"""A CloudFormation template as the rules read it: values where they are known, and their lines.

What only a deployment knows, such as the ARN of a role, is `UNKNOWN`, and a rule has nothing to say
of it. A parameter has its default, a condition both of its branches.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odyssey.errors import OdysseyError

if TYPE_CHECKING:
    from pathlib import Path

Path_ = tuple[str | int, ...]
"""The way to a value: names of members and numbers of entries."""


class Unknown:
    """A value that only a deployment knows."""

    def __repr__(self) -> str:
        """Return a word for it."""
        return "UNKNOWN"

    def __bool__(self) -> bool:
        """It counts as nothing."""
        return False


UNKNOWN = Unknown()

NO_VALUE = {"Ref": "AWS::NoValue"}
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


@dataclass(frozen=True)
class Template:
    """One template.

    Args:
        file: The file's name, as findings tell it.
        body: The template as data. Read by `read`, its nodes know their lines.
        stack: The stack's name; empty where nobody knows it.
        constructs: The construct paths of resources, by logical id.
        text: The file's text.
        region: The region it is for; None where it is for any.
        account: The account it is for; None where it is for any.
    """

    file: str
    body: Mapping[str, Any]
    stack: str = ""
    constructs: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    region: str | None = None
    account: str | None = None

    @cached_property
    def resources(self) -> dict[str, Resource]:
        """The resources by logical id, in the order of the file."""
        found = self.body.get("Resources")
        declared = found if isinstance(found, Mapping) else {}
        return {
            str(id_): Resource(self, str(id_), definition)
            for id_, definition in declared.items()
            if isinstance(definition, Mapping)
        }

    def of(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of some types, in the order of the file."""
        for resource in self.resources.values():
            if resource.type in types:
                yield resource

    def resolve(self, value: Any) -> Any:
        """Return a value with its functions worked out as far as the template alone tells.

        What is not known is `UNKNOWN`, the whole text where a part of it is not known. Members of a
        condition with two branches are `UNKNOWN` unless the branches agree; see `branches`.
        """
        if isinstance(value, list):
            return [self.resolve(each) for each in value if each != NO_VALUE]
        if not isinstance(value, Mapping):
            return UNKNOWN if is_dynamic(value) else value
        called = function(value)
        if called is None:
            return {str(k): self.resolve(v) for k, v in value.items() if v != NO_VALUE}
        return self._called(*called)

    def _called(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self._parameter(argument)
        if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:
            parts = self.resolve(argument[1])
            if isinstance(parts, list) and all(isinstance(part, str | int) for part in parts):
                return str(argument[0]).join(map(str, parts))
        if name == "Fn::Sub":
            return self._substituted(argument)
        if name == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
            one, other = self.resolve(argument[1]), self.resolve(argument[2])
            return one if one == other else UNKNOWN
        if name == "Fn::FindInMap" and isinstance(argument, list) and len(argument) == 3:
            return self._in_map(*argument)
        return UNKNOWN

    def _parameter(self, name: Any) -> Any:
        declared = _at(self.body, ("Parameters", name)) if isinstance(name, str) else None
        if not isinstance(declared, Mapping) or "Default" not in declared:
            pseudo = {"AWS::Region": self.region, "AWS::AccountId": self.account}
            return pseudo.get(str(name)) or UNKNOWN
        if str(declared.get("Type", "")).startswith("AWS::SSM::"):
            return UNKNOWN
        return declared["Default"]

    def _substituted(self, argument: Any) -> Any:
        text = argument[0] if isinstance(argument, list) and argument else argument
        given: Mapping[str, Any] = {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], Mapping):
            given = argument[1]
        known: dict[str, Any] = {}
        for literal, name in _VARIABLE.findall(str(text)):
            if not literal:
                known[name] = self.resolve(given[name]) if name in given else self._parameter(name)
        if is_dynamic(str(text)) or any(value is UNKNOWN for value in known.values()):
            return UNKNOWN
        return _VARIABLE.sub(
            lambda found: f"${{{found[2]}}}" if found[1] else str(known[found[2]]), str(text)
        )

    def _in_map(self, name: Any, first: Any, second: Any) -> Any:
        keys = self.resolve(name), self.resolve(first), self.resolve(second)
        found: Any = self.body.get("Mappings")
        for key in keys:
            if not isinstance(found, Mapping) or not isinstance(key, str | int) or key not in found:
                return UNKNOWN
            found = found[key]
        return found

    def branches(self, value: Any) -> Iterator[Any]:
        """Yield what a value may be: itself, or each branch of a condition that it is."""
        called = function(value)
        if called and called[0] == "Fn::If" and isinstance(called[1], list):
            for branch in called[1][1:]:
                yield from self.branches(branch)
        elif value != NO_VALUE:
            yield value

    def target(self, value: Any) -> Resource | None:
        """Return the resource of this template that a value refers to, or None.

        The value is a ``Ref``, a ``Fn::GetAtt``, or a ``Fn::Sub`` or ``Fn::Join`` with one of them
        in it; of several, the first.
        """
        for name in references(value):
            if name in self.resources:
                return self.resources[name]
        return None

    def line(self, resource: str, path: Path_) -> int | None:
        """Return the line of a value in a resource's properties, or of what is nearest to it.

        Args:
            resource: The resource's logical id; empty for a path from the top of the template.
            path: The way to the value.
        """
        above = ["Resources", resource, "Properties"] if resource else []
        steps: list[str | int] = [*above, *path]
        here: Any = self.body
        found: int | None = None
        for step in steps:
            if isinstance(here, Mapping):
                key = next((key for key in here if str(key) == step), None)
                if key is None:
                    break
                found = _line(key) or found
                here = here[key]
            elif isinstance(here, list) and isinstance(step, int) and step < len(here):
                here = here[step]
                found = _line(here) or found
            else:
                break
        return found


@dataclass(frozen=True)
class Resource:
    """One resource of a template.

    Args:
        template: The template.
        id: The logical id.
        definition: What the template says of it.
    """

    template: Template = field(repr=False, compare=False)
    id: str
    definition: Mapping[str, Any] = field(repr=False, compare=False, hash=False)

    @property
    def type(self) -> str:
        """Its type, such as ``AWS::SageMaker::Model``."""
        return str(self.definition.get("Type", ""))

    @property
    def construct(self) -> str:
        """The construct's path; empty where nobody tells."""
        told = self.definition.get("Metadata", {})
        path = str(told.get("aws:cdk:path", "")) if isinstance(told, Mapping) else ""
        return self.template.constructs.get(self.id) or path.removesuffix("/Resource")

    @property
    def properties(self) -> Mapping[str, Any]:
        """Its properties as the template has them, functions and all."""
        found = self.definition.get("Properties", {})
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def values(self) -> Any:
        """Its properties, worked out; see `Template.resolve`."""
        return self.template.resolve(self.properties)

    def raw(self, *path: str | int) -> Any:
        """Return what the template has at a path, functions and all; None where nothing is."""
        return _at(self.properties, path)

    def get(self, *path: str | int) -> Any:
        """Return the value at a path: None where nothing is, `UNKNOWN` where it is not known."""
        found: Any = self.properties
        for step in path:
            if function(found):
                return UNKNOWN
            found = _at(found, (step,))
        return self.template.resolve(found)

    def each(self, *pattern: str) -> Iterator[tuple[Path_, Any]]:
        """Yield the known values at each place that a pattern means, with the way to it.

        Args:
            pattern: Names of members; ``"*"`` is each entry of a list or each member of a map.

        Branches of conditions are looked into, too. What is not known is left out.

        Example:
            ``resource.each("ProductionVariants", "*", "InstanceType")``
        """
        yield from self._each(self.properties, pattern, ())

    def _each(self, here: Any, pattern: Path_, path: Path_) -> Iterator[tuple[Path_, Any]]:
        for value in self.template.branches(here):
            if not pattern:
                known = self.template.resolve(value)
                if known is not UNKNOWN and known is not None:
                    yield path, known
                continue
            step, *below = pattern
            if step == "*":
                for key, entry in _entries(value):
                    yield from self._each(entry, tuple(below), (*path, key))
            elif isinstance(value, Mapping) and step in value and not function(value):
                yield from self._each(value[step], tuple(below), (*path, step))

    def target(self, *path: str | int) -> Resource | None:
        """Return the resource that the value at a path refers to, or None."""
        return self.template.target(self.raw(*path))

    @property
    def depends_on(self) -> tuple[str, ...]:
        """The logical ids that it says it depends on."""
        told = self.definition.get("DependsOn", ())
        return tuple(map(str, told)) if isinstance(told, list) else (str(told),) if told else ()


def is_dynamic(value: Any) -> bool:
    """Return whether a text is, or has in it, what CloudFormation looks up while it deploys.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
    """
    return isinstance(value, str) and "{{resolve:" in value


def function(value: Any) -> tuple[str, Any] | None:
    """Return the name and the argument of the function that a value is, or None."""
    if isinstance(value, Mapping) and len(value) == 1:
        name, argument = next(iter(value.items()))
        if name in {"Ref", "Condition"} or str(name).startswith("Fn::"):
            return str(name), argument
    return None


def references(value: Any) -> Iterator[str]:
    """Yield the logical ids and parameters that a value refers to, in the order of the text."""
    called = function(value)
    if called is None:
        below = value.values() if isinstance(value, Mapping) else value
        for each in below if isinstance(value, Mapping | list) else ():
            yield from references(each)
        return
    name, argument = called
    if name == "Ref":
        yield str(argument)
    elif name == "Fn::GetAtt":
        first = argument[0] if isinstance(argument, list) and argument else argument
        yield str(first).partition(".")[0]
    elif name == "Fn::Sub":
        text = argument[0] if isinstance(argument, list) and argument else argument
        given = argument[1] if isinstance(argument, list) and len(argument) == 2 else {}
        given = given if isinstance(given, Mapping) else {}
        for literal, variable in _VARIABLE.findall(str(text)):
            if not literal and variable not in given:
                yield variable.partition(".")[0]
        yield from references(given)
    elif name != "Fn::ImportValue":
        yield from references(argument)


def read(file: Path, *, shown: str | None = None, **about: Any) -> Template:
    """Read a template, in JSON or in YAML.

    Args:
        file: The file.
        shown: The file's name in findings. Default: the path as given.
        **about: More about the template: ``stack``, ``constructs``, ``region``, ``account``.

    Raises:
        OdysseyError: It cannot be read, or is no template.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OdysseyError(f"{file} cannot be read: {reason}", "check the path") from error
    return Template(shown or str(file), parse(text, str(file)), text=text, **about)


def parse(text: str, name: str) -> Mapping[str, Any]:
    """Return the template that a text is, whose nodes know their lines.

    Args:
        text: JSON or YAML.
        name: What errors call it.

    Raises:
        OdysseyError: It is neither, or has no resources.
    """
    from cfnlint.decode import cfn_yaml
    from cfnlint.decode.cfn_yaml import CfnParseError
    from yaml import YAMLError

    try:
        # A JSON document is a YAML one, but for tabs, which JSON may indent with.
        document = cfn_yaml.loads(text.replace("\t", " "))
    except (CfnParseError, YAMLError, ValueError, TypeError) as error:
        raise OdysseyError(
            f"{name} is no template: {_reason(error)}", "check its syntax"
        ) from error
    if not isinstance(document, Mapping) or not isinstance(document.get("Resources"), Mapping):
        raise OdysseyError(f"{name} is no template: it has no Resources", "name a template's file")
    return document


def _reason(error: Exception) -> str:
    """Return why a text cannot be read, with the line where that is known."""
    matches = getattr(error, "matches", ())
    mark = getattr(error, "problem_mark", None)
    line = matches[0].linenumber if matches else mark.line + 1 if mark else None
    told = matches[0].message if matches else getattr(error, "problem", None) or str(error)
    what = " ".join(str(told).split()) or type(error).__name__
    return f"line {line}: {what}" if line is not None else what


def _at(value: Any, path: Path_) -> Any:
    for step in path:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def _entries(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, list):
        yield from enumerate(value)
    elif isinstance(value, Mapping) and not function(value):
        yield from value.items()


def _line(node: Any) -> int | None:
    mark = getattr(node, "start_mark", None)
    return mark.line + 1 if mark is not None else None
