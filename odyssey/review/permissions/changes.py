"""Which statements come and go, and which of them let somebody do more than before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.review.permissions.covering import covered, matches
from odyssey.review.permissions.statements import Held, held
from odyssey.review.permissions.wording import Titles, sentence
from odyssey.review.report import PermissionChange, Rank
from odyssey.review.side import outlives

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from odyssey.review.side import Key, Side

CLOSING = (
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:principalorgid",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceip",
    "kms:calleraccount",
)
"""Conditions that make of anybody a few."""

ADMINISTRATION = (
    "iam:attachrolepolicy",
    "iam:createpolicyversion",
    "iam:passrole",
    "iam:putrolepolicy",
    "iam:updateassumerolepolicy",
    "sts:assumerole",
)
"""Actions by which one gets more permissions than one has."""


def changes(base: Side, head: Side) -> tuple[PermissionChange, ...]:
    """Return the statements that come and go, what widens first, then by importance.

    Args:
        base: What is now.
        head: What will be.
    """
    old, new = _by_holder(held(base)), _by_holder(held(head))
    found: list[PermissionChange] = []
    for key in dict.fromkeys([*new, *old]):
        stack = key[0].partition("/")[0]
        if stack not in head.stacks:
            continue  # A stack that is not deployed keeps what it has.
        before = [each for each in old.get(key, []) if not _stays(each, base, head)]
        after = new.get(key, [])
        fresh = _key(key[0]) in head.resources and _key(key[0]) not in base.resources
        titles = _titles(stack, base, head)
        found += _added(before, after, fresh, titles)
        there = _key(key[0]) in head.resources or _key(key[0]) not in base.resources
        found += _removed(before, after, there, titles)
    return tuple(sorted(found, key=lambda each: (not each.widens, -each.rank)))


def _by_holder(statements: Iterable[Held]) -> dict[tuple[str, str], list[Held]]:
    found: dict[tuple[str, str], list[Held]] = {}
    for each in statements:
        found.setdefault((each.key, each.kind), []).append(each)
    return found


def _titles(stack: str, *sides: Side) -> Titles:
    templates = [side.stacks[stack] for side in sides if stack in side.stacks]
    resources = [each for template in templates for each in template.resources.values()]
    return Titles(
        {each.id: each.construct or each.id for each in resources},
        {each.id: each.type for each in resources},
    )


def _new(statements: list[Held], others: list[Held]) -> Iterator[Held]:
    known = {each.likeness for each in others}
    seen: set[str] = set()
    for each in statements:
        if each.likeness not in known and each.likeness not in seen:
            seen.add(each.likeness)
            yield each


def _added(
    before: list[Held], after: list[Held], fresh: bool, titles: Titles
) -> Iterator[PermissionChange]:
    allowing = [each for each in before if each.allows]
    for each in _new(after, before):
        widens = each.allows and not covered(each, allowing)
        why, rank = _reason(each, fresh) if widens else ("", Rank.NOTE)
        yield _change(each, True, widens, sentence(each, titles), why, rank)


def _key(holder: str) -> Key:
    stack, _, id_ = holder.partition("/")
    return stack, id_


def _stays(each: Held, base: Side, head: Side) -> bool:
    """Return whether what has a statement leaves the stack and stays in the account."""
    key = (each.stack, each.resource)
    return key not in head.resources and outlives(base.resources[key])


def _removed(
    before: list[Held], after: list[Held], there: bool, titles: Titles
) -> Iterator[PermissionChange]:
    """Yield what goes; where its holder goes too, nothing opens by that."""
    denying = [each for each in after if not each.allows]
    for each in _new(before, after):
        widens = there and not each.allows and not covered(each, denying)
        why = "what was denied is not denied any more" if widens else ""
        if widens and each.kind == "managed":
            why = "the permissions boundary is gone"
        yield _change(
            each, False, widens, sentence(each, titles), why, Rank.DANGER if widens else Rank.NOTE
        )


def _change(
    each: Held, added: bool, widens: bool, text: str, why: str, rank: Rank
) -> PermissionChange:
    return PermissionChange(
        stack=each.stack,
        resource=each.resource,
        holder=each.holder,
        kind=each.kind,
        added=added,
        widens=widens,
        text=text,
        why=why,
        rank=rank,
        statement=each.statement,
    )


def _reason(each: Held, fresh: bool) -> tuple[str, Rank]:
    """Return why a statement that widens is worth a look, and how much."""
    actions = [action.lower() for action in each.texts("Action")]
    everywhere = "*" in each.texts("Resource")
    if ("AWS", "*") in each.principals and not _closed(each):
        return "anybody may, from any account", Rank.DANGER
    if "NotAction" in each.statement or "NotPrincipal" in each.statement:
        return "it allows all but what it names", Rank.DANGER
    if "*" in actions or "*:*" in actions:
        return "it allows every action", Rank.DANGER
    if everywhere and any(matches(action, actions) for action in ADMINISTRATION):
        return "whoever has it can get more permissions", Rank.DANGER
    if each.kind == "managed" and any(
        "AdministratorAccess" in t or "FullAccess" in t for t in each.texts("Managed")
    ):
        return "it allows everything in a service", Rank.DANGER
    services = [action for action in actions if action.endswith(":*")]
    if services:
        where = " on every resource" if everywhere else ""
        return (
            f"it allows every action of a service{where}",
            Rank.DANGER if everywhere else Rank.CAUTION,
        )
    if fresh:
        return "who is allowed is new", Rank.NOTE
    if everywhere:
        return "it was not allowed before, and is on every resource", Rank.CAUTION
    return "it was not allowed before", Rank.CAUTION


def _closed(each: Held) -> bool:
    return any(key in CLOSING for _, key, _ in each.conditions)
