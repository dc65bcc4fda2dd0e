"""What the user sees: the result on stdout, the talk on stderr.

With ``--output json`` stdout is exactly one JSON document, the result or the error. Talk goes to
stderr either way. Colours only on a terminal, and never with ``NO_COLOR``.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from odyssey.errors import OdysseyError

SILENT_ON_A_TERMINAL = 2.0
"""Seconds without a word from a child program before the live line shows."""


class Terminal:
    """How this run of the command line talks.

    Args:
        json: stdout is one JSON document.
        debug: Tracebacks are shown.
    """

    def __init__(self, *, json: bool = False, debug: bool = False) -> None:
        """Nothing is answered yet."""
        self.json = json
        self.debug = debug
        self.form = "json" if json else "text"
        """What ``--output`` asks for; a command may know more than text and json."""
        self.answered = False
        """The JSON document is out already."""


def terminal() -> Terminal:
    """Return the `Terminal` of the command that runs, or a plain one outside of a command."""
    context = click.get_current_context(silent=True)
    return context.ensure_object(Terminal) if context else Terminal()


def result(value: object, text: str | None = None) -> None:
    """Print the result of a command on stdout.

    Args:
        value: The result as JSON takes it, printed with ``--output json``.
        text: The result for a reader; None or empty prints nothing.
    """
    here = terminal()
    if here.json:
        _document(here, value)
    elif text:
        click.echo(text)


def raw(value: object, body: bytes) -> None:
    """Print bytes on stdout just as they are, with a newline at the end on a terminal.

    Args:
        value: What ``--output json`` prints instead.
        body: The bytes.
    """
    here = terminal()
    if here.json:
        _document(here, value)
        return
    sys.stdout.flush()
    out = sys.stdout.buffer
    out.write(body)
    if sys.stdout.isatty() and not body.endswith(b"\n"):
        out.write(b"\n")
    out.flush()


def note(text: str) -> None:
    """Print a line of talk on stderr."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    note(f"{painted('Warning:', 'yellow')} {clean(text)}")


def fail(here: Terminal, error: OdysseyError) -> None:
    """Report an error: on stderr for a reader, on stdout with ``--output json``."""
    if here.json and not here.answered:
        reason = {
            "message": error.message,
            "hint": error.hint,
            "exit_code": error.exit_code,
        }
        _document(here, {"error": reason})
        return
    note(f"{painted('Error:', 'red')} {clean(error.message)}")
    if error.hint:
        note(f"{painted('Hint:', 'cyan')} {clean(error.hint)}")


def painted(text: str, colour: str) -> str:
    """Return text for stderr in bold and in a colour, where that is a terminal that wants it."""
    if os.environ.get("NO_COLOR") or not sys.stderr.isatty():
        return text
    return click.style(text, fg=colour, bold=True)


def coloured(text: str, colour: str) -> str:
    """Return text for stdout in a colour, where that is a terminal that wants it."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return click.style(text, fg=colour)


def width(stream: TextIO | None = None) -> int:
    """Return the columns of a terminal, 100 at most, and 80 where it is none.

    Args:
        stream: Where the text goes. Default: stdout.
    """
    try:
        columns = os.get_terminal_size((stream or sys.stdout).fileno()).columns
    except (OSError, ValueError):
        return 80
    return min(columns, 100) or 80


def can_prompt() -> bool:
    """Return whether there is somebody to answer a question: stdin and stderr are terminals."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def clean(text: str) -> str:
    r"""Return text from elsewhere with its control characters spelled out (``\x1b``)."""
    return "".join(
        char if char.isprintable() or char in "\n\t" else char.encode("unicode_escape").decode()
        for char in text
    )


def elapsed(seconds: float) -> str:
    """Return a time as a reader says it: ``42 s``, ``3 min 05 s``, ``1 h 02 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: int) -> str:
    """Return a number of bytes as a reader says it: ``812 B``, ``4.1 kB``, ``1.2 GB``."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def table(rows: Sequence[Mapping[str, str]]) -> str:
    """Return rows of the same keys as lined-up text under a line of headings."""
    heads = list(rows[0])
    lines = [heads, *([row[head] for head in heads] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


class Progress:
    """Long work seen on stderr, beside whatever a child program prints.

    On a terminal one live line tells what goes on and for how long; it gives way to the child's
    own output and comes back when the child is silent. Elsewhere a line comes after every `every`
    seconds of silence.

    Args:
        label: What goes on, such as ``training``.
        every: Seconds of silence between two lines where stderr is no terminal.
        stream: Where to write. Default: stderr.
        live: Whether the stream is a terminal. Default: ask it.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        label: str,
        *,
        every: float = 30.0,
        stream: TextIO | None = None,
        live: bool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the clock; nothing is written yet."""
        self.label = label
        self._stream = sys.stderr if stream is None else stream
        self._live = self._stream.isatty() if live is None else live
        self._every = every
        self._step = ""
        self._clock = clock
        self._start = self._last_word = clock()
        self._mid_line = self._shown = False

    @property
    def live(self) -> bool:
        """Whether there is a live line: stderr is a terminal."""
        return self._live

    @property
    def seconds(self) -> float:
        """Seconds since the work began."""
        return self._clock() - self._start

    def feed(self, chunk: bytes) -> None:
        """Pass on what a child program printed."""
        self.clear()
        self._stream.flush()
        self._stream.buffer.write(chunk)
        self._stream.buffer.flush()
        self._mid_line = not chunk.endswith((b"\n", b"\r"))
        self._last_word = self._clock()

    def step(self, text: str) -> None:
        """Tell what is being done now: a line, or a part of the live line."""
        if self._live:
            self._step = text
        else:
            self.say(f"  {clean(text)}")

    def tick(self) -> float:
        """Say that the work goes on, if it is time to.

        Returns:
            The seconds until this wants to be called again.
        """
        silent = self._clock() - self._last_word
        if self._live:
            if silent >= SILENT_ON_A_TERMINAL and not self._mid_line:
                self._draw()
        elif silent >= self._every:
            self.say(f"{self.label}... {elapsed(self.seconds)}")
        return 1.0

    def say(self, text: str) -> None:
        """Print a line of our own, on a line of its own."""
        self.clear()
        gap = "\n" if self._mid_line else ""
        self._stream.write(f"{gap}{text}\n")
        self._stream.flush()
        self._mid_line = False
        self._last_word = self._clock()

    def end(self) -> None:
        """Take the live line away, and end the line that the child left open."""
        self.clear()
        if self._mid_line:
            self._stream.write("\n")
            self._stream.flush()
            self._mid_line = False

    def clear(self) -> None:
        """Take the live line away."""
        if self._shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = False

    def _draw(self) -> None:
        line = clean(f"{self.label}... {elapsed(self.seconds)}  {self._step}")
        self._stream.write(f"\r\x1b[K{line[: self._width() - 1]}")
        self._stream.flush()
        self._shown = True

    def _width(self) -> int:
        try:
            return os.get_terminal_size(self._stream.fileno()).columns or 80
        except OSError:
            return 80


def _document(here: Terminal, value: object) -> None:
    import json

    click.echo(json.dumps(value, indent=2))
    here.answered = True
