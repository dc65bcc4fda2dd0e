"""The picture as Mermaid, which GitHub draws.

Source: https://mermaid.js.org/syntax/flowchart.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey.review.picture import simplify
from odyssey.review.report import Action
from odyssey.review.wording import GROUPS, SHORT, SIGNS

if TYPE_CHECKING:
    from odyssey.review.picture import Box
    from odyssey.review.report import Review

LABEL = 60
"""The longest label."""

_PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -_./:,()")

_STYLES = {
    Action.CREATE: "fill:#dafbe1,stroke:#1a7f37,color:#0b3d17,stroke-width:2px",
    Action.UPDATE: "fill:#ddf4ff,stroke:#0969da,color:#05264c,stroke-width:2px",
    Action.MAYBE_REPLACE: "fill:#fff8c5,stroke:#9a6700,color:#3b2300,stroke-dasharray:6 3",
    Action.REPLACE: "fill:#fff1e5,stroke:#bc4c00,color:#471700,stroke-width:3px",
    Action.DELETE: "fill:#ffebe9,stroke:#cf222e,color:#4c0014,stroke-dasharray:3 3",
    Action.RETAIN: "fill:#f6f0ff,stroke:#8250df,color:#271052,stroke-dasharray:8 4",
    Action.NONE: "fill:#f6f8fa,stroke:#8c959f,color:#3d444d",
}


def render(review: Review, most: int = 60) -> str:
    """Return the picture as the text of a ``mermaid`` block.

    Args:
        review: The review.
        most: Boxes at most, beside one for the rest in each group.
    """
    picture = simplify(review, most)
    lines = ["flowchart LR"]
    for group, boxes in picture.groups.items():
        lines.append(f'  subgraph g_{group.value}["{GROUPS[group]}"]')
        lines += [f'    {box.id}["{_written(box)}"]:::{_class(box.action)}' for box in boxes]
        lines.append("  end")
    for link in picture.links:
        lines.append(f"  {link.source} {'==>' if link.changed else '-->'} {link.target}")
    for action in Action:
        if any(box.action is action for box in picture.boxes):
            lines.append(f"  classDef {_class(action)} {_STYLES[action]}")
    return "\n".join(lines) + "\n"


def label(text: str) -> str:
    """Return text as it stands between the quotes of a label, whatever is in it."""
    short = text if len(text) <= LABEL else f"{text[: LABEL - 1]}…"
    return "".join(
        char if char in _PLAIN else " " if not char.isprintable() else f"#{ord(char)};"
        for char in short
    )


def _written(box: Box) -> str:
    sign = "" if box.action is Action.NONE else f"{label(SIGNS[box.action])} "
    under = label(" ".join(filter(None, [box.kind, _happens(box)])))
    return f"{sign}{label(box.label)}" + (f"<br/>{under}" if under else "")


def _happens(box: Box) -> str:
    return "" if box.action is Action.NONE else f"({SHORT[box.action]})"


def _class(action: Action) -> str:
    return action.value.replace("-", "")
