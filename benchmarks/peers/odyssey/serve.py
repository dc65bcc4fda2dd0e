"""The benchmark's serve.py: the logic of the bare handler, as a user of Odyssey writes it."""

import os
import pickle
from pathlib import Path

floats = os.environ["BENCHMARK_ANSWERS"] == "floats"


def get_model(model_path):
    """Load the model; Odyssey calls this once, before the first request."""
    return pickle.loads((Path(model_path) / "model.pkl").read_bytes())


def predict(input_data, model):
    """Predict one record ({"observation": [four numbers]}) or a batch (a DataFrame)."""
    if isinstance(input_data, dict):
        return {"prediction": int(model.predict([input_data["observation"]])[0])}
    return model.predict_proba(input_data).max(axis=1) if floats else model.predict(input_data)
