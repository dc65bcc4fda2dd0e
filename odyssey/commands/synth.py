"""``odyssey synth``: the app's CloudFormation templates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.infra.assembly import Stack


@click.command(epilog=options.examples("odyssey synth", "odyssey synth testapp-endpoint --print"))
@options.stacks
@click.option("--print", "print_", is_flag=True, help="Print the templates.  [default: off]")
@click.option(
    "--fresh", is_flag=True, help="Synthesize even if nothing has changed.  [default: off]"
)
@click.option(
    "--validate",
    is_flag=True,
    help="Check the templates by the CDK's own rules, about two seconds.  [default: off]",
)
@options.setting("aws.region")
@options.app
@options.talk
def command(
    folder: Path | None,
    env: str | None,
    region: str | None,
    stacks: tuple[str, ...],
    print_: bool,
    fresh: bool,
    validate: bool,
) -> None:
    """Make the CloudFormation templates; they land in cdk.out/.

    Nothing is asked of AWS. The templates of the last time are taken again while nothing that goes
    into them has changed.
    """
    from odyssey.cloudformation import target

    settings = options.settings(folder, env, {"aws.region": region})
    _, made = target.synthesized(settings, stacks, validate=validate, fresh=fresh)
    document = {"stacks": [_document(stack, whole=print_) for stack in made]}
    if print_:
        console.raw(document, b"\n".join(stack.template.read_bytes() for stack in made))
    else:
        console.result(document, console.table([_row(stack) for stack in made]))


def _document(stack: Stack, *, whole: bool) -> dict[str, object]:
    document = {
        "stack": stack.name,
        "template": str(stack.template),
        "resources": len(stack.resources),
    }
    return {**document, "body": stack.body} if whole else document


def _row(stack: Stack) -> dict[str, str]:
    return {
        "stack": stack.name,
        "resources": str(len(stack.resources)),
        "template": str(stack.template),
    }
