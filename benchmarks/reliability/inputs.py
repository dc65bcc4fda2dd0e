"""Bad inputs: a table of what a user may give by mistake, and what a command says to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.reliability.experiment import INPUTS, Experiment, Observed
from benchmarks.reliability.scene import HUNG, Done, Scene
from benchmarks.subjects import free_port

HEAD = ["input", "command", "exit code", "what it says"]


@dataclass(frozen=True)
class Input:
    """One bad input to a command.

    Attributes:
        what: What is bad about it.
        words: The command.
        codes: The exit codes that are proper for it.
        files: What is written below the app's folder first: text, bytes, or None for a folder.
        settings: What is written after odyssey.toml's own text.
        change: What is done to the app's folder besides.
        says: A word that the error must have; "" for any.
    """

    what: str
    words: tuple[str, ...]
    codes: tuple[int, ...] = (2,)
    files: Mapping[str, str | bytes | None] = field(default_factory=dict)
    settings: str = ""
    change: Callable[[Path], None] | None = None
    says: str = ""


def experiment(name: str, breaks: str, inputs: Sequence[Input]) -> Experiment:
    """Return the experiment that tries bad inputs, each on an app as it is baked and trained."""
    return Experiment(
        name,
        INPUTS,
        f"{breaks}: {len(inputs)} inputs",
        "each ends with the exit code for its kind of error, and an error that says what is wrong; "
        "no traceback, no hang, nothing of the app's lost",
        setup=lambda scene: _ready(scene, inputs),
        injection=lambda scene, _: [(each, _tried(scene, each)) for each in inputs],
        observation=lambda scene, _, tried: _observed(tried),
    )


def _ready(scene: Scene, inputs: Sequence[Input]) -> None:
    if any(given.words[0] in ("check", "review") for given in inputs):
        scene.workshop.warm_up()


def _tried(scene: Scene, given: Input) -> Done:
    app = scene.app("iris")
    try:
        for name, content in given.files.items():
            path = app / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content, encoding="utf-8")
        if given.settings:
            with (app / "odyssey.toml").open("a", encoding="utf-8", errors="surrogateescape") as at:
                at.write(given.settings)
        if given.change is not None:
            given.change(app)
        words = (word.replace("{port}", str(free_port())) for word in given.words)
        return scene.run(*words, cwd=app)
    finally:
        shutil.rmtree(app.parent, ignore_errors=True)


def _observed(tried: Sequence[tuple[Input, Done]]) -> Observed:
    seen = Observed({"inputs": len(tried)}, [HEAD])
    for given, done in tried:
        command = f"odyssey {' '.join(_short(word) for word in given.words)}"
        seen.table.append([given.what, command, str(done.code), done.said])
        seen.faults += [f"{given.what}: {fault}" for fault in _faults(given, done)]
    return seen


def _faults(given: Input, done: Done) -> list[str]:
    if done.code == HUNG:
        return ["it hangs"]
    faults = []
    if done.code not in given.codes:
        wanted = " or ".join(map(str, given.codes))
        faults.append(f"exit code {done.code} instead of {wanted}: {_short(done.said)}")
    if done.breaks_down:
        faults.append("a traceback")
    if given.says not in done.err:
        faults.append(f'the error does not say "{given.says}"')
    return faults


def _short(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
