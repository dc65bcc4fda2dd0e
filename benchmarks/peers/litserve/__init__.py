"""LitServe: FastAPI front ends, model workers behind a ZeroMQ queue."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import Launch
from benchmarks.subjects import Protocol, Setting, Subject


def launch(setting: Setting) -> Launch:
    """Return the start of the server."""
    script = str(Path(__file__).with_name("server.py"))
    argv = [str(setting.python), script, str(setting.port), str(setting.workers)]
    variables = {"BENCHMARK_MODEL": str(setting.inputs.folder / "model.pkl")}
    return Launch(argv, variables, setting.scratch)


SUBJECTS = [
    Subject(
        "litserve",
        "LitServe",
        "litserve",
        launch,
        protocol=Protocol(health="/health", predict="/predict"),
        note="2 front ends, 2 model workers, fast_queue on as advised above 100 requests/s",
    )
]
