"""The reference of ``odyssey.toml``, of the sections and keys that validate it."""

from __future__ import annotations

from dataclasses import MISSING
from functools import cache
from typing import TYPE_CHECKING

import click

from _generate.commands import context_of, settings_of
from _generate.examples import EXAMPLES
from _generate.markdown import (
    COMMANDS,
    code,
    command_anchor,
    heading,
    key_anchor,
    link,
    page,
    prose,
    section_anchor,
    sentence,
)
from odyssey.keys import KEYS, toml
from odyssey.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.keys import Key

_INTRODUCTION = """\
`odyssey.toml` in the app's folder holds the settings; whatever it does not say has a default. A
value comes from the first of these that gives one:

1. an option of the command, such as `--workers 4`
2. a variable, such as `ODYSSEY_SERVER_WORKERS=4`; for `[server]` also the server's own,
   `MODEL_SERVER_WORKERS`
3. the table of the environment that `--env prod` chooses: `[env.prod.server]`
4. the table `[server]`
5. for `[artifacts]` what a command has recorded in `.odyssey/artifacts.json`
6. the default

`odyssey config show --origin` prints every value with where it is from. A key that does not exist,
or a value of the wrong type or out of its range, is refused before anything is done, all of them at
once, with the nearest right word.

In a variable `true`, `1`, `false` and `0` are yes and no, a list is `a,b`, a table is `a=1,b=2`."""

_ENVIRONMENTS = """\
Any section can stand again below `[env.NAME]`, for an environment of this name; what it does not
say is as in the base. `odyssey deploy --env prod` makes stacks of its own, `NAME-prod-endpoint`.

```toml
[endpoint]
instance_type = "ml.m5.large"

[env.prod.endpoint]
instance_type = "ml.c6i.xlarge"
instance_count = 2
```"""


def pages() -> dict[str, str]:
    """Return the page of settings."""
    sections = [block for name in SECTIONS for block in _section(name)]
    return {
        "configuration.md": page(
            heading(1, "Settings", "settings"),
            _INTRODUCTION,
            heading(2, "Environments", "environments"),
            _ENVIRONMENTS,
            *sections,
        )
    }


def _section(name: str) -> Iterator[str]:
    keys = [key for key in KEYS.values() if key.section == name]
    meaning = (SECTIONS[name].__doc__ or "").partition(": ")[2]
    yield heading(2, code(f"[{name}]"), section_anchor(name))
    yield prose(sentence(" ".join(meaning.split())))
    for key in keys:
        yield heading(3, code(key.path), key_anchor(key.path))
        yield prose(sentence(key.help))
        yield "\n".join(f"- {line}" for line in _facts(key))


def _facts(key: Key) -> Iterator[str]:
    """Yield what a key takes, its default, its variables, its options, and an example."""
    yield f"Takes {_values(key)}."
    if key.default is MISSING:
        yield "Has no default: it must be given."
    else:
        yield f"Default: {code(toml(key.default))}."
    variables = " or ".join(map(code, key.variables))
    yield f"Variable: {variables}."
    if options := _options().get(key.path):
        yield f"Option: {', '.join(options)}."
    yield f"For example {code(f'{key.name} = {toml(EXAMPLES[key.path])}')}."


def _values(key: Key) -> str:
    if key.choices:
        return " or ".join(code(toml(choice)) for choice in key.choices)
    words = key.rule.removeprefix("must be ")
    # What it must be is what is said of a value that it cannot be.
    told = key.check("?") if key.check and key.kind == "str" else None
    if told and told.startswith("must be "):
        words += f": {told.removeprefix('must be ')}"
    return prose(words)


@cache
def _options() -> dict[str, list[str]]:
    """Return the commands with an option for a key, by the keys: it goes before all else."""
    found: dict[str, list[str]] = {}
    for path in COMMANDS:
        for option in context_of(path).command.params:
            if isinstance(option, click.Option):
                told = code(f"odyssey {path} {max(option.opts, key=len)}")
                for key in settings_of(option):
                    found.setdefault(key.path, []).append(link(told, command_anchor(path)))
    return found
