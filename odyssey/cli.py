"""The root of the command line: the table of commands, and the only error boundary.

A command's module is imported when the command is called, so that ``odyssey --help`` and shell
completion stay as quick as click itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

import odyssey
from odyssey import console, options
from odyssey.errors import BugError, InterruptedByUserError, OdysseyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

LIFE_CYCLE: dict[str, dict[str, str]] = {
    "Start": {
        "init start": "Make an app's folder, ready to train and serve.",
        "configure": "Set up your keys for AWS, as aws configure does.",
        "doctor": "Tell whether this machine has what odyssey needs, and what mends it.",
        "tour": "Show an app's whole life, from its template to its end, in a sandbox.",
    },
    "On this machine": {
        "local train": "Train the model; it lands in model/.",
        "local serve": "Serve the model over HTTP.",
        "local request": "Send one request to the local server and print its answer.",
    },
    "In a container": {
        "docker build": "Build the image from the app's Dockerfile.",
        "docker test": "Test that the image keeps its service's container contract.",
        "docker train": "Train the model in the image; it lands in model/.",
        "docker serve": "Serve the model from the image over HTTP.",
        "docker request": "Send one request to the container that serves, and print its answer.",
        "docker push": "Push the image to ECR, and record its digest for training and deployments.",
    },
    "In a sandbox": {
        "sandbox start": "Start a sandbox in the background, and return when it answers.",
        "sandbox stop": "Stop a sandbox; its containers and processes go.",
        "sandbox status": "Tell how a sandbox stands and what it runs.",
        "sandbox env": "Print the variables that lead into a sandbox, for the shell to evaluate.",
        "sandbox ui": "Show a page in the browser that sends requests to the endpoints and "
        "functions.",
        "sandbox run": "Start a sandbox, run COMMAND in it, stop it, and end as COMMAND did.",
    },
    "On SageMaker": {
        "sagemaker train": "Train the model in a training job; it lands in S3.",
        "sagemaker upload": "Pack model files, load them with the app's get_model, upload and "
        "record them.",
        "sagemaker serve": "Serve the model behind an endpoint, by deploying the app's stacks.",
        "sagemaker invoke": "Send one request to the endpoint and print its answer.",
        "sagemaker batch-transform": "Run the model over many records in S3, without an endpoint.",
        "sagemaker logs": "Print the log of a training job, a transform job or an endpoint.",
        "sagemaker status": "Tell how a job or an endpoint stands; without NAME, how the app does.",
        "sagemaker list": "List the app's jobs, endpoints and models: those with its name in "
        "theirs.",
        "sagemaker stop": "Stop a training or transform job; a training job keeps the model it has "
        "so far.",
        "sagemaker delete": "Delete the endpoint, after saying what goes; the models and images "
        "stay.",
    },
    "On Lambda": {
        "lambda train": "Deploy the function that trains, and upload the app's data.",
        "lambda serve": "Deploy the function that serves the model, by deploying the app's stacks.",
        "lambda invoke": "Send one event to a function and print its answer.",
        "lambda logs": "Print the log of a function.",
        "lambda status": "Tell how the app's functions stand: image, model, state, URL and "
        "schedule.",
        "lambda delete": "Delete the functions, after saying what goes; the models and images "
        "stay.",
    },
    "On AWS": {
        "synth": "Make the CloudFormation templates; they land in cdk.out/.",
        "check": "Check what a deployment would stumble on.",
        "diff": "Print what a deployment would change in AWS.",
        "review": "Write what a deployment would change, for those who approve it.",
        "deploy": "Deploy the app's stacks, after showing what will change.",
        "destroy": "Destroy the app's stacks, after saying what goes and what stays.",
        "why": "Tell why something failed on AWS: the cause, the evidence and the fix.",
    },
    "Settings": {
        "permissions": "Print the smallest IAM policy that some commands need.",
        "config show": "Print every setting, and where it came from.",
    },
}
"""Every command with the first line of its help, in the order of an app's life."""

COMMANDS = {
    "init": "odyssey.commands.init",
    "configure": "odyssey.commands.configure",
    "doctor": "odyssey.commands.doctor",
    "tour": "odyssey.commands.tour",
    "local": "odyssey.commands.local",
    "docker": "odyssey.commands.docker",
    "sandbox": "odyssey.commands.sandbox",
    "sagemaker": "odyssey.commands.sagemaker",
    "lambda": "odyssey.commands.lambda_",
    "synth": "odyssey.commands.synth",
    "check": "odyssey.commands.check",
    "diff": "odyssey.commands.diff",
    "review": "odyssey.commands.review",
    "deploy": "odyssey.commands.deploy",
    "destroy": "odyssey.commands.destroy",
    "why": "odyssey.commands.why",
    "permissions": "odyssey.commands.permissions",
    "config": "odyssey.commands.config",
}
"""The module of each command, which holds it as ``group`` or, where it is but one, ``command``."""


