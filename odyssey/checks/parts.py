"""Parts of a resource, such as the variants of an endpoint configuration.

A part knows where it is, and whether it is there in any case: one that a condition brings in may
stand beside its alternative, and is compared with no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odyssey.checks.outlines import outlines
from odyssey.checks.rule import Fault
from odyssey.checks.template import NO_VALUE, UNKNOWN, Path_, Unknown, function, references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.limits import Limit
    from odyssey.checks.template import Resource, Template


@dataclass(frozen=True)
class Part:
    """A map within a resource's properties.

    Args:
        resource: The resource.
        path: The way to it.
        raw: What the template has there, functions and all.
        certain: Whether it is there whatever the template's conditions are.
    """

    resource: Resource
    path: Path_
    raw: Mapping[str, Any] = field(compare=False, hash=False)
    certain: bool = True

    @property
    def template(self) -> Template:
        """The template it is of."""
        return self.resource.template

    def has(self, name: str) -> bool:
        """Return whether a member is, or may be, there."""
        return self.raw.get(name) not in (None, NO_VALUE)

    def get(self, *path: str | int) -> Any:
        """Return the value at a path: None where nothing is, `UNKNOWN` where it is not known."""
        return dig(self.template, self.raw, *path)

    def texts(self, *path: str | int) -> Iterator[str]:
        """Yield the outlines of a text, one for each branch of a condition."""
        here: Any = self.raw
        for step in path:
            here = here.get(step) if isinstance(here, Mapping) and not function(here) else None
        return outlines(self.template, here)

    def target(self, name: str) -> Resource | None:
        """Return the resource that a member refers to, or None."""
        return self.template.target(self.raw.get(name))

    def fault(self, message: str, *path: str | int, **more: Any) -> Fault:
        """Return a fault at a path within it."""
        return Fault(message, self.resource, (*self.path, *path), **more)


def parts(resource: Resource, *pattern: str) -> Iterator[Part]:
    """Yield the maps at the places that a pattern means.

    Args:
        resource: The resource.
        pattern: Names of members; ``"*"`` is each entry of a list.
    """
    yield from _parts(resource, resource.properties, pattern, (), certain=True)


def _parts(
    resource: Resource, here: Any, pattern: Path_, path: Path_, *, certain: bool
) -> Iterator[Part]:
    certain = certain and not function(here)
    for value in resource.template.branches(here):
        if function(value):
            continue
        if not pattern:
            if isinstance(value, Mapping):
                yield Part(resource, path, value, certain)
            continue
        step, *below = pattern
        inner: list[tuple[str | int, Any]] = []
        if step == "*" and isinstance(value, list):
            inner = list(enumerate(value))
        elif isinstance(value, Mapping) and step in value:
            inner = [(step, value[step])]
        for key, entry in inner:
            yield from _parts(resource, entry, tuple(below), (*path, key), certain=certain)


def dig(template: Template, value: Any, *path: str | int) -> Any:
    """Return the resolved value at a path within a raw one; see `Part.get`."""
    for step in path:
        if function(value):
            return UNKNOWN
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return None if value == NO_VALUE else template.resolve(value)


def size(template: Template, value: Any) -> tuple[int, int] | None:
    """Return how many entries a list has at least and at most; None where nobody knows."""
    if not isinstance(value, list):
        return None
    sizes = [_presence(template, entry) for entry in value]
    return sum(low for low, _ in sizes), sum(high for _, high in sizes)


def _presence(template: Template, entry: Any) -> tuple[int, int]:
    if entry == NO_VALUE:
        return 0, 0
    called = function(entry)
    if called is None or called[0] != "Fn::If":
        return 1, 1
    branches = called[1][1:] if isinstance(called[1], list) else []
    return int(NO_VALUE not in branches), 1


def outside(resource: Resource, limit: Limit, *pattern: str) -> Iterator[Fault]:
    """Yield a fault for each known value at a pattern that breaks a limit.

    The default of a parameter that a condition leaves out is not judged: it stands for nothing.
    """
    *above, name = pattern
    for part in parts(resource, *above):
        raw = part.raw.get(name)
        for branch in part.template.branches(raw):
            chosen = not part.certain or branch is not raw
            value = part.template.resolve(branch)
            stands = chosen and any(True for _ in references(branch))
            if stands or value in (None, "") or isinstance(value, Mapping | list | Unknown):
                continue
            if not limit.admits(value):
                yield part.fault(
                    f"{name} is {told(value)}", name, value=value, limit=limit.describe()
                )


def crowded(resource: Resource, limit: Limit, *pattern: str, what: str) -> Iterator[Fault]:
    """Yield a fault for each list at a pattern with too few or too many entries."""
    *above, name = pattern
    for part in parts(resource, *above):
        for branch in part.template.branches(part.raw.get(name)):
            found = size(part.template, branch)
            if found is None:
                continue
            fewest, most = found
            few = limit.min is not None and most < limit.min
            if few or (limit.max is not None and fewest > limit.max):
                count = most if few else fewest
                yield part.fault(
                    f"{name} has {count} {what}", name, value=count, limit=limit.describe()
                )


def told(value: Any, most: int = 80) -> str:
    """Return a value as a message has it."""
    if not isinstance(value, str):
        return str(value)
    return f'"{value}"' if len(value) <= most else f'"{value[: most - 3]}..." ({len(value)} long)'
