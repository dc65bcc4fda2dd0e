"""The baseline of all ratios: a bare Flask handler under gunicorn's sync workers, preloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.processes import Launch
from benchmarks.subjects import Setting, Subject


def launch(answers: str) -> Callable[[Setting], Launch]:
    """Return the start of the handler whose batches yield ``answers``."""

    def start(setting: Setting) -> Launch:
        argv = [setting.program("gunicorn"), "server:app", "--preload", "--worker-class", "sync"]
        argv += ["--workers", str(setting.workers), "--bind", f"127.0.0.1:{setting.port}"]
        model = str(setting.inputs.folder / "model.pkl")
        variables = {"BENCHMARK_MODEL": model, "BENCHMARK_ANSWERS": answers}
        return Launch(argv, variables, Path(__file__).parent)

    return start


TITLE = "bare Flask, gunicorn sync, preloaded"
SUBJECTS = [
    Subject("bare", TITLE, "bare", launch("integers"), batch="integers"),
    Subject(
        "bare-floats", f"{TITLE}: floats", "bare", launch("floats"), concurrency=(), batch="floats"
    ),
    Subject(
        "bare-pyarrow",
        f"{TITLE}: pyarrow installed",
        "bare_pyarrow",
        launch("integers"),
        concurrency=(),
        batch="integers",
    ),
    Subject(
        "bare-pyarrow-floats",
        f"{TITLE}: pyarrow installed, floats",
        "bare_pyarrow",
        launch("floats"),
        concurrency=(),
        batch="floats",
    ),
]
