"""A sandbox that is killed while a job runs in it."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from benchmarks.reliability import kills_aws
from benchmarks.reliability.account import enter
from benchmarks.reliability.experiment import FAULTS, Experiment, Observed
from benchmarks.reliability.scene import Scene, SetupError, collect, until

PATIENT = 5.0
"""Seconds that the command line is left to itself: it takes the loss for one of the network."""

INTERRUPTED = 130

SLOW = """
import pathlib, time


def train(input_path, model_path, param_path=None):
    print("at work", flush=True)
    time.sleep(120)
"""


def _setup(scene: Scene) -> Path:
    host = scene.app("host")
    (host / "train.py").write_text(SLOW, encoding="utf-8")
    account = enter(scene, host)
    scene.kept["account"] = account
    account.bucket(kills_aws.MODELS)
    account.role()
    return host


def _kill(scene: Scene, host: Path) -> dict[str, Any]:
    """Kill the sandbox while a training runs that the command line follows."""
    account = kills_aws.account(scene)
    place = kills_aws.to_train(scene, "killed")
    begin = time.monotonic()
    follower = scene.start(*place.words, cwd=place.cwd)
    if not until(lambda: _at_work(host), 90, 0.1):
        raise SetupError("the training did not start")
    account.kill()
    killed = time.monotonic()
    gone = until(lambda: set(scene.processes()) <= {follower.pid}, 30)
    orphans = time.monotonic() - killed
    time.sleep(PATIENT)
    patient = follower.poll() is None
    follower.send_signal(signal.SIGINT)
    done = collect(follower, begin)
    return {
        "patient": patient,
        "gone": gone,
        "orphans": orphans,
        "done": done,
        "folder": Path(account.record["folder"]),
    }


def _at_work(host: Path) -> bool:
    return any((host / ".odyssey" / "machines").glob("*"))


def _observe(scene: Scene, host: Path, seen: dict[str, Any]) -> Observed:
    done = seen["done"]
    was_there = seen["folder"].exists()
    for name in [n for n in scene.variables if n.startswith(("AWS_", "ODYSSEY_"))]:
        del scene.variables[name]
    again = scene.run("sandbox", "start", "--executor", "process", cwd=host)
    found = Observed(
        {
            "until the job's processes are gone, s": round(seen["orphans"], 2),
            f"the command line goes on to ask for {PATIENT:g} s": "yes"
            if seen["patient"]
            else "no",
            "and ends at Ctrl-C with": f"exit {done.code}: {done.said}",
            "its folder is left": "yes" if was_there else "no",
            "the next start ends with": f"exit {again.code}",
            "its folder is left after that": "yes" if seen["folder"].exists() else "no",
        }
    )
    if not seen["gone"]:
        found.faults.append("processes of the job outlive the sandbox")
    if done.code != INTERRUPTED or done.breaks_down:
        found.faults.append(f"Ctrl-C did not end it: exit {done.code}, {done.said}")
    if "sagemaker status" not in done.err:
        found.faults.append("it does not say how to come back to the job")
    if again.code:
        found.faults.append(f"the next sandbox does not start: {again.said}")
    if seen["folder"].exists():
        found.faults.append("the next start leaves the killed one's folder")
    if any((host / ".odyssey" / "machines").glob("*")):
        found.faults.append("the next start leaves the killed one's machines")
    return found


EXPERIMENTS = [
    Experiment(
        "kill-sandbox",
        FAULTS,
        "A sandbox is killed (SIGKILL) while a training job runs in it that the command line "
        "follows",
        "the job's processes end; the command line goes on to ask, as with a network that is "
        "lost, and Ctrl-C ends it with the way back; the next start takes away what is left",
        _setup,
        _kill,
        _observe,
    )
]
