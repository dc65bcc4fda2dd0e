"""What every command has in common: help, examples, the shared options."""

import re
from collections.abc import Iterator

import click
import pytest

from odyssey import cli, keys


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        assert below is not None
        yield from leaves(below, (*path, name))


def find(path: tuple[str, ...]) -> click.Command:
    command: click.Command = cli.root
    for name in path:
        assert isinstance(command, click.Group)
        below = command.get_command(click.Context(command), name)
        assert below is not None
        command = below
    return command


LEAVES = list(leaves(cli.root))
EVERY = pytest.mark.parametrize("path", LEAVES, ids=" ".join)


def test_the_table_of_contents_has_every_command_in_its_words() -> None:
    listed = {path: text for rows in cli.LIFE_CYCLE.values() for path, text in rows.items()}
    made = {" ".join(path): (find(path).help or "").splitlines()[0] for path in LEAVES}
    assert listed == made


@EVERY
def test_every_option_says_its_default(path: tuple[str, ...]) -> None:
    for param in find(path).params:
        if isinstance(param, click.Option):
            assert param.help is not None
            assert "[default: " in param.help, param.name
            assert param.help.endswith("]"), param.name


@EVERY
def test_every_command_has_an_example_of_itself(path: tuple[str, ...]) -> None:
    assert "odyssey " in (find(path).epilog or "")
    assert path[-1] in (find(path).epilog or "")


@EVERY
def test_every_command_takes_output_and_debug(path: tuple[str, ...]) -> None:
    names = {option for param in find(path).params for option in param.opts}
    assert {"--output", "--debug"} <= names


@EVERY
def test_an_option_of_a_setting_has_the_name_of_its_key(path: tuple[str, ...]) -> None:
    for param in find(path).params:
        said = re.search(r"default: (\S+) of odyssey.toml, else", getattr(param, "help", "") or "")
        if said:
            key = keys.KEYS[said[1]]
            assert param.name == key.name
            assert key.option in param.opts


def test_every_command_s_module_is_in_the_table() -> None:
    assert list(cli.COMMANDS) == list(dict.fromkeys(path[0] for path in LEAVES))
