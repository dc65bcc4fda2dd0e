"""What a page of the documentation asks its reader to do, in the order of the page.

Of a page's fences these are done, as its reader does them:

    console             each line is typed; after "console, fails" the last one must fail
    text, seen          each line stands in what the commands before it printed; "…" is anything
    {literalinclude}    with a caption: the file is copied to the path that the caption says
    {code-block}        with a caption: its content is written there; ", added" appends it

Everything else is read only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

CODE = ("{literalinclude}", "{code-block}")
COLOUR = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
OPTION = re.compile(r":([\w-]+):\s*(.*)")


@dataclass(frozen=True)
class Fence:
    """A fenced block: its first word, the further ones, its directive's options, its lines."""

    kind: str
    words: tuple[str, ...]
    lines: tuple[str, ...]
    options: dict[str, str] = field(default_factory=dict)

    @property
    def commands(self) -> list[str]:
        """The lines as they are typed: one that ends in a backslash goes on in the next."""
        return re.sub(r"\\\n\s*", "", "\n".join(self.lines)).split("\n")

    @property
    def content(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


def fences(text: str) -> Iterator[Fence]:
    """All fenced blocks of a page, those within notes and lists too."""
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "code_block":
            yield Fence("indented", (), tuple(token.content.splitlines()))
        if token.type != "fence":
            continue
        kind, *words = token.info.replace(",", " ").split() or [""]
        lines = token.content.strip("\n").splitlines()
        options = {}
        while kind.startswith("{") and lines and (option := OPTION.fullmatch(lines[0])):
            options[option[1]] = option[2]
            lines = lines[1:]
        if lines and not lines[0].strip():
            lines = lines[1:]
        yield Fence(kind, tuple(words), tuple(lines), options)
        if kind.startswith("{") and kind not in CODE:
            yield from fences(token.content)


def command_blocks(page: Path) -> list[list[str]]:
    """The lines that are typed, block by block."""
    return [fence.commands for fence in fences(page.read_text()) if fence.kind == "console"]


def unseen(lines: tuple[str, ...], printed: str) -> list[str]:
    """The lines that are not in what was printed, whatever their spaces."""
    heard = "\n".join(" ".join(line.split()) for line in COLOUR.sub("", printed).splitlines())
    found = []
    for line in lines:
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        if not re.search(r".*".join(parts), heard):
            found.append(line)
    return found


def write(fence: Fence, page: Path, folder: Path) -> None:
    """Write the file that a block asks for; one without a caption asks for none."""
    caption, _, how = fence.options.get("caption", "").partition(",")
    if not caption:
        return
    place = folder / caption
    place.parent.mkdir(parents=True, exist_ok=True)
    if fence.kind == "{literalinclude}":
        content = (page.parent / fence.words[0]).read_text()
    else:
        content = fence.content
    if how.strip() == "added":
        content = f"{place.read_text()}\n{content}"
    place.write_text(content)
