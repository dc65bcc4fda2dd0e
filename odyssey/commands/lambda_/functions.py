"""``odyssey lambda train``, ``serve``, ``invoke`` and ``delete``: the functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.commands.lambda_ import shared
from odyssey.consent import Consent

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.commands.lambda_.shared import Here

_DRY_RUN = click.option(
    "--dry-run",
    is_flag=True,
    help="Make change sets, show them, and execute none.  [default: off]",
)


@click.command(
    epilog=options.examples("odyssey lambda train", "odyssey lambda -t 900 train --run --yes")
)
@options.setting("function.train_name", "-n")
@click.option(
    "--run", is_flag=True, help="Invoke the function, too, and record its model.  [default: off]"
)
@options.yes
@_DRY_RUN
@shared.here("role", "image", "timeout", "memory")
@options.talk
def train(here: Here, train_name: str | None, run: bool, yes: bool, dry_run: bool) -> None:
    """Deploy the function that trains, and upload the app's data.

    It trains when it is invoked: `odyssey lambda invoke -n APP-train`, or --run, or the schedule
    under [function] in odyssey.toml.
    """
    from odyssey.functions import training

    settings = here.settings({"function.train_name": train_name})
    again = here.again(settings)
    consent = Consent(f"odyssey lambda train {again}".rstrip(), yes)
    done = training.train(
        settings,
        here.access(settings),
        consent,
        role=here.role or "",
        run=run,
        dry_run=dry_run,
        again=again,
    )
    console.result(done.document(), done.text())


@click.command(
    epilog=options.examples(
        "odyssey lambda serve",
        "odyssey lambda -t 30 --memory 2048 serve -n iris -m s3://models/iris/model.tar.gz --yes",
    )
)
@options.setting("function.serve_name", "-n")
@options.setting("artifacts.model", "-m")
@options.yes
@_DRY_RUN
@shared.here("role", "image", "timeout", "memory")
@options.talk
def serve(here: Here, serve_name: str | None, model: str | None, yes: bool, dry_run: bool) -> None:
    """Deploy the function that serves the model, by deploying the app's stacks.

    Serving another model or image updates the function in place. It costs while it runs; those
    that are kept ready, as [function] in odyssey.toml says, cost by the hour.
    """
    from odyssey.functions import deploying

    settings = here.settings({"function.serve_name": serve_name, "artifacts.model": model})
    consent = Consent(f"odyssey lambda serve {here.again(settings)}".rstrip(), yes)
    done = deploying.serve(
        settings, here.access(settings), consent, role=here.role or "", dry_run=dry_run
    )
    console.result(done.document(), done.text())


@click.command(
    epilog=options.examples(
        "odyssey lambda invoke --data '{\"observation\": [5.1, 3.5, 1.4, 0.2]}'",
        "odyssey lambda invoke --file iris.csv",
        "odyssey lambda invoke -n iris-train",
    )
)
@shared.function(
    "The function: its name, NAME:ALIAS or its ARN.  [default: the app's, which serves]"
)
@options.body
@shared.here()
@options.talk
def invoke(
    here: Here,
    function: str | None,
    data: str | None,
    source: Path | None,
    content_type: str | None,
    accept: str | None,
) -> None:
    """Send one event to a function and print its answer.

    JSON is the event itself; anything else is sent as a function URL would hand it on. The app's
    function that trains needs no --data, and its model is recorded.
    """
    from odyssey import client
    from odyssey.functions import invoking

    settings = here.settings()
    nothing = data is None and source is None
    sent = (
        None
        if nothing
        else client.body(data, source, content_type, command="odyssey lambda invoke")
    )
    answer = invoking.invoke(
        settings, here.access(settings), function, sent, accept, again=here.again(settings)
    )
    console.raw(answer.document(), answer.body)


@click.command(
    epilog=options.examples("odyssey lambda delete", "odyssey lambda delete --env prod --yes")
)
@options.yes
@click.option(
    "--dry-run", is_flag=True, help="Say what would go, and delete nothing.  [default: off]"
)
@shared.here()
@options.talk
def delete(here: Here, yes: bool, dry_run: bool) -> None:
    """Delete the functions, after saying what goes; the models and images stay."""
    from odyssey.functions import deploying

    settings = here.settings()
    consent = Consent(f"odyssey lambda delete {here.again(settings)}".rstrip(), yes)
    done = deploying.delete(settings, here.access(settings), consent, dry_run)
    console.result(done.document(), done.text())
