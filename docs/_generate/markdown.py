"""Plain text of the code as Markdown: escaped, with code as code and names as links."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import cdk_constructs
from odyssey.cli import LIFE_CYCLE
from odyssey.keys import KEYS
from odyssey.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CONSTRUCTS = {
    **cdk_constructs._HOMES,
    "EndpointMetrics": "metrics",
    "EndpointGrants": "endpoint_grants",
    "FunctionGrants": "function",
}
"""What the reference tells of the constructs, with its modules: the public names, and what their
attributes are."""

COMMANDS = tuple(path for rows in LIFE_CYCLE.values() for path in rows)
_ANY_COMMAND = "|".join(sorted(map(re.escape, COMMANDS), key=len, reverse=True))

_ANY_KEY = "|".join(sorted(map(re.escape, KEYS), key=len, reverse=True))

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|$~^])")
_PIECE = re.compile(
    rf"""
      ``(?P<literal>[^`]+)``
    | `(?P<tick>[^`]+)`
    | (?P<url>https?://[^\s,;)"']*[^\s,;)"'.:])
    | (?P<command>\bodyssey\ (?P<path>{_ANY_COMMAND})(?![\w-])
        (?:(?<=permissions)\ deploy\b)?)
    | (?P<under>\b(?P<key>[a-z_\d]+)\ under\ \[(?P<table>[a-z_]+)\])
    | (?<![\w.])(?P<setting>{_ANY_KEY})(?![\w(])
    | (?P<section>\[[a-z_]+\](?:\ [a-z_]+)?)
    | (?P<code>
        (?<![\w-])--[a-z][\w-]*(?:=[\w./]+)?
      | \$[A-Z][A-Z_]+
      | \b[A-Z][A-Z\d]*_[A-Z\d_]+\b
      | \[[\w.]+\]
      | ""
      | \bs3://[^\s,;)]*[^\s,;).:]
      | (?<![\w/])/(?:opt|tmp|dev|ping|invocations|aws)\b[\w/.*-]*(?<![.])
      | \baws\ (?:cloudformation|cloudwatch|ec2|ecr|iam|kms|lambda|s3|sagemaker|sso)
        \ [a-z-]+(?:\ --[\w-]+(?:\ [A-Z]+)?)*
      | \b[a-z][a-z\d-]*:[A-Z]\w+\b
      | (?<![\w/])[\w./-]*\w\.(?:toml|json|py|md|html|yaml|csv|txt|gz|out)\b
      )
    """,
    re.VERBOSE,
)


def escape(text: str) -> str:
    """Return a text that Markdown takes for nothing but text."""
    return _SPECIAL.sub(r"\\\1", text)


def code(text: str) -> str:
    """Return a text as code."""
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def link(text: str, target: str) -> str:
    """Return a link to an anchor of any page."""
    return f"[{text}](#{target})"


def prose(text: str) -> str:
    """Return a sentence of the code as Markdown, its code marked and what has a page linked."""
    parts, last = [], 0
    for found in _PIECE.finditer(text):
        parts += [escape(text[last : found.start()]), _piece(found)]
        last = found.end()
    return "".join([*parts, escape(text[last:])])


def _piece(found: re.Match[str]) -> str:
    if found["url"]:
        return f"<{found['url']}>"
    if found["command"]:
        return link(code(found["command"]), command_anchor(found["path"]))
    if found["under"] and f"{found['table']}.{found['key']}" in KEYS:
        return link(code(found["under"]), key_anchor(f"{found['table']}.{found['key']}"))
    if found["setting"]:
        return link(code(found["setting"]), key_anchor(found["setting"]))
    if found["section"]:
        return _section(found["section"])
    text = found["literal"] or found["tick"] or found["code"] or found["under"]
    name = text.partition(".")[0]
    if name in CONSTRUCTS:
        return link(code(text), construct_anchor(name))
    return code(text)


def _section(text: str) -> str:
    """Return ``[training]``, or ``[training] spot`` where the word behind it is a key."""
    table, _, word = text[1:].partition("]")
    if f"{table}.{word.strip()}" in KEYS:
        return link(code(text), key_anchor(f"{table}.{word.strip()}"))
    own = (
        link(code(f"[{table}]"), section_anchor(table)) if table in SECTIONS else code(f"[{table}]")
    )
    return own + escape(word)


def command_anchor(path: str) -> str:
    """Return the anchor of a command: ``odyssey-docker-push``."""
    return f"odyssey-{path.replace(' ', '-')}"


def key_anchor(path: str) -> str:
    """Return the anchor of a key of ``odyssey.toml``: ``endpoint-memory-mb``."""
    return path.replace(".", "-").replace("_", "-")


def section_anchor(name: str) -> str:
    """Return the anchor of a section of ``odyssey.toml``: ``section-endpoint``."""
    return f"section-{name.replace('_', '-')}"


def construct_anchor(name: str) -> str:
    """Return the anchor of a construct: ``construct-modelendpoint``."""
    return f"construct-{name.lower()}"


def sentence(text: str) -> str:
    """Return a phrase of the code as a sentence: a capital first, a full stop last."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "!")) else ".")


def heading(level: int, text: str, anchor: str | None = None) -> str:
    """Return a heading; an anchor stays where it is when the heading's words change."""
    line = f"{'#' * level} {text}"
    return f"({anchor})=\n{line}" if anchor else line


def fence(text: str, language: str = "text") -> str:
    """Return a block of code."""
    ticks = "````" if "```" in text else "```"
    return f"{ticks}{language}\n{text.rstrip()}\n{ticks}"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells that are Markdown."""
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"(?<!\\)\|", r"\\|", " ".join(text.split()))


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Return terms, each with what it means."""
    return "\n\n".join(f"{term}\n: {meaning}" for term, meaning in pairs)


def toctree(names: Iterable[str]) -> str:
    """Return the pages below a page, which stand in the sidebar alone."""
    return "\n".join(["```{toctree}", ":hidden:", "", *names, "```"])


def page(*blocks: str) -> str:
    """Return a page of blocks; empty ones are left out."""
    return "\n\n".join(block for block in blocks if block) + "\n"
