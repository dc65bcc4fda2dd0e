"""What the rules look at, and where in it a fault is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.archive import ModelFiles
    from odyssey.checks.local_image import LocalImage
    from odyssey.checks.rule import Fault, Subject
    from odyssey.checks.template import Template
    from odyssey.config import Config


@dataclass(frozen=True)
class Subjects:
    """What is checked; a rule over what is not there says nothing.

    Args:
        templates: Templates, in the order of deployment.
        settings: The app's settings.
        image: The local image.
        model: The files of a model.
    """

    templates: tuple[Template, ...] = ()
    settings: Config | None = None
    image: LocalImage | None = None
    model: ModelFiles | None = None

    def of(self, subject: Subject) -> Iterator[Any]:
        """Yield what a rule over a kind of subject takes."""
        if subject == "template":
            yield from self.templates
            return
        found: Any = self.templates if subject == "assembly" else getattr(self, subject)
        if found:
            yield found


def place(fault: Fault, subject: Any) -> Place:
    """Return where a fault is.

    Args:
        fault: The fault.
        subject: What the rule looked at.
    """
    if fault.resource is None and hasattr(subject, "place"):
        found: Place = subject.place(fault.path)
        return found
    if fault.resource is None and not _templates(subject):
        from odyssey.checks import settings_lines

        return settings_lines.place(subject, fault.path)
    template = fault.resource.template if fault.resource else _templates(subject)[0]
    id_ = fault.resource.id if fault.resource else ""
    return Place(
        file=template.file,
        stack=template.stack,
        resource=id_,
        construct=fault.resource.construct if fault.resource else "",
        path=tuple(fault.path),
        line=template.line(id_, tuple(fault.path)),
    )


def _templates(subject: Any) -> tuple[Template, ...]:
    from odyssey.checks.template import Template

    if isinstance(subject, tuple):
        return subject
    return (subject,) if isinstance(subject, Template) else ()
