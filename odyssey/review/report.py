"""What a review is made of: plain data, from which Markdown, HTML and JSON are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.checks.findings import Finding

VERSION = 1
"""The version of ``review.json``, which grows when a reader of the old one would be misled."""


class Action(StrEnum):
    """What happens to a resource."""

    CREATE = "create"
    UPDATE = "update"
    MAYBE_REPLACE = "maybe-replace"
    REPLACE = "replace"
    DELETE = "delete"
    RETAIN = "retain"
    """It leaves the stack, and stays in the account."""
    NONE = "none"


class Group(StrEnum):
    """The role of a resource in the system, in the order in which they are drawn."""

    DATA = "data"
    IMAGE = "image"
    TRAINING = "training"
    ENDPOINT = "endpoint"
    FUNCTION = "function"
    PERMISSIONS = "permissions"
    WATCHING = "watching"
    NETWORK = "network"
    OTHER = "other"


class Rank(IntEnum):
    """How much a reviewer must know of something."""

    NOTE = 1
    CAUTION = 2
    DANGER = 3
    """Something is lost, refused by AWS, or not there for a while."""


@dataclass(frozen=True)
class PropertyChange:
    """A property that differs.

    Args:
        path: Where it is, such as ``ProductionVariants[0].InstanceType``; attributes of the
            resource itself have theirs, such as ``DeletionPolicy``.
        before: Its value as the base's template has it; None where there is none.
        after: Its value as the head's template has it; None where there is none.
        replaces: Whether another value means another resource: ``no``, ``yes`` or ``maybe``.
        because: The logical id of the resource whose replacement changes this value, where the
            template's text is the same; else empty.
    """

    path: str
    before: Any
    after: Any
    replaces: str = "no"
    because: str = ""


@dataclass(frozen=True)
class Consequence:
    """What a change really does.

    Args:
        id: A name of it that stays, such as ``blue-green``.
        rank: How much a reviewer must know it.
        text: One or two sentences, each with its period.
        source: Where AWS, or whoever met it, says so.
    """

    id: str
    rank: Rank
    text: str
    source: str = ""


@dataclass(frozen=True)
class ResourceChange:
    """A resource that a deployment changes.

    Args:
        stack: The name of its stack.
        resource: Its logical id.
        type: Its type; that of the head where there are two.
        action: What happens to it.
        group: Its role in the system.
        construct: Its construct path, or empty.
        name: The name that the template gives it, or empty.
        properties: The properties that differ; empty where it is created or deleted.
        consequences: What the change really does, the most important first.
    """

    stack: str
    resource: str
    type: str
    action: Action
    group: Group
    construct: str = ""
    name: str = ""
    properties: tuple[PropertyChange, ...] = ()
    consequences: tuple[Consequence, ...] = ()

    @property
    def title(self) -> str:
        """What a reader knows it by."""
        return self.construct or self.resource


@dataclass(frozen=True)
class PermissionChange:
    """A statement of a policy that a deployment adds or removes.

    Args:
        stack: The name of the stack.
        resource: The logical id of the policy, or of the resource that has it.
        holder: Who is allowed, or denied: a role's construct path, a principal, a bucket.
        kind: ``identity``, ``trust``, ``resource`` or ``managed``.
        added: It is added; else it is removed.
        widens: Somebody can do more than before.
        text: The statement in plain words.
        why: Why it is marked as widening, or worth a look; else empty.
        rank: How much a reviewer must know it.
        statement: The statement as the template has it.
    """

    stack: str
    resource: str
    holder: str
    kind: str
    added: bool
    widens: bool
    text: str
    why: str = ""
    rank: Rank = Rank.NOTE
    statement: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CostLine:
    """What one resource costs.

    Args:
        stack: The name of the stack.
        resource: The logical id, or what it is for outside of a template, such as ``training``.
        what: What is paid for, such as ``2 x ml.m5.large, variant AllTraffic``.
        monthly: US dollars a month that are paid even where nobody calls; None where unknown.
        per_1000: US dollars for 1,000 requests; None where there are none, or where unknown.
        once: US dollars of one run at most, such as of a training job; None where there is none.
        basis: How it was reckoned, or what it needs to be known.
        known: Whether all prices of it are known.
    """

    stack: str
    resource: str
    what: str
    monthly: float | None = None
    per_1000: float | None = None
    once: float | None = None
    basis: str = ""
    known: bool = True


@dataclass(frozen=True)
class Cost:
    """What one side of a review costs, resource by resource."""

    lines: tuple[CostLine, ...] = ()

    @property
    def monthly(self) -> float:
        """The sum of what is known of the months."""
        return sum(line.monthly or 0.0 for line in self.lines)

    @property
    def unknown(self) -> tuple[CostLine, ...]:
        """The lines of which a price is not known."""
        return tuple(line for line in self.lines if not line.known)


@dataclass(frozen=True)
class Prices:
    """Where the prices are from.

    Args:
        file: The file's name.
        date: The day of the prices, as in ``2026-11-01``.
        region: The region whose prices were taken; empty where it is not in the file.
        source: Where the file has them from.
        assumed: Nobody knows the region; that of the prices was taken for it.
    """

    file: str
    date: str
    region: str
    source: str
    assumed: bool = False


@dataclass(frozen=True)
class Node:
    """A resource in the picture.

    Args:
        id: ``STACK/LOGICAL_ID``.
        stack: The name of the stack.
        label: What is written on it.
        type: The type, such as ``AWS::SageMaker::Model``.
        group: Its role in the system.
        action: What happens to it.
    """

    id: str
    stack: str
    label: str
    type: str
    group: Group
    action: Action


@dataclass(frozen=True)
class Edge:
    """A reference from one resource to another: the ids of two nodes."""

    source: str
    target: str


@dataclass(frozen=True)
class Review:
    """Everything that a reviewer is told.

    Args:
        app: The app's name, or the folder's.
        base: What it is compared with, in words, such as ``main`` or ``deployed in eu-west-1``.
        head: What is compared, in words.
        stacks: The names of the stacks that were looked at, in the order of deployment.
        changes: What changes, in the order of importance, then of the templates.
        permissions: What changes in permissions, what widens first.
        before: What the base costs.
        after: What the head costs.
        prices: Where the prices are from.
        brought: The findings that only the head has.
        kept: The findings that both have.
        gone: The findings that only the base had.
        nodes: The picture's resources.
        edges: Its references.
        notes: What limits the review: what could not be looked at, and why.
        max_monthly: The most that the head may cost a month in US dollars; None is no limit.
    """

    app: str
    base: str
    head: str
    stacks: tuple[str, ...] = ()
    changes: tuple[ResourceChange, ...] = ()
    permissions: tuple[PermissionChange, ...] = ()
    before: Cost = Cost()
    after: Cost = Cost()
    prices: Prices = Prices("", "", "", "")
    brought: tuple[Finding, ...] = ()
    kept: tuple[Finding, ...] = ()
    gone: tuple[Finding, ...] = ()
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()
    notes: tuple[str, ...] = ()
    max_monthly: float | None = None

    @property
    def differs(self) -> bool:
        """Whether a deployment would change anything."""
        return bool(self.changes)

    @property
    def too_dear(self) -> bool:
        """Whether it costs more a month than it may; an unknown price is no refusal."""
        return self.max_monthly is not None and self.after.monthly > self.max_monthly
