"""Your app's tests: run them with `python -m pytest`."""

import sys
from pathlib import Path

import pandas as pd
import pytest

APP = Path(__file__).parent.parent
sys.path.insert(0, str(APP))

from serve import get_model, predict  # noqa: E402
from train import train  # noqa: E402

from rocket import BadInput  # noqa: E402

DATA = APP / "input" / "data" / "training"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    train(str(DATA), str(folder))
    return get_model(str(folder))


def test_a_record_gets_a_prediction(model):
    assert predict({"observation": [5.1, 3.5, 1.4, 0.2]}, model) == {"prediction": "Iris-setosa"}


def test_a_table_gets_a_prediction_for_each_row(model):
    rows = pd.DataFrame([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]])
    assert list(predict(rows, model)) == ["Iris-setosa", "Iris-virginica"]


@pytest.mark.parametrize("record", [{}, {"observation": [1, 2]}, {"observation": "x"}, [], 5])
def test_a_record_that_is_no_observation_is_refused(model, record):
    with pytest.raises(BadInput):
        predict(record, model)