class Root(options.Group):
    """The root group: it imports a command's module only when the command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands in the order of an app's life."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name and return it; None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        from importlib import import_module

        module = import_module(COMMANDS[cmd_name])
        found: click.Command = getattr(module, "group", None) or module.command
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was called.

        Raises:
            click.UsageError: There is none of this name; the message has the nearest one.
        """
        from difflib import get_close_matches

        word = args[0]
        if word in COMMANDS or word.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        # Of two commands with one last word, the earlier in an app's life.
        paths = [path for rows in LIFE_CYCLE.values() for path in rows]
        leaves = {path.split()[-1]: path for path in reversed(paths)}
        nearest = get_close_matches(word, [*COMMANDS, *leaves], n=1)
        advice = f", did you mean {leaves.get(nearest[0], nearest[0])}?" if nearest else ""
        raise click.UsageError(f'no command "{console.clean(word)}"{advice}', ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of contents of the life cycle."""
        widest = max(len(path) for rows in LIFE_CYCLE.values() for path in rows)
        for section, rows in LIFE_CYCLE.items():
            with formatter.section(section):
                formatter.write_dl([(path.ljust(widest), text) for path, text in rows.items()])

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands before the options: they are what a reader looks for."""
        self.format_commands(ctx, formatter)
        click.Command.format_options(self, ctx, formatter)


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        version = odyssey.__version__
        console.result({"version": version}, f"odyssey {version}")
        ctx.exit()


@click.group(
    cls=Root,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=options.examples(
        "odyssey init -p aws -s sagemaker start",
        "odyssey local train --help",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Print the version and stop.",
)
@options.talk
def root() -> None:
    """Take a train.py and a serve.py from this machine to AWS."""


def main(args: Sequence[str] | None = None, *, program: click.Command = root) -> int:
    """Run a command line and return its exit code; every error ends here.

    Args:
        args: The words after the program's name. Default: those of this process.
        program: The command that they are for. Default: the whole command line.

    Returns:
        0 done, 1 failed, 2 usage or configuration, 3 check findings, 4 differences, 5 AWS refused,
        7 a tool is missing, 70 a bug of odyssey, 130 interrupted.
    """
    _open_what_is_closed()
    words = list(sys.argv[1:] if args is None else args)
    # Errors in the options themselves come before click has read --output and --debug.
    here = console.Terminal(json=_asks_for_json(words), debug="--debug" in words)
    try:
        code = program.main(words, prog_name="odyssey", standalone_mode=False, obj=here)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        return _output_is_gone()
    except click.Abort as error:
        if error.__cause__ is None:  # At a prompt, whose line is still open.
            console.note("")
        return _report(here, InterruptedByUserError("interrupted"))
    except click.exceptions.NoArgsIsHelpError as error:
        return _explain(here, error)
    except click.ClickException as error:
        return _report(here, _usage(error))
    except OdysseyError as error:
        return _report(here, error)
    except Exception as error:
        return _bug(here, error)
    return code if isinstance(code, int) else 0


def _open_what_is_closed() -> None:
    """Give a process that was started without stdin, stdout or stderr (`>&-`) an empty one."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _asks_for_json(words: list[str]) -> bool:
    asked = False
    for word, following in zip(words, [*words[1:], ""], strict=False):
        if word == "--output":
            asked = following == "json"
        elif word.startswith("--output="):
            asked = word == "--output=json"
    return asked


def _explain(here: console.Terminal, error: click.exceptions.NoArgsIsHelpError) -> int:
    """Answer a group without a command by its help, which is no result of anything."""
    missing = UsageError("a command is missing", f"{error.ctx.command_path} --help")
    if here.json:
        return _report(here, missing)
    console.note(error.format_message())
    return missing.exit_code


def _usage(error: click.ClickException) -> OdysseyError:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    hint = f"{context.command_path} --help" if context else None
    return UsageError(f"{message[0].lower()}{message[1:].removesuffix('.')}", hint)


def _report(here: console.Terminal, error: OdysseyError) -> int:
    if here.debug:
        import traceback

        console.note(traceback.format_exc())
    console.fail(here, error)
    return error.exit_code


def _bug(here: console.Terminal, error: Exception) -> int:
    again = "" if here.debug else " - run again with --debug"
    what = f"this is a bug in odyssey: {type(error).__name__}: {error}{again}"
    return _report(here, BugError(what))


def _output_is_gone() -> int:
    """Whoever read stdout has left: stop without another word, and without success."""
    # Python flushes stdout once more at exit, and would complain about the closed pipe.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
