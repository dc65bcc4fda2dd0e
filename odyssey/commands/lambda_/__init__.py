"""``odyssey lambda``: functions on Lambda."""

from __future__ import annotations

from typing import Any

import click

from odyssey import options
from odyssey.commands.lambda_ import functions, looking, shared


@click.group(
    "lambda",
    cls=options.Group,
    epilog=options.examples(
        "odyssey lambda train",
        "odyssey lambda --region eu-west-1 -r MyRole -t 900 --memory 4096 serve -n iris",
    ),
)
@shared.of_group
def group(**given: Any) -> None:
    """Train and serve on Lambda.

    The options here are for the commands, which take them too, and theirs come first.
    """
    shared.keep(**given)


for _command in (
    functions.train,
    functions.serve,
    functions.invoke,
    looking.logs,
    looking.status,
    functions.delete,
):
    group.add_command(_command)
