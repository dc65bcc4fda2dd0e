"""``odyssey local``: the app on this machine, without AWS and without Docker."""

from __future__ import annotations

from pathlib import Path

import click

from odyssey import console, options


@click.group(cls=options.Group)
def group() -> None:
    """Train, serve and ask the app on this machine, without AWS and without Docker."""


@group.command(epilog=options.examples("odyssey local train"))
@options.app
@options.talk
def train(folder: Path | None, env: str | None) -> None:
    """Train the model; it lands in model/.

    Runs the app's own rocket/train, as a SageMaker training job does, over input/. The old model
    stays until the training has succeeded.
    """
    from odyssey import host

    settings = options.settings(folder, env)
    trained = host.train(settings)
    console.note(trained.summary())
    console.result(trained.document(), str(trained.model))


@group.command(
    epilog=options.examples("odyssey local serve", "odyssey local serve --port 9000 --reload")
)
@options.setting("local.port")
@options.setting("server.kind")
@options.setting("server.workers")
@click.option(
    "--reload", is_flag=True, help="Restart when your code or the model changes.  [default: off]"
)
@click.option("--quiet", is_flag=True, help="No line for each request.  [default: off]")
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
) -> None:
    """Serve the model over HTTP.

    Runs the app's own rocket/serve, as a SageMaker endpoint does, on 127.0.0.1 until Ctrl-C.
    """
    from odyssey import host

    flags = {"local.port": port, "server.kind": kind, "server.workers": workers}
    settings = options.settings(folder, env, flags)
    host.serve(settings, reload=reload, quiet=quiet, when_ready=_announce)


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


def _announce(url: str, port_option: str) -> None:
    console.note(
        f"Serving on {url} (Ctrl-C stops it). Try, in another terminal:\n"
        f"  odyssey local request{port_option} "
        "--data '{\"observation\": [5.1, 3.5, 1.4, 0.2]}'"
    )
    console.result({"url": url})
