"""The page: a summary on top, then chapter by chapter what was broken and what was seen."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

import odyssey
from benchmarks import report
from benchmarks.reliability.experiment import (
    CHAPTERS,
    FAILED,
    NOT_RUN,
    SURVIVED,
    Experiment,
    Outcome,
)
from benchmarks.results import Spread

SCENE = re.compile(r"[^\s\"']*/odyssey-reliability-\w+(/[\w-]+-\d+-\d+)?")
"""The folder of an experiment, which is another each time."""

LONGEST = 160
"""Characters of a cell."""

HEAD = """\
# Reliability

What was broken on purpose, and what happened. This page is written by a command, and nobody edits
it; every experiment names the command that repeats it:

```text
{command}
```

Each experiment has a folder, a home and a sandbox of its own, breaks something, looks at what
became of it, and then looks for processes, containers and temporary files that it left. Something
left behind is a failure, as is a traceback, a hang, or exit code 70. (A traceback of the app's own
code is part of its log.) Where the point is no container, the sandbox runs its jobs as processes.
"""


def text(
    experiments: Sequence[Experiment],
    outcomes: Sequence[Outcome],
    command: str,
    missing: Sequence[str] = (),
) -> str:
    """Return the whole page as Markdown.

    Args:
        experiments: What was run.
        outcomes: What came of each, in the same order.
        command: The command that makes the page.
        missing: The names of experiments that are not on it, and should be.
    """
    lines = [HEAD.format(command=command), "## Summary", "", f"**{summary_line(outcomes)}**", ""]
    lines += [f"- {name}: {value}" for name, value in _facts(outcomes).items()]
    if missing:
        lines.append(f"- not on this page, for they have not been run: {', '.join(missing)}")
    lines += ["", *_summary(experiments, outcomes), ""]
    for chapter, title in CHAPTERS.items():
        pairs = [
            (experiment, outcome)
            for experiment, outcome in zip(experiments, outcomes, strict=True)
            if experiment.chapter == chapter
        ]
        if pairs:
            lines += [f"## {title}", ""]
        for experiment, outcome in pairs:
            lines += [*_section(experiment, outcome), ""]
    return "\n".join(lines[:-1]) + "\n"


def summary_line(outcomes: Sequence[Outcome]) -> str:
    """Return how many experiments there were, and what came of them."""
    counts = {
        status: sum(outcome.status == status for outcome in outcomes)
        for status in (SURVIVED, FAILED, NOT_RUN)
    }
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    noun = "experiment" if len(outcomes) == 1 else "experiments"
    return f"{len(outcomes)} {noun}: {told}"


def _facts(outcomes: Sequence[Outcome]) -> dict[str, str]:
    dates = sorted(outcome.date for outcome in outcomes)
    loads = sorted(outcome.load for outcome in outcomes)
    seconds = sum(outcome.seconds for outcome in outcomes)
    return {
        "date": dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}",
        "machine": report.machine()["machine"],
        "versions": f"odyssey {odyssey.__version__}, Python {platform.python_version()}, "
        f"Docker engine {_engine()}",
        "total time": f"{seconds / 60:.1f} min",
        "load of the machine, itself included": f"{loads[0]:.1f} to {loads[-1]:.1f} processes; "
        "where that is far over its cores, the times say little",
    }


def _engine() -> str:
    try:
        asked = ["docker", "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return "none"
    return done.stdout.strip() or "none"


def _summary(experiments: Iterable[Experiment], outcomes: Iterable[Outcome]) -> list[str]:
    rows = [["experiment", "what is done", "result", "s"]]
    for experiment, outcome in zip(experiments, outcomes, strict=True):
        link = f"[{experiment.name}](#{experiment.name})"
        rows.append([link, experiment.breaks, outcome.status, f"{outcome.seconds:.0f}"])
    return report.table(rows)


def _section(experiment: Experiment, outcome: Outcome) -> list[str]:
    lines = [
        f"### {experiment.name}",
        "",
        f"{experiment.breaks}. **Must hold:** {experiment.holds}.",
    ]
    lines += ["", f"Result: **{outcome.status}** (`{_repeat(experiment)}`)"]
    if outcome.unavailable:
        lines += ["", f"Not run: {_plain(outcome.unavailable)}"]
    if outcome.problems:
        lines += ["", *(f"- {_plain(problem)}" for problem in outcome.problems)]
    if not outcome.rounds:
        return lines
    last = outcome.rounds[-1]
    figures = _figures(outcome)
    if figures:
        lines += ["", *report.table([["seen", ""], *figures])]
    if last.table:
        lines += [
            "",
            *report.table([[_plain(cell, LONGEST) for cell in row] for row in last.table]),
        ]
    lines += [line for remark in last.remarks for line in ("", _plain(remark))]
    return lines


def _repeat(experiment: Experiment) -> str:
    return f"python -m benchmarks reliability --only {experiment.name}"


def _figures(outcome: Outcome) -> list[list[str]]:
    """Return each figure, over several rounds as the median with its range."""
    rows = []
    for name, last in outcome.rounds[-1].figures.items():
        values = [seen.figures[name] for seen in outcome.rounds if name in seen.figures]
        numbers = [float(value) for value in values if not isinstance(value, str)]
        whole = all(isinstance(value, int) for value in values)
        if not numbers:
            shown = _plain(str(last))
        elif whole and min(numbers) == max(numbers):
            shown = f"{last:,}"
        else:
            shown = report.spread(Spread.over(numbers))
        rows.append([name, shown])
    return rows


def _plain(said: str, most: int = 400) -> str:
    """Return what a program said as text that Markdown leaves alone, on one line.

    Args:
        said: What it said.
        most: Characters that are shown.
    """
    line = SCENE.sub("…", " ".join(said.split()))
    line = line if len(line) <= most else f"{line[: most - 1]}…"
    for mark in "\\`*_[]<>{}#$":
        line = line.replace(mark, f"\\{mark}")
    return line.replace(str(Path.home()), "~")
