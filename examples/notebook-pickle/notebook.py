"""A notebook as a script: "# %%" begins a cell in Jupyter (jupytext), VS Code and PyCharm."""

# %% The data: three hundred deliveries, made up, always the same ones
import json
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from features import RushHour
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

random = np.random.default_rng(7)
deliveries = pd.DataFrame(
    {
        "vehicle": random.choice(["bike", "car", "van"], 300),
        "distance_km": random.uniform(0.5, 30, 300).round(1),
        "weight_kg": random.exponential(5, 300).round(1),
        "hour": random.integers(7, 22, 300),
    }
)
speed = deliveries["vehicle"].map({"bike": 18, "car": 30, "van": 24})
is_slow = deliveries["hour"].isin([8, 9, 17, 18]) & (deliveries["vehicle"] != "bike")
minutes = 60 * deliveries["distance_km"] / speed * (1 + 0.5 * is_slow)
minutes = minutes + 4 + 0.3 * deliveries["weight_kg"] + random.normal(0, 2, 300)

# %% The model: words and numbers, and a step of our own
model = make_pipeline(
    RushHour(),
    make_column_transformer((OrdinalEncoder(), ["vehicle"]), remainder="passthrough"),
    HistGradientBoostingRegressor(random_state=7),
)
scores = cross_val_score(model, deliveries, minutes, scoring="neg_mean_absolute_error")
print(f"mean error in cross validation: {-scores.mean():.1f} minutes")
model.fit(deliveries, minutes)

# %% What leaves the notebook: the model, and the versions that can read it
folder = Path("export")
folder.mkdir(exist_ok=True)
joblib.dump(model, folder / "model.pkl")
versions = {name: version(name) for name in ("scikit-learn", "numpy", "pandas")}
(folder / "versions.json").write_text(json.dumps(versions, indent=2))
print(json.dumps(versions))
