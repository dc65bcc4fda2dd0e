"""``odyssey configure``: the user's keys for AWS."""

from __future__ import annotations

import click

from odyssey import console, options


@click.command(
    epilog=options.examples(
        "odyssey configure",
        "odyssey configure --profile work --region eu-west-1",
        "pass aws | odyssey configure --access-key AKIAIOSFODNN7EXAMPLE --secret-key -",
    )
)
@click.option(
    "--profile",
    metavar="NAME",
    help="The profile to set up.  [default: $AWS_PROFILE, or default]",
)
@click.option(
    "--access-key", metavar="ID", help="The access key's id.  [default: ask, or what is there]"
)
@click.option(
    "--secret-key",
    metavar="SECRET",
    help="The secret access key. Better typed when asked for, or - for a line of stdin: a shell "
    "keeps what is typed here.  [default: ask, or what is there]",
)
@click.option(
    "--session-token",
    metavar="TOKEN",
    help="The session token of temporary keys; - is a line of stdin.  [default: none]",
)
@click.option(
    "--region",
    "place",
    metavar="REGION",
    help="The region of the profile, such as eu-west-1.  [default: ask, or what is there]",
)
@click.option(
    "--output-format",
    metavar="FORMAT",
    help="What the AWS CLI prints: json, yaml, yaml-stream, text or table."
    "  [default: ask, or what is there]",
)
@click.option(
    "--no-verify",
    is_flag=True,
    help="Do not ask AWS whose keys these are.  [default: ask, and write only what AWS takes]",
)
@options.talk
def command(
    profile: str | None,
    access_key: str | None,
    secret_key: str | None,
    session_token: str | None,
    place: str | None,
    output_format: str | None,
    no_verify: bool,
) -> None:
    """Set up your keys for AWS, as aws configure does.

    They go into ~/.aws/credentials and ~/.aws/config, which the AWS CLI and every SDK read;
    everything else in these files stays as it is.
    """
    from odyssey import answers, credentials

    wanted = answers.Wanted(access_key, secret_key, session_token, place, output_format)
    done = credentials.configure(credentials.find(profile), wanted, verify=not no_verify)
    for path in done.files:
        console.note(f"Wrote {path}")
    console.result(done.document(), done.text())
