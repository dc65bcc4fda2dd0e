"""``odyssey init``: from nothing to an app's folder."""

from __future__ import annotations

from pathlib import Path

import click

from odyssey import console, names, options
from odyssey.errors import InvalidNameError, UsageError

AGAIN = "odyssey init -p aws -s sagemaker start NAME"


@click.group(
    cls=options.Group,
    epilog=options.examples(
        "odyssey init -p aws -s sagemaker start", "odyssey init -p aws -s lambda start"
    ),
)
@click.option(
    "-p", "--provider", default="aws", help="The cloud that the app goes to.  [default: aws]"
)
@click.option(
    "-s",
    "--service",
    default="sagemaker",
    help="The service that runs it: sagemaker, lambda or, for both, sagemaker+lambda."
    "  [default: sagemaker]",
)
@click.pass_context
def group(ctx: click.Context, provider: str, service: str) -> None:
    """Make a new app."""
    ctx.meta["odyssey.kind"] = (provider, service)


@group.command(
    epilog=options.examples(
        "odyssey init -p aws -s sagemaker start", "odyssey init start testapp --no-input"
    )
)
@click.argument("name", required=False)
@click.option(
    "--output-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="The folder to make the app's folder in.  [default: the current folder]",
)
@click.option("--no-input", is_flag=True, help="Never ask.  [default: ask on a terminal]")
@click.option(
    "--force",
    is_flag=True,
    help="Write over a folder's files of the template, train.py and serve.py too; others stay."
    "  [default: off]",
)
@options.talk
@click.pass_context
def start(
    ctx: click.Context, name: str | None, output_dir: Path, no_input: bool, force: bool
) -> None:
    """Make an app's folder, ready to train and serve.

    The folder has the name of the app. NAME is asked for on a terminal when it is not given.
    """
    from odyssey import scaffold

    kind = scaffold.kind(*ctx.meta["odyssey.kind"])
    name = _ask_name(no_input) if name is None else names.check(name)
    made = scaffold.bake(name, kind, output_dir, force=force)
    _say_what_is_next(made, kind)
    console.result({"name": name, "path": str(made), "service": kind}, str(made))


def _ask_name(no_input: bool) -> str:
    if no_input or not console.can_prompt():
        raise UsageError("the app's name is missing, and there is nobody to ask", AGAIN)
    nearest = None
    while True:
        given = click.prompt("Name of the app", default=nearest, err=True)
        try:
            return names.check(given.strip())
        except InvalidNameError as error:
            console.note(error.message)
            nearest = names.suggest(given)


def _say_what_is_next(made: Path, kind: str) -> None:
    try:
        shown = made.relative_to(Path.cwd())
    except ValueError:
        shown = made
    called = " Lambda calls them by app.py." if "lambda" in kind else ""
    yours = f"train.py and serve.py are yours to fill in, and work as they are.{called}"
    console.note(
        f"Made {shown}/: {yours}\n\n  cd {shown}\n  odyssey local train\n  odyssey local serve\n"
    )
