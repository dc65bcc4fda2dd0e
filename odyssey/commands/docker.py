"""``odyssey docker``: the app's image, on this machine and into ECR."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from odyssey import console, options, rules
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from odyssey.config import Config

NAME = "odyssey.docker.name"


@click.group(cls=options.Group)
@click.option(
    "-n",
    "--name",
    metavar="NAME",
    help="The image's name.  [default: app.name of odyssey.toml]",
)
@click.pass_context
def group(context: click.Context, name: str | None) -> None:
    """Build, test, run and push the app's image."""
    context.meta[NAME] = name


@group.command(
    epilog=options.examples(
        "odyssey docker build",
        "odyssey docker build --base python:3.12-slim-bookworm",
    )
)
@options.setting("docker.platform")
@options.setting("docker.base")
@click.option("--fresh", is_flag=True, help="Use nothing of earlier builds.  [default: off]")
@options.app
@options.talk
def build(
    folder: Path | None, env: str | None, platform: str | None, base: str | None, fresh: bool
) -> None:
    """Build the image from the app's Dockerfile.

    It is a single image in Docker's own format, as SageMaker and Lambda want it. After an edit of
    the code the requirements are not installed again.
    """
    from odyssey.images import build, engine

    settings = options.settings(folder, env, {"docker.platform": platform, "docker.base": base})
    with engine.connect() as docker:
        built = build.build(docker, settings, _name(settings), fresh=fresh)
    console.note(built.summary())
    console.result(built.document(), built.image.id)


@group.command(epilog=options.examples("odyssey docker test"))
@options.setting("docker.samples")
@options.setting("endpoint.startup_timeout")
@options.setting("docker.memory_mb")
@options.acting
@options.app
@options.talk
@click.pass_context
def test(
    context: click.Context,
    folder: Path | None,
    env: str | None,
    samples: str | None,
    startup_timeout: int | None,
    memory_mb: int | None,
    acting: str | None,
) -> None:
    """Test that the image keeps its service's container contract.

    Starts it as the service would, with model/, and tries what it may meet: pings or events, the
    requests in samples/, requests that no app can use, bodies at the limits, the end. A pass is
    remembered for this very image; `push` and `deploy` miss it otherwise.
    """
    from odyssey.functions import testing as of_lambda
    from odyssey.images import engine, image, testing

    flags = {
        "docker.samples": samples,
        "endpoint.startup_timeout": startup_timeout,
        "docker.memory_mb": memory_mb,
    }
    settings = options.settings(folder, env, flags)
    test = of_lambda.test if options.on_lambda(settings, acting) else testing.test
    with engine.connect() as docker:
        found = image.find(docker, _name(settings))
        report = test(docker, settings, found)
    console.result({"image": found.id, **report.document()}, report.text())
    context.exit(0 if report.passed else 1)


@group.command(epilog=options.examples("odyssey docker train"))
@options.setting("docker.memory_mb")
@options.acting
@options.app
@options.talk
def train(folder: Path | None, env: str | None, memory_mb: int | None, acting: str | None) -> None:
    """Train the model in the image; it lands in model/.

    The container finds input/ below /opt/ml, as in a SageMaker training job; that of an app for
    Lambda is asked for app.train, within function.timeout. The old model stays until the training
    has succeeded.
    """
    from odyssey.functions import containers as of_lambda
    from odyssey.images import engine, image, run

    settings = options.settings(folder, env, {"docker.memory_mb": memory_mb})
    train = of_lambda.train if options.on_lambda(settings, acting) else run.train
    with engine.connect() as docker:
        trained = train(docker, settings, image.find(docker, _name(settings)))
    console.note(trained.summary())
    console.result(trained.document(), str(trained.model))


@group.command(epilog=options.examples("odyssey docker serve", "odyssey docker serve --port 9000"))
@options.setting("local.port")
@options.setting("docker.memory_mb")
@options.acting
@options.app
@options.talk
def serve(
    folder: Path | None,
    env: str | None,
    port: int | None,
    memory_mb: int | None,
    acting: str | None,
) -> None:
    """Serve the model from the image over HTTP.

    The container finds model/ below /opt/ml, read-only, as on a SageMaker endpoint; that of an app
    for Lambda runs app.serve as Lambda would, behind a function URL. It is reached on 127.0.0.1
    until Ctrl-C.
    """
    from odyssey.functions import containers as of_lambda
    from odyssey.images import engine, image, run

    settings = options.settings(folder, env, {"local.port": port, "docker.memory_mb": memory_mb})
    serve = of_lambda.serve if options.on_lambda(settings, acting) else run.serve
    with engine.connect() as docker:
        found = image.find(docker, _name(settings))
        serve(docker, settings, found, when_ready=_announce)


@group.command(
    epilog=options.examples(
        "odyssey docker request --file samples/request.json",
        "odyssey docker request --data '{\"observation\": [5.1, 3.5, 1.4, 0.2]}'",
    )
)
@options.body
@options.setting("local.port")
@options.acting
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
    acting: str | None,
) -> None:
    """Send one request to the container that serves, and print its answer.

    What an endpoint or a function would refuse, as larger than it takes, is refused here too.
    """
    from odyssey import client, limits

    settings = options.settings(folder, env, {"local.port": port})
    body = client.body(data, source, content_type, command="odyssey docker request")
    if options.on_lambda(settings, acting):
        limits.require_event(len(body.content))
    else:
        limits.require_payload(settings, len(body.content))
    answer = client.send(settings, body, accept=accept, server="odyssey docker serve")
    console.raw(answer.document(), answer.body)


@group.command(epilog=options.examples("odyssey docker push", "odyssey docker push --dry-run"))
@options.dry_run
@options.access
@options.app
@options.talk
def push(
    folder: Path | None, env: str | None, profile: str | None, region: str | None, dry_run: bool
) -> None:
    """Push the image to ECR, and record its digest for training and deployments.

    It goes to the repository of the app's foundation; without one, to one of the image's own name,
    which is made when it is missing. What AWS would not take is refused before anything is sent.
    """
    import json

    from odyssey import artifacts, ecr
    from odyssey.images import engine, image, push
    from odyssey.images.build import platform

    settings = options.settings(folder, env, {"aws.region": region})
    access, name = options.way_to_aws(settings, profile), _name(settings)
    with engine.connect() as docker:
        found = image.find(docker, name)
        push.require_fit(found, platform(settings))
        if dry_run:
            planned = {**ecr.plan(settings, access, name).document(), "image": found.id}
            console.result(planned, json.dumps(planned, indent=2))
            return
        tested = artifacts.is_tested(settings.folder, found.id, settings.app.services)
        pushed = push.push(
            docker,
            found,
            ecr.destination(settings, access, name),
            platform=platform(settings),
            tested=tested,
        )
    artifacts.record(settings.folder, settings.env, {"image": pushed.uri})
    artifacts.record_pushed(settings.folder, pushed.digest, found.id)
    console.note(pushed.summary())
    console.result({**pushed.document(), "tested": tested, "recorded": artifacts.FILE}, pushed.uri)


def _name(settings: Config) -> str:
    """Return the image's name: that of ``-n``, or of the app."""
    given: str | None = click.get_current_context().meta.get(NAME)
    broken = rules.repository(given) if given else None
    if broken:
        raise UsageError(f'-n: "{given}" {broken}')
    return given or settings.app.name


def _announce(url: str, port_option: str) -> None:
    console.note(
        f"Serving on {url} (Ctrl-C stops it). Try, in another terminal:\n"
        f"  odyssey docker request{port_option} --file samples/request.json"
    )
    console.result({"url": url})
