"""Text from anywhere as Markdown that stays text: no table, code, HTML or mention begins in it.

Source: https://github.github.com/gfm/
"""

from __future__ import annotations

import re

CODE = 300
"""Characters of a value that are shown."""

TEXT = 1200
"""Characters of a sentence that are shown."""

_UNSAFE_IN_CODE = re.compile(r"[`|\\]")
_ENTITIES = {ord(char): f"&#{ord(char)};" for char in "\\`*_[]<>#|~$&"}
_ZERO_WIDTH = "\u200b"
_ADDRESS = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9.-]*(/[\w./%#?=&+~:@-]*)?")


def code(text: str, most: int = CODE) -> str:
    """Return text as a span of code, on one line.

    Args:
        text: The text.
        most: Characters that are shown of it.
    """
    short = _short(_flat(text), most)
    if not short.strip():
        return "`(empty)`"
    if not _UNSAFE_IN_CODE.search(short):
        return f"`{short.strip()}`"
    return f"<code>{_inert(short)}</code>"


def text(told: str, most: int = TEXT) -> str:
    """Return text as words, on one line.

    Args:
        told: The text.
        most: Characters that are shown of it.
    """
    return _inert(_short(_flat(told), most))


def link(told: str, address: str) -> str:
    """Return a link to an address, or the words alone where it is no plain address."""
    if len(address) > 500 or not _ADDRESS.fullmatch(address):
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
    return "".join(char if char.isprintable() else " " for char in told)


def _short(told: str, most: int) -> str:
    if len(told) <= most:
        return told
    return f"{told[:most]}… ({len(told):,} characters)"
