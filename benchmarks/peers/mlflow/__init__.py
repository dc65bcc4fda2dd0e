"""``mlflow models serve``: FastAPI under uvicorn, the pyfunc scoring protocol."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from benchmarks.environments import UnavailableError, clean_variables
from benchmarks.processes import Launch
from benchmarks.subjects import Protocol, Setting, Subject


def launch(setting: Setting) -> Launch:
    """Save the model in MLflow's format (once a run), and return the start of its server."""
    saved = setting.inputs.folder / "mlflow-model"
    variables = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{setting.scratch}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "UVICORN_ACCESS_LOG": "false",
        "PATH": f"{setting.python.parent}:/usr/local/bin:/usr/bin:/bin",
    }
    if not saved.exists():
        script, pickle = Path(__file__).with_name("save.py"), setting.inputs.folder / "model.pkl"
        argv = [str(setting.python), str(script), str(pickle), str(saved)]
        done = subprocess.run(
            argv,
            cwd=setting.scratch,
            env=clean_variables() | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise UnavailableError(f"saving the model failed: {done.stderr.strip()[-200:]}")
    argv = [setting.program("mlflow"), "models", "serve", "--model-uri", str(saved)]
    argv += ["--host", "127.0.0.1", "--port", str(setting.port), "--env-manager", "local"]
    argv += ["--workers", str(setting.workers)]
    return Launch(argv, variables, setting.scratch)


def _question(record: list[float]) -> object:
    return {"inputs": [record]}


def _answer(answer: Any) -> int:
    return int(answer["predictions"][0])


SUBJECTS = [
    Subject(
        "mlflow",
        "mlflow models serve",
        "mlflow",
        launch,
        protocol=Protocol(question=_question, answer=_answer),
        note="2 uvicorn workers, access log off; its asyncio loop makes a lone client wait 44 ms",
    )
]
