"""``odyssey review``: what a deployment does, for those who approve it."""

from __future__ import annotations

from pathlib import Path

import click

from odyssey import console, options

TOO_DEAR = 3
"""The exit code where it costs more than ``--max-monthly``."""


@click.command(
    epilog=options.examples(
        "odyssey review",
        "odyssey review --base main --max-monthly 500",
        "odyssey review --base deployed --env prod",
        "odyssey review --base old/cdk.out --head new/cdk.out --out report",
    )
)
@options.stacks
@click.option(
    "--base",
    metavar="REF|DIR|deployed",
    help="What to compare with: a git reference, a folder (an app, a cdk.out, or templates), or "
    "deployed.  [default: where HEAD left git's default branch; deployed outside of git]",
)
@click.option(
    "--head",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Take the cdk.out or the templates of this folder as what will be deployed.  "
    "[default: the app, synthesized now]",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where review.md, review.html and review.json are written.  "
    "[default: .odyssey/review in the app's folder]",
)
@click.option(
    "--max-monthly",
    metavar="USD",
    type=click.FloatRange(min=0),
    help="Exit with code 3 if it costs more US dollars a month than this, without any request.  "
    "[default: no limit]",
)
@click.option(
    "--prices",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The file of prices to reckon with.  [default: the one that comes with odyssey]",
)
@options.fail_on_diff
@options.access
@options.app
@options.talk
@click.pass_context
def command(
    ctx: click.Context,
    folder: Path | None,
    env: str | None,
    profile: str | None,
    region: str | None,
    stacks: tuple[str, ...],
    base: str | None,
    head: Path | None,
    out: Path | None,
    max_monthly: float | None,
    prices: Path | None,
    fail_on_diff: bool,
) -> None:
    """Write what a deployment would change, for those who approve it.

    What happens to each resource and what follows from it, permissions statement by statement, the
    cost, new findings of the check, and a picture. AWS is asked only for what is deployed.
    """
    from odyssey.review import document, service, summary

    settings = options.settings_if_any(folder, env, {"aws.region": region})
    asked = service.Question(base, head, stacks, prices, max_monthly)
    found = service.review(asked, settings, options.way(settings, profile, region))
    files = service.write(found, out or service.place(settings))
    told = summary.text(found, paint=console.coloured, width=console.width())
    whole = "\n".join(f"  {file}" for file in files)
    console.result(document.document(found), f"{told}\n\nThe whole of it:\n{whole}")
    if found.too_dear:
        ctx.exit(TOO_DEAR)
    if fail_on_diff and found.differs:
        ctx.exit(options.DIFFERENT)
