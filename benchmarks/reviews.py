"""The benchmark of check and review: an app of 100 endpoints, against cfn-lint on its templates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import environments, report
from benchmarks.command_line import ROOT, program
from benchmarks.environments import UnavailableError
from benchmarks.goals import Goal
from benchmarks.results import Results
from benchmarks.visits import Visit

SECONDS = "s"
ENDPOINTS = 100
LINT, CHECK, REVIEW = "cfn-lint alone", "odyssey check", "odyssey review, every endpoint changed"
GOALS = [
    Goal("check", CHECK, SECONDS, at_most=1.5, baseline=LINT),
    Goal("review", REVIEW, SECONDS, at_most=1.0, baseline=LINT),
]
APP = Path(__file__).parent / "peers" / "many_endpoints" / "app.py"
BEFORE, AFTER = "ml.m5.large", "ml.m5.xlarge"
FOUND = (0, 3)
"""The exit codes of a check that has run."""


def run(rounds: int) -> Results:
    """Time all three in turn and print the table; also in ``results/review.md`` and ``.json``.

    Args:
        rounds: How often each is timed, after one run of each that is dropped.

    Raises:
        UnavailableError: The app cannot be synthesized, or a program fails.
    """
    results = Results()
    with tempfile.TemporaryDirectory(prefix="odyssey-review-") as scratch:
        old, new = _assemblies(Path(scratch))
        commands = _commands(Path(scratch), old, new)
        for number in range(rounds + 1):
            visits = {n: Visit({SECONDS: _timed(argv)}, {}) for n, argv in commands.items()}
            if number:
                results.rounds.append(visits)
        sizes = [path.stat().st_size for path in new.glob("*.template.json")]
    facts = {
        "rounds": f"{rounds}, interleaved",
        "templates": f"{len(sizes)}, {sum(sizes):,} bytes, {ENDPOINTS} endpoints",
        **report.machine(),
    }
    rows = [["what", "median (lowest–highest), s"]]
    rows += [[name, report.spread(results.spread(name, SECONDS))] for name in commands]
    lines = ["# Check and review", "", *(f"- {k}: {value}" for k, value in facts.items()), ""]
    lines += [*report.goal_table(GOALS, results), "", *report.table(rows)]
    text = "\n".join(lines) + "\n"
    values = {name: results.values(name, SECONDS) for name in commands}
    report.save("review", text, {"facts": facts, "seconds": values})
    print(text)
    return results


def _assemblies(scratch: Path) -> tuple[Path, Path]:
    """Return the folders of the app's templates, and of the same on other instances."""
    from odyssey.infra import toolkit

    old, new = scratch / "old", scratch / "new"
    clean = toolkit.environment({**environments.clean_variables(), "PATH": os.environ["PATH"]})
    variables = {"CDK_VALIDATION": "false", "PYTHONPATH": str(ROOT), "CDK_OUTDIR": str(old)}
    argv = [sys.executable, str(APP), str(ENDPOINTS)]
    done = subprocess.run(
        argv, env={**clean, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UnavailableError(f"the app was not synthesized: {done.stderr.strip()[-200:]}")
    shutil.copytree(old, new)
    for path in new.glob("*.template.json"):
        text = path.read_text(encoding="utf-8")
        if BEFORE not in text:
            raise UnavailableError(f"no {BEFORE} in {path.name}, so that there is no change")
        path.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
    return old, new


def _commands(scratch: Path, old: Path, new: Path) -> dict[str, list[str]]:
    templates = [str(path) for path in sorted(new.glob("*.template.json"))]
    named = [word for path in templates for word in ("--template", path)]
    sides = ["--base", str(old), "--head", str(new), "--out", str(scratch / "out")]
    return {
        LINT: [str(Path(sys.executable).with_name("cfn-lint")), "--", *templates],
        CHECK: [*program(), "check", *named],
        REVIEW: [*program(), "review", *sides],
    }


def _timed(argv: list[str]) -> float:
    clean = environments.clean_variables()
    begin = time.perf_counter()
    done = subprocess.run(argv, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode not in FOUND:
        raise UnavailableError(f"{' '.join(argv[:3])} failed: {done.stderr.strip()[-300:]}")
    return seconds
