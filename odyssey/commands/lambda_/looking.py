"""``odyssey lambda logs`` and ``status``: how the functions are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.commands.lambda_ import shared
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from odyssey.commands.lambda_.shared import Here


@click.command(
    epilog=options.examples(
        "odyssey lambda logs", "odyssey lambda logs -n iris-train --since 10m --follow"
    )
)
@shared.function("The function's name.  [default: the app's, which serves]")
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.  [default: off]")
@click.option(
    "--since",
    metavar="TIME",
    help="From when on: 10m, 1h, 2d ago, or a time such as 2026-01-02T03:04:05.  "
    "[default: the last hour]",
)
@shared.here()
@options.talk
def logs(here: Here, function: str | None, follow: bool, since: str | None) -> None:
    """Print the log of a function."""
    from odyssey import names
    from odyssey.functions import looking
    from odyssey.jobs import reading

    settings = here.settings()
    begin = reading.since(since) if since else None
    json = console.terminal().json
    if json and follow:
        raise UsageError(
            "the log of a function has no end, and a document has one",
            "leave --follow out, or --output json",
        )
    chosen = function or names.function(settings, "serve")
    show = (lambda _: None) if json else click.echo
    lines = looking.read(here.access(settings), chosen, show, begin=begin, follow=follow)
    if not lines:
        console.note(f"{chosen} has no line of log since {since or '1h'}")
    console.result({"name": chosen, "lines": [line.document() for line in lines]})


@click.command(
    epilog=options.examples("odyssey lambda status", "odyssey lambda status -n iris-train")
)
@shared.function("The one function.  [default: both of the app, and its stacks]")
@shared.here()
@options.talk
def status(here: Here, function: str | None) -> None:
    """Tell how the app's functions stand: image, model, state, URL and schedule."""
    from odyssey.functions import looking

    settings = here.settings()
    found = looking.status(settings, here.access(settings), function)
    console.result(found.document(), found.text())
