"""The functions by way of their stack, with a CDK and an AWS that do what a test says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from odyssey import artifacts
from odyssey.consent import Consent
from odyssey.errors import AwsError, RequestError, UsageError
from odyssey.functions import deploying, training
from odyssey.images import manifests
from tests.functional.functions import IMAGE, MODEL, REGION, TRAINED, FakeEcr, World, refusal

YES = Consent("odyssey lambda serve", given=True)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name=REGION)
        for bucket in ("models", "files"):
            place: Any = {"LocationConstraint": REGION}
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)
        client.put_object(Bucket="models", Key="one/model.tar.gz", Body=b"model")
        yield World(tmp_path, client)


def serve(world: World, **flags: Any) -> Any:
    settings = world.settings(**flags)
    return deploying.serve(settings, world.access, YES, resolve=world.resolve)


def train(world: World, **how: Any) -> Any:
    return training.train(world.settings(), world.access, YES, resolve=world.resolve, **how)


def test_the_functions_are_deployed_with_the_foundation_first_and_the_model_recorded(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.will_change_the_functions()
    artifacts.record(world.folder, None, {"model": "s3://models/two/model.tar.gz"})
    # when
    done = serve(world, artifacts__model=MODEL, function__timeout=30)
    # then
    assert world.words == [("iris-foundation", "iris-function")]
    assert world.deploys() == [["deploy", "iris-function"]]
    assert world.recorded == {"image": IMAGE, "model": MODEL}
    document = done.document()
    assert (document["function"], document["model"]) == ("iris-serve", MODEL)
    assert [one["stack"] for one in document["stacks"]] == ["iris-foundation", "iris-function"]
    said = capsys.readouterr().err
    assert "1024 MB and up to 30 s a call, and cost while they run" in said
    assert "write there: function.timeout = 30" in said


def test_what_is_kept_ready_costs_by_the_hour(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write("[function]\nprovisioned_concurrency = 2\n")
    serve(world)
    assert (
        "2 of the one that serves are kept ready, and cost by the hour" in capsys.readouterr().err
    )


def test_the_function_that_trains_needs_no_model_and_is_given_the_app_s_data(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    (world.folder / artifacts.FILE).unlink()
    artifacts.record(world.folder, None, {"image": IMAGE})
    world.will_change_the_functions()
    world.has_data(one="1,2", two="3,4")
    # when
    done = train(world)
    # then
    assert world.deploys() == [["deploy", "iris-function"]]
    assert world.keys() == ["input/data/training/one.csv", "input/data/training/two.csv"]
    assert done.document()["data"] == "s3://files/input/data/"
    assert "Train: odyssey lambda invoke -n iris-train" in capsys.readouterr().err
    assert world.functions.asked == []


def test_what_has_changed_is_uploaded_again_and_what_is_there_besides_is_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    place = world.has_data(one="1,2", two="3,4", gone="5,6")
    train(world)
    (place / "gone.csv").unlink()
    (place / "two.csv").write_text("9,9")
    os.utime(place / "two.csv", (4e9, 4e9))
    os.utime(place / "one.csv", (1, 1))
    capsys.readouterr()
    # when
    train(world)
    # then
    said = capsys.readouterr().err
    assert "1 there already" in said
    assert "s3://files/input/data/ has 1 more objects, which the function reads too" in said
    sent = world.s3.get_object(Bucket="files", Key="input/data/training/two.csv")["Body"].read()
    assert sent == b"9,9"


def test_without_data_the_function_reads_what_is_there(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    train(world)
    assert "input/data has no file: the function reads what is in s3://" in capsys.readouterr().err


def test_it_can_train_at_once_with_the_app_s_hyperparameters(world: World) -> None:
    # given
    config = world.folder / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text('{"C": 0.5}')
    world.functions.will_answer({"model": TRAINED, "seconds": 1.5})
    # when
    done = train(world, run=True)
    # then
    assert world.functions.events == [{"hyperparameters": {"C": "0.5"}}]
    assert done.text() == TRAINED
    assert done.document()["run"]["body"] == {"model": TRAINED, "seconds": 1.5}
    assert world.recorded["model"] == TRAINED


def test_a_training_that_fails_records_nothing(world: World) -> None:
    world.functions.will_fail("TrainingFailed", "no rows")
    with pytest.raises(RequestError, match="iris-train failed: TrainingFailed: no rows"):
        train(world, run=True)
    assert world.recorded["model"] == MODEL


def test_a_dry_run_deploys_uploads_and_records_nothing(world: World) -> None:
    world.has_data(one="1,2")
    done = train(world, dry_run=True, run=True)
    assert (done.document(), world.deploys(), world.keys()) == ({"change_sets": []}, [], [])


OCI_ZSTD = {"layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "size": 1}]}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (
            FakeEcr(media_type=manifests.OCI_INDEX, manifest={"manifests": []}),
            "an index of several",
        ),
        (FakeEcr(media_type=manifests.OCI, manifest=OCI_ZSTD), "it has zstd layers"),
        (FakeEcr(architecture="arm64"), "is for linux/arm64, and function.architecture is x86_64"),
        (FakeEcr(there=False), "is not in ECR"),
    ],
)
def test_an_image_that_lambda_would_refuse_is_refused_first(
    world: World, image: FakeEcr, message: str
) -> None:
    world.ecr = image
    for command in (serve, train):
        with pytest.raises(UsageError, match=message) as caught:
            command(world)
        assert "odyssey docker push" in str(caught.value.hint)
    assert world.seen == []


def test_the_other_processor_is_named_where_it_would_fit(world: World) -> None:
    world.ecr = FakeEcr(architecture="arm64", media_type=manifests.OCI)
    with pytest.raises(UsageError, match=r'architecture = "arm64" under \[function\]'):
        serve(world)
    serve(world, function__architecture="arm64")


def test_an_image_of_another_region_or_registry_is_refused_first(world: World) -> None:
    elsewhere = IMAGE.replace(REGION, "us-east-1")
    with pytest.raises(UsageError, match=f"is in us-east-1, and the functions in {REGION}"):
        serve(world, artifacts__image=elsewhere)
    with pytest.raises(UsageError, match="Lambda takes images of ECR only"):
        serve(world, artifacts__image=f"registry.example.com/iris@{IMAGE.partition('@')[2]}")


def test_an_image_that_may_not_be_looked_at_is_left_to_the_deployment(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.ecr = FakeEcr(refuses=refusal("AccessDeniedException", "no", "BatchGetImage"))
    serve(world)
    assert "cannot be looked at with these credentials" in capsys.readouterr().err
    world.ecr = FakeEcr(refuses=refusal("ServerException", "no", "BatchGetImage"))
    with pytest.raises(AwsError, match="ServerException"):
        serve(world)


def test_where_jobs_run_as_processes_there_is_no_image_to_look_at(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.ecr = FakeEcr(there=False)
    stand_in = f"{IMAGE.partition('@')[0]}@{artifacts.NO_IMAGE}"
    # when it is a sandbox, then nothing is asked of ECR, and nothing said of a test of the image
    with monkeypatch.context() as sandbox:
        sandbox.setenv(artifacts.SANDBOX, "/tmp/odyssey-sandbox-x")
        serve(world, artifacts__image=stand_in, artifacts__model=MODEL)
        assert "has not passed" not in capsys.readouterr().err
    # when it is AWS, then the name is that of an image like any other
    world.ecr = FakeEcr(refuses=refusal("ServerException", "no", "BatchGetImage"))
    with pytest.raises(AwsError, match="ServerException"):
        serve(world, artifacts__image=stand_in)


def test_a_model_that_is_not_there_is_refused_first(world: World) -> None:
    with pytest.raises(UsageError, match="is not there") as caught:
        serve(world, artifacts__model="s3://models/none/model.tar.gz")
    assert "odyssey lambda train" in str(caught.value.hint)
    assert world.seen == []


def test_without_an_image_or_a_model_the_next_command_is_named(world: World) -> None:
    (world.folder / artifacts.FILE).unlink()
    for command in (serve, train):
        with pytest.raises(UsageError, match="no image is recorded") as caught:
            command(world)
        assert caught.value.hint == "odyssey docker push"
    with pytest.raises(UsageError, match="no model is recorded") as caught:
        serve(world, artifacts__image=IMAGE)
    assert "odyssey lambda invoke -n iris-train" in str(caught.value.hint)


def test_an_app_for_sagemaker_alone_has_no_functions(world: World) -> None:
    world.write(service="sagemaker")
    with pytest.raises(UsageError, match='app.service is "sagemaker"'):
        serve(world)
    world.write(service="sagemaker+lambda")
    serve(world)


def test_the_functions_are_destroyed_and_the_foundation_stays(world: World) -> None:
    # given
    settings = world.settings()
    planned = deploying.delete(settings, world.access, YES, True, resolve=world.resolve)
    assert planned.document() == {"stacks": [{"stack": "iris-function", "goes": [], "stays": []}]}
    # when
    with pytest.raises(UsageError, match="--yes is not given"):
        deploying.delete(settings, world.access, Consent("odyssey"), resolve=world.resolve)
    # then
    assert (world.deploys(), world.words[-1]) == ([], ("iris-function",))


def test_nothing_is_deleted_where_nothing_is(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    del world.cloudformation.stacks["iris-function"]
    done = deploying.delete(world.settings(), world.access, YES, resolve=world.resolve)
    assert (done.document(), world.seen) == ({"stacks": []}, [])
    assert "there is nothing to delete" in capsys.readouterr().err
