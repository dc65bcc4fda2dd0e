"""Serving a model that was made in a notebook; train.py is not needed for it."""

import json
from importlib.metadata import version
from pathlib import Path

import joblib
import pandas as pd

from rocket import BadInput

COLUMNS = ["vehicle", "distance_km", "weight_kg", "hour"]


def get_model(model_path):
    """Loads the pickle, if the libraries here are those that it was written with.

    Raises:
        RuntimeError: A library has another minor version.
    """
    folder = Path(model_path)
    for name, made in json.loads((folder / "versions.json").read_text()).items():
        here = version(name)
        if made.split(".")[:2] != here.split(".")[:2]:
            raise RuntimeError(
                f"the model was made with {name} {made}, and here is {here}: "
                "change requirements.txt, or make the model again"
            )
    return joblib.load(folder / "model.pkl")


def predict(input_data, model):
    """Answers one delivery, {"vehicle": ..., ...}, or a table of them, with minutes."""
    if isinstance(input_data, dict):
        return {"minutes": estimate(pd.DataFrame([input_data]), model)[0]}
    if list(input_data.columns) == list(range(len(COLUMNS))):  # No line of names was sent.
        input_data.columns = COLUMNS
    return estimate(input_data, model)


def estimate(table, model):
    """Returns the minutes for each row, or says what is wrong with the table."""
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise BadInput(f"missing: {', '.join(missing)}")
    try:
        return model.predict(table[COLUMNS]).round(1).tolist()
    except (TypeError, ValueError) as error:
        raise BadInput(str(error).splitlines()[0]) from error
