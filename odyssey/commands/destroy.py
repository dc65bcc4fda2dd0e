"""``odyssey destroy``: the app out of AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.consent import Consent

if TYPE_CHECKING:
    from pathlib import Path


@click.command(epilog=options.examples("odyssey destroy", "odyssey destroy testapp-endpoint --yes"))
@options.stacks
@options.yes
@click.option(
    "--dry-run", is_flag=True, help="Say what would go, and destroy nothing.  [default: off]"
)
@options.access
@options.app
@options.talk
def command(
    folder: Path | None,
    env: str | None,
    profile: str | None,
    region: str | None,
    stacks: tuple[str, ...],
    yes: bool,
    dry_run: bool,
) -> None:
    """Destroy the app's stacks, after saying what goes and what stays.

    The last that was deployed goes first. What the stack keeps, such as the bucket and the
    repository, stays and costs what it costs.
    """
    from odyssey.cloudformation import destruction, target

    settings = options.settings(folder, env, {"aws.region": region})
    chosen = target.resolve(settings, stacks, options.way_to_aws(settings, profile))
    if dry_run:
        done = destruction.plan(chosen)
    else:
        done = destruction.destroy(
            chosen, Consent(target.command("destroy", env=settings.env), yes)
        )
    documents = [each.document() for each in done]
    shown = [each.text() if dry_run else each.kept() for each in done]
    console.result({"stacks": documents, "destroyed": not dry_run}, "\n".join(shown))
