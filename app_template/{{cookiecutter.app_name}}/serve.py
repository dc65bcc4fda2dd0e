"""Serving: write your own get_model() and predict() here.

`odyssey local serve` runs them on this machine, SageMaker runs them in the container.
"""

import pickle
from pathlib import Path

import numpy as np

from rocket import BadInput


def get_model(model_path):
    """Loads what train() saved; called once, before the first request.

    The workers are forks that share the model. Where a fork cannot inherit it (a GPU, threads,
    connections), say `get_model.per_worker = True` below, and each worker loads its own.

    Args:
        model_path: The folder that train() wrote to; read it only.

    Returns:
        Anything; predict() receives it.
    """
    return pickle.loads((Path(model_path) / "model.pkl").read_bytes())


def predict(input_data, model):
    """Answers one request.

    Args:
        input_data: For application/json what the document says, here {"observation": [...]};
            for text/csv a pandas DataFrame; for application/jsonlines one line's document.
        model: What get_model() returned.

    Returns:
        A dictionary, list, number, JSON string, numpy array, pandas object or bytes.

    Raises:
        BadInput: The record is not what the model takes; the client gets 400 and the message.
    """
    if isinstance(input_data, dict):
        rows = observations([input_data.get("observation")], model)
        return {"prediction": model.predict(rows)[0]}
    return model.predict(observations(input_data, model))


# With predict_batch, requests that arrive at the same moment are answered by one call, which
# models like this one make several times faster under load. To switch it on, remove the "# ".
#
# def predict_batch(inputs, model):
#     """Answers many requests: a list of inputs in, a list of answers out, in the same order."""
#     if not all(isinstance(record, dict) for record in inputs):
#         raise BadInput("a dictionary expected")  # Each record is then tried by predict().
#     rows = observations([record.get("observation") for record in inputs], model)
#     return [{"prediction": label} for label in model.predict(rows)]


def observations(rows, model):
    """Makes the array that the model takes, or says what is wrong with the rows."""
    try:
        values = np.asarray(rows, dtype=float)
    except (TypeError, ValueError, OverflowError):
        raise BadInput("observation: a list of numbers expected") from None
    count = model.n_features_in_
    if values.ndim != 2 or values.shape[1] != count:
        got = values.shape[1] if values.ndim == 2 else "something else"
        raise BadInput(f"observation: {count} numbers expected, got {got}")
    if not np.isfinite(values).all():
        raise BadInput("observation: a number is missing or not finite")
    return values
