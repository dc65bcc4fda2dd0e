"""MLServer: FastAPI over the V2 inference protocol, its own scikit-learn runtime."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.processes import Launch
from benchmarks.subjects import Protocol, Setting, Subject, free_port


def launch(setting: Setting) -> Launch:
    """Write the two settings files that MLServer reads, and return its start."""
    settings = {
        "host": "127.0.0.1",
        "http_port": setting.port,
        "grpc_port": free_port(),
        "metrics_port": free_port(),
        "parallel_workers": setting.workers,
        "debug": False,
    }
    model = {
        "name": "iris",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(setting.inputs.folder / "model.joblib")},
    }
    folder = setting.scratch / "models"
    folder.mkdir()
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")
    return Launch([setting.program("mlserver"), "start", str(folder)], {}, folder)


def _question(record: list[float]) -> object:
    tensor = {"name": "input", "shape": [1, 4], "datatype": "FP64", "data": record}
    return {"inputs": [tensor]}


def _answer(answer: Any) -> int:
    return int(answer["outputs"][0]["data"][0])


SUBJECTS = [
    Subject(
        "mlserver",
        "MLServer",
        "mlserver",
        launch,
        protocol=Protocol("/v2/models/iris/ready", "/v2/models/iris/infer", _question, _answer),
        note="2 parallel workers, V2 protocol; uvloop 0.21.0, newer ones kill its workers",
    )
]
