"""The table of keys of ``odyssey.toml``.

The fields of `App`, `Local` and `Server` are the table: each says its type, default, range or
choices, and meaning, and everything else (validation, the options of commands, the variables,
``odyssey config show``) is derived from it. Adding a key is adding a field.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from odyssey import names
from odyssey.errors import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def _key(
    default: Any,
    meaning: str,
    *,
    low: int | None = None,
    high: int | None = None,
    choices: tuple[str, ...] = (),
    variable: str | None = None,
    check: Callable[[str], str | None] | None = None,
) -> Any:
    rules = {
        "help": meaning,
        "low": low,
        "high": high,
        "choices": choices,
        "variable": variable,
        "check": check,
    }
    return field(default=default, metadata=rules)


@dataclass(frozen=True)
class App:
    """``[app]``: what the app is."""

    name: str = _key(MISSING, "the app's name", check=names.problem)
    provider: str = _key("aws", "the cloud it goes to", choices=("aws",))
    service: str = _key("sagemaker", "the service that runs it", choices=("sagemaker",))


@dataclass(frozen=True)
class Local:
    """``[local]``: the app on this machine."""

    port: int = _key(8080, "port of the local server, on 127.0.0.1", low=1, high=65535)
    python: str = _key("", 'Python that runs the app: a path or a program; "" chooses one')


@dataclass(frozen=True)
class Server:
    """``[server]``: the server of the app's container, the same on this machine."""

    kind: str = _key(
        "fast",
        "which server answers",
        choices=("fast", "flask"),
        variable="MODEL_SERVER",
    )
    workers: int = _key(
        0,
        "worker processes; 0 is one for each core",
        low=0,
        high=256,
        variable="MODEL_SERVER_WORKERS",
    )
    threads: int = _key(
        4,
        "long predictions at once in each worker",
        low=1,
        high=256,
        variable="MODEL_SERVER_THREADS",
    )
    timeout: int = _key(
        60,
        "seconds that one prediction may take",
        low=1,
        high=3600,
        variable="MODEL_SERVER_TIMEOUT",
    )
    max_payload_mb: int = _key(
        100,
        "largest request, in megabytes",
        low=1,
        high=1024,
        variable="MODEL_SERVER_MAX_PAYLOAD_MB",
    )
    nginx: str = _key(
        "auto",
        "nginx in front: auto is on for flask where nginx is installed",
        choices=("auto", "on", "off"),
        variable="MODEL_SERVER_NGINX",
    )
    csv_header: str = _key(
        "absent",
        "whether text/csv without a header parameter begins with a line of headings",
        choices=("absent", "present"),
        variable="MODEL_SERVER_CSV_HEADER",
    )


SECTIONS: dict[str, type[App | Local | Server]] = {"app": App, "local": Local, "server": Server}


@dataclass(frozen=True)
class Key:
    """One key of ``odyssey.toml``: what it means and which values it takes.

    Args:
        section: The table it is in, such as ``server``.
        name: Its own name, such as ``workers``.
        kind: The type of its value.
        default: Its default; `dataclasses.MISSING` where the file must give it.
        help: What it means, in a few words.
        low: The least value, included.
        high: The greatest value, included.
        choices: The values it takes; empty takes any.
        variable: A second variable that sets it, after ``ODYSSEY_SECTION_KEY``.
        check: Returns what is wrong with a value, or None.
    """

    section: str
    name: str
    kind: type[int] | type[str]
    default: Any
    help: str
    low: int | None = None
    high: int | None = None
    choices: tuple[str, ...] = ()
    variable: str | None = None
    check: Callable[[str], str | None] | None = None

    @property
    def path(self) -> str:
        """The key with its section: ``server.workers``."""
        return f"{self.section}.{self.name}"

    @property
    def option(self) -> str:
        """The option of a command that sets it: ``--workers``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables that set it, the strongest first."""
        ours = f"ODYSSEY_{self.section}_{self.name}".upper()
        return (ours, self.variable) if self.variable else (ours,)

    @property
    def rule(self) -> str:
        """The values it takes, in words."""
        if self.choices:
            return "must be " + " or ".join(self.choices)
        if self.kind is int:
            return f"must be a whole number from {self.low} to {self.high}"
        return "must be text"

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value, or None."""
        if type(value) is not self.kind:
            return f"{shown(value)}: {self.rule}"
        if isinstance(value, int) and not (self.low or 0) <= value <= (self.high or value):
            return f"{value}: {self.rule}"
        if self.choices and value not in self.choices:
            return f"{shown(value)}: {self.rule}{did_you_mean(str(value), self.choices)}"
        broken = self.check(str(value)) if self.check else None
        return f"{shown(value)}: the name {broken}" if broken else None

    def read(self, text: str) -> int | str:
        """Return the value that a variable's text stands for, or the text where it is none."""
        if self.kind is not int:
            return text
        try:
            return int(text)
        except ValueError:
            return text


def _keys() -> Iterator[Key]:
    for section, table in SECTIONS.items():
        for column in fields(table):
            kind: type[int] | type[str] = int if column.type == "int" else str
            yield Key(section, column.name, kind, column.default, **column.metadata)


KEYS: dict[str, Key] = {key.path: key for key in _keys()}


def shown(value: object) -> str:
    """Return a value as TOML would write it, cut to a line."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
