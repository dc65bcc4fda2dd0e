"""Tests of app.py: train.py and serve.py as AWS Lambda calls them, here without Lambda or S3."""

import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

APP = Path(__file__).parent.parent
sys.path.insert(0, str(APP))

import app  # noqa: E402

CONTEXT = SimpleNamespace(function_name="here", aws_request_id="12345678")
RECORD = {"observation": [5.1, 3.5, 1.4, 0.2]}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What app.train returned, with the model where app.serve looks for it."""
    root = tmp_path_factory.mktemp("ml")
    shutil.copytree(APP / "input", root / "input")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MODEL_URI", "DATA_URI", "MODELS_URI"):
            patch.delenv(name, raising=False)
        patch.setenv("ROCKET_ML_ROOT", str(root))
        yield app.train({}, CONTEXT)


def test_train_leaves_a_model(trained):
    assert list(Path(trained["model"]).iterdir())


@pytest.mark.usefixtures("trained")
def test_an_event_gets_a_prediction():
    assert app.serve(RECORD, CONTEXT) == {"prediction": "Iris-setosa"}


@pytest.mark.usefixtures("trained")
def test_a_request_of_a_gateway_gets_a_response():
    event = {"httpMethod": "POST", "headers": {"Content-Type": "text/csv"}, "body": "1,2,3,4\n"}
    response = app.serve(event, CONTEXT)
    assert response["statusCode"] == 200
    assert response["body"].startswith("Iris-")
