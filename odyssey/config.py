"""``odyssey.toml`` and what overrides it, resolved once into frozen dataclasses.

A value comes from the first of these that gives one, and remembers which::

    option  >  ODYSSEY_SECTION_KEY variable  >  [env.NAME.section]  >  [section]
            >  what a command recorded in .odyssey/artifacts.json  >  default

The keys themselves are in ``odyssey.sections``.
"""

from __future__ import annotations

import os
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import artifacts, names
from odyssey.errors import AppNotFoundError, ConfigError, did_you_mean
from odyssey.keys import KEYS, Key, shown
from odyssey.sections import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey import sections

FILE = "odyssey.toml"
ENVIRONMENT = "ODYSSEY_ENV"


@dataclass(frozen=True)
class Value:
    """A value and the place it came from, such as ``odyssey.toml [server]``."""

    value: Any
    origin: str


@dataclass(frozen=True)
class Config:
    """Every setting of an app, resolved.

    Args:
        folder: The app's folder.
        env: The environment that was chosen, or None.
        app: The section ``[app]``; and so on for each section, as in `odyssey.sections`.
        values: Every value by its path, with its origin.
        warnings: What is odd but stops nothing.
    """

    folder: Path
    env: str | None
    app: sections.App
    local: sections.Local
    server: sections.Server
    aws: sections.Aws
    foundation: sections.Foundation
    artifacts: sections.Artifacts
    docker: sections.Docker
    training: sections.Training
    transform: sections.Transform
    endpoint: sections.Endpoint
    scaling: sections.Scaling
    rollout: sections.Rollout
    alarms: sections.Alarms
    data_capture: sections.DataCapture
    async_inference: sections.AsyncInference
    network: sections.Network
    function: sections.Function
    check: sections.Check
    values: Mapping[str, Value]
    warnings: tuple[str, ...] = ()

    def origin(self, path: str) -> str:
        """Return where the value of a key, such as ``local.port``, came from."""
        return self.values[path].origin


def find_app(start: Path) -> Path:
    """Return the nearest folder with an ``odyssey.toml``, from `start` upwards.

    Raises:
        AppNotFoundError: There is none.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder
    raise AppNotFoundError(f"no {FILE} in {start}, nor in a folder above it")


def load(
    folder: Path,
    *,
    env: str | None = None,
    flags: Mapping[str, object] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Resolve every setting of the app in a folder.

    Args:
        folder: The app's folder, with ``odyssey.toml`` in it.
        env: The table ``[env.NAME]`` to use. Default: the variable ``ODYSSEY_ENV``, or none.
        flags: Values of options by path (``{"local.port": 9000}``); None is not given.
        environ: The variables. Default: those of this process.

    Raises:
        AppNotFoundError: The folder has no ``odyssey.toml``.
        ConfigError: Something in it, in a variable or an option is wrong; all of it is named.
    """
    environ = os.environ if environ is None else environ
    env = env or environ.get(ENVIRONMENT) or None
    reader = _Reader()
    document = _parse(folder)
    values = {path: Value(key.default, "default") for path, key in KEYS.items()}
    values |= reader.recorded(folder, env)
    values |= reader.file(document, env)
    values |= reader.variables(environ)
    values |= reader.flags(flags or {})
    for path, key in KEYS.items():
        if values[path].value is MISSING and path not in reader.broken:
            reader.problems.append(f"{FILE}: {path}: missing, {key.help}")
    if reader.problems:
        raise ConfigError(reader.problems)
    sections = {
        section: table(**{f.name: values[f"{section}.{f.name}"].value for f in fields(table)})
        for section, table in SECTIONS.items()
    }
    warnings = tuple(reader.warnings)
    return Config(folder, env, **sections, values=values, warnings=warnings)


def environments(folder: Path) -> tuple[str, ...]:
    """Return the names of the tables ``[env.NAME]`` of an app, in the order of the file.

    Raises:
        AppNotFoundError: The folder has no ``odyssey.toml``.
        ConfigError: It is no TOML.
    """
    tables = _parse(folder).get("env", {})
    return tuple(tables) if isinstance(tables, dict) else ()


