"""One model after the other behind the same endpoint, by the real CDK into an AWS of moto's.

moto gives an endpoint a name of its own, and takes no second change set of a stack.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from odyssey import artifacts, aws, config, serving
from odyssey.consent import Consent
from odyssey.errors import UsageError
from odyssey.scaffold import bake
from odyssey.serving import Served

IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/testapp@sha256:{'ab' * 32}"
SETTINGS = f"""
[foundation]
repository = "testapp"

[artifacts]
image = "{IMAGE}"
"""
ONE, TWO = "s3://models/one/model.tar.gz", "s3://models/two/model.tar.gz"


@pytest.fixture(autouse=True)
def account(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account with nothing in it."""
    with urlopen(Request(f"{moto}/moto-api/reset", method="POST")) as answer:
        assert answer.status == 200
    for name in list(os.environ):
        if name.startswith(("AWS_", "ODYSSEY_", "CDK_")):
            monkeypatch.delenv(name)
    for name, value in {
        "AWS_ENDPOINT_URL": moto,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "eu-west-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONPATH": str(Path(serving.__file__).parent.parent),
    }.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """An app, and two models in the bucket of its region."""
    place: Any = {"LocationConstraint": "eu-west-1"}
    s3 = client("s3")
    s3.create_bucket(Bucket="models", CreateBucketConfiguration=place)
    for uri in (ONE, TWO):
        s3.put_object(Bucket="models", Key=uri.removeprefix("s3://models/"), Body=b"model")
    folder = bake("testapp", "sagemaker", tmp_path)
    with (folder / "odyssey.toml").open("a") as settings:
        settings.write(SETTINGS)
    return folder


def client(service: str) -> Any:
    return boto3.client(service, region_name="eu-west-1")


def serve(app: Path, model: str | None = None) -> Served:
    settings = config.load(app, flags={"artifacts.model": model})
    consent = Consent("odyssey sagemaker serve", given=True)
    done = serving.serve(settings, aws.Access(), consent, method="direct")
    assert isinstance(done, Served)
    return done


def models() -> list[str]:
    sagemaker = client("sagemaker")
    names = [one["ModelName"] for one in sagemaker.list_models()["Models"]]
    described = [sagemaker.describe_model(ModelName=name) for name in names]
    return [model["PrimaryContainer"]["ModelDataUrl"] for model in described]


def test_another_model_takes_the_place_of_the_first_and_the_record_agrees(app: Path) -> None:
    # given: nothing is recorded, so that there is nothing to serve
    with pytest.raises(UsageError, match="no model is recorded"):
        serve(app)
    # when
    first = serve(app, ONE)
    # then
    assert [stack.changed for stack in first.stacks] == [True, True]
    endpoint = first.stacks[1].outputs["EndpointName"]
    assert models() == [ONE]
    # when another is served, then it is the same endpoint, and its stack alone has changed
    second = serve(app, TWO)
    assert [stack.changed for stack in second.stacks] == [False, True]
    assert second.stacks[1].outputs["EndpointName"] == endpoint
    assert models() == [TWO]
    listed = client("sagemaker").list_endpoints()["Endpoints"]
    assert [one["EndpointName"] for one in listed] == [endpoint]
    # when nothing is named, then the record agrees
    assert artifacts.load(app, None)["model"] == TWO
    assert [stack.changed for stack in serve(app).stacks] == [False, False]
    # when it is deleted, then the foundation stays
    gone = serving.delete(config.load(app), aws.Access(), Consent("", given=True))
    assert [stack.stack.name for stack in gone.stacks] == ["testapp-endpoint"]
    assert client("sagemaker").list_endpoints()["Endpoints"] == []
    stacks = client("cloudformation").list_stacks()["StackSummaries"]
    states = {stack["StackName"]: stack["StackStatus"] for stack in stacks}
    assert states["testapp-foundation"] == "CREATE_COMPLETE"
