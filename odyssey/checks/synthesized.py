"""The stacks of an app as they are synthesized now, and what the synthesis says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey import config
from odyssey.checks import linters
from odyssey.checks.findings import Finding, Place, Severity
from odyssey.checks.naming import shown
from odyssey.checks.template import read as read_template
from odyssey.infra import assembly, synthesis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template
    from odyssey.config import Config
    from odyssey.infra.assembly import Stack

_ACKNOWLEDGEABLE = re.compile(r" \[ack: (?P<id>[^\]]+)\]$")
ANNOTATIONS = "https://docs.aws.amazon.com/cdk/v2/guide/annotations.html"


@dataclass(frozen=True)
class Made:
    """What was synthesized.

    Args:
        templates: The templates of the environment's stacks, in the order of deployment.
        findings: What the CDK, cdk-nag and the constructs themselves say.
        notes: What the app said on the way, such as why there is no endpoint yet.
    """

    templates: tuple[Template, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def read(settings: Config) -> Made:
    """Synthesize an app, unless nothing has changed, and return its stacks.

    Raises:
        ConfigError: A setting is wrong.
        SynthesisError: The CDK app failed.
    """
    done = synthesis.synthesize(settings, inspect=True)
    known = config.environments(settings.folder)
    whole = assembly.read(done.folder)
    stacks = assembly.stacks_of(whole, settings.app.name, settings.env, known)
    templates = {stack.display_name: _template(stack, settings) for stack in stacks}
    said = [each for stack in stacks for each in _annotations(stack, templates[stack.display_name])]
    findings = (*said, *linters.of_reports(done.reports, templates))
    notes = tuple(note.removeprefix("Note: ") for note in done.notes)
    return Made(tuple(templates.values()), findings, notes)


def _template(stack: Stack, settings: Config) -> Template:
    return read_template(
        stack.template,
        shown=shown(stack.template),
        stack=stack.name,
        constructs=stack.paths,
        region=stack.region or settings.aws.region or None,
        account=stack.account or settings.aws.account or None,
    )


def _annotations(stack: Stack, template: Template) -> Iterator[Finding]:
    """Yield what constructs warn of, and what they refuse."""
    for severity, texts in ((Severity.ERROR, stack.errors), (Severity.WARNING, stack.warnings)):
        for text in texts:
            where, _, message = text.partition(": ")
            named = _ACKNOWLEDGEABLE.search(message)
            yield Finding(
                rule=named["id"] if named else f"CDK-{severity.word}",
                severity=severity,
                message=_ACKNOWLEDGEABLE.sub("", message).rstrip("."),
                place=_place(where, stack, template),
                source=ANNOTATIONS,
                tool="cdk",
            )


def _place(where: str, stack: Stack, template: Template) -> Place:
    construct = where.removeprefix(f"{stack.display_name}/").removesuffix("/Resource")
    id_ = next((key for key, path in stack.paths.items() if path == construct), "")
    line = template.line(id_, ()) if id_ else None
    return Place(template.file, template.stack, id_, construct, line=line)
