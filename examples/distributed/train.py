"""Training on several machines: each has its share of the rows, all agree on each step.

With PyTorch installed, `with_torch` trains by DistributedDataParallel; without it,
`with_numpy` does the same arithmetic with sockets. Both make the same file.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

if importlib.util.find_spec("torch"):
    import with_torch as framework
else:
    import with_numpy as framework


def train(input_path, model_path, cluster, hyperparameters=None):
    """Fits a softmax classifier to tables whose last column is the label.

    Args:
        input_path: Folder with the tables, the same on every machine.
        model_path: Folder to write the model to.
        cluster: The machines of the job.
        hyperparameters: `epochs` and `rate`, the length of a step.
    """
    # -- 1. Read the data: all of it, since the labels and the scale are those of all
    table = pd.concat(pd.read_csv(path, header=None) for path in tables(input_path))
    names, labels = np.unique(table.iloc[:, -1].to_numpy(str), return_inverse=True)
    features = table.iloc[:, :-1].to_numpy(np.float32)
    mean, scale = features.mean(0), features.std(0)
    features = (features - mean) / scale

    # -- 2. Take this machine's share
    share = slice(cluster.rank, None, len(cluster.hosts))
    print(f"rank {cluster.rank} of {len(cluster.hosts)}: {len(labels[share])} rows")

    # -- 3. Fit, together
    wanted = {"epochs": 300, "rate": 0.5, **(hyperparameters or {})}
    mine = features[share], labels[share]
    weights, bias = framework.fit(cluster, *mine, len(names), **wanted)

    # -- 4. Save: all have the same model, and one of them writes it
    if cluster.rank == 0:
        right = ((features @ weights + bias).argmax(1) == labels).mean()
        print(f"{len(labels)} rows, accuracy on them {right:.3f}")
        model = {"weights": weights, "bias": bias, "names": names}
        np.savez(Path(model_path) / "model.npz", mean=mean, scale=scale, **model)


def tables(folder):
    """All tables below a folder, in the same order everywhere."""
    found = sorted(p for p in Path(folder).rglob("*") if p.suffix in {".csv", ".data"})
    if not found:
        raise FileNotFoundError(f"no .csv or .data file in {folder}")
    return found
