"""``odyssey sagemaker``: jobs and the endpoint on SageMaker."""

from __future__ import annotations

from typing import Any

import click

from odyssey import options
from odyssey.commands.sagemaker import endpoint, jobs, looking, shared


@click.group(
    cls=options.Group,
    epilog=options.examples(
        "odyssey sagemaker train",
        "odyssey sagemaker -r MyRole -n iris -c 1 -in ml.m5.large train -i s3://data/iris "
        "-m s3://models/iris",
    ),
)
@shared.of_group
def group(**given: Any) -> None:
    """Train, transform and serve on SageMaker.

    The options here are for the commands, which take them too, and theirs come first.
    """
    shared.keep(**given)


for _command in (
    jobs.train,
    jobs.upload,
    endpoint.serve,
    endpoint.invoke,
    jobs.batch_transform,
    looking.logs,
    looking.status,
    looking.list_,
    looking.stop,
    endpoint.delete,
):
    group.add_command(_command)
