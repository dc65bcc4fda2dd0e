"""What several commands share: their options, each defined once, and the shape of their help."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from odyssey import console
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from odyssey.aws import Access
    from odyssey.config import Config

AnyCommand = TypeVar("AnyCommand", bound="Callable[..., Any]")


class Group(click.Group):
    """A group that lists its commands in the order of their definition, not of the alphabet."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, the first to be used first."""
        return list(self.commands)


def examples(*lines: str) -> str:
    """Return the end of a command's help: command lines to start from."""
    # click keeps the line breaks of a paragraph that begins with this character.
    title = "Examples:" if len(lines) > 1 else "Example:"
    return "\n".join(["\b", title, *(f"  {line}" for line in lines)])


def _set_output(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        here = ctx.ensure_object(console.Terminal)
        here.json, here.form = value == "json", value


def _set_debug(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(console.Terminal).debug = True


def talk(command: AnyCommand) -> AnyCommand:
    """Add ``--output`` and ``--debug``, which every command takes."""
    return talking()(command)


def talking(*forms: str) -> Callable[[AnyCommand], AnyCommand]:
    """Add ``--output`` and ``--debug`` to a command whose result has further forms.

    Args:
        forms: What ``--output`` takes besides text and json; the command asks for it at
            `console.Terminal.form`.
    """
    more = "".join(f", or {form.upper()}" for form in forms)
    what = f"text, one JSON document{more}" if forms else "text, or one JSON document"
    output = click.option(
        "--output",
        type=click.Choice(["text", "json", *forms]),
        expose_value=False,
        is_eager=True,
        callback=_set_output,
        help=f"What stdout carries: {what}.  [default: text]",
    )
    debug = click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_set_debug,
        help="Show the traceback of an error.  [default: off]",
    )
    return lambda command: output(debug(command))


def app(command: AnyCommand) -> AnyCommand:
    """Add ``--app`` and ``--env``: which app, in which of its environments."""
    from pathlib import Path

    folder = click.option(
        "--app",
        "folder",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="The app's folder.  [default: the nearest odyssey.toml, upwards from here]",
    )
    env = click.option(
        "--env",
        metavar="NAME",
        help="The table [env.NAME] of odyssey.toml to use.  [default: $ODYSSEY_ENV, or none]",
    )
    return folder(env(command))


def stacks(command: AnyCommand) -> AnyCommand:
    """Add ``STACK...``: which of the environment's stacks."""
    return click.argument("stacks", metavar="[STACK]...", nargs=-1)(command)


def yes(command: AnyCommand) -> AnyCommand:
    """Add ``--yes``, which answers every question that has no risk in it."""
    return click.option("--yes", "-y", is_flag=True, help="Do not ask.  [default: ask]")(command)


DIFFERENT = 4
"""The exit code of ``--fail-on-diff`` where there are differences."""


def fail_on_diff(command: AnyCommand) -> AnyCommand:
    """Add ``--fail-on-diff``, which makes differences a failure, of the code `DIFFERENT`."""
    return click.option(
        "--fail-on-diff",
        is_flag=True,
        help="Exit with code 4 if anything would change.  [default: off]",
    )(command)


def dry_run(command: AnyCommand) -> AnyCommand:
    """Add ``--dry-run``, which prints the requests and sends none."""
    return click.option(
        "--dry-run",
        is_flag=True,
        help="Print the requests as JSON, and send nothing.  [default: off]",
    )(command)


def access(command: AnyCommand) -> AnyCommand:
    """Add ``--profile`` and ``--region``: whose credentials, and where."""
    profile = click.option(
        "--profile",
        metavar="NAME",
        help="The profile of ~/.aws/config to use.  [default: $AWS_PROFILE, or none]",
    )
    return profile(setting("aws.region")(command))


def body(command: AnyCommand) -> AnyCommand:
    """Add ``--data``, ``--file``, ``--content-type`` and ``--accept``: what is sent and wanted."""
    from pathlib import Path

    data = click.option(
        "--data",
        metavar="TEXT",
        help="The body; @FILE reads a file, - reads stdin.  [default: none, give this or --file]",
    )
    source = click.option(
        "--file",
        "source",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="The file that is the body.  [default: none, give this or --data]",
    )
    content_type = click.option(
        "--content-type",
        metavar="TYPE",
        help="The type of the body.  [default: from the file's suffix, else application/json]",
    )
    accept = click.option(
        "--accept", metavar="TYPE", help="The type of the answer.  [default: the server chooses]"
    )
    return data(source(content_type(accept(command))))


def ui_port(meaning: str) -> Callable[[AnyCommand], AnyCommand]:
    """Add ``--ui-port``: where a page in the browser is.

    Args:
        meaning: What it is, in a sentence.
    """
    return click.option(
        "--ui-port",
        type=click.IntRange(1, 65535),
        metavar="PORT",
        help=f"{meaning}  [default: a free one]",
    )


def acting(command: AnyCommand) -> AnyCommand:
    """Add ``--as``: which of the app's services runs it."""
    return click.option(
        "--as",
        "acting",
        type=click.Choice(["sagemaker", "lambda"]),
        help="Which service runs it.  [default: that of app.service, sagemaker where it is both]",
    )(command)


def on_lambda(settings: Config, acting: str | None) -> bool:
    """Return whether it is Lambda that runs the app, and not SageMaker.

    Args:
        settings: The app's settings.
        acting: The value of ``--as``; without it SageMaker goes first where there are both.

    Raises:
        UsageError: The app is not for the service of ``--as``.
    """
    named = settings.app.services
    if acting is not None and acting not in named:
        raise UsageError(
            f'--as {acting}: app.service is "{settings.app.service}"',
            'for both, say service = "sagemaker+lambda" under [app] in odyssey.toml',
        )
    return (acting or named[0]) == "lambda"


def way_to_aws(settings: Config, profile: str | None) -> Access:
    """Return the way to AWS that the shared options stand for.

    Args:
        settings: The app's settings, with the value of ``--region``.
        profile: The value of ``--profile``.
    """
    from odyssey.aws import Access

    return Access(profile, settings.aws.region or None)


def setting(path: str, *short: str) -> Callable[[AnyCommand], AnyCommand]:
    """Add the option that sets a key of ``odyssey.toml``, such as ``--port`` for ``local.port``.

    Args:
        path: The key.
        short: Shorter names of the option, such as ``-c``.
    """
    from odyssey.keys import KEYS

    key = KEYS[path]
    kind = click.Choice(key.choices) if key.choices else {"int": int, "float": float}.get(key.kind)
    otherwise = key.default if key.default != "" else '""'
    default = f"{path} of odyssey.toml, else {otherwise}"
    meaning = f"{key.help[0].upper()}{key.help[1:]}.  [default: {default}]"
    name = f"{key.option}/--no-{key.option[2:]}" if key.kind == "bool" else key.option
    return click.option(name, *short, key.name, type=kind, default=None, help=meaning)


def settings(
    folder: Path | None, env: str | None, flags: Mapping[str, object] | None = None
) -> Config:
    """Return the settings that the shared options stand for, and print their warnings.

    Args:
        folder: The value of ``--app``.
        env: The value of ``--env``.
        flags: The values of the command's own settings, by path.

    Raises:
        AppNotFoundError: There is no app.
        ConfigError: A setting is wrong.
    """
    from pathlib import Path

    from odyssey import config

    home = config.find_app(Path.cwd()) if folder is None else folder.resolve()
    found = config.load(home, env=env, flags=flags)
    for warning in found.warnings:
        console.warn(warning)
    return found


def settings_if_any(
    folder: Path | None, env: str | None, flags: Mapping[str, object] | None = None
) -> Config | None:
    """Return the settings as `settings` does, or None where there is no app and none is named.

    Raises:
        AppNotFoundError: ``--app`` or ``--env`` is given, and there is no app.
        ConfigError: A setting is wrong.
    """
    from odyssey.errors import AppNotFoundError

    try:
        return settings(folder, env, flags)
    except AppNotFoundError:
        if folder is not None or env is not None:
            raise
        return None


def way(settings: Config | None, profile: str | None, region: str | None) -> Access:
    """Return the way to AWS, of an app's settings where there are any.

    Args:
        settings: The app's settings, with the value of ``--region``; None without an app.
        profile: The value of ``--profile``.
        region: The value of ``--region``.
    """
    from odyssey.aws import Access

    return way_to_aws(settings, profile) if settings else Access(profile, region)
