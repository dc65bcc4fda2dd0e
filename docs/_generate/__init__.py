"""The pages that are made of the code when the site is built, as an extension of Sphinx.

Each module makes the pages of one subject: its ``pages()`` returns their texts by their names below
``docs/reference``. Nothing is made up there: a command's options are click's, a rule's text is the
rule's. The same code gives the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from _generate import (
    causes,
    commands,
    configuration,
    constructs,
    contract,
    exits,
    permissions,
    rules,
)

if TYPE_CHECKING:
    from pathlib import Path

    from sphinx.application import Sphinx

MAKERS = (commands, configuration, exits, contract, rules, causes, permissions, constructs)
KEPT = "index.md"
"""The only page below ``docs/reference`` that is written by hand."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Have Sphinx make the pages before it looks for any."""
    app.connect("builder-inited", lambda app: write(app.srcdir / "reference"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def write(folder: Path) -> None:
    """Write all pages below a folder, and remove those that nobody makes any more.

    A page that is as it was is not touched, so that Sphinx does not read it again.
    """
    made = {name: text for maker in MAKERS for name, text in maker.pages().items()}
    for old in folder.rglob("*.md"):
        name = old.relative_to(folder).as_posix()
        if name not in made and name != KEPT:
            old.unlink()
    for name, text in made.items():
        page = folder / name
        page.parent.mkdir(exist_ok=True)
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            page.write_text(text, encoding="utf-8")
