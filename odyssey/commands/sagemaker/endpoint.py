"""``odyssey sagemaker serve``, ``invoke`` and ``delete``: the endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.commands.sagemaker import shared
from odyssey.consent import Consent

if TYPE_CHECKING:
    from pathlib import Path

    from odyssey.commands.sagemaker.shared import Here

_NAME = click.option(
    "--endpoint-name",
    metavar="NAME",
    help="The endpoint's name.  [default: -n, else name under [endpoint] in odyssey.toml, else "
    "the app's name, with its environment]",
)


@click.command(
    epilog=options.examples(
        "odyssey sagemaker serve",
        "odyssey sagemaker serve -m s3://models/iris/model.tar.gz --endpoint-name iris --yes",
    )
)
@options.setting("artifacts.model", "-m")
@_NAME
@options.yes
@click.option(
    "--dry-run",
    is_flag=True,
    help="Make change sets, show them, and execute none.  [default: off]",
)
@shared.here("role", "name", "count", "type")
@options.talk
def serve(
    here: Here, model: str | None, endpoint_name: str | None, yes: bool, dry_run: bool
) -> None:
    """Serve the model behind an endpoint, by deploying the app's stacks.

    Real-time, serverless or asynchronous, as [endpoint] in odyssey.toml says. Serving another
    model updates the endpoint in place. It costs by the hour until `odyssey sagemaker delete`.
    """
    from odyssey import serving

    name = shared.hyphened(endpoint_name or here.name)
    settings = here.settings("endpoint", {"artifacts.model": model, "endpoint.name": name})
    consent = Consent(f"odyssey sagemaker serve {here.again(settings)}".rstrip(), yes)
    done = serving.serve(
        settings, here.access(settings), consent, role=here.role or "", dry_run=dry_run
    )
    console.result(done.document(), done.text())


@click.command(
    epilog=options.examples(
        "odyssey sagemaker invoke --data '{\"observation\": [5.1, 3.5, 1.4, 0.2]}'",
        "odyssey sagemaker invoke --file iris.csv --content-type text/csv",
    )
)
@_NAME
@options.body
@click.option(
    "--async/--no-async",
    "asynchronous",
    default=None,
    help="Over the queue, with the answer in S3.  [default: as [endpoint] in odyssey.toml says]",
)
@click.option(
    "--timeout",
    type=click.IntRange(1),
    default=900,
    metavar="SECONDS",
    help="How long to wait for an asynchronous answer.  [default: 900]",
)
@shared.here("name")
@options.talk
def invoke(
    here: Here,
    endpoint_name: str | None,
    data: str | None,
    source: Path | None,
    content_type: str | None,
    accept: str | None,
    asynchronous: bool | None,
    timeout: int,
) -> None:
    """Send one request to the endpoint and print its answer."""
    from odyssey import client, invocation

    settings = here.settings()
    sent = client.body(data, source, content_type, command="odyssey sagemaker invoke")
    answer = invocation.invoke(
        settings,
        here.access(settings),
        shared.hyphened(endpoint_name or here.name),
        sent.content,
        sent.content_type,
        accept,
        asynchronous=asynchronous,
        timeout=timeout,
    )
    console.raw(answer.document(), answer.body)


@click.command(
    epilog=options.examples("odyssey sagemaker delete", "odyssey sagemaker delete --env prod --yes")
)
@options.yes
@click.option(
    "--dry-run", is_flag=True, help="Say what would go, and delete nothing.  [default: off]"
)
@shared.here()
@options.talk
def delete(here: Here, yes: bool, dry_run: bool) -> None:
    """Delete the endpoint, after saying what goes; the models and images stay."""
    from odyssey import serving

    settings = here.settings()
    consent = Consent(f"odyssey sagemaker delete {here.again(settings)}".rstrip(), yes)
    done = serving.delete(settings, here.access(settings), consent, dry_run)
    console.result(done.document(), done.text())
