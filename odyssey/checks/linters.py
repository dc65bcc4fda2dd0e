"""What others find in templates: cfn-lint, and in the stacks of an app the CDK and cdk-nag.

Sources: https://github.com/aws-cloudformation/cfn-lint and
https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Finding, Place, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from odyssey.checks.rule import Rule
    from odyssey.checks.template import Template

REGION = "us-east-1"
"""Where a template is taken to be for, where nobody says."""

_SEVERITIES = {
    "error": Severity.ERROR,
    "warning": Severity.WARNING,
    "informational": Severity.INFO,
}

_OF_LETTERS = {"F": Severity.ERROR, "E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}
"""The CDK's rules have the letters of cfn-lint's, and F for what stops everything."""

_OPINIONS = {"error": Severity.WARNING, "warning": Severity.INFO}
"""What cdk-nag calls an error is refused by nobody: it is an advice of AWS Solutions."""

_USED = re.compile(r"resolved at '(Resources/[^']+)'")
NAG = "https://github.com/cdklabs/cdk-nag/blob/main/RULES.md"
CDK = "https://docs.aws.amazon.com/cdk/v2/guide/policy-validation-synthesis.html"


def cfn_lint(template: Template) -> Iterator[Finding]:
    """Yield what cfn-lint finds in a template, which it takes about a second for.

    It heeds ``.cfnlintrc`` and its own directives in the template, as it always does.
    """
    from cfnlint.config import ConfigMixIn
    from cfnlint.helpers import REGIONS
    from cfnlint.runner.template import run_template_by_data

    region = template.region if template.region in REGIONS else REGION
    body: Any = template.body
    if "Transform" in template.body:  # It is carried out, in place.
        from odyssey.checks.template import parse

        body = parse(template.text, template.file)
    config = ConfigMixIn(regions=[region])
    for match in run_template_by_data(body, config, _rules()):
        yield _of_cfn_lint(template, match)


@cache
def _rules() -> Any:
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner

    return Runner(ConfigMixIn(regions=[REGION])).rules


def rule(id_: str) -> Rule | None:
    """Return one of cfn-lint's rules, as if it were of the catalogue; None where it has none."""
    from odyssey.checks.rule import Rule

    if not re.fullmatch(r"[EWI]\d{4}", id_) or id_ not in _rules():
        return None
    found = _rules()[id_]
    return Rule(
        id=id_,
        severity=_SEVERITIES.get(found.severity, Severity.WARNING),
        subject="template",
        title=f"{found.shortdesc.rstrip('.')} (cfn-lint)",
        source=found.source_url,
        fix="as the source says",
        why=" ".join(found.description.split()),
        check=lambda _: (),
    )


def _of_cfn_lint(template: Template, match: Any) -> Finding:
    id_, path = _split(_path_of(match))
    resource = template.resources.get(id_)
    place = Place(
        file=template.file,
        stack=template.stack,
        resource=id_,
        construct=resource.construct if resource else "",
        path=path,
        line=template.line(id_, path) or match.linenumber if id_ else match.linenumber,
    )
    return Finding(
        rule=match.rule.id,
        severity=_SEVERITIES.get(match.rule.severity, Severity.WARNING),
        message=match.message.rstrip(".").replace("\n", " "),
        place=place,
        source=match.rule.source_url,
        tool="cfn-lint",
    )


def _path_of(match: Any) -> tuple[str | int, ...]:
    """Return the way to a value that is wrong: where a parameter is used, not where it is."""
    used = _USED.search(match.message)
    if used:
        return tuple(int(word) if word.isdigit() else word for word in used[1].split("/"))
    path = tuple(getattr(match, "path", None) or ())
    at = next((at for at, step in enumerate(path) if str(step).startswith("Fn::")), len(path))
    return path[:at] if path[:1] == ("Resources",) else path


def _split(path: tuple[str | int, ...]) -> tuple[str, tuple[str | int, ...]]:
    """Return the logical id that a path leads into, and the way within its properties."""
    if len(path) < 2 or path[0] != "Resources":
        return "", path
    return str(path[1]), path[3:] if path[2:3] == ("Properties",) else ()


def of_reports(
    reports: Iterable[Mapping[str, Any]], templates: Mapping[str, Template]
) -> Iterator[Finding]:
    """Yield what a synthesis has reported.

    Args:
        reports: The reports of plug-ins, as the CDK writes them.
        templates: The templates by the names that the CDK's construct paths begin with. What is
            of another stack is left out.
    """
    for report in reports:
        tool = "cdk" if report.get("pluginName") == "CloudFormation Validate" else "cdk-nag"
        for violation in report.get("violations", ()):
            for where in violation.get("violatingConstructs", ()):
                place = _reported_place(where, templates)
                if place is not None:
                    yield _of_report(tool, violation, place)


def _of_report(tool: str, violation: Mapping[str, Any], place: Place) -> Finding:
    id_ = str(violation["ruleName"])
    said = str(violation.get("severity", "warning"))
    by_letter = _OF_LETTERS.get(id_[:1], Severity.WARNING)
    rule, _, which = id_.partition("[")
    about = f": {which.removesuffix(']')}" if which else ""
    return Finding(
        rule=rule,
        severity=by_letter if tool == "cdk" else _OPINIONS.get(said, Severity.INFO),
        message=str(violation["description"]).strip().rstrip(".").replace("\n", " ") + about,
        place=place,
        source=CDK if tool == "cdk" else NAG,
        fix=str(violation.get("fix", "")),
        tool=tool,
    )


def _reported_place(where: Mapping[str, Any], templates: Mapping[str, Template]) -> Place | None:
    told = where.get("cloudFormationResource", {})
    whole = str(where.get("constructPath") or "")
    stack, _, construct = whole.partition("/")
    template = templates.get(stack)
    if template is None:
        file = str(told.get("templatePath", ""))
        found = [each for each in templates.values() if file and each.file.endswith(file)]
        if not found:
            return None
        template = found[0]
    construct = construct.removesuffix("/Resource")
    id_ = told.get("logicalId") or next(
        (key for key, path in template.constructs.items() if path == construct), ""
    )
    path = _path(next(iter(told.get("propertyPaths", ())), ""))
    return Place(
        template.file,
        template.stack,
        id_,
        construct,
        path,
        template.line(id_, path) if id_ else None,
    )


def _path(text: str) -> tuple[str | int, ...]:
    """Return the way that a text such as ``Properties.Tags[0].Key`` writes."""
    words = text.removeprefix("Properties").lstrip(".").replace("[", ".").replace("]", "")
    return tuple(int(word) if word.isdigit() else word for word in words.split(".") if word)
