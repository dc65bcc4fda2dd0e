"""The picture of a review, small enough to be looked at: boxes by group, and links between them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.review.report import Action, Group
from odyssey.review.wording import ORDER, kind, plural

if TYPE_CHECKING:
    from odyssey.review.report import Node, Review

MOST = 60
"""Boxes from which on those that do not change are drawn as one in each group."""

_HASH = re.compile(r"(?<=[A-Za-z0-9])[0-9A-F]{8}$")
"""What the CDK writes behind a logical id; a picture is easier to read without."""

LINKS = 300
"""Links that are drawn at most; GitHub draws 500."""


@dataclass(frozen=True)
class Box:
    """One box.

    Args:
        id: Its name in the picture, such as ``n3``.
        label: What is written on it.
        kind: What it is, such as ``SageMaker::Model``; empty for a box that stands for several.
        group: Its role in the system.
        action: What happens to it.
        stack: The name of its stack; empty for a box that stands for several.
    """

    id: str
    label: str
    kind: str
    group: Group
    action: Action
    stack: str = ""


@dataclass(frozen=True)
class Link:
    """A reference from one box to another, by their ids; `changed` where one of them changes."""

    source: str
    target: str
    changed: bool


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Args:
        boxes: The boxes, by group, in the order of the groups.
        links: The links between them.
        left_out: Links that are not drawn.
    """

    boxes: tuple[Box, ...]
    links: tuple[Link, ...]
    left_out: int = 0

    @property
    def groups(self) -> dict[Group, list[Box]]:
        """The boxes of each group that has any, in the order of the groups."""
        return {
            group: found
            for group in Group
            if (found := [box for box in self.boxes if box.group is group])
        }


def simplify(review: Review, most: int = MOST) -> Picture:
    """Return what is drawn of a review.

    Args:
        review: The review.
        most: Boxes at most, beside one for the rest in each group.
    """
    alone = _alone(review.nodes, most)
    boxes: list[Box] = []
    drawn: dict[str, Box] = {}
    for group in Group:
        nodes = [node for node in review.nodes if node.group is group]
        rest: dict[bool, list[Node]] = {True: [], False: []}
        for node in nodes:
            if node.id in alone:
                box = Box(
                    f"n{len(boxes)}",
                    _HASH.sub("", node.label),
                    kind(node.type),
                    group,
                    node.action,
                    node.stack,
                )
                boxes.append(box)
                drawn[node.id] = box
            else:
                rest[node.action is not Action.NONE].append(node)
        for changed, folded in rest.items():
            if folded:
                box = _folded(f"n{len(boxes)}", group, folded, changed)
                boxes.append(box)
                drawn |= dict.fromkeys([node.id for node in folded], box)
    links = _links(review, drawn)
    return Picture(tuple(boxes), tuple(links[:LINKS]), max(0, len(links) - LINKS))


def _alone(nodes: tuple[Node, ...], most: int) -> set[str]:
    """Return the nodes that have a box of their own: all, or those that change, gravest first."""
    if len(nodes) <= most:
        return {node.id for node in nodes}
    changed = [node for node in nodes if node.action is not Action.NONE]
    return {node.id for node in sorted(changed, key=lambda node: ORDER.index(node.action))[:most]}


def _folded(id_: str, group: Group, nodes: list[Node], changed: bool) -> Box:
    if not changed:
        return Box(id_, f"{plural(len(nodes), 'resource')} unchanged", "", group, Action.NONE)
    most, _ = Counter(node.action for node in nodes).most_common(1)[0]
    return Box(id_, f"{plural(len(nodes), 'resource')} more", "", group, most)


def _links(review: Review, drawn: dict[str, Box]) -> list[Link]:
    """Return each link once, those first that touch what changes."""
    found: dict[tuple[str, str], Link] = {}
    for edge in review.edges:
        source, target = drawn.get(edge.source), drawn.get(edge.target)
        if source is None or target is None or source is target:
            continue
        changed = not source.action is target.action is Action.NONE
        found.setdefault((source.id, target.id), Link(source.id, target.id, changed))
    return sorted(found.values(), key=lambda link: not link.changed)
