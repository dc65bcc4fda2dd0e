"""The table of keys of ``odyssey.toml``, derived from its sections, and what a key may hold."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any

from odyssey.errors import did_you_mean
from odyssey.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KINDS = {
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "str": "text",
    "tuple[str, ...]": "a list of texts",
    "Mapping[str, str]": "a table of texts",
}
"""The kinds of a value, as the sections write them, in words."""

UNTOLD = ("environment", "build_args")
"""Keys whose values may be secrets, so that no message has them."""


@dataclass(frozen=True)
class Key:
    """One key of ``odyssey.toml``: what it means and which values it takes.

    Args:
        section: The table it is in, such as ``server``.
        name: Its own name, such as ``workers``.
        kind: The kind of its value, one of `KINDS`.
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
    kind: str
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    variable: str | None = None
    check: Callable[[Any], str | None] | None = None

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
        words = f"must be {KINDS[self.kind]}"
        if self.low is None:
            return words
        return f"{words} from {self.low}" + (f" to {self.high}" if self.high is not None else "")

    def problem(self, value: object) -> str | None:
        """Return what is wrong with a value, or None."""
        seen = "what is there" if self.name in UNTOLD else shown(value)
        if not self._fits(value):
            return f"{seen}: {self.rule}"
        if self.choices and value not in self.choices:
            return f"{seen}: {self.rule}{did_you_mean(str(value), self.choices)}"
        broken = self.check(self.settle(value)) if self.check else None
        return f"{seen}: {broken}" if broken else None

    def _fits(self, value: object) -> bool:
        if self.kind == "tuple[str, ...]":
            return isinstance(value, list | tuple) and all(type(item) is str for item in value)
        if self.kind == "Mapping[str, str]":
            return isinstance(value, dict) and all(type(item) is str for item in value.values())
        if self.kind in ("int", "float"):
            number = type(value) is int or (self.kind == "float" and type(value) is float)
            return number and self._in_range(value)  # type: ignore[arg-type]
        return type(value).__name__ == self.kind

    def _in_range(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def settle(self, value: Any) -> Any:
        """Return a good value in the type that the section's field has."""
        if self.kind == "tuple[str, ...]":
            return tuple(value)
        return float(value) if self.kind == "float" else value

    def read(self, text: str) -> object:
        """Return the value that a variable's text stands for, or the text where it is none."""
        try:
            return _READERS[self.kind](text)
        except (ValueError, KeyError):
            return text


def _table(text: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in text.split(",")]
    if not all(separator for _, separator, _ in pairs):
        raise ValueError(text)
    return {name.strip(): value.strip() for name, _, value in pairs}


_READERS: dict[str, Callable[[str], object]] = {
    "bool": lambda text: {"true": True, "1": True, "false": False, "0": False}[text.lower()],
    "float": float,
    "int": int,
    "str": str,
    "tuple[str, ...]": lambda text: tuple(item.strip() for item in text.split(",")),
    "Mapping[str, str]": _table,
}


def _keys() -> Iterator[Key]:
    for section, table in SECTIONS.items():
        for column in fields(table):
            make = column.default_factory
            default = column.default if make is MISSING else make()
            yield Key(section, column.name, str(column.type), default, **column.metadata)


KEYS: dict[str, Key] = {key.path: key for key in _keys()}


def shown(value: object) -> str:
    """Return a value as TOML writes it, cut to a line."""
    text = toml(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def toml(value: object) -> str:
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name} = {toml(item)}' for name, item in value.items())}}}"
    return f'"{value}"' if isinstance(value, str) else str(value)
