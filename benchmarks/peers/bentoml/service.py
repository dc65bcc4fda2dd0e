"""The model behind BentoML, as its guide shows."""

import os
import pickle
from pathlib import Path

import bentoml


@bentoml.service(workers=int(os.environ.get("BENCHMARK_WORKERS", "2")))
class Iris:
    """Predicts one record of JSON."""

    def __init__(self):
        """Load the model, once per worker."""
        self.model = pickle.loads(Path(os.environ["BENCHMARK_MODEL"]).read_bytes())

    @bentoml.api(route="/invocations")
    def predict(self, observation: list[float]) -> dict[str, int]:
        """Predict one record."""
        return {"prediction": int(self.model.predict([observation])[0])}
