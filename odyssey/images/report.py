"""What the container contract test found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from odyssey.console import clean, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.images.rules import Check
    from odyssey.images.timeline import Timeline


@dataclass(frozen=True)
class Report:
    """The rules of the contract, and what became of each.

    Args:
        checks: The rules, in order.
        timeline: The pings while the container started; None where none are sent, as by Lambda.
        log: The container's last words, where a rule is broken.
        figures: What was measured besides, by name.
    """

    checks: tuple[Check, ...]
    timeline: Timeline | None
    log: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether no rule is broken; a rule that could not be tested breaks nothing."""
        return not self.broken

    @property
    def broken(self) -> tuple[Check, ...]:
        """The rules that are broken."""
        return tuple(check for check in self.checks if check.passed is False)

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "passed": self.passed,
            "checks": [check.document() for check in self.checks],
            "timeline": self.timeline.document() if self.timeline else [],
            "log": self.log or None,
            **({"figures": dict(self.figures)} if self.figures else {}),
        }

    def text(self) -> str:
        """Return it for a reader: what was measured at the start, and a table of the rules."""
        rows = [
            {
                "": check.verdict.word,
                "RULE": check.rule.id,
                "WHAT IT ASKS FOR, AND WHAT WAS SEEN": _told(check),
            }
            for check in self.checks
        ]
        parts = [self._head(), table(rows)]
        parts += [_sources(self.broken)] if self.broken else []
        parts += [f"The container's last words:\n{clean(self.log.rstrip())}"] if self.log else []
        return "\n\n".join([*filter(None, parts), self.summary()])

    def _head(self) -> str:
        if self.timeline is not None:
            return f"/ping  {self.timeline.draw()}".replace("\n", "\n       ")
        words = {"init_ms": "init {} ms", "warm_ms": "warm {} ms", "max_memory_mb": "memory {} MB"}
        known = {name: value for name, value in self.figures.items() if value is not None}
        return "   ".join(words[name].format(value) for name, value in known.items())

    def summary(self) -> str:
        """Return the result in a line."""
        counted = {
            word: sum(check.verdict.word == word for check in self.checks)
            for word in ("PASS", "WARN", "FAIL", "SKIP")
        }
        told = ", ".join(f"{count} {word.lower()}" for word, count in counted.items() if count)
        return f"The container {'keeps' if self.passed else 'breaks'} the contract: {told}"

    def problems(self) -> str:
        """Return what is broken, one line for each rule."""
        return "\n".join(f"  {check.rule.id}: {clean(check.detail)}" for check in self.broken)


def _told(check: Check) -> str:
    detail = clean(check.detail).replace("\n", "; ")
    return f"{check.rule.sentence}: {detail}" if detail else check.rule.sentence


def _sources(broken: tuple[Check, ...]) -> str:
    return "\n".join(f"{check.rule.id}: see {check.rule.source}" for check in broken)
