"""Saves the pickled model in MLflow's format: ``python save.py PICKLE FOLDER``."""

import pickle
import sys
from pathlib import Path

import mlflow.sklearn

if __name__ == "__main__":
    model = pickle.loads(Path(sys.argv[1]).read_bytes())
    requirements = ["scikit-learn", "numpy", "pandas"]
    mlflow.sklearn.save_model(
        model, sys.argv[2], pip_requirements=requirements, serialization_format="pickle"
    )
