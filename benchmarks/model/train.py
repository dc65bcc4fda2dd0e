"""Trains the one model that all subjects serve, and writes the answers they must give.

Run in an environment with scikit-learn: ``python train.py FOLDER``. It writes ``model.pkl``,
``model.joblib``, ``slow.pkl`` (50 ms to unpickle), ``batch.csv`` (5 MB: 250,000 rows of four
numbers, no header) and ``expected.json``.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from slow_unpickling import SlowToUnpickle

ROWS = 250_000
RECORDS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.9, 4.5, 1.5], [6.3, 3.3, 6.0, 2.5]]


def main(folder: Path) -> None:
    """Write the model, the batch and the expected answers into ``folder``."""
    data, species = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(data, species)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    (folder / "slow.pkl").write_bytes(pickle.dumps(SlowToUnpickle(model)))
    joblib.dump(model, folder / "model.joblib")
    low, high = data.min(axis=0), data.max(axis=0)
    batch = np.random.default_rng(1).uniform(low, high, (ROWS, 4)).round(2)
    np.savetxt(folder / "batch.csv", batch, fmt="%.2f", delimiter=",")
    frame = pd.read_csv(folder / "batch.csv", header=None)
    expected = {
        "records": RECORDS,
        "answers": [int(answer) for answer in model.predict(RECORDS)],
        "rows": ROWS,
        "integers": float(model.predict(frame.to_numpy()).sum()),
        "floats": float(model.predict_proba(frame.to_numpy()).max(axis=1).sum()),
    }
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
