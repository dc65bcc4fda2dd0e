"""An app's whole life in a sandbox, by the command line and the real CDK: in containers, and again
as processes, there with what IAM says enforced."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import socket
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy
import pandas
import pytest
from botocore.exceptions import ClientError
from sklearn.linear_model import LogisticRegression

from tests.e2e.sandboxes import REGION, Load, World

Part = Callable[["World", Path, Path], None]
"""What happens to an app's endpoint meanwhile."""

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 2.8, 4.2, 1.3]]


def expected(app: Path, **hyperparameters: float) -> Any:
    """The model that scikit-learn makes of the app's data, in this process."""
    tables = sorted((app / "input/data/training").rglob("*.csv")) or sorted(
        (app / "input/data/training").rglob("*.data")
    )
    table = pandas.concat([pandas.read_csv(path, header=None) for path in tables])
    model = LogisticRegression(**{"max_iter": 1000, **hyperparameters})
    return model.fit(table.iloc[:, :-1].to_numpy(), table.iloc[:, -1].to_numpy())


def of_s3(world: World, uri: str) -> bytes:
    place = urlsplit(uri)
    s3 = world.client("s3")
    body: bytes = s3.get_object(Bucket=place.netloc, Key=place.path[1:])["Body"].read()
    return body


def model_of(packed: bytes) -> Any:
    """The one model in an archive."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.getnames() == ["model.pkl"]
        file = archive.extractfile("model.pkl")
        assert file is not None
        return pickle.load(file)


def train(world: World, app: Path, **hyperparameters: float) -> str:
    """Train in a job, and compare the model with scikit-learn's own."""
    words = [f"{name}={value}" for name, value in hyperparameters.items()]
    given = [part for word in words for part in ("--hyperparameters", word)]
    told = world.must("sagemaker", "train", *given)
    trained = model_of(of_s3(world, told["model"]))
    assert numpy.allclose(trained.coef_, expected(app, **hyperparameters).coef_, atol=1e-6)
    uri: str = told["model"]
    return uri


def answers(world: World, app: Path, **hyperparameters: float) -> None:
    """The endpoint's answers are those of scikit-learn."""
    model = expected(app, **hyperparameters)
    for row in ROWS:
        done = world.run("sagemaker", "invoke", "--data", json.dumps({"observation": row}))
        assert done.code == 0, done.err
        assert json.loads(done.out) == {"prediction": model.predict([row])[0]}


def batch(world: World, app: Path, folder: Path) -> None:
    data = folder / "rows.csv"
    data.write_text("".join(",".join(map(str, row)) + "\n" for row in ROWS * 50))
    told = world.must("sagemaker", "batch-transform", "-i", str(data))
    (out,) = told["objects"]
    text = of_s3(world, out).decode().split()
    assert text == list(expected(app).predict(ROWS * 50))


@pytest.fixture
def app(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "testapp"))


def endpoint(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.client("sagemaker").describe_endpoint(EndpointName="testapp")
    return found


def live(world: World, app: Path, folder: Path, *between: Part) -> None:
    """From the first model to the end, on a foundation that is there."""
    # when a model is trained and served, then it answers as scikit-learn does
    train(world, app)
    served = world.must("sagemaker", "serve", "--yes")
    assert served["endpoint"] == "testapp"
    answers(world, app)
    for part in between:
        part(world, app, folder)
    # when a batch is run, then its answers are scikit-learn's
    batch(world, app, folder)
    # when everything is destroyed, then the endpoint is gone
    world.must("destroy", "--yes")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        endpoint(world)


def updates(world: World, app: Path, folder: Path) -> None:
    """A second model, and one that cannot be loaded, under load."""
    first = endpoint(world)["EndpointConfigName"]
    # when a second model takes the first one's place, then no request fails meanwhile
    train(world, app, C=0.01)
    body = json.dumps({"observation": ROWS[0]}).encode()
    with Load(world.client("sagemaker-runtime"), "testapp", body) as load:
        world.must("sagemaker", "serve", "--yes")
    assert load.failures == []
    assert len(load.answers) > 20
    second = endpoint(world)["EndpointConfigName"]
    assert second != first
    answers(world, app, C=0.01)
    # when a model cannot be loaded, then the update goes back, and the old one goes on to answer
    broken = folder / "broken"
    broken.mkdir()
    (broken / "model.pkl").write_text("no pickle")
    uri = upload(world, broken)
    with Load(world.client("sagemaker-runtime"), "testapp", body) as load:
        failed = world.run("sagemaker", "serve", "-m", uri, "--yes")
    assert failed.code == 1, failed.err
    assert "ping health check" in failed.err
    assert "odyssey why testapp " in failed.err
    causes = [each["cause"] for each in world.must("why")["verdicts"]]
    assert "model-unreadable" in [cause["id"] for cause in causes if cause]
    assert load.failures == []
    assert endpoint(world)["EndpointStatus"] == "InService"
    assert endpoint(world)["EndpointConfigName"] == second
    answers(world, app, C=0.01)
    # given for what follows: the first model again
    train(world, app)


def upload(world: World, folder: Path) -> str:
    """An archive in the app's bucket that no get_model would take."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        tar.add(folder / "model.pkl", "model.pkl")
    outputs = world.client("cloudformation").describe_stacks(StackName="testapp-foundation")
    told = {o["OutputKey"]: o["OutputValue"] for o in outputs["Stacks"][0]["Outputs"]}
    bucket = told["BucketName"]
    world.client("s3").put_object(
        Bucket=bucket, Key="model/broken/model.tar.gz", Body=archive.getvalue()
    )
    return f"s3://{bucket}/model/broken/model.tar.gz"


def test_an_app_lives_in_containers(app: Path, base_image: str, tmp_path: Path) -> None:
    with World(app, tmp_path / "state", ("--executor", "docker")) as world:
        assert world.record["executor"] == "docker"
        world.must("deploy", "--yes")
        # An image of its own name: other tests build the app's at the same time.
        world.must("docker", "-n", "life", "build", "--base", base_image)
        pushed = world.must("docker", "-n", "life", "push")
        assert f".dkr.ecr.{REGION}.amazonaws.com/" in pushed["image"]
        live(world, app, tmp_path, updates)
    # then nothing is left of it
    label = ["--filter", f"label=odyssey.owner={socket.gethostname()}:{world.record['pid']}"]
    listed = subprocess.run(
        ["docker", "ps", "-aq", *label], capture_output=True, text=True, check=True
    )
    assert listed.stdout == ""


def test_an_app_lives_as_processes_under_its_own_policies(app: Path, tmp_path: Path) -> None:
    options = ("--executor", "process", "--enforce-iam")
    with World(app, tmp_path / "state", options) as world:
        assert world.record["executor"] == "process"
        policies = world.must("permissions")["policies"]
        world.act_as(policies)
        world.must("deploy", "--yes")
        live(world, app, tmp_path)
        with pytest.raises(ClientError, match="not authorized to perform: iam:ListUsers"):
            world.client(
                "iam",
                access=world.variables["AWS_ACCESS_KEY_ID"],
                secret=world.variables["AWS_SECRET_ACCESS_KEY"],
            ).list_users()
