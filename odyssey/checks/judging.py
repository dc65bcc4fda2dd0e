"""What all tools together find, each fault once, and which of it is ignored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks import ignores, merging, running
from odyssey.checks.subjects import Subjects

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from odyssey.checks.findings import Finding
    from odyssey.checks.template import Template


def findings_of(
    templates: Sequence[Template],
    linters: bool = False,
    everywhere: Mapping[str, str] | None = None,
) -> tuple[Finding, ...]:
    """Return what is found in templates, those that are ignored with the reason.

    Args:
        templates: The templates of one app, in the order of deployment.
        linters: Whether cfn-lint is asked, too; it takes a second or more for each template.
        everywhere: The reasons of ``[check.ignore]``, by rule.

    Raises:
        BugError: A rule fails itself.
    """
    return judged(Subjects(templates=tuple(templates)), (), everywhere, linted=linters)


def judged(
    subjects: Subjects,
    more: Sequence[Finding] = (),
    everywhere: Mapping[str, str] | None = None,
    *,
    linted: bool = True,
) -> tuple[Finding, ...]:
    """Return what is found in some subjects, in the order of files and lines.

    Args:
        subjects: What is checked.
        more: What others have found already.
        everywhere: The reasons of ``[check.ignore]``, by rule.
        linted: Whether cfn-lint is asked, too.

    Raises:
        BugError: A rule fails itself.
    """
    found: list[Finding] = [*running.findings(subjects), *more]
    if linted:
        from odyssey.checks import linters

        found += [each for one in subjects.templates for each in linters.cfn_lint(one)]
    return ignores.applied(merging.merged(found), subjects.templates, everywhere)
