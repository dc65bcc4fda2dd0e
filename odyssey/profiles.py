"""AWS's files of profiles, changed in place: what is not asked for stays, byte by byte.

``~/.aws/config`` and ``~/.aws/credentials`` are read by every tool of AWS, and edited by hand. So
nothing is parsed and written anew here: lines are found as the parser of the SDK finds them, and
those of the keys that are set are replaced.
"""

from __future__ import annotations

import configparser
import io
import os
import re
import shlex
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey.console import clean
from odyssey.errors import ConfigError, OdysseyError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Sections = dict[str, dict[str, str]]

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_HEADER = re.compile(r"\[(?P<name>.+)\]")
_KEY = re.compile(r"(?P<key>\s*[^=:]*?\s*[=:])(?P<gap>[^\S\r\n]*)")


@dataclass(frozen=True)
class Line:
    """A line of a file of profiles, as the parser of the SDK takes it.

    Args:
        text: The line, with its end.
        section: The section that it belongs to; None before the first.
        option: The option that it sets or continues; None for the others.
    """

    text: str
    section: str | None = None
    option: str | None = None

    @property
    def indent(self) -> str:
        """The whitespace that it begins with."""
        return self.text[: len(self.text) - len(self.text.lstrip())]


@dataclass(frozen=True)
class ProfileFile:
    """A file of profiles; it need not be there.

    Args:
        path: The file, or a link to it.
        prefix: What comes before a profile's name in the header of its section: ``profile`` in
            ``~/.aws/config``, nothing in ``~/.aws/credentials``.
    """

    path: Path
    prefix: str = ""

    def values(self, profile: str) -> dict[str, str]:
        """Return what the file says of a profile.

        Raises:
            ConfigError: The SDK could not read the file either.
        """
        sections = _parsed(self._text(), self.path)
        return sections.get(self._section(profile, sections), {})

    def edited(self, profile: str, changes: Mapping[str, str | None]) -> str:
        """Return the file's text with another profile; nothing is written.

        Args:
            profile: The profile; a section is appended where it has none.
            changes: The values by key; None takes a key away.

        Raises:
            ConfigError: The SDK could not read the file, or would not read it as it should.
        """
        text = self._text()
        before = _parsed(text, self.path)
        section = self._section(profile, before)
        there = before.get(section, {})
        wanted = {key: value for key, value in changes.items() if there.get(key) != value}
        if not wanted:
            return text
        fresh = _edit(text, section, wanted)
        self._compare(before, section, wanted, fresh)
        return fresh

    def edit(self, profile: str, changes: Mapping[str, str | None]) -> None:
        """Change a profile in the file, which is there whole at any time, and for its owner alone.

        Args:
            profile: The profile.
            changes: As for `edited`.

        Raises:
            ConfigError: As for `edited`.
            OdysseyError: The file cannot be written.
        """
        text = self.edited(profile, changes)
        real = self.path.resolve()  # A link stays a link.
        try:
            real.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Nobody else can read it at any time: it is made with the mode 0600.
            handle, beside = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}-")
            try:
                with os.fdopen(handle, "wb") as opened:
                    opened.write(text.encode())
                    opened.flush()
                    os.fsync(opened.fileno())
                os.replace(beside, real)
            except BaseException:
                os.unlink(beside)
                raise
        except OSError as error:
            raise OdysseyError(f"{self.path} cannot be written: {error.strerror}") from error

    def _section(self, profile: str, sections: Sections) -> str:
        """Return the name of a profile's section, as it is or as it is going to be."""
        plain = profile if not self.prefix or profile == "default" else None
        found = [name for name in sections if name == plain or self._names(name, profile)]
        if found:
            return found[-1]  # The SDK takes the last of [default] and [profile default].
        return plain or f"{self.prefix} {shlex.quote(profile)}"

    def _names(self, section: str, profile: str) -> bool:
        try:
            return bool(self.prefix) and shlex.split(section) == [self.prefix, profile]
        except ValueError:
            return False

    def _text(self) -> str:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise ConfigError([f"{self.path}: cannot be read: {error.strerror}"]) from error
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise ConfigError([f"{self.path}: line {line}: not UTF-8 text"]) from error

    def _compare(
        self, before: Sections, section: str, changes: Mapping[str, str | None], text: str
    ) -> None:
        """Make sure that the SDK reads what it should."""
        after = _parsed(text, self.path)
        expected = {**before.get(section, after.get(section, {})), **changes}
        kept = {key: value for key, value in expected.items() if value is not None}
        if after != {**before, section: kept}:
            raise ConfigError(
                [f"{self.path}: [{clean(section)}] cannot be changed without changing more"],
                f"edit {self.path} by hand; it is unchanged",
            )


