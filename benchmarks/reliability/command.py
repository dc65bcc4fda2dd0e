"""``python -m benchmarks reliability``: breaks things, and writes what happened."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks import processes
from benchmarks.command_line import program
from benchmarks.environments import UnavailableError
from benchmarks.reliability import catalogue, page, runner, store
from benchmarks.reliability.experiment import CHAPTERS, Experiment
from benchmarks.reliability.scene import Workshop

ROOT = Path(__file__).parents[2]
FULL = ROOT / "docs" / "reliability.md"
RESULTS = ROOT / "benchmarks" / "results" / "reliability.json"
PART = RESULTS.with_name("reliability.part.md")


def run(words: list[str]) -> int:
    """Run the experiments that are asked for, and write the page.

    Args:
        words: What stands after ``reliability`` on the command line.

    Returns:
        0: all that could be run held; 1: something did not, and the page says what.
    """
    arguments = _parser().parse_args(words)
    if arguments.list:
        _print_list()
        return 0
    chosen = _chosen(arguments.only, arguments.chapter)
    processes.adopt_orphans()
    # As in a terminal: what a shell's `&` made this process ignore, the commands would ignore too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        words_of_program = shlex.split(arguments.program) if arguments.program else program()
    except UnavailableError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    # Not in the repository: a git reference is looked for upwards of an app.
    folder = Path(tempfile.mkdtemp(prefix="odyssey-reliability-"))
    try:
        workshop = Workshop(folder, words_of_program, arguments.base, arguments.seconds)
        return _run(chosen, workshop, arguments)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(chosen: list[Experiment], workshop: Workshop, arguments: argparse.Namespace) -> int:
    """Run experiments, and write page and results anew after each of them."""
    target, results = _places(arguments, len(chosen))
    outcomes = store.read(results) if arguments.keep else {}
    for outcome in runner.run(chosen, workshop, arguments.rounds):
        outcomes[outcome.name] = outcome
        store.write(results, outcomes)
        known = [each for each in catalogue.EXPERIMENTS if each.name in outcomes]
        missing = [each.name for each in catalogue.EXPERIMENTS if each.name not in outcomes]
        told = [outcomes[each.name] for each in known]
        text = page.text(known, told, _how(arguments), missing if arguments.keep else ())
        store.put(target, text)
    told = [outcomes[each.name] for each in chosen]
    print(page.summary_line(told))
    print(target)
    return int(any(outcome.problems for outcome in told))


def _places(arguments: argparse.Namespace, count: int) -> tuple[Path, Path]:
    """Return where the page is written, and where the results."""
    if arguments.page:
        return arguments.page, arguments.page.with_suffix(".json")
    if arguments.keep or count == len(catalogue.EXPERIMENTS):
        return FULL, RESULTS
    return PART, PART.with_suffix(".json")


def _chosen(names: list[str], chapters: list[str]) -> list[Experiment]:
    if not names and not chapters:
        return list(catalogue.EXPERIMENTS)
    return [e for e in catalogue.EXPERIMENTS if e.name in names or e.chapter in chapters]


def _how(arguments: argparse.Namespace) -> str:
    words = ["python -m benchmarks reliability"]
    if not arguments.keep:
        words += [f"--only {name}" for name in arguments.only]
        words += [f"--chapter {name}" for name in arguments.chapter]
    words += [f"--rounds {arguments.rounds}"] * (arguments.rounds > 1)
    words += [f"--program {shlex.quote(arguments.program)}"] * bool(arguments.program)
    return " ".join(words)


def _print_list() -> None:
    for chapter, title in CHAPTERS.items():
        print(f"{title} (--chapter {chapter})")
        for experiment in catalogue.EXPERIMENTS:
            if experiment.chapter == chapter:
                print(f"  {experiment.name:32} {experiment.breaks}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks reliability", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the experiments, and run none")
    known = [experiment.name for experiment in catalogue.EXPERIMENTS]
    parser.add_argument(
        "--only",
        action="append",
        choices=known,
        default=[],
        metavar="NAME",
        help="run this experiment; give it again for more; default all",
    )
    parser.add_argument(
        "--chapter",
        action="append",
        choices=list(CHAPTERS),
        default=[],
        help="run the experiments of this chapter; default all",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep what the page has of the experiments that are not run; default off",
    )
    parser.add_argument("--rounds", type=_at_least_1, default=1, help="rounds of each; default 1")
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="length of a window of load; default 30"
    )
    parser.add_argument(
        "--base",
        default=os.environ.get("ODYSSEY_DOCKER_BASE"),
        help="what images are built on; default $ODYSSEY_DOCKER_BASE, or as the Dockerfile has it",
    )
    parser.add_argument(
        "--program",
        metavar="COMMAND",
        help="the program under test; default the odyssey of this interpreter",
    )
    parser.add_argument(
        "--page",
        type=Path,
        metavar="FILE",
        help="where the page is written; default docs/reliability.md, and for a part of the "
        "experiments benchmarks/results/reliability.part.md",
    )
    return parser


def _at_least_1(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value
