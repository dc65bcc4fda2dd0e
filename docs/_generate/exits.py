"""What the exit codes mean, and which of them a command can end with."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from _generate.markdown import code, heading, link, page, prose, table
from odyssey import errors

if TYPE_CHECKING:
    import click

EVERY = (0, 1, 2, 70, 130)
"""Codes that every command can end with."""

GATES = {"check": 3, "review": 3}
"""Commands that can find something to be stopped for."""

WAITING = {"sandbox start", "sandbox run", "sagemaker invoke", "lambda train", "lambda invoke"}
"""Commands that give up after a time of their own."""

NEEDING = {
    *("doctor", "tour", "local train", "local serve", "sandbox start", "sandbox run"),
    *("docker build", "docker test", "docker train", "docker serve", "docker request"),
    *("docker push", "sagemaker upload", "sagemaker serve", "lambda train", "lambda serve"),
    *("synth", "check", "diff", "review", "deploy", "destroy"),
}
"""Commands that look for another program: an engine, Node.js, git, a Python with its modules."""

MEANINGS = {
    0: ("done", "It is done, or there was nothing to do."),
    1: ("failed", "Something failed; the message says what, and what to type next."),
    2: ("usage", "The command line or the configuration is wrong. Nothing was done."),
    3: (
        "findings",
        "`odyssey check` found something as severe as `--fail-on`, or `odyssey review` reckons "
        "with a cost above `--max-monthly`.",
    ),
    4: ("differences", "Something would change, and `--fail-on-diff` was given."),
    5: (
        "refused",
        "AWS refused: no credentials, no permission, no region, or a request that it does not "
        "take. `odyssey permissions` prints what must be allowed, `odyssey why` looks for the "
        "cause.",
    ),
    6: ("timed out", "Something took longer than it may."),
    7: (
        "a tool is missing",
        "A program that is needed is not installed or does not answer, such as a Docker engine. "
        "`odyssey doctor` tells what mends it.",
    ),
    70: ("a bug", "Odyssey itself is wrong; `--debug` shows the traceback."),
    130: ("interrupted", "Ctrl-C, or a signal that asks to stop. A job that was begun goes on."),
}
"""A name for each code, and what it means."""

_INTRODUCTION = """\
A command never ends with 0 after a failure. A script can tell what is worth another try (5, 6) from
what is not (1, 2), and a gate of a pipeline (3, 4) from a pipeline that is broken. With
`--output json` the code is in the document, too: `exit_code`, beside `error` and `hint`.

`odyssey sandbox run -- COMMAND` ends as COMMAND did, whatever its code means there."""


def pages() -> dict[str, str]:
    """Return the page of exit codes."""
    sections = [
        part
        for number, (name, meaning) in MEANINGS.items()
        for part in (
            heading(2, f"{number}: {name}", anchor(number)),
            prose(meaning),
            _errors(number),
        )
    ]
    return {"exit-codes.md": page(heading(1, "Exit codes", "exit-codes"), _INTRODUCTION, *sections)}


def anchor(number: int) -> str:
    """Return the anchor of a code."""
    return f"exit-{number}"


def line(path: str, command: click.Command) -> str:
    """Return the codes that a command can end with, as a line of its reference."""
    told = ", ".join(
        f"{link(code(str(number)), anchor(number))} {MEANINGS[number][0]}"
        for number in sorted({*EVERY, *_further(path, command)})
    )
    return f"Exit codes: {told}."


def _further(path: str, command: click.Command) -> set[int]:
    options = {parameter.name for parameter in command.params}
    found = {
        3: path in GATES,
        4: "fail_on_diff" in options,
        5: "profile" in options,
        6: path in WAITING,
        7: path in NEEDING,
    }
    return {number for number, is_so in found.items() if is_so}


def _errors(number: int) -> str:
    """Return the kinds of errors that have a code, as ``odyssey.errors`` tells of them."""
    kinds = [
        (code(kind.__name__), prose((kind.__doc__ or "").partition("\n")[0]))
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, errors.OdysseyError)
        if kind.exit_code == number
    ]
    return table(("error", "when"), kinds) if kinds else ""
