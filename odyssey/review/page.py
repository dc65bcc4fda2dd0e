"""The review as a page of HTML, in one file.

It asks nothing of the network and has no script: what is shown is chosen by radio buttons and the
style sheet, so that its security policy allows nothing but that one sheet.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Severity
from odyssey.review import bill, drawing, wording
from odyssey.review.money import dollars, signed
from odyssey.review.report import Action, Rank

if TYPE_CHECKING:
    from jinja2 import Environment

    from odyssey.review.report import PermissionChange, Review

ASSETS = Path(__file__).with_name("assets")
LEVELS = {
    Rank.DANGER: ("danger", "Look at this with care"),
    Rank.CAUTION: ("caution", "Something to know before it is approved"),
    Rank.NOTE: ("note", "Nothing stands out"),
    None: ("calm", "Nothing to approve"),
}
"""The class and the words of each verdict."""

VALUE = 4000
"""Characters of a value that are shown."""


def render(review: Review) -> str:
    """Return a review as one file of HTML, which asks nothing of the network."""
    from markupsafe import Markup

    stacks = _stacks(review)
    # What the sheet is hashed over must be what the browser reads: it has no quotes from elsewhere.
    style = _style(review, stacks)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    tone, verdict = LEVELS[wording.verdict(review)]
    rows = bill.rows(review)
    kept = [*review.kept, *(each for each in review.brought if each.ignored is not None)]
    brought = [each for each in review.brought if each.ignored is None]
    text: str = (
        _environment()
        .get_template("page.html.j2")
        .render(
            review=review,
            style=Markup(style),  # noqa: S704 - the style sheet is ours
            style_hash=digest,
            picture=Markup(drawing.render(review)),  # noqa: S704 - the drawing escapes its texts
            drawn=[each for each in Action if any(node.action is each for node in review.nodes)],
            tone=tone,
            verdict=verdict,
            headline=wording.headline(review),
            counts=wording.counts(review),
            changes=sorted(review.changes, key=lambda change: -wording.rank(change)),
            stacks=stacks,
            numbers={name: number for number, name in enumerate(stacks, 1)},
            permissions=_holders(review),
            wider=sum(each.widens for each in review.permissions),
            money=wording.money(review),
            difference=signed(review.after.monthly - review.before.monthly),
            paid=[row for row in rows if not row.by_use],
            used=[row for row in rows if row.by_use],
            prices=wording.prices(review),
            brought=sorted(brought, key=lambda each: -each.severity),
            kept=sorted(kept, key=lambda each: -each.severity),
            words=wording.WORDS,
            short=wording.SHORT,
            signs=wording.SIGNS,
            kinds=wording.KINDS,
            replaces=wording.REPLACES,
        )
    )
    return text


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(ASSETS), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "value": lambda told: _seen(wording.value(told)),
        "pretty": lambda told: json.dumps(told, indent=2, ensure_ascii=False, default=str),
        "plural": _plural,
        "dollars": dollars,
        "is_address": wording.is_address,
        "direction": _direction,
        "tone": lambda severity: {Severity.ERROR: "danger", Severity.WARNING: "caution"}.get(
            severity, "note"
        ),
    }
    return environment


def _stacks(review: Review) -> dict[str, int]:
    """Return how many changes each stack has, in the order of deployment."""
    told = [change.stack for change in review.changes]
    return {
        name: told.count(name) for name in dict.fromkeys([*review.stacks, *told]) if name in told
    }


def _holders(review: Review) -> dict[tuple[str, str], list[PermissionChange]]:
    """Return what changes for each holder, with its stack, those first who gain the most."""
    found: dict[tuple[str, str], list[PermissionChange]] = {}
    for each in sorted(review.permissions, key=lambda each: (-each.rank, not each.widens)):
        found.setdefault((each.holder, each.stack), []).append(each)
    return found


def _style(review: Review, stacks: dict[str, int]) -> str:
    """Return the sheet, with a rule for each choice of what is shown."""
    rules = [(ASSETS / "page.css").read_text(encoding="utf-8")]
    there = {(change.action, change.stack) for change in review.changes}
    for action in wording.counts(review):
        shown = f".filtered:has(#action-{action.value}:checked)"
        rules.append(f"{shown} .change:not(.{action.value}) {{ display: none; }}")
        for number, name in enumerate(stacks, 1):
            if (action, name) not in there:
                rules.append(
                    f"{shown}:has(#stack-{number}:checked) .left-by-filter {{ display: block; }}"
                )
    for number in range(1, len(stacks) + 1):
        shown = f".filtered:has(#stack-{number}:checked)"
        rules.append(f"{shown} .change:not(.in-{number}) {{ display: none; }}")
    return "\n".join(rules)


def _seen(told: str) -> str:
    """Return text with characters that nobody sees, such as those that turn its direction, told."""
    if len(told) > VALUE:
        told = f"{told[:VALUE]}… ({len(told):,} characters)"
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in told
    )


def _plural(count: int, noun: str, many: str = "") -> str:
    return f"{count:,} {many}" if many and count != 1 else wording.plural(count, noun)


def _direction(difference: Any) -> str:
    told = str(difference)
    if told == bill.UNKNOWN:
        return "unknown"
    return "up" if told.startswith("+") else "down" if told.startswith("-") else ""
