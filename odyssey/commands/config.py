"""``odyssey config``: what the app's settings are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.config import Config


@click.group(cls=options.Group)
def group() -> None:
    """Look at the app's settings."""


@group.command(
    epilog=options.examples(
        "odyssey config show --origin",
        "ODYSSEY_SERVER_WORKERS=4 odyssey config show --env prod --origin",
    )
)
@click.option("--origin", is_flag=True, help="Say where each value came from.  [default: off]")
@options.app
@options.talk
def show(folder: Path | None, env: str | None, origin: bool) -> None:
    """Print every setting, and where it came from.

    A value comes from the first that gives one: a command's option, a variable
    ODYSSEY_SECTION_KEY (for [server] also the server's own, such as MODEL_SERVER_WORKERS), the
    table [env.NAME.SECTION] of odyssey.toml, its table [SECTION], the default.
    """
    settings = options.settings(folder, env)
    console.result(_document(settings), _table(settings, origin))


def _document(settings: Config) -> dict[str, object]:
    values = {
        path: {"value": value.value, "origin": value.origin}
        for path, value in settings.values.items()
    }
    return {"folder": str(settings.folder), "env": settings.env, "settings": values}


def _table(settings: Config, origin: bool) -> str:
    from odyssey.keys import toml

    rows = []
    for path, value in settings.values.items():
        row = {"key": path, "value": toml(value.value)}
        rows.append({**row, "origin": value.origin} if origin else row)
    return console.table(rows)
