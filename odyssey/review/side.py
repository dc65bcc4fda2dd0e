"""One side of a review: the templates of an app's stacks, as they are or as they will be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from odyssey.cloudformation.templates import RETAINING
from odyssey.review.values import imports

if TYPE_CHECKING:
    from odyssey.checks.template import Resource, Template
    from odyssey.config import Config

Key = tuple[str, str]
"""The name of a stack, and the logical id of one of its resources."""


def policy(resource: Resource | None, name: str = "DeletionPolicy") -> str:
    """Return what becomes of a resource when it is deleted or replaced; empty where nobody says.

    Args:
        resource: The resource, or None.
        name: ``DeletionPolicy`` or ``UpdateReplacePolicy``.
    """
    found = resource.definition.get(name) if resource is not None else None
    return found if isinstance(found, str) else ""


def outlives(resource: Resource) -> bool:
    """Return whether a resource itself, not a snapshot of it, stays when it leaves its stack."""
    return policy(resource) in RETAINING - {"Snapshot"}


@dataclass(frozen=True)
class Side:
    """One side of a review.

    Args:
        words: What it is, for a reader, such as ``main`` or ``deployed in eu-west-1``.
        templates: The templates of its stacks, in the order of deployment.
        protected: The names of the stacks that refuse to be deleted.
        tags: The tags of the stacks themselves, by the stacks' names.
        notes: What limits what can be said of it.
        settings: The app's settings; None where there is no app.
    """

    words: str
    templates: tuple[Template, ...] = ()
    protected: frozenset[str] = frozenset()
    tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    settings: Config | None = None

    @cached_property
    def stacks(self) -> dict[str, Template]:
        """The templates by the names of their stacks."""
        return {template.stack: template for template in self.templates}

    @cached_property
    def resources(self) -> dict[Key, Resource]:
        """All resources, in the order of stacks and templates."""
        return {
            (template.stack, id_): resource
            for template in self.templates
            for id_, resource in template.resources.items()
        }

    @cached_property
    def importers(self) -> dict[str, list[str]]:
        """The names of the stacks that import each export."""
        found: dict[str, dict[str, None]] = {}
        for template in self.templates:
            for name in imports(dict(template.body)):
                found.setdefault(name, {})[template.stack] = None
        return {name: list(stacks) for name, stacks in found.items()}
