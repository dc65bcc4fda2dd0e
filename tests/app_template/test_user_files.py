"""The template's train.py and serve.py: what a user starts from."""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from rocket import BadInput

MARK = "# def predict_batch"


def load(path: Path, name: str) -> ModuleType:
    """Imports a file under a name of its own."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def serve(baked: Path) -> ModuleType:
    return load(baked / "serve.py", "template_serve")


@pytest.fixture(scope="session")
def train(baked: Path) -> Callable[..., None]:
    return load(baked / "train.py", "template_train").train


@pytest.fixture(scope="session")
def model(serve: ModuleType, trained: Path) -> Any:
    return serve.get_model(str(trained / "model"))


@pytest.fixture(scope="session")
def batching(baked: Path, tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """serve.py as it is once the user has removed the "# " before predict_batch."""
    lines = (baked / "serve.py").read_text().splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(MARK))
    for place in range(start, len(lines)):
        if not lines[place].startswith("#"):
            break
        lines[place] = lines[place].removeprefix("#").removeprefix(" ")
    path = tmp_path_factory.mktemp("batching") / "serve.py"
    path.write_text("\n".join(lines) + "\n")
    return load(path, "template_serve_with_predict_batch")


class TestTrain:
    def test_fits_the_bundled_flowers(self, serve: ModuleType, model: Any) -> None:
        iris = load_iris()
        labels = serve.predict(pd.DataFrame(iris.data), model)
        right = [f"Iris-{iris.target_names[target]}" for target in iris.target]
        assert np.mean(labels == np.array(right)) > 0.95

    def test_takes_hyperparameters(
        self, train: Callable[..., None], serve: ModuleType, baked: Path, tmp_path: Path
    ) -> None:
        data = str(baked / "input" / "data" / "training")
        train(data, str(tmp_path), hyperparameters={"C": 0.5, "max_iter": 2000})
        assert serve.get_model(str(tmp_path)).C == 0.5

    def test_reads_tables_in_any_folder(
        self, train: Callable[..., None], serve: ModuleType, tmp_path: Path
    ) -> None:
        for name, row in {
            "a.csv": "1,1,cat",
            "deep/er/b.data": "9,9,dog",
            "notes.txt": "x",
        }.items():
            path = tmp_path / "in" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{row}\n" * 5)
        (tmp_path / "out").mkdir()
        train(str(tmp_path / "in"), str(tmp_path / "out"))
        model = serve.get_model(str(tmp_path / "out"))
        assert serve.predict({"observation": [9, 9]}, model) == {"prediction": "dog"}

    def test_says_when_there_is_no_data(self, train: Callable[..., None], tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match=r"no \.csv or \.data file in "):
            train(str(tmp_path), str(tmp_path))


# --- predict ----------------------------------------------------------------------------------

numbers = st.floats(-1e6, 1e6) | st.integers(-(10**6), 10**6)
flowers = st.lists(numbers, min_size=4, max_size=4)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)
near_records = st.fixed_dictionaries({"observation": json_values | st.lists(st.floats() | numbers)})


def is_number(value: object) -> bool:
    """Whether numpy makes a finite number of a value that JSON can have."""
    try:
        return not isinstance(value, list | dict) and math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def is_row(value: object) -> bool:
    return isinstance(value, list) and len(value) == 4 and all(map(is_number, value))


def is_well_formed(record: object) -> bool:
    """One observation, or a bare list of rows, as a table has them."""
    if isinstance(record, dict):
        return is_row(record.get("observation"))
    return isinstance(record, list) and len(record) > 0 and all(map(is_row, record))


class TestPredict:
    @given(record=json_values | near_records | st.lists(json_values | flowers, max_size=3))
    def test_answers_what_is_well_formed_and_refuses_all_else(
        self, serve: ModuleType, model: Any, record: Any
    ) -> None:
        with warnings.catch_warnings():
            # Numbers near the largest there are overflow inside the model.
            warnings.simplefilter("ignore", RuntimeWarning)
            if not is_well_formed(record):
                with pytest.raises(BadInput, match="observation: "):
                    serve.predict(record, model)
            elif isinstance(record, dict):
                assert serve.predict(record, model)["prediction"] in model.classes_
            else:
                assert len(serve.predict(record, model)) == len(record)

    @pytest.mark.parametrize(
        ("record", "message"),
        [
            ({"observation": [1, 2]}, "observation: 4 numbers expected, got 2"),
            ({"observation": 5}, "observation: 4 numbers expected"),
            ({"observation": [[1, 2, 3, 4]]}, "observation: 4 numbers expected"),
            ({"observation": []}, "observation: 4 numbers expected, got 0"),
            ({"observation": [1, 2, 3, "four"]}, "observation: a list of numbers expected"),
            ({"observation": [1, 2, 3, None]}, "observation: a number is missing or not finite"),
            ({"observation": [1, 2, 3, math.inf]}, "observation: a number is missing"),
            ({"observation": [1, 2, 3, 10**400]}, "observation: a list of numbers expected"),
            ({"observations": [1, 2, 3, 4]}, "observation: "),
            ("text", "observation: "),
            (None, "observation: "),
        ],
    )
    def test_says_what_is_wrong(
        self, serve: ModuleType, model: Any, record: Any, message: str
    ) -> None:
        with pytest.raises(BadInput, match=message):
            serve.predict(record, model)

    @pytest.mark.parametrize(
        "rows",
        [
            [[1.0, 2.0, 3.0]],
            [[1.0, 2.0, 3.0, math.nan]],
            [[1.0, 2.0, 3.0, "four"]],
            [["1", "2", "3", None]],
        ],
    )
    def test_refuses_tables_too(self, serve: ModuleType, model: Any, rows: list[Any]) -> None:
        with pytest.raises(BadInput):
            serve.predict(pd.DataFrame(rows), model)


class TestPredictBatch:
    def test_is_switched_off_as_the_template_comes(self, serve: ModuleType) -> None:
        assert not hasattr(serve, "predict_batch")

    def test_is_all_that_differs_once_it_is_switched_on(
        self, serve: ModuleType, batching: ModuleType
    ) -> None:
        assert set(vars(batching)) - set(vars(serve)) == {"predict_batch"}
        assert batching.predict_batch.__doc__

    @given(observations=st.lists(flowers, min_size=1, max_size=20))
    def test_gives_the_same_answers_as_predict(
        self, batching: ModuleType, model: Any, observations: list[Any]
    ) -> None:
        records = [{"observation": observation} for observation in observations]
        one_by_one = [batching.predict(record, model) for record in records]
        assert batching.predict_batch(records, model) == one_by_one

    @given(
        records=st.lists(
            near_records | json_values.filter(lambda x: isinstance(x, dict)), min_size=1
        )
    )
    def test_refuses_a_batch_with_a_malformed_record(
        self, batching: ModuleType, model: Any, records: list[Any]
    ) -> None:
        if all(map(is_well_formed, records)):
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            with pytest.raises(BadInput):
                batching.predict_batch(records, model)

    @pytest.mark.parametrize("record", [None, 5, "text", [], [[5.1, 3.5, 1.4, 0.2]]])
    def test_refuses_a_record_that_is_no_dictionary(
        self, batching: ModuleType, model: Any, record: Any
    ) -> None:
        """With BadInput, so that each is tried alone and the log stays free of tracebacks."""
        good = {"observation": [5.1, 3.5, 1.4, 0.2]}
        with pytest.raises(BadInput):
            batching.predict_batch([good, record], model)
