"""The command line's benchmark: ``odyssey --help`` against ``python -c "import click"``."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import environments, report
from benchmarks.environments import UnavailableError
from benchmarks.goals import Goal
from benchmarks.results import Results
from benchmarks.visits import Visit

ROOT = Path(__file__).parents[1]
SECONDS = "s"
GOAL = Goal("help", "odyssey --help", SECONDS, at_most=1.5, baseline='python -c "import click"')


def run(rounds: int) -> Results:
    """Time both commands in turn and print the table; also in ``results/cli.md`` and ``.json``.

    Args:
        rounds: How often each command is timed, after one run of each that is dropped.

    Raises:
        UnavailableError: Odyssey is not importable by this interpreter, or a command fails.
    """
    commands = {
        GOAL.baseline: [sys.executable, "-c", "import click"],
        GOAL.subject: [*program(), "--help"],
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    results = Results()
    for number in range(rounds + 1):
        visits = {name: Visit({SECONDS: _timed(argv)}, {}) for name, argv in commands.items()}
        if number:
            results.rounds.append(visits)
    timed_as = " ".join(Path(word).name for word in commands[GOAL.subject])
    facts = {"rounds": f"{rounds}, interleaved", "timed as": timed_as} | report.machine()
    rows = [["command", "median (lowest–highest), s"]]
    rows += [[name, report.spread(results.spread(name, SECONDS))] for name in commands]
    lines = ["# Command line", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [*report.goal_table([GOAL], results), "", *report.table(rows)]
    text = "\n".join(lines) + "\n"
    values = {name: results.values(name, SECONDS) for name in commands}
    ratio = results.ratio(GOAL.subject, GOAL.baseline, SECONDS)
    met = ratio is not None and GOAL.met_by(ratio)
    report.save("cli", text, {"facts": facts, "seconds": values, "met": met})
    print(text)
    return results


def program() -> list[str]:
    """Return the installed ``odyssey`` beside this interpreter, else the package itself."""
    installed = Path(sys.executable).with_name("odyssey")
    if installed.is_file():
        return [str(installed)]
    if importlib.util.find_spec("odyssey") is None:
        raise UnavailableError("odyssey is not importable: run from the repository or install it")
    return [sys.executable, "-m", "odyssey"]


def _timed(argv: list[str]) -> float:
    clean = environments.clean_variables()
    begin = time.perf_counter()
    done = subprocess.run(argv, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise UnavailableError(f"{' '.join(argv)} failed: {done.stderr.strip()[-200:]}")
    return seconds