class _Reader:
    """Reads values from each kind of place and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.broken: set[str] = set()

    def file(self, document: dict[str, Any], env: str | None) -> dict[str, Value]:
        environments = document.pop("env", {})
        values = self._tables(document, "")
        if not isinstance(environments, dict):
            self.problems.append(f"{FILE}: env: {shown(environments)}: must be a table")
            environments = {}
        for name in environments:
            if broken := names.environment_problem(name):
                self.problems.append(f"{FILE}: env.{name}: the name {broken}")
        chosen = {name: self._tables(table, f"env.{name}.") for name, table in environments.items()}
        if env is None:
            return values
        if env not in chosen:
            known = f"{FILE} has {', '.join(chosen)}" if chosen else f"{FILE} has no [env.NAME]"
            self.problems.append(f'unknown environment "{env}": {known}{did_you_mean(env, chosen)}')
        return values | chosen.get(env, {})

    def recorded(self, folder: Path, env: str | None) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, value in artifacts.load(folder, env).items():
            key = KEYS.get(f"artifacts.{name}")
            if key is not None:
                self._take(values, key, value, artifacts.FILE)
        return values

    def _tables(self, document: object, prefix: str) -> dict[str, Value]:
        values: dict[str, Value] = {}
        if not isinstance(document, dict):
            self.problems.append(f"{FILE}: {prefix[:-1]}: {shown(document)}: must be a table")
            return values
        for section, table in document.items():
            if section not in SECTIONS:
                self.problems.append(f"{FILE}: {prefix}{section}: {_unknown_section(section)}")
            elif not isinstance(table, dict):
                self.problems.append(f"{FILE}: {prefix}{section}: {shown(table)}: must be a table")
            else:
                values |= self._table(table, prefix, section)
        return values

    def _table(self, table: dict[str, Any], prefix: str, section: str) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for name, value in table.items():
            key = KEYS.get(f"{section}.{name}")
            if key is None:
                advice = _nearest_key(section, name)
                self.problems.append(f"{FILE}: {prefix}{section}.{name}: unknown key{advice}")
            elif broken := key.problem(value):
                self._refuse(key, f"{FILE}: {prefix}{key.path}", broken)
            else:
                values[key.path] = Value(key.settle(value), f"{FILE} [{prefix}{section}]")
        return values

    def variables(self, environ: Mapping[str, str]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for key in KEYS.values():
            # A variable that is empty is a variable that is not set, as in `PORT= odyssey ...`.
            given = next((name for name in key.variables if environ.get(name)), None)
            if given:
                self._take(values, key, key.read(environ[given]), given)
        settings = [name for key in KEYS.values() for name in key.variables]
        known = [ENVIRONMENT, artifacts.SANDBOX, *settings]
        for name in environ:
            if name.startswith("ODYSSEY_") and name not in known:
                self.warnings.append(f"unknown variable {name}{did_you_mean(name, known)}")
        return values

    def flags(self, flags: Mapping[str, object]) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for path, value in flags.items():
            if value is not None:
                self._take(values, KEYS[path], value, KEYS[path].option)
        return values

    def _take(self, values: dict[str, Value], key: Key, value: object, origin: str) -> None:
        broken = key.problem(value)
        if broken:
            self._refuse(key, origin, broken)
        else:
            values[key.path] = Value(key.settle(value), origin)

    def _refuse(self, key: Key, place: str, broken: str) -> None:
        self.problems.append(f"{place}: {broken}")
        self.broken.add(key.path)


def _parse(folder: Path) -> dict[str, Any]:
    import tomllib

    try:
        data = (folder / FILE).read_bytes()
    except FileNotFoundError:
        raise AppNotFoundError(f"no {FILE} in {folder}") from None
    except OSError as error:
        raise ConfigError([f"{folder / FILE}: cannot be read: {error.strerror}"]) from error
    try:
        return tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{FILE}: line {line}: not UTF-8 text"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax(str(error), data)]) from error
    except RecursionError as error:
        raise ConfigError([f"{FILE}: nested too deeply"]) from error


def _syntax(message: str, data: bytes) -> str:
    """Put the place first, as editors and readers expect it."""
    what, _, place = message.rpartition(" (at ")
    place = place.rstrip(")")
    if place == "end of document":
        lines = data.decode("utf-8-sig").splitlines() or [""]
        place = f"line {len(lines)}, column {len(lines[-1]) + 1}"
    return f"{FILE}: {place}: {what or message}"


def _nearest_key(section: str, name: str) -> str:
    ours = [key.name for key in KEYS.values() if key.section == section]
    elsewhere = [key.path for key in KEYS.values() if key.name == name]
    if elsewhere:
        return f", did you mean {elsewhere[0]}?"
    return did_you_mean(name, ours, section + ".{}")


def _unknown_section(name: str) -> str:
    homes = [key.path for key in KEYS.values() if key.name == name]
    if homes:
        return f"unknown section, did you mean the key {homes[0]}?"
    return f"unknown section{did_you_mean(name, [*SECTIONS, 'env'])}"
