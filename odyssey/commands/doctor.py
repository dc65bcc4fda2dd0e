"""``odyssey doctor``: whether this machine has what odyssey needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options

if TYPE_CHECKING:
    from pathlib import Path


@click.command(epilog=options.examples("odyssey doctor", "odyssey doctor --fix --yes"))
@click.option(
    "--fix",
    is_flag=True,
    help="Mend what is safe to: make the app's Python environment, remove what killed runs have "
    "left. Nothing of the system's is installed.  [default: off]",
)
@options.yes
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
    fix: bool,
    yes: bool,
) -> None:
    """Tell whether this machine has what odyssey needs, and what mends it.

    In an app its own needs are looked at, too. Exit code 0 if nothing that is needed fails, 7 if a
    tool is missing, 5 if AWS refuses the credentials, else 1. Warnings stop nothing.
    """
    from odyssey.consent import Consent
    from odyssey.doctor import service

    settings = options.settings_if_any(folder, env, {"aws.region": region})

    def examine() -> service.Report:
        return service.examine(settings, options.way(settings, profile, region), profile)

    report = examine()
    if fix:
        report = service.mend(report, Consent("odyssey doctor --fix", given=yes), examine)
    console.result(report.document(), report.text())
    ctx.exit(report.code)
