"""Text from anywhere as Markdown that stays text: no table, code, HTML or mention begins in it.

Source: https://github.github.com/gfm/
"""

from __future__ import annotations

import re

from odyssey.review import wording

CODE = 300
"""Characters of a value that are shown."""

TEXT = 1200
"""Characters of a sentence that are shown."""

_UNSAFE_IN_CODE = re.compile(r"[`|\\]")
_ENTITIES = {ord(char): f"&#{ord(char)};" for char in "\\`*_[]<>#|~$&"}
_ZERO_WIDTH = "\u200b"


def code(text: str, most: int = CODE, *, in_table: bool = True) -> str:
    """Return text as a span of code, on one line.

    Args:
        text: The text.
        most: Characters that are shown of it.
        in_table: Whether it stands in a table, where a ``|`` ends a cell even within code.
    """
    short = _flat(_short(text, most)).strip()
    if not short:
        return "`(empty)`"
    if not in_table:
        longest = max((len(run) for run in re.findall("`+", short)), default=0)
        gap = " " if short[0] == "`" or short[-1] == "`" else ""
        return f"{'`' * (longest + 1)}{gap}{short}{gap}{'`' * (longest + 1)}"
    if not _UNSAFE_IN_CODE.search(short):
        return f"`{short}`"
    return f"<code>{_inert(short)}</code>"


def text(told: str, most: int = TEXT) -> str:
    """Return text as words, on one line.

    Args:
        told: The text.
        most: Characters that are shown of it.
    """
    return _inert(_flat(_short(told, most)))


def link(told: str, address: str) -> str:
    """Return a link to an address, or the words alone where it is no plain address."""
    if not wording.is_address(address):
        return text(told)
    return f"[{text(told)}]({address})"


def _inert(told: str) -> str:
    told = told.translate(_ENTITIES)
    told = re.sub(r"(?i)(www)\.", r"\1&#46;", told.replace("://", "&#58;//"))
    told = told.replace("@", f"@{_ZERO_WIDTH}")
    # An issue's number is found after the entities are read.
    return re.sub(r"(&#35;|GH-)(?=\d)", rf"\1{_ZERO_WIDTH}", told)


def _flat(told: str) -> str:
    """Return text on one line, without characters that nobody sees."""
    if told.isprintable():
        return told
    return "".join(char if char.isprintable() else " " for char in told)


def _short(told: str, most: int) -> str:
    if len(told) <= most:
        return told
    return f"{told[:most]}… ({len(told):,} characters)"
