"""The benchmark's serve.py with ``predict_batch``: waiting records are answered by one call."""

import pickle
from pathlib import Path


def get_model(model_path):
    """Load the model; Odyssey calls this once, before the first request."""
    return pickle.loads((Path(model_path) / "model.pkl").read_bytes())


def predict(input_data, model):
    """Predict one record."""
    return predict_batch([input_data], model)[0]


def predict_batch(inputs, model):
    """Predict several records, in their order."""
    answers = model.predict([record["observation"] for record in inputs])
    return [{"prediction": int(answer)} for answer in answers]
