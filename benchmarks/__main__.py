"""``python -m benchmarks serving | cli | synth | checks | review | reliability | …``."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from typing import Any, NoReturn

from benchmarks import (
    checks,
    command_line,
    containers,
    functions,
    reviews,
    sandbox,
    serving,
    synthesis,
)
from benchmarks.environments import UnavailableError
from benchmarks.goals import ROWS
from benchmarks.peers import SUBJECTS
from benchmarks.reliability import command as reliability

ESSENTIAL = ("bare", "fast", "fast-batch", "flask")
"""Without these a run has failed; a peer that cannot be set up is reported and passed over."""


def main() -> int:
    """Run what the arguments ask for.

    Returns:
        0: measured (whether or not the goals are met); 1: something essential was not; 2: usage.
    """
    # As an exception, so that servers are stopped and folders removed on the way out.
    signal.signal(signal.SIGTERM, _terminate)
    if sys.argv[1:2] == ["reliability"]:  # It has options of its own.
        try:
            return reliability.run(sys.argv[2:])
        except KeyboardInterrupt:
            return 130
    arguments = _parser().parse_args()
    try:
        failed = False
        if arguments.what in ("cli", "all"):
            command_line.run(arguments.cli_rounds)
        if arguments.what in ("synth", "all"):
            synthesis.run(arguments.rounds)
        if arguments.what in ("checks", "all"):
            checks.run()
        if arguments.what in ("review", "all"):
            reviews.run(arguments.rounds)
        if arguments.what in ("containers", "all"):
            containers.run(arguments.rounds, containers.Bases(arguments.base, arguments.naive_base))
        if arguments.what in ("functions", "all"):
            functions.run(arguments.rounds, arguments.base)
        if arguments.what in ("sandbox", "all"):
            sandbox.run(arguments.rounds, arguments.base)
        if arguments.what in ("serving", "all"):
            if shutil.which("wrk") is None:
                raise UnavailableError("wrk is not installed (apt-get install wrk)")
            results = serving.run(_plan(arguments))
            failed = any(name in results.unavailable for name in ESSENTIAL)
    except UnavailableError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return int(failed)


def _plan(arguments: argparse.Namespace) -> serving.Plan:
    return serving.Plan(
        arguments.rounds, arguments.seconds, tuple(arguments.peers), tuple(arguments.only)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    what = ["serving", "cli", "synth", "checks", "review"]
    what += ["containers", "functions", "sandbox", "all"]
    parser.add_argument("what", choices=what)
    parser.add_argument("--rounds", type=_at_least_1, default=5, help="rounds of visits; default 5")
    parser.add_argument(
        "--seconds", type=_at_least_1, default=2, help="length of a window of wrk; default 2"
    )
    parser.add_argument(
        "--cli-rounds", type=_at_least_1, default=20, help="runs of each command; default 20"
    )
    parser.add_argument("--base", help="what the app's image is built on; default as usual")
    parser.add_argument("--naive-base", help="what the naive image is built on; default as usual")
    parser.add_argument(
        "--peers",
        type=_names,
        default=[],
        metavar="A,B,…",
        help=f"subjects to visit, of {', '.join(SUBJECTS)}; default all",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=ROWS,
        default=[],
        help="rows of the goals to judge; default all",
    )
    return parser


def _at_least_1(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in SUBJECTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {list(SUBJECTS)}")
    return names


def _terminate(*_: Any) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main())
