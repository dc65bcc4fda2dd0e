"""The serving benchmark: interleaved rounds of visits to all subjects, A B C A B C and so on."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import environments, report
from benchmarks.environments import UnavailableError
from benchmarks.goals import GOALS, Goal
from benchmarks.peers import SUBJECTS
from benchmarks.processes import adopt_orphans
from benchmarks.results import Results
from benchmarks.subjects import Inputs, Subject
from benchmarks.visits import Visit, WrongAnswerError, rate, visit

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Plan:
    """What to measure, and how long.

    Attributes:
        rounds: How often each subject is visited; medians want at least 3.
        seconds: Length of a window of single records, in whole seconds.
        peers: Names of the subjects to visit; empty: all. Baselines are always visited.
        rows: Rows of the goals to judge; empty: all, with everything measured that can be.
    """

    rounds: int
    seconds: int
    peers: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether all subjects and rows are measured."""
        return not self.peers and not self.rows

    def goals(self) -> list[Goal]:
        """Return the goals that the plan can judge."""
        return [
            goal
            for goal in GOALS
            if (not self.rows or goal.row in self.rows)
            and (not self.peers or {goal.subject, goal.baseline} <= {*self.peers, "bare"})
        ]

    def subjects(self) -> list[Subject]:
        """Return the subjects to visit, in the order of a round."""
        if not self.rows:
            names = {*self.peers, "bare"} if self.peers else set(SUBJECTS)
        else:
            names = {name for goal in self.goals() for name in (goal.subject, goal.baseline)}
        return [subject for name, subject in SUBJECTS.items() if name in names]

    def metrics(self, subject: Subject) -> set[str] | None:
        """Return the metrics to take of a subject, or None for all it has."""
        if not self.rows:
            return None
        return {
            goal.metric for goal in self.goals() if subject.name in (goal.subject, goal.baseline)
        }


def run(plan: Plan) -> Results:
    """Carry out the plan, with a table on stdout, progress on stderr and the files in results/.

    The files are written after every round, so that an interrupted run leaves what it has.

    Raises:
        UnavailableError: Not even the baseline can be measured: its packages are missing.
    """
    results = Results()
    adopt_orphans()
    subjects = _prepared(plan.subjects(), results)
    with _inputs() as inputs:
        for number in range(1, plan.rounds + 1):
            results.rounds.append({})
            for subject in subjects:
                if subject.name not in results.unavailable:
                    _visit(subject, inputs, plan, results, number)
            facts = _facts(plan, results)
            text = report.text(plan.goals(), subjects, results, facts)
            document = report.document(plan.goals(), results, facts)
            report.save("serving" if plan.whole else "serving-part", text, document)
    print(text)
    return results


def _visit(subject: Subject, inputs: Inputs, plan: Plan, results: Results, number: int) -> None:
    begin = time.monotonic()
    try:
        visited = _visited(subject, inputs, plan)
    except UnavailableError as problem:
        results.unavailable[subject.name] = str(problem)
        outcome = (
            f"{'WRONG' if isinstance(problem, WrongAnswerError) else 'unavailable'}: {problem}"
        )
    else:
        results.rounds[-1][subject.name] = visited
        problems = sorted(set(visited.invalid.values()))
        rps = visited.values.get(rate(64))
        outcome = f"INVALID: {problems}" if problems else f"{rps:,.0f}/s at 64" if rps else "done"
    seconds = time.monotonic() - begin
    _progress(f"round {number}/{plan.rounds}  {subject.name:24} {seconds:5.1f} s  {outcome}")


def _visited(subject: Subject, inputs: Inputs, plan: Plan) -> Visit:
    """Visit a subject; once more if it failed, lest one stumble cost a long run its row."""
    wanted = plan.metrics(subject)
    try:
        return visit(subject, inputs, wanted, plan.seconds)
    except WrongAnswerError:
        raise
    except UnavailableError as problem:
        _progress(f"{subject.name}: {problem}; trying once more")
        return visit(subject, inputs, wanted, plan.seconds)


def _prepared(subjects: list[Subject], results: Results) -> list[Subject]:
    """Make the environments; a peer without one is noted as unavailable."""
    reasons: dict[str, str] = {}
    for name in dict.fromkeys(subject.environment for subject in subjects):
        try:
            environments.ensure(name)
        except UnavailableError as problem:
            if name == "bare":
                raise
            _progress(f"environment {name}: {problem}")
            reasons[name] = str(problem)
    results.unavailable |= {
        subject.name: reasons[subject.environment]
        for subject in subjects
        if subject.environment in reasons
    }
    return subjects


@contextlib.contextmanager
def _inputs() -> Iterator[Inputs]:
    """Train the model that all subjects serve, in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="odyssey-benchmark-") as name:
        folder = Path(name).resolve()
        argv = [str(environments.ensure("bare")), str(HERE / "model" / "train.py"), str(folder)]
        clean = environments.clean_variables()
        done = subprocess.run(argv, capture_output=True, text=True, check=False, env=clean)
        if done.returncode:
            raise UnavailableError(f"training the model failed: {done.stderr.strip()[-300:]}")
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        sums = {kind: expected[kind] for kind in ("integers", "floats")}
        yield Inputs(folder, expected["records"], expected["answers"], expected["rows"], sums)


def _facts(plan: Plan, results: Results) -> dict[str, str]:
    versions = environments.versions("bare")
    named = ("scikit-learn", "numpy", "pandas", "Flask", "gunicorn")
    found = {name.lower(): version for name, version in versions.items()}
    others = results.noise()
    return {
        "rounds": f"{len(results.rounds)} of {plan.rounds}, interleaved",
        "other programs": f"took {report.spread(others)} % of the cores in the windows",
        "windows": f"{plan.seconds} s of wrk after 1 s of warm-up, 2 workers",
        "packages": ", ".join(f"{name} {found.get(name.lower(), '?')}" for name in named),
    } | report.machine()


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
