"""A template with its parameters: conditions decided, functions called, references looked up."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.cloudformation import intrinsics
from odyssey.sandbox.cloudformation.errors import invalid
from odyssey.sandbox.cloudformation.references import SUBSTITUTED, attribute, function

if TYPE_CHECKING:
    from collections.abc import Mapping

LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What stands for a value that is known only when a resource has been made."""

NO_VALUE: Any = object()
"""What ``AWS::NoValue`` is until it is left out."""

_DYNAMIC = re.compile(r"\{\{resolve:([^}]*)\}\}")


class World(Protocol):
    """What a template can look up outside of itself."""

    def resource(self, logical_id: str, attribute: str) -> Any:
        """Return a resource's attribute; without one its physical id."""

    def export(self, name: str) -> str:
        """Return the value of another stack's export."""

    def parameter(self, name: str) -> str:
        """Return the value of a parameter of Systems Manager, ``NAME`` or ``NAME:VERSION``."""


@dataclass
class Evaluation:
    """Evaluates pieces of a template for a stack.

    Args:
        document: The template.
        values: The values of its parameters.
        stack: The stack's ``StackId`` and ``StackName``.
        region: The region.
        world: What can be looked up.
    """

    document: Mapping[str, Any]
    values: Mapping[str, Any]
    stack: Mapping[str, Any]
    region: str
    world: World
    _decided: dict[str, bool | None] = field(default_factory=dict)

    def resources(self) -> dict[str, Any]:
        """Return the definitions of the resources whose condition holds, by logical id."""
        return {
            logical_id: definition
            for logical_id, definition in self.document["Resources"].items()
            if "Condition" not in definition or self.holds(definition["Condition"])
        }

    def outputs(self) -> list[dict[str, str]]:
        """Return the outputs as DescribeStacks has them."""
        found = []
        for name, output in self.document.get("Outputs", {}).items():
            if "Condition" in output and not self.holds(output["Condition"]):
                continue
            told = {
                "OutputKey": name,
                "OutputValue": intrinsics.text(self.resolve(output["Value"])),
            }
            if "Description" in output:
                told["Description"] = output["Description"]
            if "Export" in output:
                told["ExportName"] = intrinsics.text(self.resolve(output["Export"]["Name"]))
            found.append(told)
        return found

    def holds(self, name: str) -> bool:
        """Return whether a condition of the template holds.

        Raises:
            ServiceError: There is none of that name, or it depends on itself.
        """
        if name not in self._decided:
            conditions = self.document.get("Conditions", {})
            if name not in conditions:
                raise invalid(f"Template format error: Unresolved condition dependency {name}")
            self._decided[name] = None
            self._decided[name] = self._true(conditions[name])
        decided = self._decided[name]
        if decided is None:
            raise invalid(f"Template format error: Circular dependency of condition {name}")
        return decided

    def resolve(self, value: Any) -> Any:
        """Return a piece of the template as plain data.

        Raises:
            ServiceError: A function has wrong arguments, or something is not there.
        """
        called = function(value)
        if called is not None:
            return self._call(*called)
        if isinstance(value, dict):
            pairs = ((str(name), self.resolve(each)) for name, each in value.items())
            return {name: each for name, each in pairs if each is not NO_VALUE}
        if isinstance(value, list):
            return [each for each in map(self.resolve, value) if each is not NO_VALUE]
        return _DYNAMIC.sub(self._dynamic, value) if isinstance(value, str) else value

    def _call(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self._ref(str(argument))
        if name == "Fn::If":
            condition, yes, no = intrinsics.arguments(name, argument, 3)
            return self.resolve(yes if self.holds(condition) else no)
        if name == "Fn::GetAtt":
            return self.world.resource(*attribute(argument))
        if name == "Fn::Sub":
            return self._sub(argument)
        resolved = self.resolve(argument)
        if name == "Fn::ImportValue":
            return self.world.export(intrinsics.text(resolved))
        if name == "Fn::FindInMap":
            return intrinsics.find_in_map(self.document.get("Mappings", {}), resolved)
        if name == "Fn::GetAZs":
            return [f"{resolved or self.region}{letter}" for letter in "abc"]
        if name not in intrinsics.PLAIN:
            raise invalid(f"Template error: the sandbox does not know the function {name}")
        return intrinsics.PLAIN[name](resolved)

    def _ref(self, name: str) -> Any:
        pseudo = {
            "AWS::AccountId": ACCOUNT,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": list(self.stack.get("NotificationARNs", [])),
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.stack["StackId"],
            "AWS::StackName": self.stack["StackName"],
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name in pseudo:
            return pseudo[name]
        if name in self.values:
            return self.values[name]
        return self.world.resource(name, "")

    def _sub(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])

        def replaced(found: re.Match[str]) -> str:
            literal, name = found.group(1), found.group(2).strip()
            if literal:
                return f"${{{found.group(2)}}}"
            if name in given:
                return intrinsics.text(self.resolve(given[name]))
            called = "Fn::GetAtt" if "." in name else "Ref"
            return intrinsics.text(self._call(called, name))

        return str(self.resolve(SUBSTITUTED.sub(replaced, text)))

    def _true(self, expression: Any) -> bool:
        if isinstance(expression, dict) and len(expression) == 1:
            ((name, argument),) = expression.items()
            if name == "Condition":
                return self.holds(argument)
            if name == "Fn::Not":
                return not self._true(argument[0])
            if name == "Fn::And":
                return all(self._true(each) for each in argument)
            if name == "Fn::Or":
                return any(self._true(each) for each in argument)
            if name == "Fn::Equals":
                one, other = self.resolve(intrinsics.arguments(name, argument, 2))
                return bool(intrinsics.plain(one) == intrinsics.plain(other))
        raise invalid(f"Template error: not a condition: {json.dumps(expression)[:100]}")

    def _dynamic(self, found: re.Match[str]) -> str:
        service, _, name = found.group(1).partition(":")
        if service != "ssm":
            told = f"the sandbox resolves no dynamic references of {service}"
            raise invalid(f"{told}: {found.group(0)}")
        return self.world.parameter(name)
