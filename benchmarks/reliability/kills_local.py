"""SIGKILL of what runs on this machine alone: init, training, review, the start of a sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

from benchmarks.reliability import kills, trees
from benchmarks.reliability.kills import Case, Moment, Place
from benchmarks.reliability.scene import Scene

STATE = (
    *(".gitignore", "artifacts.json", "artifacts.lock", "train.lock", "review", "venv"),
    *("synthesis.json", "synthesis.lock", "deploy.lock", "cdk.out", "machines"),
)
"""What an app's ``.odyssey`` may have in it when no command runs."""


def fresh(scene: Scene, name: str, words: tuple[str, ...]) -> Place:
    """Return an app of its own, as it is once it is trained, to run a command in."""
    return Place(scene.app(name), words, name)


def state_left(_scene: Scene, place: Place) -> list[str]:
    """Return what a command has left in an app's ``.odyssey``, or beside the app."""
    found = trees.strangers(place.cwd / ".odyssey", STATE)
    found += [f"machines/{name}" for name in trees.strangers(place.cwd / ".odyssey/machines", ())]
    found += [path.name for path in place.cwd.parent.glob(".odyssey-*")]
    return found


def _empty(scene: Scene, name: str) -> Place:
    folder = scene.folder / "empty" / name
    folder.mkdir(parents=True)
    return Place(folder, ("init", "-p", "aws", "-s", "sagemaker", "start", "iris", "--force"), name)


def _count(place: Place) -> int:
    return sum(len(names) for _, _, names in os.walk(place.cwd))


def _beside(_scene: Scene, place: Place) -> list[str]:
    return trees.strangers(place.cwd, ("iris",))


def _untrained(scene: Scene, name: str) -> Place:
    place = fresh(scene, name, ("local", "train"))
    shutil.rmtree(place.cwd / "model")
    return place


def _model(_scene: Scene, place: Place) -> dict[str, str]:
    return trees.digests(place.cwd / "model")


def _retrained(scene: Scene, name: str) -> Place:
    place = fresh(scene, name, ("local", "train"))
    (place.cwd / "model" / "model.pkl").write_bytes(b"the model of before")
    return place


def _model_is_whole(_scene: Scene, place: Place) -> list[str]:
    model = place.cwd / "model" / "model.pkl"
    kept = list(place.cwd.glob(".odyssey/train-*/replaced/model.pkl"))
    if not model.is_file() and not kept:
        return ["the old model is gone, and there is no new one"]
    return []


def _with_history(scene: Scene, name: str) -> Place:
    """An app in a git repository, whose endpoint has changed since the last commit."""
    scene.workshop.warm_up()
    app = scene.app(name)
    for words in (
        ("init", "--quiet"),
        ("add", "--all"),
        ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "first"),
    ):
        subprocess.run(["git", *words], cwd=app, check=True, capture_output=True)
    with (app / "odyssey.toml").open("a", encoding="utf-8") as settings:
        settings.write(SERVED)
    return Place(app, ("review", "--base", "HEAD", "--out", "report"), name)


SERVED = f"""
[foundation]
repository = "iris"

[artifacts]
image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/iris@sha256:{"ab" * 32}"
model = "s3://models/first/model.tar.gz"
"""


def _report(_scene: Scene, place: Place) -> dict[str, int]:
    """The files of a review; names differ from app to app, and so only lengths without them."""
    name = place.name.encode()
    return {
        path.name: len(path.read_bytes().replace(name, b"").replace(name.title(), b"")) // 100
        for path in sorted((place.cwd / "report").iterdir())
    }


def _report_is_whole(_scene: Scene, place: Place) -> list[str]:
    found = trees.strangers(place.cwd / "report", ())
    whole = found in ([], ["review.html", "review.json", "review.md"])
    return [] if whole else [f"half a report: {', '.join(found)}"]


def _sandbox(scene: Scene, name: str) -> Place:
    return fresh(scene, name, ("sandbox", "start", "--name", name, "--executor", "process"))


def _sandbox_runs(scene: Scene, place: Place) -> dict[str, Any]:
    told = scene.must("sandbox", "status", "--name", place.name, cwd=place.cwd)
    scene.must("sandbox", "stop", "--name", place.name, cwd=place.cwd)
    return {"executor": told["executor"], "runs": told["runs"]}


EXPERIMENTS = [
    kills.experiment(
        "kill-init",
        "`odyssey init` is killed at four moments, and called again with `--force`",
        Case(
            _empty,
            lambda _, place: trees.digests(place.cwd / "iris"),
            _beside,
            moments=(
                0.2,
                Moment("its folder beside is there", lambda _, place: any(place.cwd.iterdir())),
                Moment("some files are in it", lambda _, place: _count(place) > 10),
                Moment("the app is there", lambda _, place: (place.cwd / "iris").is_dir()),
            ),
        ),
    ),
    kills.experiment(
        "kill-local-train",
        "`odyssey local train` of an app without a model is killed at four moments",
        Case(_untrained, _model, state_left),
    ),
    kills.experiment(
        "kill-local-train-again",
        "`odyssey local train` of an app that has a model is killed at five moments",
        Case(
            _retrained,
            _model,
            state_left,
            moments=(0.2, 0.6, 0.9, 0.96, 0.99),
            after=_model_is_whole,
        ),
        holds="the old model is there until the new one is",
    ),
    kills.experiment(
        "kill-review",
        "`odyssey review --base HEAD --out report` is killed at four moments",
        Case(
            _with_history,
            _report,
            state_left,
            moments=(0.2, 0.45, 0.7, 0.95),
            after=_report_is_whole,
        ),
        holds="the report is there whole or not at all",
    ),
    kills.experiment(
        "kill-sandbox-start",
        "`odyssey sandbox start` is killed at three moments",
        Case(_sandbox, _sandbox_runs, state_left, moments=(0.2, 0.5, 0.9)),
    ),
]
