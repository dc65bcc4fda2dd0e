"""The tour's voice: what it says on stderr, and how what the commands print is shown."""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, TextIO

import click

from odyssey import console

if TYPE_CHECKING:
    from collections.abc import Iterable

    from odyssey.tour.step import Edit, Step, Typed

WIDEST = 100
"""Columns that text takes at most; what commands print may take all of a terminal."""

LAST_LINES = 30
"""Lines of a failed command that are shown again, with those that were left out."""

SIGNS = {"bar": "│", "rule": "─", "done": "✓", "failed": "✗", "more": "…", "dot": "·"}
PLAIN = {"bar": "|", "rule": "-", "done": "*", "failed": "x", "more": "...", "dot": "-"}
"""The same for a terminal that has ASCII alone."""

TABLE = re.compile(r"^\s*[┌├│└]")
"""A line of one of the CDK's tables, which are wider than any terminal."""


class Narrator:
    """Tells what happens.

    Args:
        transcript: Where all that was printed is written, too, in full.
        stream: Where to. Default: stderr.
    """

    def __init__(self, transcript: TextIO, stream: TextIO | None = None) -> None:
        """Look at what the terminal can do."""
        self.stream = stream or sys.stderr
        self.transcript = transcript
        self.live = self.stream.isatty()
        self._coloured = self.live and not os.environ.get("NO_COLOR")
        self.columns = shutil.get_terminal_size((80, 24)).columns if self.live else 80
        self.width = min(self.columns, WIDEST)
        self.signs = SIGNS if _can_encode(self.stream, SIGNS.values()) else PLAIN

    def say(self, text: str = "") -> None:
        """Print a line."""
        self.transcript.write(f"{click.unstyle(text)}\n")
        self.stream.write(f"{text}\n")
        self.stream.flush()

    def tell(self, text: str, indent: str = "  ", first: str | None = None) -> None:
        """Print a paragraph, filled to the width."""
        begin = indent if first is None else first
        for line in textwrap.wrap(
            text,
            self.width - 1,
            initial_indent=begin,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            self.say(line)

    def title(self, text: str) -> None:
        """Print a heading of the whole."""
        self.say()
        self.say(self.styled(text, bold=True))
        self.say(self.signs["rule"] * len(text))

    def step(self, number: int, total: int, step: Step) -> None:
        """Print the heading of a step, and why it is taken."""
        rule = self.signs["rule"]
        left = f"{rule * 2} {number}/{total} {step.title} "
        right = f" {step.part} {rule * 2}"
        fill = rule * max(1, self.width - len(left) - len(right) - 1)
        self.say()
        self.say(self.styled(left, fg="cyan", bold=True) + self.styled(fill + right, fg="cyan"))
        self.tell(step.why)
        self.say()

    def act(self, act: Typed | Edit) -> None:
        """Print what is typed, as it is typed."""
        first, *more = act.shown.splitlines()
        prompt = "" if more else "$ "
        self.say(f"  {self.styled(f'{prompt}{first}', bold=True)}")
        for line in more:
            self.say(f"    {self.styled(line, fg='green')}")

    def done(self, text: str, seconds: float) -> None:
        """Print how a step has ended."""
        told = f"{console.clean(text)} {self.styled(f'({seconds:.1f} s)', dim=True)}"
        self.say(f"  {self.styled(self.signs['done'], fg='green', bold=True)} {told}")

    def aside(self, name: str, text: str) -> None:
        """Print a remark at the end of a step."""
        if text:
            self.tell(f"{name}: {text}", "      ", "    ")

    def fail(self, text: str) -> None:
        """Print that something has failed."""
        self.say(f"  {self.styled(self.signs['failed'], fg='red', bold=True)} {text}")

    def wait(self) -> None:
        """Wait for Enter.

        Raises:
            click.Abort: There is nobody any more.
        """
        self.stream.write(self.styled("\n  Enter goes on, Ctrl-C stops. ", dim=True))
        self.stream.flush()
        if not sys.stdin.readline():
            raise click.Abort

    def styled(self, text: str, **style: object) -> str:
        """Return text in a style, where the terminal wants it."""
        return click.style(text, **style) if self._coloured else text  # type: ignore[arg-type]

    def printed(self, line: str) -> str:
        """Return a line that a command has printed, as it is shown."""
        text = f"    {self.signs['bar']} {line}".rstrip()
        if self.live and len(text) >= self.columns:
            text = f"{text[: self.columns - 2]}{self.signs['more'][:1]}"
        return self.styled(text, dim=True)


class Output:
    """What one command prints: shown line by line, or counted where nobody wants to read it.

    Args:
        narrator: Who shows it.
        shows: Which lines are shown, as a regular expression; "" shows all.
        label: What goes on, for the live line.
    """

    def __init__(self, narrator: Narrator, shows: str, label: str) -> None:
        """Nothing is printed yet."""
        self._narrator = narrator
        self._shows = re.compile(shows)
        self._progress = console.Progress(f"    {label}", stream=narrator.stream)
        self._rest = b""
        self._lines: list[str] = []
        self._left_out = 0

    @property
    def text(self) -> str:
        """All that was printed."""
        return "".join(f"{line}\n" for line in self._lines)

    def feed(self, chunk: bytes) -> None:
        """Take what a program has printed."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._line(line)

    def tick(self) -> float:
        """Show that the work goes on; return the seconds until this wants to be called again."""
        return self._progress.tick()

    def end(self, failed: bool = False) -> None:
        """Show what is left to be shown: all of the end, when the command has failed."""
        if self._rest:
            self._line(self._rest)
            self._rest = b""
        self._progress.end()
        if failed and self._left_out:
            self._narrator.say(self._narrator.printed("the last lines of all that it printed:"))
            for line in self._lines[-LAST_LINES:]:
                self._narrator.say(self._narrator.printed(line))
        elif self._left_out:
            word = "line" if self._left_out == 1 else "lines"
            told = f"{self._narrator.signs['more']} {self._left_out} more {word}"
            self._narrator.say(self._narrator.printed(told))

    def _line(self, raw: bytes) -> None:
        # Of a line that a program has written over, its last state is what a reader sees.
        text = raw.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
        line = console.clean(click.unstyle(text)).expandtabs().rstrip()
        self._lines.append(line)
        self._narrator.transcript.write(f"    | {line}\n")
        if self._shows.search(line) and not TABLE.match(line):
            self._progress.say(self._narrator.printed(line))
        else:
            self._left_out += bool(line)
            if self._progress.live:
                self._progress.step(line.strip())


def _can_encode(stream: TextIO, signs: Iterable[str]) -> bool:
    try:
        "".join(signs).encode(stream.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
