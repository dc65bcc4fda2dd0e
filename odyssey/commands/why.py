"""``odyssey why``: why something failed on AWS."""

from __future__ import annotations

from pathlib import Path

import click

from odyssey import console, options


@click.command(
    epilog=options.examples(
        "odyssey why",
        "odyssey why iris-endpoint --env prod",
        "odyssey why iris-20260102-030405 --save why.json",
        "aws sagemaker describe-endpoint --endpoint-name iris > it.json && odyssey why --from "
        "it.json",
    )
)
@click.argument("name", metavar="[NAME]", required=False)
@click.option(
    "--from",
    "source",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="Read what the AWS command line or odyssey why has printed, a file or a folder of files, "
    "and do not ask AWS.  [default: ask AWS]",
)
@click.option(
    "--save",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write all of the evidence, for --from; keys and tokens in it are masked.  "
    "[default: none]",
)
@options.access
@options.app
@options.talk
def command(
    folder: Path | None,
    env: str | None,
    profile: str | None,
    region: str | None,
    name: str | None,
    source: Path | None,
    save: Path | None,
) -> None:
    """Tell why something failed on AWS: the cause, the evidence and the fix.

    NAME is a stack, a training or transform job, an endpoint or a function; by default it is all
    that the app has. Nothing is changed. A cause that is not known is not guessed at: the evidence
    is shown, and where to look next.
    """
    from odyssey.diagnosis import recorded, service

    if source is not None:
        report = service.of_recorded(recorded.read(source, str(source)), name)
    else:
        settings = options.settings_if_any(folder, env, {"aws.region": region})
        report = service.of_aws(settings, options.way(settings, profile, region), name)
    if save is not None:
        report.save(save)
    console.result(report.document(), report.text())
