"""``odyssey doctor``: what is looked at, in which order, and what ``--fix`` does."""

from __future__ import annotations

import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odyssey import console
from odyssey.console import clean, note
from odyssey.doctor import cloud, engine, machine, tools
from odyssey.doctor.result import FAIL, MISSING, PASS, REFUSED, SKIP, WARN, Place, Result
from odyssey.errors import InterruptedByUserError, OdysseyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odyssey.aws import Access
    from odyssey.config import Config
    from odyssey.consent import Consent
    from odyssey.doctor.result import Repair

    Examination = Callable[[Place], list[Result]]

EXAMINATIONS: tuple[Examination, ...] = (
    tools.python,
    tools.node,
    tools.cdk,
    engine.docker_engine,
    cloud.identity,
    cloud.region,
    machine.disk,
    machine.port,
    machine.leftovers,
    tools.git,
    tools.sandbox,
)
"""What is looked at, in the order of the report."""

MARKS = {PASS: "ok  ", WARN: "warn", FAIL: "FAIL", SKIP: "-   "}
"""What stands before each line, readable without colours."""

COLOURS = {PASS: "green", WARN: "yellow", FAIL: "red"}


@dataclass(frozen=True)
class Report:
    """What was found.

    Args:
        results: One for each thing, in order.
        done: What ``--fix`` did, each a sentence.
    """

    results: tuple[Result, ...]
    done: tuple[str, ...] = field(default=())

    @property
    def code(self) -> int:
        """The exit code: 0, unless something that is needed fails."""
        codes = {result.code for result in self.results if result.status == FAIL}
        return next((code for code in (MISSING, REFUSED) if code in codes), 1 if codes else 0)

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "version": 1,
            "exit_code": self.code,
            "results": [result.document() for result in self.results],
            "done": list(self.done),
        }

    def text(self) -> str:
        """Return it for a reader: a line for each thing, and under it what mends it."""
        widest = max(len(result.name) for result in self.results)
        lines = [line for result in self.results for line in _lines(result, widest)]
        return "\n".join([*lines, "", self._sum()])

    def _sum(self) -> str:
        count = {
            status: sum(result.status == status for result in self.results)
            for status in (FAIL, WARN)
        }
        warned = f"{count[WARN]} warning{'s' if count[WARN] != 1 else ''}"
        fixable = any(result.repair for result in self.results)
        more = "; odyssey doctor --fix mends what is safe to" if fixable else ""
        if count[FAIL]:
            return f"{count[FAIL]} of {len(self.results)} fail, {warned}{more}"
        return f"Nothing that is needed is missing; {warned}{more}"


def examine(
    settings: Config | None,
    access: Access,
    profile: str | None = None,
    *,
    examinations: Sequence[Examination] = EXAMINATIONS,
) -> Report:
    """Look at everything; what waits for somebody else does so at the same time.

    Args:
        settings: The app's settings; None where there is no app.
        access: The way to AWS.
        profile: The value of ``--profile``.
        examinations: What is looked at.
    """
    folder = settings.folder if settings else Path.cwd()
    place = Place(folder, settings, access, profile)
    with ThreadPoolExecutor(len(examinations)) as pool:
        found = list(pool.map(lambda look: _results(look, place), examinations))
    return Report(tuple(result for results in found for result in results))


def mend(
    report: Report,
    consent: Consent,
    again: Callable[[], Report],
    *,
    say: Callable[[str], None] = note,
) -> Report:
    """Do what mends results safely, each with leave, and look at everything again.

    Args:
        report: What was found.
        consent: Asks before each.
        again: Looks at everything again.
        say: Takes what was done.

    Raises:
        UsageError: There is nobody to ask.
        InterruptedByUserError: Ctrl-C.
    """
    done = []
    for result in report.results:
        if result.repair is None:
            continue
        say(f"{result.name}: {clean(result.reason)}")
        if not _allowed(result.repair, consent):
            continue  # It stays as it is; the next may be mended all the same.
        try:
            outcome = result.repair.do()
        except InterruptedByUserError:
            raise
        except OdysseyError as error:
            outcome = f"could not be mended: {error.message}"
        say(f"{result.name}: {clean(outcome)}")
        done.append(f"{result.name}: {outcome}")
    if not any(result.repair for result in report.results):
        say("Nothing here is for odyssey to mend")
    if not done:
        return report
    return Report(again().results, tuple(done))


def _allowed(repair: Repair, consent: Consent) -> bool:
    try:
        consent.ask(f"{repair.what[0].upper()}{repair.what[1:]}?")
    except InterruptedByUserError:
        return False
    return True


def _results(look: Examination, place: Place) -> list[Result]:
    """Return what one examination finds; that it cannot look is a result, too."""
    try:
        return look(place)
    except (OdysseyError, OSError) as error:
        name = look.__name__.replace("_", " ")
        return [Result(name, WARN, f"it cannot be looked at: {clean(str(error))}")]


def _lines(result: Result, widest: int) -> list[str]:
    head = f"{MARKS[result.status]}  {result.name.ljust(widest)}  "
    indent = " " * len(head)
    lines = _wrapped(clean(result.reason), head, indent)
    if result.status in COLOURS:
        mark = MARKS[result.status].rstrip()
        lines[0] = console.coloured(mark, COLOURS[result.status]) + lines[0].removeprefix(mark)
    if result.mend and result.status != PASS:
        lines += _wrapped(f"-> {clean(result.mend)}", indent, f"{indent}   ")
    return lines


def _wrapped(text: str, first: str, following: str) -> list[str]:
    return textwrap.wrap(
        text,
        console.width(),
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
