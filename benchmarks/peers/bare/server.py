"""The baseline: the least Flask application that does JSON → predict → JSON, and CSV likewise."""

import os
import pickle
from pathlib import Path

import pandas as pd
from flask import Flask, Response, jsonify, request

app = Flask(__name__)
model = pickle.loads(Path(os.environ["BENCHMARK_MODEL"]).read_bytes())
floats = os.environ["BENCHMARK_ANSWERS"] == "floats"


@app.get("/ping")
def ping():
    """Tell that the server is up: the model was loaded before it listened."""
    return Response(status=200)


@app.post("/invocations")
def invocations():
    """Predict one record of JSON or a batch of CSV without header."""
    if request.mimetype == "text/csv":
        frame = pd.read_csv(request.stream, header=None)
        answers = model.predict_proba(frame).max(axis=1) if floats else model.predict(frame)
        csv = pd.Series(answers).to_csv(header=False, index=False)
        return Response(csv, mimetype="text/csv")
    observation = request.get_json()["observation"]
    return jsonify(prediction=int(model.predict([observation])[0]))
