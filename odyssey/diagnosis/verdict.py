"""What the evidence of one thing comes to: its cause, or that none is recognised."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from odyssey import console
from odyssey.console import clean
from odyssey.diagnosis import evidence as evidences
from odyssey.diagnosis.causes import CATALOGUE
from odyssey.diagnosis.evidence import FUNCTION, LOG, STACK
from odyssey.diagnosis.masking import masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from odyssey.diagnosis.causes.cause import Found
    from odyssey.diagnosis.evidence import Evidence, Line

SHOWN = 12
"""Lines of evidence that a report shows; the document has all."""

TRACEBACK = 60
"""Lines of a log before the last of the evidence in which its traceback may begin."""

LONGEST = 600
"""Characters of a line of evidence that a report shows."""


@dataclass(frozen=True)
class Verdict:
    """What was recognised in the evidence of one thing.

    Args:
        evidence: All of the evidence.
        cause: The cause; None where none is recognised.
        others: What else was recognised: symptoms of the cause, and things to mend besides.
    """

    evidence: Evidence
    cause: Found | None
    others: tuple[Found, ...] = ()

    @property
    def ails(self) -> bool:
        """Whether there is something to tell: a bad status, or a cause in what it logged."""
        return not self.evidence.healthy or self.cause is not None

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it; what is under ``thing`` can be read again."""
        return {
            "thing": self.evidence.document(),
            "cause": self.cause.document() if self.cause else None,
            "others": [each.document() for each in self.others],
            "next": next_steps(self.evidence),
        }

    @property
    def title(self) -> str:
        """The thing's kind and name."""
        words = (self.evidence.kind, self.evidence.name)
        return clean(" ".join(word for word in words if word)) or "the recorded lines"

    def text(self, known: Sequence[Verdict] = ()) -> str:
        """Return it for a reader.

        Args:
            known: Verdicts that the reader has read; a cause that is one of theirs is not told
                again.
        """
        heading = f"{self.title}  {clean(self.evidence.status)}".rstrip()
        for before in known:
            if self.cause and before.cause and self.cause.is_like(before.cause):
                return f"{heading}\n  the cause is that of {before.title}"
        return "\n".join([heading, *self._parts()])

    def _parts(self) -> Iterator[str]:
        if self.cause is None:
            yield from self._unknown()
            return
        cause = self.cause
        yield ""
        title, *more = _wrapped(f"Cause: {cause.title}.  [{cause.cause.id}]", "")
        yield _heading("Cause:") + title.removeprefix("Cause:")
        yield from more
        yield from _wrapped(cause.cause.means, "  ")
        yield ""
        yield _heading("Evidence")
        yield from _shown((*cause.lines[:-1], *self._traceback(cause.lines[-1])))
        yield ""
        yield _heading("Fix")
        yield from _wrapped(f"{cause.fix}.", "  ")
        yield f"  Source: {cause.cause.source}"
        if self.others:
            yield ""
            yield _heading("Also seen")
            for other in self.others:
                yield from _wrapped(f"{other.title}.  [{other.cause.id}]", "  - ", "    ")

    def _traceback(self, line: Line) -> Iterator[Line]:
        """Yield a line of a log, after the lines of the traceback that it is the end of."""
        before = self.evidence.lines[: self.evidence.lines.index(line)]
        same = [each for each in before if each.origin == line.origin][-TRACEBACK:]
        begins = [place for place, each in enumerate(same) if "Traceback (most" in each.text]
        if line.sort == LOG and begins:
            yield from (each for each in same[begins[-1] :] if each not in self._named)
        yield line

    @property
    def _named(self) -> tuple[Line, ...]:
        return self.cause.lines if self.cause else ()

    def _unknown(self) -> Iterator[str]:
        lines = self.evidence.lines
        if self.evidence.healthy:
            yield "  nothing is wrong, by its status and the last lines of its log"
            return
        yield ""
        yield "Cause: not recognised."
        telling = [line for line in lines if line.sort != LOG] + [
            line for line in lines if line.sort == LOG
        ][-SHOWN:]
        yield ""
        yield _heading("Evidence" if telling else "Evidence: none was found")
        yield from _shown(telling[-2 * SHOWN :])
        yield ""
        yield _heading("Where to look next")
        for step in next_steps(self.evidence):
            yield f"  {step}"


def judge(told: Evidence) -> Verdict:
    """Return what the evidence of one thing comes to.

    The cause is the one nearest to the root; `Found.rank` tells of several so near. One whose
    lines all belong to a cause that is named already adds nothing, and is left out.
    """
    found = [each for cause in CATALOGUE if (each := cause.recognise(told))]
    ranked = sorted(found, key=lambda each: each.rank)
    kept: list[Found] = []
    for each in ranked:
        if not any(set(each.lines) <= set(before.lines) for before in kept):
            kept.append(each)
    if not kept:
        return Verdict(told, None)
    return Verdict(told, kept[0], tuple(kept[1:]))


def next_steps(told: Evidence) -> list[str]:
    """Return the commands that show more about a thing."""
    name = clean(told.name)
    if told.kind == STACK:
        return [
            f"aws cloudformation describe-stack-events --stack-name {name} --max-items 30",
            f"odyssey diff {name}",
        ]
    if told.kind == FUNCTION:
        return [f"odyssey lambda logs {name} --since 1h", "odyssey lambda status"]
    if told.kind in evidences.KINDS:
        return [f"odyssey sagemaker logs {name}", f"odyssey sagemaker status {name}"]
    return ["odyssey why --help tells which recordings can be read"]


def _heading(text: str) -> str:
    return console.coloured(text, "cyan")


def _shown(lines: Sequence[Line]) -> Iterator[str]:
    """Yield lines of evidence, those of one place and time under one heading."""
    before = ""
    for line in _few(lines):
        if line is None:
            yield f"    ... {len(lines) - SHOWN} lines more, in --output json"
            continue
        heading = " ".join(word for word in (_moment(line.time), clean(line.origin)) if word)
        if heading != before:
            yield f"  {heading}"
        before = heading
        text = clean(masked(line.text)).strip("\n")
        cut = f"{text[:LONGEST]}..." if len(text) > LONGEST else text
        for part in cut.splitlines() or [""]:
            deep = " " * (4 + len(part) - len(part.lstrip()))
            yield from _wrapped(part.strip(), deep)


def _few(lines: Sequence[Line]) -> list[Line | None]:
    """Return the first and the last lines where they are many, and None for those between."""
    if len(lines) <= SHOWN:
        return list(lines)
    half = SHOWN // 2
    return [*lines[:half], None, *lines[-half:]]


def _moment(time: str) -> str:
    return time[:19].replace("T", " ")


def _wrapped(text: str, indent: str, following: str | None = None) -> list[str]:
    return textwrap.wrap(
        text,
        console.width(),
        initial_indent=indent,
        subsequent_indent=indent if following is None else following,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [indent]
