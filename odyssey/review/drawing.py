"""The picture as SVG, with a layout of its own: nothing but this file is needed to draw it.

Each group of resources is a panel, and the panels stand in columns. A link is a curve between two
boxes; one that goes past a column takes a lane above all panels, so that none is behind a box. What
changes has a colour, a sign and a border of its own, so that nobody needs the colours. The colours
themselves are in the page's style sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from odyssey.review.picture import simplify
from odyssey.review.report import Action
from odyssey.review.wording import GROUPS, SIGNS, WORDS, counts, plural

if TYPE_CHECKING:
    from odyssey.review.picture import Box, Link, Picture
    from odyssey.review.report import Group, Review

COLUMNS = 4
WIDTH, HEIGHT = 226, 46
"""A box."""
GAP, PAD, TITLE = 10, 12, 30
"""Between boxes; around them in their panel; the panel's title above them."""
BETWEEN = 56
"""Between columns, where the links run."""
MARGIN, LANE, LANES = 2, 6, 8
"""At the left edge; from one lane above the panels to the next; and how many there are."""
LETTERS = 20
"""Characters of a label at most."""


@dataclass(frozen=True)
class _Placed:
    """A box with its place: the left upper corner."""

    box: Box
    x: int
    y: int


@dataclass(frozen=True)
class _Panel:
    """A group's panel with its place and height."""

    group: Group
    x: int
    y: int
    height: int


def render(review: Review) -> str:
    """Return the picture as an ``svg`` element; empty where there is nothing to draw."""
    picture = simplify(review)
    if not picture.boxes:
        return ""
    panels, placed = _layout(picture)
    width = max(panel.x for panel in panels) + WIDTH + 2 * PAD + BETWEEN // 2
    lanes = _lanes(picture, placed)
    over = 10 + LANE * min(LANES, len(lanes)) if lanes else 0
    height = max(panel.y + panel.height for panel in panels) + 4
    parts = [
        f'<svg class="picture" viewBox="0 {-over} {width} {height + over}" width="{width}" '
        f'height="{height + over}" '
        'role="img" aria-labelledby="picture-title picture-text" '
        'xmlns="http://www.w3.org/2000/svg">',
        f'<title id="picture-title">{_text(f"The resources of {review.app}")}</title>',
        f'<desc id="picture-text">{_text(_described(review, picture))}</desc>',
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0.8 7.4 4 0 7.2z"/></marker>'
        "</defs>",
        *(_panel(panel) for panel in panels),
        *(_link(link, placed, lanes.get(link)) for link in reversed(picture.links)),
        *(_box(each) for each in placed.values()),
        "</svg>",
    ]
    return "\n".join(parts)


def _layout(picture: Picture) -> tuple[list[_Panel], dict[str, _Placed]]:
    """Put each panel below the shortest column, and its boxes into it."""
    groups = picture.groups
    tops = [0] * min(COLUMNS, len(groups))
    panels: list[_Panel] = []
    placed: dict[str, _Placed] = {}
    for group, boxes in groups.items():
        column = tops.index(min(tops))
        x = MARGIN + column * (WIDTH + 2 * PAD + BETWEEN)
        height = TITLE + len(boxes) * (HEIGHT + GAP) - GAP + PAD
        panels.append(_Panel(group, x, tops[column] + 1, height))
        for row, box in enumerate(boxes):
            y = tops[column] + 1 + TITLE + row * (HEIGHT + GAP)
            placed[box.id] = _Placed(box, x + PAD, y)
        tops[column] += height + 22
    return panels, placed


def _panel(panel: _Panel) -> str:
    return (
        f'<g class="panel"><rect x="{panel.x}" y="{panel.y}" width="{WIDTH + 2 * PAD}" '
        f'height="{panel.height}" rx="10"/>'
        f'<text x="{panel.x + PAD}" y="{panel.y + 20}">{GROUPS[panel.group]}</text></g>'
    )


