"""``odyssey local``: the app on this machine, without AWS and without Docker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from odyssey import console, options
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.group(cls=options.Group)
def group() -> None:
    """Train, serve and ask the app on this machine, without AWS and without Docker."""


@group.command(epilog=options.examples("odyssey local train"))
@options.app
@options.talk
def train(folder: Path | None, env: str | None) -> None:
    """Train the model; it lands in model/.

    Runs the app's own rocket/train, as a SageMaker training job and app.train on Lambda do, over
    input/. The old model stays until the training has succeeded.
    """
    from odyssey import host

    settings = options.settings(folder, env)
    trained = host.train(settings)
    console.note(trained.summary())
    console.result(trained.document(), str(trained.model))


@group.command(
    epilog=options.examples(
        "odyssey local serve",
        "odyssey local serve --port 9000 --reload",
        "odyssey local serve --ui",
    )
)
@options.setting("local.port")
@options.setting("server.kind")
@options.setting("server.workers")
@click.option(
    "--reload", is_flag=True, help="Restart when your code or the model changes.  [default: off]"
)
@click.option("--quiet", is_flag=True, help="No line for each request.  [default: off]")
@click.option(
    "--ui",
    is_flag=True,
    help="Show a page in the browser from which requests are sent, on a port of its own.  "
    "[default: off]",
)
@options.ui_port("The page's port, on 127.0.0.1; it implies --ui.")
@options.acting
@options.app
@options.talk
def serve(
    folder: Path | None,
    env: str | None,
    port: int | None,
    kind: str | None,
    workers: int | None,
    reload: bool,
    quiet: bool,
    ui: bool,
    ui_port: int | None,
    acting: str | None,
) -> None:
    """Serve the model over HTTP.

    Runs the app's own rocket/serve, as a SageMaker endpoint does, on 127.0.0.1 until Ctrl-C. An app
    for Lambda is served by its app.serve as behind a function URL, one request at a time.
    """
    from functools import partial

    from odyssey import host
    from odyssey.functions import local

    flags = {"local.port": port, "server.kind": kind, "server.workers": workers}
    settings = options.settings(folder, env, flags)
    on_lambda = options.on_lambda(settings, acting)
    run = partial(host.serve, settings, reload=reload, quiet=quiet)
    if on_lambda:
        _refuse_for_lambda({"--kind": kind, "--workers": workers, "--reload": reload or None})
        run = partial(local.serve, settings, quiet=quiet)
    if ui or ui_port is not None:
        from odyssey.playground import beside

        beside.serve(settings, run, port=ui_port, on_lambda=on_lambda, when_ready=_announce)
        return
    run(when_ready=_announce)


@group.command(
    epilog=options.examples(
        "odyssey local request --data '{\"observation\": [5.1, 3.5, 1.4, 0.2]}'",
        "odyssey local request --file iris.csv --content-type text/csv",
    )
)
@options.body
@options.setting("local.port")
@options.app
@options.talk
def request(
    folder: Path | None,
    env: str | None,
    port: int | None,
    data: str | None,
    source: Path | None,
    content_type: str | None,
    accept: str | None,
) -> None:
    """Send one request to the local server and print its answer."""
    from odyssey import client

    settings = options.settings(folder, env, {"local.port": port})
    body = client.body(data, source, content_type)
    answer = client.send(settings, body, accept=accept)
    console.raw(answer.document(), answer.body)


def _refuse_for_lambda(given: Mapping[str, object]) -> None:
    """A function has no server whose settings could be chosen."""
    for option, value in given.items():
        if value is not None:
            raise UsageError(
                f"{option} is for the server of SageMaker's container, and Lambda runs app.serve",
                "leave it out",
            )


def _announce(url: str, port_option: str, page: str = "") -> None:
    console.note(
        f"Serving on {url} (Ctrl-C stops it). Try, in another terminal:\n"
        f"  odyssey local request{port_option} "
        "--data '{\"observation\": [5.1, 3.5, 1.4, 0.2]}'"
    )
    if page:
        console.note(f"Or in the browser: {page}")
    console.result({"url": url, **({"ui": page} if page else {})})
