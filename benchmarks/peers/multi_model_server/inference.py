"""The user's module of AWS's inference toolkit, found by its name."""

import json
import os
import pickle
from pathlib import Path


def model_fn(model_dir):
    """Load the model, once per worker."""
    return pickle.loads(Path(os.environ["BENCHMARK_MODEL"]).read_bytes())


def input_fn(input_data, content_type):
    """Take the numbers out of a record of JSON."""
    return json.loads(input_data)["observation"]


def predict_fn(data, model):
    """Predict one record."""
    return int(model.predict([data])[0])


def output_fn(prediction, accept):
    """Wrap the class."""
    return json.dumps({"prediction": prediction})
