"""The review for a terminal: a few lines for each change, and the sums."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from odyssey.console import clean
from odyssey.review.report import Action, Rank
from odyssey.review.wording import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from odyssey.review.report import Cost, PermissionChange, ResourceChange, Review

    Paint = Callable[[str, str], str]

WORDS = {
    Action.CREATE: "created",
    Action.UPDATE: "updated",
    Action.MAYBE_REPLACE: "perhaps replaced",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.RETAIN: "left behind",
    Action.NONE: "as it is",
}
SIGNS = {
    Action.CREATE: ("+", "green"),
    Action.UPDATE: ("~", "yellow"),
    Action.MAYBE_REPLACE: ("±", "yellow"),
    Action.REPLACE: ("±", "magenta"),
    Action.DELETE: ("-", "red"),
    Action.RETAIN: ("-", "cyan"),
    Action.NONE: (" ", "white"),
}
MARKS = {Rank.DANGER: ("!!", "red"), Rank.CAUTION: ("! ", "yellow"), Rank.NOTE: ("  ", "white")}
SHOWN = 12
"""Changes of which nothing follows that are listed; the others are counted."""


def text(review: Review, *, paint: Paint, width: int = 80) -> str:
    """Return a review for a terminal.

    Args:
        review: The review.
        paint: Returns a text in a colour.
        width: Columns.
    """
    blocks = [
        f"{review.app}: {review.head} against {review.base}",
        "\n".join(changes(review, paint=paint, width=width)),
        "\n".join(_permissions(review, paint, width)),
        "\n".join(_cost(review, paint)),
        "\n".join(_findings(review, paint, width)),
        "\n".join(_folded(f"Note: {each}", "", width) for each in review.notes),
    ]
    return "\n\n".join(block for block in blocks if block)


def short(review: Review, *, paint: Paint, width: int = 80) -> str:
    """Return what changes, and what it costs, for somebody who is asked in a moment.

    Args:
        review: The review.
        paint: Returns a text in a colour.
        width: Columns.
    """
    blocks = [
        "\n".join(changes(review, paint=paint, width=width)),
        "\n".join([*_permissions(review, paint, width), *_cost(review, paint)]),
    ]
    return "\n\n".join(block for block in blocks if block)


def changes(review: Review, *, paint: Paint, width: int = 80) -> Iterator[str]:
    """Yield the lines of what changes; one line where nothing does."""
    if not review.changes:
        yield "Nothing changes."
        return
    yield _counted(review)
    silent = 0
    for change in review.changes:
        if not change.consequences:
            silent += 1
            if silent > SHOWN:
                continue
        yield from _change(change, paint, width)
    if silent > SHOWN:
        yield f"  and {silent - SHOWN} more of which nothing follows"


def _counted(review: Review) -> str:
    counts = {
        action: sum(change.action is action for change in review.changes)
        for action in (*WORDS,)
        if action is not Action.NONE
    }
    told = [f"{count} {WORDS[action]}" for action, count in counts.items() if count]
    return f"{', '.join(told) or 'Nothing is touched'}:"


def _change(change: ResourceChange, paint: Paint, width: int) -> Iterator[str]:
    sign, colour = SIGNS[change.action]
    kind = change.type.removeprefix("AWS::").replace("::", " ")
    where = change.stack if change.resource == change.stack else f"{change.stack}/{change.title}"
    heading, what = clean(f"{sign} {where}"), clean(f"{kind}, {WORDS[change.action]}")
    apart = "\n     " if len(f"{heading}  {what}") > width else "  "
    yield paint(heading, colour) + apart + what
    for each in change.consequences:
        mark, colour = MARKS[each.rank]
        yield paint(f"  {mark}", colour) + _folded(clean(each.text), "     ", width).removeprefix(
            "    "
        )


def _permissions(review: Review, paint: Paint, width: int) -> Iterator[str]:
    if not review.permissions:
        return
    widening = [each for each in review.permissions if each.widens]
    known = [each for each in widening if each.rank > Rank.NOTE]
    added = sum(each.added for each in review.permissions)
    removed = len(review.permissions) - added
    yield (
        f"Permissions: {plural(added, 'statement')} added, {removed} removed; "
        f"more than before is allowed by {len(widening)}."
    )
    for each in known:
        mark, colour = MARKS[each.rank]
        yield paint(f"  {mark}", colour) + _folded(
            clean(_permission(each)), "     ", width
        ).removeprefix("    ")


def _permission(each: PermissionChange) -> str:
    gone = "" if each.added else "removed: "
    return f"{gone}{each.holder}: {each.text} ({each.why})."


def _cost(review: Review, paint: Paint) -> Iterator[str]:
    if review.before.lines or review.after.lines:
        known = not (review.before.unknown or review.after.unknown)
        change = f" ({review.after.monthly - review.before.monthly:+,.2f})" if known else ""
        yield (
            f"Cost: ${review.after.monthly:,.2f} a month without a request{_rest(review.after)}, "
            f"before ${review.before.monthly:,.2f}{_rest(review.before)}{change}."
        )
    if review.too_dear:
        yield paint(f"  That is more than --max-monthly {review.max_monthly:,.2f}.", "red")
    elif review.max_monthly is not None and review.after.unknown:
        yield paint("  --max-monthly is kept as far as prices are known.", "yellow")


def _rest(cost: Cost) -> str:
    unknown = len(cost.unknown)
    return f" and {unknown} price{'s' * (unknown > 1)} not known" if unknown else ""


def _findings(review: Review, paint: Paint, width: int) -> Iterator[str]:
    brought = [each for each in review.brought if each.ignored is None]
    if not (brought or review.kept or review.gone):
        return
    kept = sum(each.ignored is None for each in review.kept)
    yield f"Findings: {len(brought)} new, {kept} as before, {len(review.gone)} gone."
    colours = {"error": "red", "warning": "yellow", "info": "cyan"}
    for each in sorted(brought, key=lambda each: -each.severity)[:10]:
        word = each.severity.word
        place = each.place.construct or each.place.resource or each.place.file
        told = f"{each.rule} {place}: {each.message}"
        yield (
            paint(f"  {word}", colours[word])
            + " "
            + _folded(clean(told), "    ", width - len(word)).lstrip()
        )


def _folded(told: str, indent: str, width: int) -> str:
    return textwrap.fill(
        told,
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
