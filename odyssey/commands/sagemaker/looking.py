"""``odyssey sagemaker logs``, ``status``, ``list`` and ``stop``: what there is, and how it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.commands.sagemaker import shared

if TYPE_CHECKING:
    from odyssey.commands.sagemaker.shared import Here
    from odyssey.jobs.standing import Overview, Standing
    from odyssey.jobs.training import Trained

_JOB = click.argument("which", metavar="[NAME]", required=False)


@click.command(
    epilog=options.examples(
        "odyssey sagemaker logs",
        "odyssey sagemaker logs iris --since 10m --follow",
    )
)
@_JOB
@click.option(
    "--follow", "-f", is_flag=True, help="Go on until the job is over, or Ctrl-C.  [default: off]"
)
@click.option(
    "--since",
    metavar="TIME",
    help="From when on: 10m, 1h, 2d ago, or a time such as 2026-01-02T03:04:05.  "
    "[default: all of a job, the last hour of an endpoint]",
)
@shared.here()
@options.talk
def logs(here: Here, which: str | None, follow: bool, since: str | None) -> None:
    """Print the log of a training job, a transform job or an endpoint.

    NAME is the job's or the endpoint's; by default the training job that was started last.
    """
    from odyssey.jobs import reading, standing

    settings = here.settings()
    begin = reading.since(since) if since else None
    chosen = shared.hyphened(which) or standing.last_job(settings)
    json = console.terminal().json
    lines = reading.read(
        here.access(settings),
        chosen,
        (lambda _: None) if json else click.echo,
        again=here.again(settings),
        begin=begin,
        follow=follow,
        endless=not json,
    )
    if not lines:
        console.note(f"{chosen} has no line of log" + (f" since {since}" if since else " yet"))
    console.result({"name": chosen, "lines": [line.document() for line in lines]})


@click.command(
    epilog=options.examples(
        "odyssey sagemaker status", "odyssey sagemaker status iris-20260102-030405 --follow"
    )
)
@_JOB
@click.option(
    "--follow", "-f", is_flag=True, help="Watch the job until it is over.  [default: off]"
)
@shared.here()
@options.talk
def status(here: Here, which: str | None, follow: bool) -> None:
    """Tell how a job or an endpoint stands; without NAME, how the app does.

    With --follow a job is watched as the command that started it does, and its model is recorded.
    """
    from odyssey.jobs import resuming, standing

    settings = here.settings()
    access, again = here.access(settings), here.again(settings)
    name = shared.hyphened(which)
    found: Trained | Standing | Overview
    if follow:
        found = resuming.resume(settings, access, name or standing.last_job(settings), again)
    elif name:
        found = standing.current(access.client("sagemaker"), name, again)
    else:
        found = standing.overview(settings, access, again)
    console.result(found.document(), found.text())


@click.command(
    "list", epilog=options.examples("odyssey sagemaker list", "odyssey sagemaker -n iris list")
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=10,
    metavar="COUNT",
    help="How many of each kind: the newest.  [default: 10]",
)
@shared.here("name")
@options.talk
def list_(here: Here, limit: int) -> None:
    """List the app's jobs, endpoints and models: those with its name in theirs."""
    from odyssey import names
    from odyssey.jobs import listing

    settings = here.settings()
    name = shared.hyphened(here.name) or names.qualified(settings.app.name, settings.env)
    rows = listing.find(here.access(settings).client("sagemaker"), name, limit)
    if not rows:
        console.note(f'nothing on SageMaker has "{name}" in its name')
    console.result({"found": [row.document() for row in rows]}, listing.text(rows))


@click.command(
    epilog=options.examples(
        "odyssey sagemaker stop", "odyssey sagemaker stop iris-20260102-030405 --dry-run"
    )
)
@_JOB
@options.dry_run
@shared.here()
@options.talk
def stop(here: Here, which: str | None, dry_run: bool) -> None:
    """Stop a training or transform job; a training job keeps the model it has so far.

    NAME is the job's; by default the training job that was started last.
    """
    from odyssey.jobs import standing, stopping

    settings = here.settings()
    chosen = shared.hyphened(which) or standing.last_job(settings)
    client = here.access(settings).client("sagemaker")
    done = stopping.stop(client, chosen, here.again(settings), dry_run=dry_run)
    console.result(done.document(), done.text())
