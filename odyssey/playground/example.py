"""The requests that an app understands: its samples, and what its predict says of its input."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from odyssey.errors import UsageError
from odyssey.images.samples import load

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.images.samples import Sample


def samples(app: Path | None, folder: str) -> tuple[Sample, ...]:
    """Return an app's samples; none where there is no app, or where they cannot be read.

    Args:
        app: The app's folder.
        folder: The name of the folder of its samples.
    """
    try:
        return load(app / folder) if app else ()
    except UsageError:
        return ()


def document(app: Path | None, folder: str) -> dict[str, Any]:
    """Return what the page shows of them, as JSON takes it."""
    return {
        "folder": f"{folder}/" if app else "",
        "samples": [
            {"name": each.name, "type": each.content_type, "bytes": len(each.body)}
            for each in samples(app, folder)
        ],
        "says": _docstring(app) if app else "",
    }


def _docstring(app: Path) -> str:
    """Return what the app's own ``predict`` says of itself; its code is read, and not run."""
    try:
        tree = ast.parse((app / "serve.py").read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        return ""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "predict":
            return ast.get_docstring(node) or ""
    return ""
