"""A check of templates, or of a whole app: rules, linters, ignores, one list of findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odyssey.checks import archive, local_image, running
from odyssey.checks import template as templates_
from odyssey.checks.findings import Severity
from odyssey.checks.judging import judged
from odyssey.checks.naming import shown
from odyssey.checks.report import Report
from odyssey.checks.subjects import Subjects
from odyssey.errors import ConfigError, OdysseyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from odyssey.checks.findings import Finding
    from odyssey.checks.local_image import Connect
    from odyssey.checks.synthesized import Made
    from odyssey.checks.template import Template
    from odyssey.config import Config

MODEL = "model"
"""The folder of an app in which its model is."""


def check_templates(
    files: Sequence[Path],
    *,
    image: str | None = None,
    model: Path | None = None,
    connect: Connect | None = None,
) -> Report:
    """Check templates, whoever made them, beside each other.

    Args:
        files: The templates.
        image: The name of an image on this machine, to be checked too.
        model: An archive or a folder of a model, likewise.
        connect: Connects to a Docker engine. Default: to the one that `odyssey.images` finds.

    Raises:
        UsageError: A file is no template.
        BugError: A rule fails itself.
    """
    found = tuple(_read(file) for file in files)
    subjects, notes = _with_image_and_model(Subjects(found), image, model, connect)
    return _report(subjects, judged(subjects), notes)


def check_app(
    settings: Config,
    *,
    image: str | None = None,
    model: Path | None = None,
    connect: Connect | None = None,
) -> Report:
    """Check an app: settings, synthesized templates, the local image and the model.

    Args:
        settings: The app's settings, whose environment chooses among the stacks.
        image: The image's name. Default: the app's.
        model: The model. Default: the app's folder ``model/``, if there is something in it.
        connect: As for `check_templates`.

    Raises:
        ConfigError: A setting is wrong.
        SynthesisError: The CDK app failed.
        BugError: A rule fails itself.
    """
    made = _synthesized(settings)
    home = settings.folder / MODEL
    if model is None and home.is_dir() and archive.read(home).members:
        model = home
    subjects, notes = _with_image_and_model(
        Subjects(made.templates, settings), image or settings.app.name, model, connect
    )
    if subjects.model is None:
        notes = (
            *notes,
            f"no model is checked: {shown(home)}/ has none; odyssey local train makes it",
        )
    found = judged(subjects, made.findings, settings.check.ignore)
    return _report(subjects, found, (*made.notes, *notes))


def _synthesized(settings: Config) -> Made:
    """Synthesize an app; what a rule of settings says too is no reason to stop.

    Raises:
        ConfigError: A setting is wrong, and no rule says so.
        SynthesisError: The CDK app failed.
    """
    from odyssey.checks import synthesized

    try:
        return synthesized.read(settings)
    except ConfigError as error:
        known = running.findings(Subjects(settings=settings))
        if all(each.severity < Severity.ERROR for each in known):
            raise
        return synthesized.Made((), (), (f"no stack is checked: {error.message}",))


def _with_image_and_model(
    subjects: Subjects, image: str | None, model: Path | None, connect: Connect | None
) -> tuple[Subjects, tuple[str, ...]]:
    """Return subjects with an image and a model, and why something of it is not there."""
    found = None if image is None else local_image.find(subjects.settings, image, connect)
    files = None if model is None else archive.read(model, subjects.settings)
    whole = Subjects(
        subjects.templates,
        subjects.settings,
        None if isinstance(found, str) else found,
        files,
    )
    return whole, (found,) if isinstance(found, str) else ()


def _report(subjects: Subjects, findings: tuple[Finding, ...], notes: tuple[str, ...]) -> Report:
    return Report(findings, tuple(_checked(subjects)), notes)


def _checked(subjects: Subjects) -> Iterator[str]:
    if subjects.settings is not None:
        yield shown(subjects.settings.folder / "odyssey.toml")
    for template in subjects.templates:
        yield template.file
    if subjects.image is not None:
        yield f"the image {subjects.image.image.reference}"
    if subjects.model is not None:
        yield subjects.model.file


def _read(file: Path, **about: Any) -> Template:
    """Read a template that somebody has named.

    Raises:
        UsageError: It is none.
    """
    try:
        return templates_.read(file, shown=shown(file), **about)
    except OdysseyError as error:
        raise UsageError(error.message, error.hint) from error
