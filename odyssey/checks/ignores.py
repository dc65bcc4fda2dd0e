"""Ignores: rules that do not count, each with the reason, beside what they are about.

In a template, for one resource or, at its top, for all of it::

    Metadata:
      odyssey:
        ignore:
          SM201: the endpoint is for a demonstration

In ``odyssey.toml``, for the whole app::

    [check.ignore]
    SM201 = "the endpoint is for a demonstration"

In a CDK app, ``resource.add_metadata("odyssey", {"ignore": {"SM201": "..."}})`` on the
`CfnResource`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odyssey.checks.findings import Finding
    from odyssey.checks.template import Template

OTHERS = re.compile(
    r"[EWI]\d{4}|(AwsSolutions|HIPAA\.Security|NIST\.800|PCI\.DSS)[\w.-]*|CDK[\w-]*"
)
"""The ids of the rules of cfn-lint, cdk-nag and the CDK, which are no rules of the catalogue."""


def applied(
    findings: Iterable[Finding],
    templates: Iterable[Template] = (),
    everywhere: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Return findings, those that are ignored with the reason.

    Args:
        findings: What was found.
        templates: The templates, whose own ignores count for their own findings.
        everywhere: The reasons of ``[check.ignore]``, by rule.
    """
    known = {template.file: template for template in templates}
    return tuple(_applied(each, known.get(each.place.file), everywhere or {}) for each in findings)


def _applied(finding: Finding, template: Template | None, everywhere: Mapping[str, str]) -> Finding:
    homes: list[Mapping[str, Any]] = []
    if template is not None:
        definition = template.body.get("Resources", {}).get(finding.place.resource)
        homes = [declared(definition), declared(template.body)]
    for ignores in (*homes, everywhere):
        # What two tools say of one place is one fault: it is ignored by either's id.
        for id_ in (finding.rule, *finding.also):
            reason = ignores.get(id_)
            if isinstance(reason, str) and reason.strip():
                return replace(finding, ignored=reason.strip())
    return finding


def unknown(id_: str) -> str | None:
    """Return what to add to the message that there is no rule of an id; None where there is one."""
    from odyssey.checks.rule import catalogue
    from odyssey.errors import did_you_mean

    known = {rule.id for rule in catalogue()}
    if id_ in known or OTHERS.fullmatch(id_):
        return None
    return did_you_mean(id_.upper(), sorted(known))


def declared(holder: Any) -> dict[str, Any]:
    """Return what a resource, or a template, says is to be ignored: reasons by rule.

    Args:
        holder: The definition of a resource, or a template's body.
    """
    found = holder
    for step in ("Metadata", "odyssey", "ignore"):
        found = found.get(step) if isinstance(found, Mapping) else None
    return {str(id_): reason for id_, reason in found.items()} if isinstance(found, Mapping) else {}


def all_declared(template: Template) -> Iterator[tuple[str, str, Any]]:
    """Yield every ignore of a template: the logical id, empty at its top; the rule; the reason."""
    for id_, reason in declared(template.body).items():
        yield "", id_, reason
    for resource in template.resources.values():
        for id_, reason in declared(resource.definition).items():
            yield resource.id, id_, reason
