"""The first generation's handler: Flask, and the model unpickled at each request."""

import os
import pickle
from pathlib import Path

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


def get_model():
    """Unpickle the model, anew at each call."""
    with Path(os.environ["BENCHMARK_MODEL"]).open("rb") as file:
        return pickle.load(file)


@app.get("/ping")
def ping():
    """Answer 200 if the model can be loaded."""
    return Response(status=200 if get_model() is not None else 404)


@app.post("/invocations")
def invocations():
    """Predict one record of JSON."""
    model = get_model()
    observation = request.get_json()["observation"]
    return jsonify(prediction=int(model.predict([observation])[0]))