def _box(placed: _Placed) -> str:
    box, x, y = placed.box, placed.x, placed.y
    action = box.action
    whole = ", ".join(filter(None, [box.label, box.kind, box.stack, WORDS[action]]))
    sign = (
        ""
        if action is Action.NONE
        else f'<text class="sign" x="{x + WIDTH - 17}" y="{y + HEIGHT / 2 + 7:g}" '
        f'text-anchor="middle">{SIGNS[action]}</text>'
    )
    under = box.kind or box.stack
    middle = 19 if under else 27
    return (
        f'<g class="box {action.value}"><title>{_text(whole)}</title>'
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="label" x="{x + 11}" y="{y + middle}">{_text(_end(box.label))}</text>'
        + (
            f'<text class="kind" x="{x + 11}" y="{y + 35}">{_text(_short(under))}</text>'
            * bool(under)
        )
        + f"{sign}</g>"
    )


def _lanes(picture: Picture, placed: dict[str, _Placed]) -> dict[Link, int]:
    """Return the links that go past a column, each with the number of its lane."""
    far = [
        link
        for link in picture.links
        if abs(placed[link.source].x - placed[link.target].x) > WIDTH + 2 * PAD + BETWEEN
    ]
    return {link: number for number, link in enumerate(far)}


def _link(link: Link, placed: dict[str, _Placed], lane: int | None) -> str:
    source, target = placed[link.source], placed[link.target]
    y1, y2 = source.y + HEIGHT // 2, target.y + HEIGHT // 2
    right = target.x > source.x
    x1, x2 = (source.x + WIDTH, target.x) if right else (source.x, target.x + WIDTH)
    if source.x == target.x:
        # Beside its own column, further out the longer the way is.
        x1 = x2 = source.x + WIDTH
        out = min(PAD + 14 + abs(y2 - y1) // 12, PAD + BETWEEN - 14)
        y1, y2 = y1 + (7 if y2 > y1 else -7), y2 + (-7 if y2 > y1 else 7)
        way = f"M{x1} {y1}C{x1 + out} {y1} {x2 + out} {y2} {x2} {y2}"
    elif lane is not None:
        way = _over((x1, y1), (x2, y2), lane % LANES, 1 if right else -1)
    else:
        bend = 48 if right else -48
        way = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    kind = "link changed" if link.changed else "link"
    return f'<path class="{kind}" d="{way}" marker-end="url(#arrow)"/>'


def _over(start: tuple[int, int], end: tuple[int, int], lane: int, way: int) -> str:
    """Return a way up beside the first column, along a lane, and down beside the last."""
    (x1, y1), (x2, y2) = start, end
    up, down = x1 + way * (PAD + 8 + 3 * lane), x2 - way * (PAD + 12 + 3 * lane)
    top, bow = -6 - LANE * lane, 6 * way
    return (
        f"M{x1} {y1}H{up - bow}Q{up} {y1} {up} {y1 - 6}V{top + 6}Q{up} {top} {up + bow} {top}"
        f"H{down - bow}Q{down} {top} {down} {top + 6}V{y2 - 6}Q{down} {y2} {down + bow} {y2}H{x2}"
    )


def _described(review: Review, picture: Picture) -> str:
    """Say the picture for those who do not see it."""
    told = [f"{plural(len(review.nodes), 'resource')} in {plural(len(picture.groups), 'group')}."]
    happens = [f"{count} {WORDS[action]}" for action, count in counts(review).items()]
    told.append(f"{', '.join(happens)}." if happens else "Nothing changes.")
    told.append("The list of changes above says the same in words.")
    return " ".join(told)


def _end(label: str) -> str:
    """Return a label that fits: of a construct's path its end, of anything else its beginning."""
    if len(label) <= LETTERS:
        return label
    return f"…{label[-LETTERS + 1 :]}" if "/" in label else f"{label[: LETTERS - 1]}…"


def _short(told: str) -> str:
    return told if len(told) <= 32 else f"{told[:31]}…"


def _text(told: str) -> str:
    """Return text for SVG: escaped, without characters that XML does not have."""
    return escape("".join(char if char.isprintable() else " " for char in told))
