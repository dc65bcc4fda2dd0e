"""The reference of the command line, of click's own commands: a page for each group."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import click

from _generate import exits
from _generate.markdown import (
    code,
    command_anchor,
    definitions,
    fence,
    heading,
    key_anchor,
    link,
    page,
    prose,
    sentence,
    table,
    toctree,
)
from cdk_constructs.command_actions import OWN
from odyssey.cli import COMMANDS, LIFE_CYCLE, root
from odyssey.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.keys import Key

_DEFAULT = re.compile(r"\s*\[default: (?P<default>.*)\]$", re.DOTALL)
_KEY = re.compile(r"(?P<path>[a-z_]+\.[a-z_\d]+) of odyssey\.toml, else (?P<else>.*)")
_KEY_OF_SECTIONS = re.compile(
    r"(?P<key>[a-z_]+) (?:of|under) (?P<tables>\[\w+\](?:(?:, | or )\[\w+\])*) in odyssey\.toml, "
    r"else (?P<else>.*)"
)

_INTRODUCTION = """\
Every command in the order of an app's life, as `odyssey --help` shows them. What is said here is
what `odyssey COMMAND --help` says, with the setting of `odyssey.toml` that each option overrides.

stdout carries the result alone, and everything else goes to stderr; with `--output json` stdout is
exactly one JSON document, also of a failure. Without a terminal nothing is ever asked: a question
that has no answer among the options ends with [exit code 2](#exit-2)."""


def pages() -> dict[str, str]:
    """Return a page for each top-level command, and one that lists them all."""
    own = {f"commands/{name}.md": _page(context) for name, context in contexts(_root())}
    return {"commands.md": _index(), **own}


def _root() -> click.Context:
    return click.Context(root, info_name="odyssey", **root.context_settings)


def context_of(path: str) -> click.Context:
    """Return the context of a command, such as ``docker push``."""
    context = _root()
    for word in path.split():
        context = dict(contexts(context))[word]
    return context


def contexts(parent: click.Context) -> Iterator[tuple[str, click.Context]]:
    """Yield the commands of a group with their contexts, in the group's order."""
    group = cast("click.Group", parent.command)
    for name in group.list_commands(parent):
        command = cast("click.Command", group.get_command(parent, name))
        yield name, click.Context(command, parent=parent, info_name=name)


def _index() -> str:
    blocks = [heading(1, "Commands"), _INTRODUCTION]
    for title, rows in LIFE_CYCLE.items():
        cells = [
            (link(code(f"odyssey {path}"), command_anchor(path)), prose(meaning))
            for path, meaning in rows.items()
        ]
        blocks += [heading(2, title), table(("command", "what it does"), cells)]
    context = _root()
    blocks += [heading(2, "odyssey itself", "odyssey"), _options(context), _examples(context)]
    return page(*blocks, toctree(f"commands/{name}" for name in COMMANDS))


def _page(context: click.Context) -> str:
    if not isinstance(context.command, click.Group):
        return page(*_command(context, 1))
    blocks = [heading(1, context.command_path, command_anchor(_path(context)))]
    blocks += [*_help(context), _contents(context), _options(context), _examples(context)]
    for _, child in contexts(context):
        blocks += _command(child, 2)
    return page(*blocks)


def _contents(context: click.Context) -> str:
    paths = [_path(child) for _, child in contexts(context)]
    return "\n".join(f"- {link(code(f'odyssey {path}'), command_anchor(path))}" for path in paths)


def _path(context: click.Context) -> str:
    return context.command_path.partition(" ")[2]


def _command(context: click.Context, level: int) -> list[str]:
    path = _path(context)
    usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
    blocks = [heading(level, context.command_path, command_anchor(path))]
    blocks += [*_help(context), fence(usage), _options(context), _examples(context)]
    if OWN.get(path):
        needs = link("permissions", f"permits-{path.replace(' ', '-')}")
        blocks.append(f"What AWS must allow for it is under {needs}.")
    return [*blocks, exits.line(path, context.command)]


def _help(context: click.Context) -> list[str]:
    """Return the paragraphs of a command's help; those that click does not wrap are code."""
    paragraphs = (context.command.help or "").split("\n\n")
    return [
        fence(each.removeprefix("\b\n")) if each.startswith("\b") else prose(" ".join(each.split()))
        for each in paragraphs
        if each.strip()
    ]


def _examples(context: click.Context) -> str:
    """Return the commands in the end of a command's help."""
    epilog = context.command.epilog or ""
    lines = [line.strip() for line in epilog.splitlines() if line.startswith("  ")]
    title = "For example" if len(lines) == 1 else "Examples"
    return f"{title}:\n\n{fence(chr(10).join(lines))}" if lines else ""


def _options(context: click.Context) -> str:
    found = context.command.get_params(context)
    options = [each for each in found if isinstance(each, click.Option) and not each.hidden]
    return definitions((_names(each, context), _meaning(each)) for each in options)


def _names(option: click.Option, context: click.Context) -> str:
    takes = "" if option.is_flag or option.count else f" {option.make_metavar(context)}"
    names = [", ".join(option.opts), ", ".join(option.secondary_opts)]
    return code(" / ".join(filter(None, names)) + takes)


def _meaning(option: click.Option) -> str:
    told = " ".join((option.help or "").split())
    found = _DEFAULT.search(told)
    parts = [prose(told[: found.start()] if found else told)]
    if found:
        parts.append(_default(found["default"]))
    if isinstance(option.type, click.IntRange | click.FloatRange):
        parts.append(_range(option.type))
    if option.required:
        parts.append("It must be given.")
    return " ".join(parts)


def _range(kind: click.IntRange | click.FloatRange) -> str:
    bounds = [f"at least {kind.min}"] if kind.min is not None else []
    bounds += [f"at most {kind.max}"] if kind.max is not None else []
    return sentence(" and ".join(bounds))


def settings_of(option: click.Option) -> list[Key]:
    """Return the keys of ``odyssey.toml`` that an option sets, one for each kind of command."""
    default = _DEFAULT.search(" ".join((option.help or "").split()))
    return _keys(default["default"])[0] if default else []


def _keys(told: str) -> tuple[list[Key], str]:
    """Return the keys that a default names, and what is the default without them."""
    if found := _KEY.match(told):
        paths = [found["path"]]
    elif found := _KEY_OF_SECTIONS.match(told):
        paths = [f"{table}.{found['key']}" for table in re.findall(r"\[(\w+)\]", found["tables"])]
    else:
        return [], told
    return [KEYS[path] for path in paths], found["else"]


def _default(told: str) -> str:
    """Return where an option's value is from when it is not given."""
    keys, otherwise = _keys(told)
    if not keys:
        return f"Default: {prose(told)}."
    names = " or ".join(link(code(key.path), key_anchor(key.path)) for key in keys)
    variables = " or ".join(code(name) for key in keys for name in key.variables)
    value = prose(otherwise) if " " in otherwise else code(otherwise)
    return f"Setting: {names}, or the variable {variables}. Default: {value}."
