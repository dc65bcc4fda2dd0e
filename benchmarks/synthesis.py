"""The synthesis benchmark: ``odyssey synth`` against ``cdk synth`` of a plain CDK app."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks import environments, report
from benchmarks.command_line import ROOT, program
from benchmarks.environments import UnavailableError
from benchmarks.goals import Goal
from benchmarks.results import Results
from benchmarks.visits import Visit

SECONDS = "s"
PLAIN, COLD, CACHED = "plain CDK app, cdk synth", "odyssey synth, cold", "odyssey synth, unchanged"
ONE, MANY = "an app of 1 endpoint", "an app of 50 endpoints"
GOALS = [
    Goal("synth", COLD, SECONDS, at_most=0.40, baseline=PLAIN),
    Goal("synth", CACHED, SECONDS, at_most=0.05, baseline=PLAIN),
    Goal("synth", MANY, SECONDS, at_most=3.0, baseline=ONE),
]
PEERS = Path(__file__).parent / "peers"
SETTINGS = ROOT / "tests" / "template" / "golden" / "real-time" / "odyssey.toml"


def run(rounds: int) -> Results:
    """Time every synthesis in turn and print the table; also in ``results/synth.md`` and ``.json``.

    Args:
        rounds: How often each is timed, after one run of each that is dropped.

    Raises:
        UnavailableError: Something fails, or the two apps do not have the same resources.
    """
    results = Results()
    with tempfile.TemporaryDirectory(prefix="odyssey-synth-") as scratch:
        runs = _runs(Path(scratch))
        for number in range(rounds + 1):
            visits = {name: Visit({SECONDS: timed()}, {}) for name, timed in runs.items()}
            if number:
                results.rounds.append(visits)
        resources = _compare(Path(scratch))
    facts = {"rounds": f"{rounds}, interleaved", "resources of both apps": resources}
    facts |= report.machine()
    rows = [["what", "median (lowest–highest), s"]]
    rows += [[name, report.spread(results.spread(name, SECONDS))] for name in runs]
    lines = ["# Synthesis", "", *(f"- {name}: {value}" for name, value in facts.items()), ""]
    lines += [*report.goal_table(GOALS, results), "", *report.table(rows)]
    text = "\n".join(lines) + "\n"
    values = {name: results.values(name, SECONDS) for name in runs}
    report.save("synth", text, {"facts": facts, "seconds": values})
    print(text)
    return results


def _runs(scratch: Path) -> dict[str, Callable[[], float]]:
    """Return what is timed, each as a function that runs it once."""
    from odyssey.infra import toolkit

    app, plain = scratch / "iris", scratch / "plain"
    app.mkdir()
    shutil.copy(SETTINGS, app)
    (app / "cdk.json").write_text('{"pathMetadata": false, "assetMetadata": false}')
    shutil.copytree(PEERS / "plain_cdk", plain)
    clean = toolkit.environment({**environments.clean_variables(), "PATH": os.environ["PATH"]})
    cdk = toolkit.find(scratch, schema=0, path="")
    cdk_synth = [str(cdk.node), str(cdk.package / "bin" / "cdk"), "synth", "--quiet"]
    cdk_synth += ["--app", f"{sys.executable} app.py", "--no-notices", "--no-version-reporting"]
    odyssey = [*program(), "synth"]
    many = [sys.executable, str(PEERS / "many_endpoints" / "app.py")]
    direct = {**clean, "CDK_VALIDATION": "false", "PYTHONPATH": str(ROOT)}
    return {
        PLAIN: lambda: _timed(cdk_synth, plain, clean),
        COLD: lambda: _timed([*odyssey, "--fresh"], app, clean),
        CACHED: lambda: _timed(odyssey, app, clean),
        ONE: lambda: _timed([*many, "1"], scratch, {**direct, "CDK_OUTDIR": str(scratch / "1")}),
        MANY: lambda: _timed([*many, "50"], scratch, {**direct, "CDK_OUTDIR": str(scratch / "50")}),
    }


def _timed(argv: list[str], folder: Path, variables: dict[str, str]) -> float:
    begin = time.perf_counter()
    done = subprocess.run(
        argv, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise UnavailableError(f"{' '.join(argv)} failed: {done.stderr.strip()[-200:]}")
    return seconds


def _compare(scratch: Path) -> str:
    """Return the kinds of resources of both apps, which must be the same.

    Raises:
        UnavailableError: They are not, so that the times are not those of the same work.
    """
    plain, ours = (_types(scratch / app / "cdk.out") for app in ("plain", "iris"))
    if plain != ours:
        raise UnavailableError(f"not the same resources: plain {plain - ours}, ours {ours - plain}")
    return ", ".join(f"{count} {kind}" for kind, count in sorted(ours.items()))


def _types(assembly: Path) -> Counter[str]:
    return Counter(
        resource["Type"]
        for path in assembly.glob("*.template.json")
        for resource in json.loads(path.read_bytes())["Resources"].values()
        if resource["Type"] != "AWS::CDK::Metadata"
    )
