"""BentoML: Starlette under uvicorn, a service class with a typed route."""

from __future__ import annotations

from pathlib import Path

from benchmarks.processes import Launch
from benchmarks.subjects import Protocol, Setting, Subject


def launch(setting: Setting) -> Launch:
    """Return the start of the server."""
    argv = [setting.program("bentoml"), "serve", "service:Iris", "--host", "127.0.0.1"]
    argv += ["--port", str(setting.port), "--working-dir", str(Path(__file__).parent)]
    variables = {
        "BENCHMARK_MODEL": str(setting.inputs.folder / "model.pkl"),
        "BENCHMARK_WORKERS": str(setting.workers),
        "BENTOML_HOME": str(setting.scratch / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_CONFIG_OPTIONS": "api_server.logging.access.enabled=false",
    }
    return Launch(argv, variables, setting.scratch)


SUBJECTS = [
    Subject(
        "bentoml",
        "BentoML",
        "bentoml",
        launch,
        protocol=Protocol(health="/readyz"),
        note="2 workers, access log off; health on /readyz, it has no way to offer /ping",
    )
]
