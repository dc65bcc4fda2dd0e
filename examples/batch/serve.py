"""Serving for batches: a table in, a label with its probability for each row out."""

import pickle
from pathlib import Path

import numpy as np
import pandas as pd

from rocket import BadInput


def get_model(model_path):
    """Loads what train.py has saved."""
    return pickle.loads((Path(model_path) / "model.pkl").read_bytes())


def predict(input_data, model):
    """Answers a table, or one {"observation": [...]}.

    A row that cannot be read gets no label and probability 0, and does not spoil the others: one
    request that is refused ends a whole batch as failed.
    """
    if isinstance(input_data, dict):
        table = answers(pd.DataFrame([input_data.get("observation")]), model)
        return {"prediction": table["label"][0], "probability": table["probability"][0]}
    return answers(input_data, model)


def answers(table, model):
    """Returns label and probability for each row of a table."""
    if table.shape[1] != model.n_features_in_:
        raise BadInput(f"{model.n_features_in_} numbers a row expected, got {table.shape[1]}")
    values = table.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    is_good = np.isfinite(values).all(axis=1)
    odds = model.predict_proba(np.where(is_good[:, None], values, 0))
    label = np.where(is_good, model.classes_[odds.argmax(axis=1)], "")
    probability = np.where(is_good, odds.max(axis=1), 0).round(4)
    return pd.DataFrame({"label": label, "probability": probability})
