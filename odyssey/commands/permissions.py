"""``odyssey permissions``: what AWS must allow whoever runs odyssey's commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.config import Config


@click.command(
    epilog=options.examples(
        "odyssey permissions diff deploy", 'odyssey permissions "sagemaker invoke"'
    )
)
@click.argument("commands", metavar="[COMMAND]...", nargs=-1)
@options.app
@options.talk
def command(folder: Path | None, env: str | None, commands: tuple[str, ...]) -> None:
    """Print the smallest IAM policy that some commands need.

    Without COMMAND it is that of all commands, and in parts where it is too long for one managed
    policy. Nothing is asked of AWS. An administrator attaches it to a person's or a pipeline's
    role; [foundation] deployer_policy = true makes it with the app's stacks.
    """
    from cdk_constructs import permissions

    settings = options.settings(folder, env)
    try:
        parts = permissions.policies(
            commands or permissions.COMMANDS,
            app=settings.app.name,
            account=settings.aws.account or "*",
            region=settings.aws.region or "*",
            bucket=settings.foundation.bucket or None,
            repository=settings.foundation.repository or None,
            endpoint=settings.endpoint.name or None,
            train_function=settings.function.train_name or None,
            serve_function=settings.function.serve_name or None,
            bootstrapped=settings.aws.bootstrap,
            permissions_boundary=_boundary(settings),
        )
    except ValueError as error:
        raise UsageError(str(error), "odyssey permissions --help") from error
    if len(parts) > 1:
        console.note(
            f"{len(parts)} policies: together they are longer than the {permissions.LIMIT:,} "
            "characters of a managed policy"
        )
    console.result({"policies": parts}, "\n".join(json.dumps(part, indent=2) for part in parts))


def _boundary(settings: Config) -> str | None:
    """Return the ARN of the boundary of the app's roles, or None.

    Raises:
        UsageError: It has a name, and nobody knows of which account.
    """
    boundary = settings.aws.permissions_boundary
    if not boundary or boundary.startswith("arn:"):
        return boundary or None
    if not settings.aws.account:
        raise UsageError(
            f'the permissions boundary "{boundary}" is a name, and a policy takes its ARN',
            "give its ARN under [aws] in odyssey.toml, or the account",
        )
    return f"arn:aws:iam::{settings.aws.account}:policy/{boundary}"
