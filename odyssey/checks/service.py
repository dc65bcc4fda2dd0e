"""A check of templates, or of a whole app: rules, linters, ignores, one list of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks import ignores, running
from odyssey.checks.subjects import Subjects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odyssey.checks.findings import Finding
    from odyssey.checks.template import Template


def findings_of(templates: Sequence[Template], linters: bool = False) -> tuple[Finding, ...]:
    """Return what is found in templates, those that are ignored with the reason.

    Args:
        templates: The templates of one app, in the order of deployment.
        linters: Whether cfn-lint is asked, too; it takes a second or more for each template.

    Raises:
        BugError: A rule fails itself.
    """
    found = running.findings(Subjects(templates=tuple(templates)))
    return ignores.applied(found, templates)
