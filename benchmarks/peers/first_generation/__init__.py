"""The first-generation design: nginx, gunicorn sync, Flask, unpickling at each request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.processes import Launch
from benchmarks.subjects import SLOW_CONCURRENCY, Setting, Subject

MODEL_FOLDER = Path(__file__).parents[2] / "model"


def launch(model: str) -> Callable[[Setting], Launch]:
    """Return the start of the design with the model in the file ``model``."""

    def start(setting: Setting) -> Launch:
        argv = [str(setting.python), "serve.py", str(setting.port)]
        argv += [str(setting.workers), str(setting.scratch)]
        path = str(setting.inputs.folder / model)
        variables = {"BENCHMARK_MODEL": path, "PYTHONPATH": str(MODEL_FOLDER)}
        return Launch(argv, variables, Path(__file__).parent)

    return start


TITLE = "first generation: nginx, gunicorn sync, Flask, unpickles at each request"
SUBJECTS = [
    Subject("first-generation", TITLE, "bare", launch("model.pkl"), programs=("nginx",)),
    Subject(
        "first-generation-slow",
        f"{TITLE}: a model that takes 50 ms to unpickle",
        "bare",
        launch("slow.pkl"),
        concurrency=SLOW_CONCURRENCY,
        programs=("nginx",),
    ),
]
