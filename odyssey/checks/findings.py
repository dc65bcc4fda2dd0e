"""What a check finds: one rule that is broken in one place."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Severity(IntEnum):
    """How much a finding matters.

    ``ERROR``: AWS refuses it, or it does not work. ``WARNING``: it works and bites later, or it may
    be refused. ``INFO``: good to know.
    """

    INFO = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """Return it as the command line writes it."""
        return self.name.lower()


@dataclass(frozen=True)
class Place:
    """Where something is.

    Args:
        file: The file, as the user would name it from the folder that is checked.
        stack: The stack whose template it is; empty where there is none.
        resource: The logical id of the resource, or empty.
        construct: The construct path of the resource, where the template or the assembly tells.
        path: The way to the value within the resource's properties, such as
            ``("ProductionVariants", 0, "InstanceType")``; within the file where there is none.
        line: The line in the file, from 1; None where it is not known.
    """

    file: str
    stack: str = ""
    resource: str = ""
    construct: str = ""
    path: tuple[str | int, ...] = ()
    line: int | None = None

    @property
    def dotted(self) -> str:
        """The path as a reader writes it, such as ``ProductionVariants[0].InstanceType``."""
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
        return text

    def __str__(self) -> str:
        """Return it for a reader, from the file inwards."""
        line = f":{self.line}" if self.line is not None else ""
        inner = " ".join(filter(None, [self.construct or self.resource, self.dotted]))
        return f"{self.file}{line} {inner}".rstrip()


@dataclass(frozen=True)
class Finding:
    """One rule, broken in one place.

    Args:
        rule: The rule's id, such as ``SM101``, or that of another tool.
        severity: How much it matters.
        message: What is wrong, one sentence without a final period.
        place: Where.
        value: The value that was seen, or None where something is missing.
        limit: What it must be, in words.
        source: Where the rule comes from: an address, or the name of a model.
        fix: What to do.
        tool: Who found it: ``odyssey``, ``cfn-lint``, ``cdk`` or ``cdk-nag``.
        also: The ids of other tools' rules that say the same of this place.
        ignored: The reason why it is ignored; None where it counts.
    """

    rule: str
    severity: Severity
    message: str
    place: Place
    value: Any = None
    limit: str = ""
    source: str = ""
    fix: str = ""
    tool: str = "odyssey"
    also: tuple[str, ...] = ()
    ignored: str | None = None
