"""What changes of whole stacks, beside their resources: outputs, parameters, protection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from odyssey.review.comparison import REPLACED, exports_of
from odyssey.review.consequences.catalogue import USER_GUIDE, caution, danger, note
from odyssey.review.report import Action, Consequence, Group, PropertyChange, ResourceChange
from odyssey.review.side import outlives
from odyssey.review.values import differences, refers, shown, without_secrets

if TYPE_CHECKING:
    from odyssey.checks.template import Template
    from odyssey.review.comparison import Comparison
    from odyssey.review.side import Side

STACK = "AWS::CloudFormation::Stack"
SECTIONS = ("Parameters", "Mappings", "Conditions", "Rules", "Transform", "Outputs")
"""The parts of a template in which a change means something."""

EXPORTS = f"{USER_GUIDE}/using-cfn-stack-exports.html"
PROTECTION = f"{USER_GUIDE}/using-cfn-protect-stacks.html"
PARAMETERS = f"{USER_GUIDE}/parameters-section-structure.html"


def changes(compared: Comparison) -> Iterator[ResourceChange]:
    """Yield a change for each stack that itself changes, or that is not in the head any more."""
    base, head = compared.base, compared.head
    for name in dict.fromkeys([*head.stacks, *base.stacks]):
        before, after = base.stacks.get(name), head.stacks.get(name)
        if before is not None and after is None:
            yield _change(name, Action.RETAIN, (), [_left(before)])
        elif before is not None and after is not None:
            properties = tuple(_properties(name, base, head))
            told = list(_consequences(name, properties, compared))
            if properties or told:
                yield _change(name, Action.UPDATE, properties, told)


def _change(
    name: str,
    action: Action,
    properties: tuple[PropertyChange, ...],
    consequences: list[Consequence],
) -> ResourceChange:
    ranked = tuple(sorted(consequences, key=lambda each: -each.rank))
    return ResourceChange(
        name,
        name,
        STACK,
        action,
        Group.OTHER,
        name=name,
        properties=properties,
        consequences=ranked,
    )


def _left(template: Template) -> Consequence:
    kept = [each.id for each in template.resources.values() if outlives(each)]
    stays = f" {', '.join(kept)} would stay even then." if kept else ""
    return caution(
        "stack-left",
        "The stack is not in the app any more. A deployment does not delete it: it stays, and is "
        f"paid for, until somebody deletes it (aws cloudformation delete-stack --stack-name "
        f"{template.stack}).{stays}",
        f"{USER_GUIDE}/cfn-console-delete-stack.html",
    )


def _properties(name: str, base: Side, head: Side) -> Iterator[PropertyChange]:
    old, new = base.stacks[name].body, head.stacks[name].body
    for section in SECTIONS:
        for difference in differences(old.get(section), new.get(section), section):
            yield PropertyChange(*without_secrets(difference))
    old_tags, new_tags = (dict(side.tags.get(name, {})) for side in (base, head))
    for path, before, after in differences(old_tags, new_tags, "Tags"):
        yield PropertyChange(path, before, after)
    was, is_ = (name in side.protected for side in (base, head))
    if was != is_:
        yield PropertyChange("TerminationProtection", was, is_)


def _consequences(
    name: str, properties: tuple[PropertyChange, ...], compared: Comparison
) -> Iterator[Consequence]:
    yield from _exports(name, compared)
    for each in properties:
        parts = each.path.split(".")
        if each.path == "TerminationProtection" and each.before:
            yield caution(
                "protection-off",
                "Termination protection is turned off: whoever may delete stacks can delete this "
                "one by a single request.",
                PROTECTION,
            )
        elif parts[0] == "Parameters" and parts[-1] == "Default" and each.before is not None:
            yield caution(
                "parameter-default",
                f"The default of {parts[1]} changes from {shown(each.before)} to "
                f"{shown(each.after)}; a stack that is there keeps its value unless another is "
                "given.",
                PARAMETERS,
            )
        elif parts[0] == "Parameters" and _must_be_given(each):
            yield caution(
                "parameter-new",
                f"The parameter {parts[1]} is new and has no default: a deployment that gives no "
                "value is refused.",
                PARAMETERS,
            )
        elif parts[0] == "Conditions":
            yield _condition(name, parts[1], compared)


def _must_be_given(each: PropertyChange) -> bool:
    new = each.path.count(".") == 1 and each.before is None
    return new and isinstance(each.after, Mapping) and "Default" not in each.after


def _condition(name: str, condition: str, compared: Comparison) -> Consequence:
    template = compared.head.stacks[name]
    ids = [
        each.id
        for each in template.resources.values()
        if each.definition.get("Condition") == condition
    ]
    there = f": {', '.join(ids)} may come or go with it" if ids else ""
    return (caution if ids else note)(
        "condition",
        f"The condition {condition} is another one{there}.",
        f"{USER_GUIDE}/conditions-section-structure.html",
    )


def _exports(name: str, compared: Comparison) -> Iterator[Consequence]:
    """Yield what becomes of exports that other stacks import."""
    before = exports_of(compared.base.stacks[name])
    after = exports_of(compared.head.stacks[name])
    moved = {
        id_
        for (stack, id_), each in compared.resources.items()
        if stack == name and each.action in REPLACED
    }
    users = compared.base.importers
    for export, value in before.items():
        others = [stack for stack in users.get(export, ()) if stack != name]
        if not others:
            continue
        if export not in after:
            what = "is removed"
        elif after[export] != value or refers(value, moved):
            what = "gets another value"
        else:
            continue
        yield danger(
            "export-in-use",
            f"This update will fail: the export {export} {what} while {' and '.join(others)} "
            f"imports it, which CloudFormation refuses. Deploy {' and '.join(others)} without the "
            "import first, and keep the export for that deployment.",
            EXPORTS,
        )
