"""What a change does whatever the resource is: names, logical ids, policies of deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.cloudformation.templates import RETAINING
from odyssey.review.consequences.catalogue import USER_GUIDE, caution, danger, note, tells
from odyssey.review.replacement import name_property
from odyssey.review.report import Action
from odyssey.review.side import policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.report import Consequence

CUSTOM_NAMES = "https://repost.aws/knowledge-center/cloudformation-custom-name"
DELETION = f"{USER_GUIDE}/aws-attribute-deletionpolicy.html"
TYPES = f"{USER_GUIDE}/using-cfn-updating-stacks-update-behaviors.html"


@tells()
def another_type(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Another type under the same logical id."""
    if change.before and change.after and change.before.type != change.after.type:
        yield danger(
            "type-change",
            f"This update will fail: {change.id} was {change.before.type} and becomes "
            f"{change.after.type}, and CloudFormation changes the type of no resource. Give the "
            "new one another logical id.",
            TYPES,
        )


@tells()
def name_collision(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """The new resource would have to have the name that the old one still has."""
    if not change.named or not change.changes:
        return
    same = _keeps_its_name(change)
    if change.action is Action.REPLACE and same:
        yield danger(
            "name-collision",
            f'Name collision: this update will fail. It is replaced, and its name "{change.named}" '
            "is fixed by the template: the new one would need the name while the old one has it. "
            "Give it another name, or none.",
            CUSTOM_NAMES,
        )
    elif change.action is Action.CREATE:
        other = _namesake(change, all_)
        if other is not None:
            kept = other.action is Action.RETAIN
            where = "" if other.stack == change.stack else f" of {other.stack}"
            yield danger(
                "name-collision",
                f'Name collision: this update will fail. "{change.named}" is the name of '
                f"{other.id}{where}, which {'stays in the account' if kept else 'is deleted later'}"
                ". Deploy without the old one first, or give the new one another name.",
                CUSTOM_NAMES,
            )


def _keeps_its_name(change: Compared) -> bool:
    """Return whether a resource has the same name on both sides."""
    name = name_property(change.type)
    return change.before is not None and change.before.get(name) == change.named


def _namesake(change: Compared, all_: Comparison) -> Compared | None:
    """Return the resource of the base that goes and has the name of one that comes."""
    for other in all_.resources.values():
        if other.after is None and other.type == change.type and other.named == change.named:
            return other
    return None


@tells()
def another_logical_id(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """The same resource under another logical id."""
    twin = all_.renamed.get((change.stack, change.id))
    if twin is None:
        return
    if change.after is not None:
        yield caution(
            "logical-id",
            f"It is {twin[1]} under another logical id: CloudFormation makes a new one, and knows "
            "nothing of a rename.",
            TYPES,
        )
    else:
        yield note("logical-id", f"{twin[1]} is the same under another logical id.", TYPES)


@tells()
def another_policy_of_deletion(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """What was kept will be deleted the next time that it leaves the stack."""
    if change.before is None or change.after is None:
        return
    old, new = policy(change.before), policy(change.after)
    if old in RETAINING and new not in RETAINING:
        yield caution(
            "deletion-policy",
            f"DeletionPolicy was {old} and becomes {new or 'Delete'}: as soon as it leaves the "
            "stack, it and what is in it are deleted.",
            DELETION,
        )


@tells()
def retained(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """It leaves the stack, and stays."""
    if change.action is Action.RETAIN and not change.left:
        yield caution(
            "retained",
            "It leaves the stack and stays in the account, where nothing manages it; what it costs "
            "goes on.",
            DELETION,
        )
    if change.action is Action.REPLACE and change.before is not None:
        kept = policy(change.before, "UpdateReplacePolicy")
        if kept in RETAINING:
            yield note(
                "old-one-stays",
                f"The old one stays in the account (UpdateReplacePolicy is {kept}).",
                f"{USER_GUIDE}/aws-attribute-updatereplacepolicy.html",
            )


@tells()
def order_alone(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Only the order differs."""
    if change.action is Action.NONE and change.properties:
        yield note("order", "Only the order of the deployment differs; nothing happens to it.")


@tells()
def condition(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Another condition decides whether it is there."""
    if change.changed("Condition") and change.before and change.after:
        yield caution(
            "condition",
            "Another condition decides whether it is there: it may be created or deleted.",
            f"{USER_GUIDE}/conditions-section-structure.html",
        )
