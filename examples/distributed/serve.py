"""Serving the model that train.py has written: numpy is all that it needs."""

from pathlib import Path

import numpy as np

from rocket import BadInput


def get_model(model_path):
    """Loads weights, bias, scale and names."""
    with np.load(Path(model_path) / "model.npz") as file:
        return dict(file)


def predict(input_data, model):
    """Answers {"observation": [...]} with {"prediction": name}, a table with names."""
    if isinstance(input_data, dict):
        return {"prediction": classify([input_data.get("observation")], model)[0]}
    return classify(input_data, model)


def classify(rows, model):
    """Returns the name of the most likely class of each row."""
    try:
        values = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError):
        raise BadInput("observation: a list of numbers expected") from None
    if values.ndim != 2 or values.shape[1] != len(model["mean"]):
        raise BadInput(f"observation: {len(model['mean'])} numbers expected")
    features = (values - model["mean"]) / model["scale"]
    scores = features @ model["weights"] + model["bias"]
    return model["names"][scores.argmax(1)]
