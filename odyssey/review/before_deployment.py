"""What a deployment is about to do, in the words of a review, before it asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks.template import Template
from odyssey.cloudformation import service as cloudformation
from odyssey.review import service, summary
from odyssey.review.side import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odyssey.cloudformation.target import Target
    from odyssey.infra.assembly import Stack
    from odyssey.review.summary import Paint


def told(target: Target, changed: Sequence[Stack], *, paint: Paint, width: int) -> str:
    """Return what a deployment does, as the summary of a review tells it.

    The rules of the check are not asked: they are for before.

    Args:
        target: What is deployed.
        changed: Those of its stacks that differ from what is deployed.
        paint: Returns a text in a colour.
        width: Columns.

    Raises:
        AwsError: AWS refuses.
    """
    before = [
        _now(target, stack) if stack in changed else _template(stack) for stack in target.stacks
    ]
    there = tuple(template for template in before if template.body.get("Resources"))
    head = Side("this app", tuple(map(_template, target.stacks)))
    review = service.of_sides(Side("deployed", there), head, app=head.words, check=False)
    return summary.short(review, paint=paint, width=width)


def _template(stack: Stack) -> Template:
    return Template(
        stack.template.name,
        stack.body,
        stack=stack.name,
        constructs=stack.paths,
        region=stack.region,
        account=stack.account,
    )


def _now(target: Target, stack: Stack) -> Template:
    body = cloudformation.template(target.cloudformation(stack), stack.name)
    return Template(
        f"deployed {stack.name}",
        body,
        stack=stack.name,
        constructs=stack.paths,
        region=stack.region,
    )
