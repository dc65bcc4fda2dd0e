"""The words that a review's pages share: what happens, how much it matters, what is told first."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Severity
from odyssey.review.money import dollars, signed
from odyssey.review.report import Action, Group, Rank

if TYPE_CHECKING:
    from odyssey.review.report import ResourceChange, Review

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.MAYBE_REPLACE: "?",
    Action.REPLACE: "±",
    Action.DELETE: "−",
    Action.RETAIN: "○",
    Action.NONE: "·",
}
"""A sign for each action, for those who do not see colours."""

WORDS = {
    Action.CREATE: "created",
    Action.UPDATE: "updated in place",
    Action.MAYBE_REPLACE: "perhaps replaced",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.RETAIN: "leaves the stack, stays in the account",
    Action.NONE: "unchanged",
}
SHORT = {**WORDS, Action.UPDATE: "updated", Action.RETAIN: "retained"}
"""The same, where there is little room."""

GROUPS = {
    Group.DATA: "Data",
    Group.IMAGE: "Image",
    Group.TRAINING: "Training",
    Group.ENDPOINT: "Endpoint",
    Group.FUNCTION: "Function",
    Group.PERMISSIONS: "Permissions",
    Group.WATCHING: "Watching",
    Group.NETWORK: "Network",
    Group.OTHER: "Other",
}

ORDER = (
    Action.DELETE,
    Action.REPLACE,
    Action.MAYBE_REPLACE,
    Action.RETAIN,
    Action.CREATE,
    Action.UPDATE,
    Action.NONE,
)
"""The actions, those first that a reviewer must see first."""

KINDS = {
    "identity": "by its own policy",
    "managed": "by a managed policy",
    "resource": "by the policy on it",
    "trust": "by its trust policy",
}
"""How somebody is allowed something, by the kind of a permission."""

REPLACES = {"yes": "replaces", "maybe": "may replace", "no": ""}

_ADDRESS = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]*(/[\w./%#?=&+~:@-]*)?", re.ASCII)
_LOST = {Action.DELETE, Action.REPLACE, Action.MAYBE_REPLACE}


def rank(change: ResourceChange) -> Rank:
    """Return how much a reviewer must know of a change."""
    least = Rank.CAUTION if change.action in _LOST else Rank.NOTE
    return max([least, *(each.rank for each in change.consequences)])


def verdict(review: Review) -> Rank | None:
    """Return the rank of the gravest thing in a review; None where nothing changes."""
    ranks = [rank(change) for change in review.changes]
    ranks += [each.rank for each in review.permissions]
    ranks += [
        Rank.DANGER if each.severity is Severity.ERROR else Rank.CAUTION
        for each in review.brought
        if each.severity is not Severity.INFO and each.ignored is None
    ]
    if review.too_dear:
        ranks.append(Rank.DANGER)
    return max(ranks, default=None)


def counts(review: Review) -> dict[Action, int]:
    """Return how often each action happens, in the order of `ORDER`; none is 0."""
    happened = [change.action for change in review.changes]
    return {action: happened.count(action) for action in ORDER if action in happened}


def headline(review: Review) -> list[str]:
    """Return the sentences that are told first, in plain text."""
    if not review.differs:
        told = ["Nothing changes."]
    else:
        told = [_listed(f"{count} {SHORT[action]}" for action, count in counts(review).items())]
        grave = [
            f"{plural(count, each.name.lower())}"
            for each in (Rank.DANGER, Rank.CAUTION)
            if (count := _consequences(review, each))
        ]
        told += [_listed(grave)] if grave else []
    wider = sum(each.widens for each in review.permissions)
    if wider:
        told.append(f"Permissions widen in {plural(wider, 'statement')}.")
    told.append(money(review))
    if review.too_dear and review.max_monthly is not None:
        told.append(f"That is more than the {dollars(review.max_monthly)} that it may cost.")
    brought = sum(each.ignored is None for each in review.brought)
    if brought:
        told.append(f"It brings in {plural(brought, 'finding')}.")
    return told


def money(review: Review) -> str:
    """Return what a month costs at least, before and after, as a sentence."""
    before, after = review.before.monthly, review.after.monthly
    unknown = len(review.after.unknown)
    told = (
        f"What is known costs {dollars(after)} a month at least"
        if unknown
        else f"A month costs {dollars(after)} at least"
    )
    if round(after - before, 6) == 0:
        told += ", as before"
    else:
        told += f", so far {dollars(before)} ({signed(after - before)})"
    if unknown:
        are = "is" if unknown == 1 else "are"
        told += f"; {plural(unknown, 'cost')} {are} unknown, and not in it"
    return told + "."


def prices(review: Review) -> str:
    """Return where the prices are from, as sentences; empty where nothing has a price."""
    facts = review.prices
    if not facts.file:
        return ""
    if not facts.region:
        return f"The prices in {facts.file} are not of this region: costs are unknown."
    told = f"Prices of {facts.region} as of {facts.date} or before, from {facts.file}, "
    told += "without free tiers, discounts and taxes. "
    told += "The region is not known: its own prices may differ. " if facts.assumed else ""
    told += "Other prices, such as AWS's own offer file: --prices. " if review.after.unknown else ""
    return f"{told}A month has 730 hours; a request is taken to last 100 ms."


def value(told: Any) -> str:
    """Return a value of a template as one text: a string itself, the rest as JSON."""
    if told is None:
        return ""
    if isinstance(told, str):
        return told
    return json.dumps(told, ensure_ascii=False, sort_keys=True, default=str)


def around(before: str, after: str, most: int) -> tuple[str, str]:
    """Return two texts from a little before they differ on, where they are long."""
    same = 0
    if max(len(before), len(after)) > most:
        same = next(
            (i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]),
            min(len(before), len(after)),
        )
    if same <= 60 or before == after:
        return before, after
    return f"…{before[same - 40 :]}", f"…{after[same - 40 :]}"


def plural(count: int, noun: str) -> str:
    """Return a number with its noun: ``1 finding``, ``2 findings``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def is_address(told: str) -> bool:
    """Return whether a text is an address that a page may link to."""
    return len(told) <= 500 and _ADDRESS.fullmatch(told) is not None


def kind(type_: str) -> str:
    """Return a type without what all of them have: ``SageMaker::Model``."""
    return type_.removeprefix("AWS::")


def _consequences(review: Review, of: Rank) -> int:
    return sum(each.rank is of for change in review.changes for each in change.consequences)


def _listed(parts: Any) -> str:
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."
