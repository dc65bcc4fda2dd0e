"""The picture of a review: resources as nodes, references as edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.checks.template import references
from odyssey.review import groups
from odyssey.review.comparison import exports_of
from odyssey.review.report import Edge, Node
from odyssey.review.values import imports

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.side import Side


def nodes(compared: Comparison) -> tuple[Node, ...]:
    """Return a node for each resource of both sides."""
    return tuple(_node(each) for each in compared.resources.values())


def _node(each: Compared) -> Node:
    return Node(
        id=_id(each.stack, each.id),
        stack=each.stack,
        label=each.either.construct or each.id,
        type=each.type,
        group=groups.of(each.either),
        action=each.action,
    )


def edges(compared: Comparison) -> tuple[Edge, ...]:
    """Return an edge for each reference: those of the head, and those of what goes."""
    known = {_id(*key) for key in compared.resources}
    told = {True: exporters(compared.head), False: exporters(compared.base)}
    found: dict[Edge, None] = {}
    for each in compared.resources.values():
        for target in _targets(each, told[each.after is not None]):
            edge = Edge(_id(each.stack, each.id), target)
            if target in known and target != edge.source:
                found[edge] = None
    return tuple(found)


def _targets(each: Compared, exports: dict[str, str]) -> Iterator[str]:
    for name in references(each.either.properties):
        yield _id(each.stack, name)
    for name in imports(each.either.properties):
        if name in exports:
            yield exports[name]


def exporters(side: Side) -> dict[str, str]:
    """Return the node that each export of a side tells of."""
    found: dict[str, str] = {}
    for template in side.templates:
        for name, value in exports_of(template).items():
            for id_ in references(value):
                if id_ in template.resources:
                    found.setdefault(name, _id(template.stack, id_))
    return found


def _id(stack: str, resource: str) -> str:
    return f"{stack}/{resource}"
