"""``odyssey sandbox``: an AWS of one's own on this machine, in which the jobs really run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from odyssey import console, options

if TYPE_CHECKING:
    from collections.abc import Callable

    from odyssey.sandbox.launch import Wanted
    from odyssey.sandbox.ui.place import SandboxPlace

_NAME = click.option(
    "--name",
    "-n",
    metavar="NAME",
    default="default",
    help="Which sandbox, where there are several.  [default: default]",
)


def _what(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what a sandbox is to be."""
    port = click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=0,
        metavar="PORT",
        help="Its port, on 127.0.0.1.  [default: a free one]",
    )
    executor = click.option(
        "--executor",
        type=click.Choice(["auto", "docker", "process"]),
        default="auto",
        help="What runs the jobs: containers, or the app's own rocket as processes.  "
        "[default: auto, docker where an engine answers]",
    )
    app = click.option(
        "--app",
        "folder",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="The app whose rocket runs without Docker.  "
        "[default: the nearest odyssey.toml, upwards from here]",
    )
    state = click.option(
        "--state",
        metavar="DIR",
        type=click.Path(file_okay=False, path_type=Path),
        help="Keep its state in this folder, and take up what is there.  [default: thrown away]",
    )
    iam = click.option(
        "--enforce-iam",
        is_flag=True,
        help="Refuse what no policy allows, as AWS does.  [default: off]",
    )
    return port(executor(app(state(iam(command)))))


@click.group(cls=options.Group)
def group() -> None:
    """Run an AWS of your own on this machine, in which the jobs really run.

    Every tool of AWS speaks to it: odyssey, boto3, the AWS CLI, the CDK, docker push. It needs no
    account, takes dummy credentials only, and never reaches the real AWS.
    """


@group.command(
    epilog=options.examples(
        "odyssey sandbox start",
        "odyssey sandbox start --state sandbox --enforce-iam",
        "odyssey sandbox start --name other --executor process --app testapp",
    )
)
@_what
@_NAME
@options.talk
def start(**words: Any) -> None:
    """Start a sandbox in the background, and return when it answers."""
    from odyssey.sandbox import launch

    record = launch.start(_wanted(**words))
    named = "" if record.name == "default" else f" --name {record.name}"
    kinds = {"docker": "in containers", "process": "as processes of the app, without Docker"}
    console.note(
        f"Jobs and endpoints run {kinds[record.executor]}. To enter it, in this terminal:\n"
        f'  eval "$(odyssey sandbox env{named})"'
    )
    console.result(record.__dict__, record.url)


@group.command(epilog=options.examples("odyssey sandbox stop"))
@_NAME
@options.talk
def stop(name: str) -> None:
    """Stop a sandbox; its containers and processes go."""
    from odyssey.sandbox import launch, records

    record = records.find(name)
    if record is not None:
        launch.stop(record)
    text = f'The sandbox "{name}" has stopped' if record else f'No sandbox "{name}" runs'
    console.note(text)
    console.result({"name": name, "stopped": record is not None})


@group.command(
    epilog=options.examples("odyssey sandbox status", "odyssey sandbox status --permissions")
)
@click.option(
    "--permissions",
    is_flag=True,
    help="Tell what was asked for, what IAM would refuse, and which grants were never used.  "
    "[default: off]",
)
@_NAME
@options.talk
def status(name: str, permissions: bool) -> None:
    """Tell how a sandbox stands and what it runs."""
    from odyssey.sandbox import records, standing

    record = records.require(name)
    found = standing.permissions(record) if permissions else standing.standing(record)
    console.result(found.document, found.text())


@group.command(
    epilog=options.examples('eval "$(odyssey sandbox env)"', "odyssey sandbox env --leave")
)
@click.option(
    "--leave", is_flag=True, help="Print what takes the variables away again.  [default: off]"
)
@_NAME
@options.talk
def env(name: str, leave: bool) -> None:
    """Print the variables that lead into a sandbox, for the shell to evaluate.

    What a tool could find of real credentials is taken out of its way.
    """
    import os

    from odyssey.sandbox import records, variables

    if leave:
        console.result({}, variables.leaving_lines())
        return
    record = records.require(name)
    console.result(
        variables.leading_to(record, os.environ), variables.shell_lines(record, os.environ)
    )


@group.command(
    epilog=options.examples("odyssey sandbox ui", "odyssey sandbox ui iris --ui-port 9001")
)
@click.argument("endpoint", metavar="[ENDPOINT]", default="")
@options.ui_port("The page's port, on 127.0.0.1.")
@_NAME
@options.app
@options.talk
def ui(endpoint: str, ui_port: int | None, name: str, folder: Path | None, env: str | None) -> None:
    """Show a page in the browser that sends requests to the endpoints and functions.

    With ENDPOINT, the name of an endpoint or a function, that one is chosen first. The samples are
    those of the app around, where there is one. It goes on until Ctrl-C.
    """
    from odyssey.sandbox import records
    from odyssey.sandbox.ui import service

    settings = options.settings_if_any(folder, env)
    service.show(records.require(name), settings, endpoint, ui_port, _announce)


@group.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog=options.examples(
        "odyssey sandbox run -- odyssey deploy --yes",
        "odyssey sandbox run --executor process -- pytest tests",
    ),
)
@_what
@click.argument("command", metavar="-- COMMAND...", nargs=-1, required=True)
@options.talk
def run(command: tuple[str, ...], **words: Any) -> int:
    """Start a sandbox, run COMMAND in it, stop it, and end as COMMAND did."""
    import os

    from odyssey.sandbox import launch

    return launch.run(_wanted(name=f"run-{os.getpid()}", **words), command, os.environ)


def _announce(url: str, place: SandboxPlace) -> None:
    targets = [
        {fact: str(each.document()[fact]) for fact in ("kind", "region", "name", "status")}
        for each in place.targets()
    ]
    shown = console.table(targets) if targets else "There is no endpoint and no function yet."
    console.note(f"{shown}\n\nIn the browser: {url} (Ctrl-C stops it)")
    console.result({"ui": url, "targets": targets})


def _wanted(
    name: str, port: int, executor: str, folder: Path | None, state: Path | None, enforce_iam: bool
) -> Wanted:
    from odyssey.sandbox.launch import Wanted

    app = _app(folder, required=executor == "process")
    return Wanted(
        name=name,
        port=port,
        executor=executor,
        app=str(app) if app else "",
        folder=str(state.absolute()) if state else "",
        enforce_iam=enforce_iam,
    )


def _app(folder: Path | None, *, required: bool) -> Path | None:
    """Return the app's folder; None where there is none and none is needed."""
    from odyssey import config
    from odyssey.errors import AppNotFoundError

    if folder is not None:
        return folder.resolve()
    try:
        return config.find_app(Path.cwd())
    except AppNotFoundError:
        if required:
            raise
        return None
