"""The catalogue of rules for a reader: one of them at length, or all in a table."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from odyssey.checks.text import COLOURS
from odyssey.console import coloured, width

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from odyssey.checks.rule import Rule

SUBJECTS = {
    "settings": "the app's settings",
    "template": "each CloudFormation template",
    "assembly": "the templates of an app beside each other",
    "image": "the image on this machine",
    "model": "the files of the model",
}


def explanation(rule: Rule) -> str:
    """Return what a rule is about, why, and how to mend or to ignore what it finds."""
    head = f"{rule.id}  {rule.title}"
    parts = [
        _wrapped(head).replace(rule.id, coloured(rule.id, COLOURS[rule.severity]), 1),
        _wrapped(rule.why),
        "\n".join(
            _wrapped(told, label.ljust(10))
            for label, told in (
                ("Severity", rule.severity.word),
                ("Looks at", SUBJECTS[rule.subject]),
                ("Fix", rule.fix),
                ("Source", rule.source),
            )
        ),
        "\n\n".join(_ignoring(rule)),
    ]
    return "\n\n".join(parts)


def _ignoring(rule: Rule) -> Iterator[str]:
    yield (
        "To ignore it, say why. For the whole app, in odyssey.toml:\n\n"
        f'    [check.ignore]\n    {rule.id} = "the reason"'
    )
    if rule.subject not in ("template", "assembly"):
        return
    yield (
        "On one resource of a template, or at its top for all of it:\n\n"
        "    Metadata:\n"
        "      odyssey:\n"
        "        ignore:\n"
        f"          {rule.id}: the reason"
    )
    yield (
        "On one resource of a CDK app, which for odyssey's own stacks is overrides.py:\n\n"
        "    resource = construct.node.default_child  # a CfnResource\n"
        f'    resource.add_metadata("odyssey", {{"ignore": {{"{rule.id}": "the reason"}}}})'
    )


def _wrapped(told: str, first: str = "") -> str:
    return textwrap.fill(
        told,
        width(),
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_long_words=False,
        break_on_hyphens=False,
    )


def table(rules: Sequence[Rule]) -> str:
    """Return the ids, severities and titles of rules, a line or two for each."""
    widest = max(len(rule.id) for rule in rules)
    lines = []
    for rule in rules:
        start = f"{rule.id.ljust(widest)}  {rule.severity.word.ljust(7)}  "
        line = _wrapped(rule.title, start)
        word = rule.severity.word
        lines.append(line.replace(word, coloured(word, COLOURS[rule.severity]), 1))
    return "\n".join(lines)


def document(rule: Rule) -> dict[str, Any]:
    """Return a rule as JSON takes it."""
    return {
        "id": rule.id,
        "severity": rule.severity.word,
        "subject": rule.subject,
        "title": rule.title,
        "why": rule.why,
        "fix": rule.fix,
        "source": rule.source,
    }
