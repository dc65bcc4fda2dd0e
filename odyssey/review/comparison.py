"""Two sets of templates beside each other: what happens to each resource.

A resource that is replaced has another name or ARN, so that what refers to it changes too, in other
stacks as well; that may replace it in turn.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from odyssey.checks.template import references
from odyssey.review.replacement import name_property, replaces
from odyssey.review.report import Action, PropertyChange
from odyssey.review.side import outlives
from odyssey.review.values import differences, imports, leaves, refers, without_secrets

if TYPE_CHECKING:
    from odyssey.checks.template import Resource, Template
    from odyssey.review.side import Key, Side

ATTRIBUTES = (
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
    "DependsOn",
)
"""What a template says of a resource beside its properties; ``Metadata`` means nothing to AWS."""

ORDER = "DependsOn"
REPLACED = {Action.REPLACE, Action.MAYBE_REPLACE}


@dataclass(frozen=True)
class Compared:
    """A resource on both sides.

    Args:
        stack: The name of its stack.
        id: Its logical id.
        before: It in the base; None where it is not there.
        after: It in the head; None where it is not there.
        action: What happens to it.
        properties: What differs.
        left: Its whole stack is not in the head any more, and is left as it is.
    """

    stack: str
    id: str
    before: Resource | None
    after: Resource | None
    action: Action = Action.NONE
    properties: tuple[PropertyChange, ...] = ()
    left: bool = False

    @property
    def either(self) -> Resource:
        """The resource of the head, or where there is none, that of the base."""
        if self.after is not None:
            return self.after
        if self.before is None:
            raise ValueError(f"{self.id} is on neither side")
        return self.before

    @property
    def type(self) -> str:
        """Its type; that of the head where there are two."""
        return self.either.type

    @property
    def changes(self) -> bool:
        """Whether anything differs."""
        return self.action is not Action.NONE or bool(self.properties)

    @property
    def named(self) -> str:
        """The name that the template itself gives it, or empty."""
        found = self.either.get(name_property(self.type)) if name_property(self.type) else None
        return found if isinstance(found, str) else ""

    def changed(self, *paths: str) -> list[PropertyChange]:
        """Return what differs at some properties or below them."""
        return [
            each
            for each in self.properties
            for path in paths
            if each.path == path or each.path.startswith((f"{path}.", f"{path}["))
        ]


@dataclass(frozen=True)
class Comparison:
    """Both sides, and what happens to every resource of them.

    Args:
        base: What is now.
        head: What will be.
        resources: All resources of both, in the order of the head, then those that go.
    """

    base: Side
    head: Side
    resources: Mapping[Key, Compared]

    @cached_property
    def renamed(self) -> dict[Key, Key]:
        """Those that have but another logical id: the new ones by the old, and vice versa."""
        come = [each for each in self.resources.values() if each.before is None]
        gone = [each for each in self.resources.values() if each.after is None and not each.left]
        ids = {each.id: each.type for each in (*come, *gone)}
        waiting: dict[str, list[Compared]] = {}
        for each in gone:
            waiting.setdefault(_likeness(each, ids), []).append(each)
        pairs: dict[Key, Key] = {}
        for each in come:
            alike = waiting.get(_likeness(each, ids), [])
            twin = next((one for one in alike if one.stack == each.stack), None)
            if twin is not None:
                alike.remove(twin)
                pairs[each.stack, each.id] = (twin.stack, twin.id)
                pairs[twin.stack, twin.id] = (each.stack, each.id)
        return pairs

    def beside(self, stack: str, id_: str) -> Compared | None:
        """Return what happens to a resource, or None where there is none."""
        return self.resources.get((stack, id_))


def compare(base: Side, head: Side) -> Comparison:
    """Return what a deployment of one side does to the other."""
    keys = dict.fromkeys([*head.resources, *base.resources])
    found = {key: _compared(key, base, head) for key in keys}
    _propagate(found, base, head)
    return Comparison(base, head, found)


def _compared(key: Key, base: Side, head: Side) -> Compared:
    before, after = base.resources.get(key), head.resources.get(key)
    if before is None or after is None:
        left = key[0] not in head.stacks
        action = Action.CREATE
        if before is not None:
            action = Action.RETAIN if left or outlives(before) else Action.DELETE
        return Compared(*key, before, after, action, left=left)
    if before.type != after.type:
        told = PropertyChange("Type", before.type, after.type, "yes")
        return Compared(*key, before, after, Action.REPLACE, (told,))
    properties = tuple(_properties(before, after))
    return Compared(*key, before, after, _action(properties), properties)


def _properties(before: Resource, after: Resource) -> Iterator[PropertyChange]:
    for path, old, new in differences(dict(before.properties), dict(after.properties)):
        shown = without_secrets((path, old, new))
        yield PropertyChange(*shown, replaces(after.type, path, old, new))
    for name in ATTRIBUTES:
        old, new = before.definition.get(name), after.definition.get(name)
        if name == ORDER:
            old, new = (sorted(each.depends_on) or None for each in (before, after))
        if old != new:
            yield PropertyChange(name, old, new)


def _action(properties: tuple[PropertyChange, ...]) -> Action:
    answers = {each.replaces for each in properties}
    if "yes" in answers:
        return Action.REPLACE
    if "maybe" in answers:
        return Action.MAYBE_REPLACE
    return Action.UPDATE if any(each.path != ORDER for each in properties) else Action.NONE


def _propagate(found: dict[Key, Compared], base: Side, head: Side) -> None:
    """Change what refers to what is replaced, until nothing more is."""
    users, importers = _users(head)
    for template in head.templates:
        for name in _moved_defaults(base.stacks.get(template.stack), template):
            for key in users.get((template.stack, name), ()):
                _touch(found, key, {name}, set(), "maybe")
    waiting = [key for key, each in found.items() if each.action in REPLACED]
    done: set[Key] = set()
    while waiting:
        key = waiting.pop(0)
        if key in done or key[0] not in head.stacks:
            continue
        done.add(key)
        sure = "yes" if found[key].action is Action.REPLACE else "maybe"
        exported = exports_of(head.stacks[key[0]])
        exports = {name for name, value in exported.items() if refers(value, {key[1]})}
        for other in users.get(key, ()):
            waiting += _touch(found, other, {key[1]}, set(), sure)
        for other in dict.fromkeys(user for name in exports for user in importers.get(name, ())):
            waiting += _touch(found, other, set(), exports, sure)


def _users(side: Side) -> tuple[dict[Key, list[Key]], dict[str, list[Key]]]:
    """Return which resources refer to a resource or a parameter, and which import an export."""
    users: dict[Key, list[Key]] = {}
    importers: dict[str, list[Key]] = {}
    for key, resource in side.resources.items():
        for name in dict.fromkeys(references(resource.properties)):
            if name != key[1]:
                users.setdefault((key[0], name), []).append(key)
        for name in dict.fromkeys(imports(resource.properties)):
            importers.setdefault(name, []).append(key)
    return users, importers


def _touch(
    found: dict[Key, Compared], key: Key, names: set[str], exports: set[str], sure: str
) -> list[Key]:
    """Note that what a resource refers to is another; return it where that replaces it."""
    each = found[key]
    if each.before is None or each.after is None:
        return []
    known = {change.path for change in each.properties}
    more = []
    for path, value in leaves(dict(each.after.properties)):
        because = refers(value, names) or next((n for n in imports(value) if n in exports), None)
        if because and path not in known:
            answer = replaces(each.type, path)
            answer = "maybe" if answer == "yes" and sure == "maybe" else answer
            shown = without_secrets((path, value, value))
            more.append(PropertyChange(*shown, answer, because))
    if not more:
        return []
    properties = (*each.properties, *more)
    action = max(each.action, _action(properties), key=_GRAVITY.index)
    found[key] = replace(each, action=action, properties=properties)
    return [key] if action in REPLACED else []


_GRAVITY = (Action.NONE, Action.UPDATE, Action.MAYBE_REPLACE, Action.REPLACE)


def exports_of(template: Template) -> dict[str, Any]:
    """Return the values that a stack exports, by the names of the exports that are known."""
    outputs = template.body.get("Outputs")
    found: dict[str, Any] = {}
    for output in outputs.values() if isinstance(outputs, Mapping) else ():
        export = output.get("Export") if isinstance(output, Mapping) else None
        name = template.resolve(export.get("Name")) if isinstance(export, Mapping) else None
        if isinstance(name, str):
            found[name] = output.get("Value")
    return found


def _moved_defaults(before: Template | None, after: Template) -> list[str]:
    """Return the parameters whose defaults differ."""
    if before is None:
        return []
    old, new = (side.body.get("Parameters") or {} for side in (before, after))
    return [
        name for name in new if name in old and old[name].get("Default") != new[name].get("Default")
    ]


def _likeness(each: Compared, ids: Mapping[str, str]) -> str:
    """Return what a resource is, without the names of what comes and goes."""
    resource = each.either

    def plain(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {name: plain(below) for name, below in value.items()}
        if isinstance(value, list):
            return [plain(below) for below in value]
        return ids.get(value, value) if isinstance(value, str) else value

    properties = dict(resource.properties)
    # The CDK makes the name of a policy from its logical id.
    if resource.type == "AWS::IAM::Policy":
        properties.pop("PolicyName", None)
    return json.dumps([resource.type, plain(properties)], sort_keys=True, default=str)
