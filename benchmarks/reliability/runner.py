"""Runs experiments one by one; whatever goes wrong in one, the next has its turn."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator

from benchmarks import report
from benchmarks.environments import UnavailableError
from benchmarks.reliability.experiment import Experiment, Observed, Outcome
from benchmarks.reliability.scene import Workshop, scene


def run(experiments: Iterable[Experiment], workshop: Workshop, rounds: int) -> Iterator[Outcome]:
    """Run experiments, each so many times, and yield what came of each.

    Args:
        experiments: Those to run.
        workshop: What they share.
        rounds: How often each is run, each time from its setup on.
    """
    for experiment in experiments:
        print(f"{experiment.name} …", end="", file=sys.stderr, flush=True)
        outcome = Outcome(experiment.name, date=report.machine()["date"])
        begin = time.monotonic()
        for _ in range(rounds):
            _round(experiment, workshop, outcome)
            if outcome.unavailable:
                break
        outcome.seconds = time.monotonic() - begin
        outcome.load = os.getloadavg()[0]
        print(f" {outcome.status}, {outcome.seconds:.0f} s", file=sys.stderr, flush=True)
        for problem in outcome.problems:
            print(f"  {problem}", file=sys.stderr, flush=True)
        yield outcome


def _round(experiment: Experiment, workshop: Workshop, outcome: Outcome) -> None:
    try:
        with scene(workshop, experiment.name) as here:
            try:
                subject = experiment.setup(here)
                injected = experiment.injection(here, subject)
                seen = experiment.observation(here, subject, injected)
            finally:
                here.stack.close()
                left = here.left()
            outcome.rounds.append(seen)
            problems = [*seen.faults, *experiment.verdict(seen)]
            problems += [f"left behind: {each}" for each in left]
    except UnavailableError as problem:
        outcome.unavailable = str(problem)
        return
    # An experiment that breaks by itself has shown nothing: that is a failure, and not the end.
    except Exception as error:
        outcome.rounds.append(Observed())
        problems = [f"the experiment itself failed: {type(error).__name__}: {error}"]
    outcome.problems += [each for each in problems if each not in outcome.problems]
