"""The tables: goals first, then every figure; as Markdown and as JSON in ``results/``."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.goals import Goal
from benchmarks.results import Results, Spread
from benchmarks.subjects import Subject
from benchmarks.visits import metrics

FOLDER = Path(__file__).parent / "results"


def machine() -> dict[str, str]:
    """Return what the figures depend on: date, processor, cores, kernel and Python."""
    cpu = "unknown"
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu}, {os.cpu_count()} cores, Linux {platform.release()}",
        "Python": platform.python_version(),
    }


def text(
    goals: Sequence[Goal], subjects: Sequence[Subject], results: Results, facts: dict[str, str]
) -> str:
    """Return the whole report as Markdown."""
    lines = ["# Serving, side by side", ""]
    lines += [f"- {name}: {value}" for name, value in facts.items()]
    lines += ["", "## Goals", "", *goal_table(goals, results)]
    lines += ["", "## All figures: median (lowest–highest)", "", *_figures(subjects, results)]
    lines += ["", "## Subjects", ""]
    for subject in subjects:
        note = f" ({subject.note})" if subject.note else ""
        lines.append(f"- `{subject.name}`: {subject.title}{note}")
    if results.unavailable:
        lines += ["", "## Not measured", ""]
        lines += [f"- `{name}`: {reason}" for name, reason in results.unavailable.items()]
    return "\n".join(lines) + "\n"


def goal_table(goals: Sequence[Goal], results: Results) -> list[str]:
    """Return the table of the goals: value, baseline's value, ratio, goal, met."""
    rows = [["row", "what", "measured", "baseline", "ratio", "goal", "met"]]
    rows += [_goal_row(goal, results) for goal in goals]
    return table(rows)


def table(rows: list[list[str]]) -> list[str]:
    """Return rows, the first of them the head, as the lines of an aligned Markdown table."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def document(goals: Sequence[Goal], results: Results, facts: dict[str, str]) -> dict[str, Any]:
    """Return the whole report, each round's values included, for JSON."""
    return {
        "facts": facts,
        "goals": [_goal_record(goal, results) for goal in goals],
        "rounds": [{name: asdict(v) for name, v in visits.items()} for visits in results.rounds],
        "unavailable": results.unavailable,
    }


def save(name: str, markdown: str, content: dict[str, Any]) -> None:
    """Write ``results/NAME.md`` and ``.json``, each beside and then renamed."""
    FOLDER.mkdir(exist_ok=True)
    contents = {"md": markdown, "json": json.dumps(content, indent=1) + "\n"}
    for ending, text_ in contents.items():
        beside = FOLDER / f".{name}.{ending}.{os.getpid()}"
        beside.write_text(text_, encoding="utf-8")
        beside.replace(FOLDER / f"{name}.{ending}")


def number(value: float) -> str:
    """Return a value with as many digits as are worth reading."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:,.{digits}f}"


def spread(value: Spread | None) -> str:
    """Return a median with its range; a dash if there is none."""
    if value is None:
        return "–"
    if value.low == value.high:
        return number(value.median)
    return f"{number(value.median)} ({number(value.low)}–{number(value.high)})"


def _goal_row(goal: Goal, results: Results) -> list[str]:
    ratio = results.ratio(goal.subject, goal.baseline, goal.metric)
    problem = goal.problem(results)
    if problem or ratio is None:
        met = f"{'not measured' if ratio is None else 'invalid'}: {problem or 'no common round'}"
    else:
        met = "yes" if goal.met_by(ratio) else "NO"
    values = [spread(results.spread(name, goal.metric)) for name in (goal.subject, goal.baseline)]
    what = f"{goal.subject} against {goal.baseline}: {goal.metric}"
    return [goal.row, what, *values, spread(ratio), goal.bound, met]


def _goal_record(goal: Goal, results: Results) -> dict[str, Any]:
    ratio = results.ratio(goal.subject, goal.baseline, goal.metric)
    problem = goal.problem(results)
    judged = {
        "ratio": asdict(ratio) if ratio else None,
        "met": goal.met_by(ratio) if ratio and not problem else None,
        "problem": problem,
    }
    return asdict(goal) | judged


def _figures(subjects: Sequence[Subject], results: Results) -> list[str]:
    """One table per kind of figure, so that each fits a screen."""
    names = list(dict.fromkeys(name for subject in subjects for name in metrics(subject)))
    kinds: dict[str, list[str]] = {}
    for name in names:
        kinds.setdefault(name.split()[0] if name.startswith("c") else "the rest", []).append(name)
    lines: list[str] = []
    for kind in kinds.values():
        rows = [["subject", *kind]]
        for subject in subjects:
            spreads = [results.spread(subject.name, name) for name in kind]
            marks = [" !" if results.problem(subject.name, name) else "" for name in kind]
            if any(spreads):
                cells = [spread(s) + mark for s, mark in zip(spreads, marks, strict=True)]
                rows.append([subject.name, *cells])
        if len(rows) > 1:
            lines += [*table(rows), ""]
    return lines[:-1]
