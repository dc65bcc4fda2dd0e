"""Rules of ignores, in templates and in ``odyssey.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.ignores import all_declared, unknown
from odyssey.checks.rule import Fault, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template
    from odyssey.config import Config


@rule(
    "CFN190",
    Severity.WARNING,
    "template",
    "An ignore in a template has a reason",
    source="odyssey check --help",
    fix="write why: Metadata: {odyssey: {ignore: {SM201: the endpoint is for a demonstration}}}",
)
def reasons_in_template(found: Template) -> Iterator[Fault]:
    """Who reads the template next year must know whether the reason still holds.

    Without one the ignore has no effect.
    """
    for id_, name, reason in all_declared(found):
        if not isinstance(reason, str) or not reason.strip():
            yield Fault(
                f"{name} is ignored without a reason", found.resources.get(id_), value=reason
            )


@rule(
    "CFN191",
    Severity.WARNING,
    "template",
    "An ignore in a template names a rule",
    source="odyssey check --help",
    fix="odyssey check --list has the rules; those of cfn-lint and cdk-nag can be ignored too",
)
def known_in_template(found: Template) -> Iterator[Fault]:
    """A rule that does not exist is most often another one, mistyped, which is not ignored."""
    for id_, name, _ in all_declared(found):
        if (advice := unknown(name)) is not None:
            yield Fault(f'there is no rule "{name}"{advice}', found.resources.get(id_), value=name)


@rule(
    "APP114",
    Severity.WARNING,
    "settings",
    "An ignore in odyssey.toml has a reason",
    source="odyssey check --help",
    fix='write why: SM201 = "the endpoint is for a demonstration"',
)
def reasons_in_settings(found: Config) -> Iterator[Fault]:
    """Who reads the settings next year must know whether the reason still holds.

    Without one the ignore has no effect.
    """
    for id_, reason in found.check.ignore.items():
        if not reason.strip():
            yield Fault(
                f"{id_} is ignored without a reason", path=("check", "ignore", id_), value=reason
            )


@rule(
    "APP115",
    Severity.WARNING,
    "settings",
    "An ignore in odyssey.toml names a rule",
    source="odyssey check --help",
    fix="odyssey check --list has the rules; those of cfn-lint and cdk-nag can be ignored too",
)
def known_in_settings(found: Config) -> Iterator[Fault]:
    """A rule that does not exist is most often another one, mistyped, which is not ignored."""
    for id_ in found.check.ignore:
        if (advice := unknown(id_)) is not None:
            yield Fault(
                f'there is no rule "{id_}"{advice}', path=("check", "ignore", id_), value=id_
            )