def _parsed(text: str, path: Path) -> Sections:
    """Return what the SDK reads: every section with its options.

    Raises:
        ConfigError: It reads nothing; the line is named and not shown, it may be a secret.
    """
    parser = configparser.RawConfigParser()
    try:
        parser.read_file(io.StringIO(text, newline=None))
    except configparser.Error as error:
        raise _unreadable(path, error) from None
    sections = {name: dict(parser.items(name)) for name in parser.sections()}
    for name, options in sections.items():
        for option, value in options.items():
            lines = [line for line in value.splitlines() if line.strip()]
            if value.startswith("\n") and not all("=" in line for line in lines):
                raise ConfigError(
                    [f"{path}: [{clean(name)}] {clean(option)}: its lines must be KEY = VALUE"],
                    f"correct {path} by hand; it is unchanged",
                )
    return sections


def _unreadable(path: Path, error: configparser.Error) -> ConfigError:
    number = getattr(error, "lineno", None)
    if isinstance(error, configparser.MissingSectionHeaderError):
        what = "comes before the first [SECTION]"
    elif isinstance(error, configparser.DuplicateSectionError):
        what = f"the section [{clean(error.section)}] is there twice"
    elif isinstance(error, configparser.DuplicateOptionError):
        what = f"{clean(error.option)} is there twice in [{clean(error.section)}]"
    else:
        number = error.errors[0][0] if isinstance(error, configparser.ParsingError) else number
        what = "neither [SECTION] nor KEY = VALUE"
    return ConfigError(
        [f"{path}: line {number}: {what}"], f"correct {path} by hand; it is unchanged"
    )


def scan(text: str) -> list[Line]:
    """Return the lines of a file, each with the section and option that the SDK counts it to."""
    found: list[Line] = []
    section = option = None
    indent = 0
    for line in _LINE.findall(text):
        bare = line.strip()
        if not bare or bare.startswith(("#", ";")):
            found.append(Line(line, section))
            continue
        depth = len(line) - len(line.lstrip())
        if section is None or option is None or depth <= indent:
            indent = depth
            header = _HEADER.match(bare)
            if header:
                section, option = header["name"], None
            else:
                option = re.split("[=:]", bare, maxsplit=1)[0].strip().lower()
        found.append(Line(line, section, option))
    return found


def _edit(text: str, section: str, changes: Mapping[str, str | None]) -> str:
    lines = scan(text)
    end = "\r\n" if lines and lines[0].text.endswith("\r\n") else "\n"
    if not any(line.section == section for line in lines):
        lines += _heading(section, lines, end)
    for key, value in changes.items():
        lines = _set(lines, section, key, value, end)
    return "".join(line.text for line in lines)


def _heading(section: str, lines: list[Line], end: str) -> list[Line]:
    gap = "".join(
        [
            end if lines and not lines[-1].text.endswith(("\r", "\n")) else "",
            end if lines and lines[-1].text.strip() else "",
        ]
    )
    above = [Line(gap, lines[-1].section)] if gap else []
    return [*above, Line(f"[{section}]{end}", section)]


def _set(lines: list[Line], section: str, key: str, value: str | None, end: str) -> list[Line]:
    ours = [at for at, line in enumerate(lines) if (line.section, line.option) == (section, key)]
    if ours:
        first = lines[ours[0]]
        fresh = [] if value is None else [Line(_with_value(first.text, value), section, key)]
        rest = [line for at, line in enumerate(lines[ours[0] + 1 :], ours[0] + 1) if at not in ours]
        return [*lines[: ours[0]], *fresh, *rest]
    if value is None:
        return lines
    return _insert(lines, section, f"{key} = {value}", key, end)


def _with_value(line: str, value: str) -> str:
    """Return the line of a key with another value, written as it was."""
    bare = line.rstrip("\r\n")
    found = _KEY.match(bare)
    if found is None:  # It was read as an option: there is a delimiter.
        raise ValueError("no option")
    gap = found["gap"] if bare[found.end() :].strip() else " "
    return f"{found['key']}{gap}{value}{line[len(bare) :]}"


def _insert(lines: list[Line], section: str, text: str, key: str, end: str) -> list[Line]:
    """Put a new key after the last one of its section, before comments and blank lines."""
    ours = [at for at, line in enumerate(lines) if line.section == section]
    place = max((at for at in ours if lines[at].option), default=ours[0])
    last = lines[place].option
    if last is not None:
        # As deep as the last key: less could take the next header in, more would continue it.
        indent = next(lines[at].indent for at in ours if lines[at].option == last)
    else:
        below = (line.indent for line in lines[place + 1 :] if line.section != section)
        indent = next(below, "")
    above = lines[place]
    gap = "" if above.text.endswith(("\r", "\n")) else end
    closed = Line(above.text + gap, above.section, above.option)
    added = Line(f"{indent}{text}{end}", section, key)
    return [*lines[:place], closed, added, *lines[place + 1 :]]
