"""``odyssey diff``: what a deployment would change."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from odyssey import console, options


@click.command(epilog=options.examples("odyssey diff", "odyssey diff --env prod --fail-on-diff"))
@options.stacks
@options.fail_on_diff
@click.option(
    "--method",
    type=click.Choice(["auto", "change-set", "template"]),
    default="auto",
    help="How to compare: by a change set, which knows best what is replaced, or by the templates "
    "alone; auto tries the first.  [default: auto]",
)
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
    fail_on_diff: bool,
    method: str,
) -> None:
    """Print what a deployment would change in AWS.

    The report is the CDK's own: what is added, changed, replaced and removed, and what changes in
    permissions.
    """
    from odyssey.cloudformation import differences, target

    settings = options.settings(folder, env, {"aws.region": region})
    chosen = target.resolve(settings, stacks, options.way_to_aws(settings, profile))
    found = differences.find(chosen, chosen.stacks, shown_on=sys.stdout, method=method)
    console.result(
        {"stacks": [each.document() for each in found]}, "\n\n".join(each.text for each in found)
    )
    if fail_on_diff and any(each.exists for each in found):
        ctx.exit(options.DIFFERENT)
