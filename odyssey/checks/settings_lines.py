"""Where in ``odyssey.toml`` a setting is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey import artifacts
from odyssey.checks.findings import Place
from odyssey.checks.naming import shown
from odyssey.config import FILE

if TYPE_CHECKING:
    from odyssey.config import Config

_TABLE = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(#.*)?")
_TABLE_OF_ORIGIN = re.compile(re.escape(FILE) + r" \[(.+)\]")


def place(settings: Config, path: tuple[str | int, ...]) -> Place:
    """Return where a setting is.

    Args:
        settings: The app's settings.
        path: The section, the key, and, of a table of texts, the name in it; or a file of the app,
            such as ``input/config/hyperparameters.json``.
    """
    if path and "/" in str(path[0]):  # A file beside it.
        return Place(shown(settings.folder / str(path[0])), path=path[1:])
    key = ".".join(map(str, path[:2]))
    origin = settings.values[key].origin if key in settings.values else ""
    found = _TABLE_OF_ORIGIN.fullmatch(origin)
    if origin == artifacts.FILE:
        return Place(shown(settings.folder / artifacts.FILE), path=path)
    table = found[1] if found else str(path[0]) if path else ""
    file = settings.folder / FILE
    line = line_of(file.read_text(encoding="utf-8-sig"), table, *map(str, path[1:]))
    return Place(shown(file), path=path, line=line)


def line_of(text: str, table: str, *names: str) -> int | None:
    """Return the line of a key in a text of TOML, or of the table that it would be in.

    Args:
        text: The text.
        table: The table, such as ``env.prod.endpoint``.
        *names: The key, and the names below it.
    """
    here, best = "", (-1, 0)
    wanted = [*table.split("."), *names]
    for number, line in enumerate(text.splitlines(), 1):
        if head := _TABLE.fullmatch(line):
            here = head[1]
            written = _words(here)
        else:
            key, separator, _ = line.partition("=")
            if not separator or key.lstrip().startswith("#"):
                continue
            written = [*_words(here), *_words(key)]
        if written == wanted[: len(written)] and len(written) > best[0]:
            best = (len(written), number)
    return best[1] or None


def _words(key: str) -> list[str]:
    return [word.strip().strip("\"'") for word in key.split(".") if word.strip()]
