"""``odyssey tour``: an app's whole life in a sandbox, shown step by step."""

from __future__ import annotations

from pathlib import Path

import click

from odyssey import console, options
from odyssey.errors import UsageError


@click.command(
    epilog=options.examples("odyssey tour", "odyssey tour --step", "odyssey tour --keep demo")
)
@click.option(
    "--step", "by_step", is_flag=True, help="Wait for Enter before each step.  [default: off]"
)
@click.option(
    "--keep",
    metavar="[DIR]",
    is_flag=False,
    flag_value=".",
    type=click.Path(file_okay=False, path_type=Path),
    help="Make the app in this folder, the current one without DIR; leave it, and the sandbox, and "
    "destroy nothing.  [default: leave nothing]",
)
@click.option(
    "--executor",
    type=click.Choice(["auto", "docker", "process"]),
    default="auto",
    help="What runs the jobs: containers, or the app's own rocket as processes.  "
    "[default: auto, docker where an engine answers and has, or can fetch, the base image]",
)
@options.talk
def command(by_step: bool, keep: Path | None, executor: str) -> int:
    """Show an app's whole life, from its template to its end, in a sandbox.

    Trains, serves, checks, reviews and deploys a model of irises, for real, with the commands that
    you would type. It takes some minutes, needs no account, and leaves nothing behind.
    """
    from odyssey.tour.journey import Journey

    if by_step and not console.can_prompt():
        raise UsageError("--step waits for Enter, and nobody is there to press it", "odyssey tour")
    taken = Journey(executor, by_step=by_step, keep=keep).take()
    console.result(taken.document(), taken.text())
    return taken.code
