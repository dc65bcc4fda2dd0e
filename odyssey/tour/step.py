"""What the tour is made of: steps, and in each the lines that are typed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Typed:
    """A line that is typed into a shell, just as it is shown.

    Args:
        line: The line.
        shows: Which lines of what it prints are shown, as a regular expression; "" shows all.
        finds: What is kept of its output, as a regular expression with named groups.
        serves: Whether it goes on until the end of its step, in a terminal of its own.
    """

    line: str
    shows: str = ""
    finds: str = ""
    serves: bool = False

    @property
    def shown(self) -> str:
        """The line as a reader sees it."""
        return f"{self.line}    # in a terminal of its own" if self.serves else self.line


@dataclass(frozen=True)
class Edit:
    """Lines that are added at the end of a file of the app's.

    Args:
        file: The file.
        added: The lines.
    """

    file: str
    added: str

    @property
    def shown(self) -> str:
        """The edit as a reader sees it."""
        lines = "".join(f"\n+ {line}" for line in self.added.strip().splitlines())
        return f"{self.file}, at its end:{lines}"


@dataclass(frozen=True)
class Step:
    """One step of the tour.

    Args:
        key: Its name in JSON.
        part: The part of an app's life that it belongs to.
        title: What is done, in a few words.
        why: What happens and why, in two sentences.
        acts: What is typed.
        on_aws: How long it takes on the real AWS, and what it costs there; "" where it is not
            about AWS.
        see: What to look at afterwards.
        look: Which function of `odyssey.tour.looks` looks at what has come of it; "" for none.
        result: The result for the summary, with what was found in braces.
    """

    key: str
    part: str
    title: str
    why: str
    acts: tuple[Typed | Edit, ...]
    result: str
    on_aws: str = ""
    see: str = ""
    look: str = ""
