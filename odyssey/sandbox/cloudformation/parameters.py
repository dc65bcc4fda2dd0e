"""The values of a template's parameters: given, kept from before, defaults, or looked up."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.cloudformation.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

HIDDEN = "****"
"""What is told of a value that is not to be told (NoEcho)."""

_OF_SSM = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_LISTS = re.compile(r"CommaDelimitedList|List<.+>")


def chosen(
    document: Mapping[str, Any],
    given: Iterable[Mapping[str, Any]],
    previous: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return the value of every parameter of a template, as a text.

    Args:
        document: The template.
        given: ``Parameters`` of a request.
        previous: The values of the stack as it stands.

    Raises:
        ServiceError: One has no value, is none of the template's, or breaks its rules.
    """
    declared = document.get("Parameters", {})
    wanted = {each["ParameterKey"]: each for each in given}
    extra = sorted(set(wanted) - set(declared))
    if extra:
        raise invalid(f"Parameters: [{', '.join(extra)}] do not exist in the template")
    values: dict[str, str] = {}
    for name, rule in declared.items():
        request = wanted.get(name, {})
        if "ParameterValue" in request:
            values[name] = request["ParameterValue"]
        elif request.get("UsePreviousValue") and name in (previous or {}):
            values[name] = (previous or {})[name]
        elif "Default" in rule:
            values[name] = _text(rule["Default"])
    missing = [name for name in declared if name not in values]
    if missing:
        raise invalid(f"Parameters: [{', '.join(missing)}] must have values")
    for name, rule in declared.items():
        _require(name, rule, values[name])
    return values


def resolved(
    document: Mapping[str, Any], values: Mapping[str, str], look_up: Callable[[str], str]
) -> dict[str, Any]:
    """Return what a reference to each parameter gives: a text, or a list of texts.

    Args:
        document: The template.
        values: Their values, as `chosen` returns them.
        look_up: Returns the value of a parameter of Systems Manager.
    """
    found: dict[str, Any] = {}
    for name, rule in document.get("Parameters", {}).items():
        value, kind = values[name], rule.get("Type", "String")
        of_ssm = _OF_SSM.fullmatch(kind)
        if of_ssm:
            value, kind = look_up(value), of_ssm.group(1)
        is_list = _LISTS.fullmatch(kind) is not None
        found[name] = [each.strip() for each in value.split(",")] if is_list else value
    return found


def told(
    document: Mapping[str, Any], values: Mapping[str, str], resolved: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return the parameters as DescribeStacks has them."""
    parameters = []
    for name, rule in document.get("Parameters", {}).items():
        hidden = _text(rule.get("NoEcho", "")) == "true"
        parameter = {
            "ParameterKey": name,
            "ParameterValue": HIDDEN if hidden else values[name],
        }
        if _OF_SSM.fullmatch(rule.get("Type", "")):
            value = resolved[name]
            parameter["ResolvedValue"] = ",".join(value) if isinstance(value, list) else value
        parameters.append(parameter)
    return parameters


def declarations(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters as GetTemplateSummary and ValidateTemplate have them."""
    found = []
    for name, rule in document.get("Parameters", {}).items():
        each: dict[str, Any] = {
            "ParameterKey": name,
            "ParameterType": rule.get("Type", "String"),
            "NoEcho": _text(rule.get("NoEcho", "")) == "true",
        }
        if "Default" in rule:
            each["DefaultValue"] = _text(rule["Default"])
        if "Description" in rule:
            each["Description"] = rule["Description"]
        if "AllowedValues" in rule:
            each["ParameterConstraints"] = {"AllowedValues": [*map(_text, rule["AllowedValues"])]}
        found.append(each)
    return found


def _require(name: str, rule: Mapping[str, Any], value: str) -> None:
    problem = _problem(name, rule, value)
    if problem:
        described = rule.get("ConstraintDescription")
        raise invalid(
            f"Parameter {name} failed to satisfy constraint: {described}" if described else problem
        )


def _problem(name: str, rule: Mapping[str, Any], value: str) -> str | None:
    if "AllowedValues" in rule and value not in [*map(_text, rule["AllowedValues"])]:
        allowed = ", ".join(map(_text, rule["AllowedValues"]))
        return f"Parameter '{name}' must be one of AllowedValues: [{allowed}]"
    if "AllowedPattern" in rule and not re.fullmatch(rule["AllowedPattern"], value):
        return f"Parameter '{name}' must match pattern {rule['AllowedPattern']}"
    if not int(rule.get("MinLength", 0)) <= len(value) <= int(rule.get("MaxLength", 4096)):
        least, most = rule.get("MinLength", 0), rule.get("MaxLength", 4096)
        return f"Parameter '{name}' must contain at least {least} and at most {most} characters"
    if rule.get("Type") == "Number":
        return _number_problem(name, rule, value)
    return None


def _number_problem(name: str, rule: Mapping[str, Any], value: str) -> str | None:
    try:
        number = float(value)
    except ValueError:
        return f"Parameter '{name}' must be a number"
    if "MinValue" in rule and number < float(rule["MinValue"]):
        return f"Parameter '{name}' must be a number not less than {rule['MinValue']}"
    if "MaxValue" in rule and number > float(rule["MaxValue"]):
        return f"Parameter '{name}' must be a number not greater than {rule['MaxValue']}"
    return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
