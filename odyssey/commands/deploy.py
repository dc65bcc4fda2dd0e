"""``odyssey deploy``: the app into AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.consent import Consent
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.config import Config


@click.command(
    epilog=options.examples(
        "odyssey deploy",
        "odyssey deploy --env prod --yes",
        "odyssey deploy --dry-run",
    )
)
@options.stacks
@options.yes
@click.option(
    "--dry-run",
    is_flag=True,
    help="Make change sets, show them, and execute none.  [default: off]",
)
@click.option(
    "--change-set",
    metavar="NAME",
    help="The name of the change sets of --dry-run.  [default: one that follows from the template]",
)
@click.option(
    "--execute",
    metavar="NAME",
    help="Execute this change set, just as it was made by --dry-run.  [default: none]",
)
@click.option(
    "--method",
    type=click.Choice(["change-set", "direct"]),
    default="change-set",
    help="How CloudFormation is told; direct is faster, and compares the templates alone."
    "  [default: change-set]",
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
    change_set: str | None,
    execute: str | None,
    method: str,
) -> None:
    """Deploy the app's stacks, after showing what will change.

    Only what differs from AWS is deployed. Ctrl-C stops watching; CloudFormation goes on.
    """
    _require_sense(dry_run, change_set, execute)
    settings = options.settings(folder, env, {"aws.region": region})
    if execute is not None:
        _execute(settings, profile, stacks, execute, yes)
    elif dry_run:
        _prepare(settings, profile, stacks, change_set)
    else:
        _deploy(settings, profile, stacks, yes, method)


def _deploy(
    settings: Config, profile: str | None, stacks: tuple[str, ...], yes: bool, method: str
) -> None:
    from odyssey import serving
    from odyssey.cloudformation import deployment, target

    access = options.way_to_aws(settings, profile)
    chosen = target.resolve(settings, stacks, access, validate=True)
    serving.warn_untested(settings, [stack.name for stack in chosen.stacks])
    done = deployment.deploy(
        chosen, Consent(target.command("deploy", env=settings.env), yes), method=method
    )
    console.result(
        {"stacks": [each.document() for each in done]}, "\n".join(each.text() for each in done)
    )


def _prepare(
    settings: Config, profile: str | None, stacks: tuple[str, ...], name: str | None
) -> None:
    from odyssey.cloudformation import changesets, target

    access = options.way_to_aws(settings, profile)
    chosen = target.resolve(settings, stacks, access, validate=True)
    made = changesets.prepare(chosen, name)
    console.result(
        {"change_sets": [each.document() for each in made]},
        "\n\n".join(each.text() for each in made),
    )


def _execute(
    settings: Config, profile: str | None, stacks: tuple[str, ...], name: str, yes: bool
) -> None:
    from odyssey.cloudformation import changesets, target

    access = options.way_to_aws(settings, profile)
    candidates = target.deployed(settings, stacks, access)
    consent = Consent(target.command("deploy", "--execute", name, env=settings.env), yes)
    done = changesets.execute(access, candidates, name, consent, env=settings.env)
    console.result({"stacks": [done.document()]}, done.text())


def _require_sense(dry_run: bool, change_set: str | None, execute: str | None) -> None:
    if dry_run and execute is not None:
        raise UsageError("--dry-run executes nothing, and --execute does", "give one of the two")
    if change_set is not None and not dry_run:
        raise UsageError(
            "--change-set names what --dry-run makes", f"odyssey deploy --execute {change_set}"
        )
