"""Training: write your own train() here.

`odyssey local train` runs it on this machine, SageMaker runs it in the container; both call

    train(input_path, model_path, param_path)

A train() that names one of these gets it too:

    hyperparameters   the hyperparameters as a dictionary, numbers as numbers
    channels          every channel of data, name to folder
    cluster           the machines of the job: cluster.hosts, cluster.current_host, cluster.rank,
                      and where all of them meet: cluster.master_addr, cluster.master_port

Other modules can stand beside this file and be imported. An exception ends the training as
failed, with its message as the reason.
"""

import pickle
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression


def train(input_path, model_path, param_path=None, hyperparameters=None):
    """Fits a classifier to tables whose last column is the label.

    Args:
        input_path: Folder with the training data: any files, in any folders.
        model_path: Folder to write the model to: any files, of any kind.
        param_path: The file hyperparameters.json, or None when there is none.
        hyperparameters: The same as a dictionary; here, arguments of LogisticRegression.
    """
    # -- 1. Read your data -------------------------------------------------------------------
    files = sorted(path for path in Path(input_path).rglob("*") if path.suffix in {".csv", ".data"})
    if not files:
        raise FileNotFoundError(f"no .csv or .data file in {input_path}")
    table = pd.concat([pd.read_csv(path, header=None) for path in files])
    features, labels = table.iloc[:, :-1].to_numpy(), table.iloc[:, -1].to_numpy()

    # -- 2. Fit your model -------------------------------------------------------------------
    model = LogisticRegression(**{"max_iter": 1000, **(hyperparameters or {})})
    model.fit(features, labels)
    print(f"{len(labels)} rows, accuracy on them {model.score(features, labels):.3f}")

    # -- 3. Save it --------------------------------------------------------------------------
    (Path(model_path) / "model.pkl").write_bytes(pickle.dumps(model))
