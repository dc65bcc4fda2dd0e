"""What has come of the tour: of each step, and of the whole."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from odyssey.tour.executor import Choice
    from odyssey.tour.step import Step

COLUMNS = 80
"""Columns that the summary takes at most."""

UNKNOWN = "?"
"""What stands in a result for what was not found."""


@dataclass
class Done:
    """A line that was typed.

    Args:
        line: The line.
        seconds: How long it took.
        code: Its exit code.
        found: What was kept of its output.
    """

    line: str
    seconds: float = 0.0
    code: int = 0
    found: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        seconds = round(self.seconds, 3)
        return {"command": self.line, "seconds": seconds, "exit_code": self.code}


@dataclass
class Outcome:
    """A step that was taken, as far as it went.

    Args:
        step: The step.
        lines: What was typed.
        found: What was found in what was printed, and by looking.
        seconds: How long it took.
    """

    step: Step
    lines: list[Done] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def result(self) -> str:
        """What has come of it, in a few words."""
        last = self.lines[-1] if self.lines else None
        if last is not None and last.code:
            return f"failed with exit code {last.code}"
        return self.filled(self.step.result)

    def filled(self, text: str) -> str:
        """Return a text with what was found in place of its braces."""
        return text.format_map(defaultdict(lambda: UNKNOWN, self.found))

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "step": self.step.key,
            "title": self.step.title,
            "seconds": round(self.seconds, 3),
            "result": self.result,
            "found": self.found,
            "commands": [line.document() for line in self.lines],
        }


@dataclass
class Taken:
    """A tour that was taken, as far as it went.

    Args:
        executor: What ran the jobs, and why.
        steps: What has come of each step.
        left: What was found on this machine afterwards.
        failed: The line that has failed, which was the last.
        kept: The app's folder and the sandbox's name, where they stay.
    """

    executor: Choice
    steps: list[Outcome] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    failed: Done | None = None
    kept: dict[str, str] | None = None

    @property
    def code(self) -> int:
        """The exit code: that of the line that has failed; 1 where something was left behind."""
        return self.failed.code if self.failed else int(bool(self.left))

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "passed": self.code == 0,
            "executor": self.executor.name,
            "reason": self.executor.reason,
            "seconds": round(sum(step.seconds for step in self.steps), 3),
            "steps": [step.document() for step in self.steps],
            "failed": self.failed.document() if self.failed else None,
            "left_behind": self.left,
            "kept": self.kept,
        }

    def text(self) -> str:
        """Return the table of the steps: what was done, how long it took, what came of it."""
        widest = max(len(each.step.title) for each in self.steps)
        room = COLUMNS - widest - 16
        lines = [f"    {'step':<{widest}}  seconds  result"]
        for number, each in enumerate(self.steps, 1):
            told = each.result if len(each.result) <= room else f"{each.result[: room - 3]}..."
            head = f"{number:>2}  {each.step.title:<{widest}}"
            lines.append(f"{head}  {each.seconds:>7.1f}  {told}".rstrip())
        total = sum(each.seconds for each in self.steps)
        return "\n".join([*lines, f"    {'':<{widest}}  {total:>7.1f}  in all"])
