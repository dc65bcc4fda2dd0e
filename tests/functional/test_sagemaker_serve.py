"""The endpoint by way of its stack, with a CDK and an AWS that do what a test says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from odyssey import artifacts, config, serving
from odyssey.cloudformation import changesets
from odyssey.cloudformation.target import Target
from odyssey.config import Config
from odyssey.consent import Consent
from odyssey.errors import DeploymentError, UsageError
from odyssey.serving import Deleted, Served
from tests.functional.stacks import (
    FakeCdk,
    FakeCloudFormation,
    FakeSageMaker,
    fake_cdk,
    target_of,
    write_assembly,
)

YES = Consent("odyssey sagemaker serve", given=True)
DIGEST = f"sha256:{'ab' * 32}"
IMAGE = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/iris@{DIGEST}"
MODEL = "s3://models/one/model.tar.gz"
OTHER = "s3://models/two/model.tar.gz"
ROLE = "arn:aws:iam::123456789012:role/jobs"
BUCKET = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
TOPIC = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}

# Prints what `cdk diff` would, for each of the stacks it was given.
DIFF = """
if words[0] == "diff":
    for word in words:
        if word.startswith("iris-"):
            print(f"Stack {word} (aws://1/us-east-1)")
            print("[+] something")
"""


class World:
    """An app with an image and a model, an AWS, and a CDK."""

    region = "us-east-1"

    def __init__(self, folder: Path, s3: Any) -> None:
        self.folder = folder
        self.s3 = s3
        self.cloudformation = FakeCloudFormation()
        self.cdk: FakeCdk = fake_cdk(folder / "aws-cdk")
        self.cdk.does(DIFF)
        self.seen: list[Config] = []
        self.words: list[Sequence[str]] = []
        self.write(f'[artifacts]\nimage = "{IMAGE}"\n')
        artifacts.record(folder, None, {"model": MODEL})
        stacks = {"iris-foundation": BUCKET, "iris-endpoint": TOPIC}
        write_assembly(folder / "cdk.out", stacks, needs={"iris-endpoint": ["iris-foundation"]})
        for name, template in stacks.items():
            outputs = [{"OutputKey": "TrainingRoleArn", "OutputValue": ROLE}]
            self.cloudformation.put(name, "CREATE_COMPLETE", Outputs=outputs)
            self.cloudformation.templates[name] = template

    def write(self, text: str) -> None:
        (self.folder / "odyssey.toml").write_text(f'[app]\nname = "iris"\n{text}')

    def will_change_the_endpoint(self) -> None:
        self.cloudformation.templates["iris-endpoint"] = {}

    def client(self, service: str, region: str | None = None) -> Any:
        if service in {"s3", "iam"}:
            return boto3.client(service, region_name=region or "us-east-1")
        return {"cloudformation": self.cloudformation, "sagemaker": FakeSageMaker()}[service]

    def resolve(
        self, settings: Config, words: Sequence[str], access: Any, *, validate: bool = False
    ) -> Target:
        self.seen.append(settings)
        self.words.append(words)
        return target_of(self.folder / "cdk.out", access, self.cdk, words)

    def serve(self, consent: Consent = YES, role: str = "", **flags: Any) -> Served:
        settings = config.load(
            self.folder, flags={name.replace("__", "."): value for name, value in flags.items()}
        )
        access: Any = self
        done = serving.serve(settings, access, consent, role=role, resolve=self.resolve)
        assert isinstance(done, Served)
        return done

    def delete(self, *, dry_run: bool = False) -> Deleted:
        access: Any = self
        settings = config.load(self.folder)
        return serving.delete(settings, access, YES, dry_run, resolve=self.resolve)

    def deploys(self) -> list[list[str]]:
        return [words for words in self.cdk.commands() if words[0] in {"deploy", "destroy"}]


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="models")
        for key in ("one", "two"):
            client.put_object(Bucket="models", Key=f"{key}/model.tar.gz", Body=b"model")
        yield client


@pytest.fixture
def world(tmp_path: Path, s3: Any) -> World:
    return World(tmp_path, s3)


def test_the_foundation_and_the_endpoint_are_deployed_and_the_model_is_recorded(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.will_change_the_endpoint()
    # when
    done = world.serve(artifacts__model=OTHER)
    # then
    assert world.words == [("iris-foundation", "iris-endpoint")]
    assert world.seen[0].artifacts.model == OTHER
    assert [words[:2] for words in world.deploys()] == [["deploy", "iris-endpoint"]]
    assert artifacts.load(world.folder, None)["model"] == OTHER
    document = done.document()
    assert (document["endpoint"], document["model"], document["image"]) == ("iris", OTHER, IMAGE)
    assert [(one["stack"], one["changed"]) for one in document["stacks"]] == [
        ("iris-foundation", False),
        ("iris-endpoint", True),
    ]
    assert "iris-endpoint" in done.text()
    said = capsys.readouterr().err
    assert "1 x ml.m5.large, and costs by the hour" in said
    assert "a later `odyssey deploy`" not in said


def test_a_deployment_that_fails_records_nothing(world: World) -> None:
    world.will_change_the_endpoint()
    world.cdk.does(f"{DIFF}\nif words[0] == 'deploy': sys.exit('no')")
    with pytest.raises(DeploymentError, match="iris-endpoint could not be deployed"):
        world.serve(artifacts__model=OTHER)
    assert artifacts.load(world.folder, None)["model"] == MODEL


def test_a_dry_run_makes_a_change_set_and_neither_deploys_nor_records(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    world.will_change_the_endpoint()
    settings = config.load(world.folder, flags={"artifacts.model": OTHER})
    target = world.resolve(settings, ("iris-endpoint",), world)
    name = changesets.default_name(target.stacks[0])
    made = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "Changes": []}
    world.cloudformation.change_sets["iris-endpoint", name] = made
    # when
    access: Any = world
    done = serving.serve(settings, access, YES, dry_run=True, resolve=world.resolve)
    # then
    (shown,) = done.document()["change_sets"]
    assert (shown["stack"], shown["change_set"]) == ("iris-endpoint", name)
    assert "Execute it: odyssey deploy iris-endpoint --execute" in done.text()
    assert all("prepare-change-set" in words for words in world.deploys())
    assert artifacts.load(world.folder, None)["model"] == MODEL
    assert f'artifacts.model = "{OTHER}"' in capsys.readouterr().err


def test_options_that_a_later_deployment_would_not_know_of_are_named(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.write(f'[artifacts]\nimage = "{IMAGE}"\nmodel = "{MODEL}"\n')
    world.serve(artifacts__model=OTHER, endpoint__name="mine", endpoint__instance_count=1)
    said = capsys.readouterr().err
    assert "a later `odyssey deploy` goes back to what odyssey.toml says" in said
    assert f'write there: artifacts.model = "{OTHER}", endpoint.name = "mine"\n' in said


def test_an_image_that_has_not_passed_its_test_is_said(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    words = f"{IMAGE} has not passed `odyssey docker test`"
    world.serve()
    assert words in capsys.readouterr().err
    # when: it is the image of this id, which passes only after the push
    artifacts.record_pushed(world.folder, DIGEST, "sha256:1d")
    artifacts.record_tested(world.folder, "sha256:1d", "sagemaker")
    world.serve()
    # then
    assert words not in capsys.readouterr().err


def test_a_foundation_alone_needs_no_tested_image(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    serving.warn_untested(config.load(world.folder), ["iris-foundation"])
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("s3://models/none/model.tar.gz", "is not there"),
        ("s3://models/empty/model.tar.gz", "is empty"),
        ("s3://far/model.tar.gz", "is in eu-west-1, and the endpoint in us-east-1"),
    ],
)
def test_a_model_that_the_endpoint_could_not_load_is_refused_first(
    world: World, model: str, message: str
) -> None:
    # given
    world.s3.put_object(Bucket="models", Key="empty/model.tar.gz", Body=b"")
    place: Any = {"LocationConstraint": "eu-west-1"}
    world.s3.create_bucket(Bucket="far", CreateBucketConfiguration=place)
    world.s3.put_object(Bucket="far", Key="model.tar.gz", Body=b"model")
    # then
    with pytest.raises(UsageError, match=message):
        world.serve(artifacts__model=model)
    assert world.seen == []


def test_an_image_with_its_model_inside_needs_no_object(world: World) -> None:
    world.serve(artifacts__model="none")
    assert artifacts.load(world.folder, None)["model"] == "none"


@pytest.mark.parametrize(("missing", "hint"), [("image", "docker push"), ("model", "train")])
def test_without_an_image_or_a_model_the_next_command_is_named(
    world: World, missing: str, hint: str
) -> None:
    (world.folder / artifacts.FILE).unlink()
    world.write(f'[artifacts]\nimage = "{IMAGE}"\n' if missing == "model" else "")
    with pytest.raises(UsageError, match=f"no {missing} is recorded") as caught:
        world.serve()
    assert hint in str(caught.value.hint)


def test_an_app_for_lambda_has_no_endpoint(world: World) -> None:
    world.write('service = "lambda"\n')
    with pytest.raises(UsageError, match='app.service is "lambda"'):
        world.serve()


def test_a_role_by_its_name_is_that_of_the_endpoint(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    iam = world.client("iam")
    made = iam.create_role(RoleName="mine", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    # when
    world.serve(role="mine")
    # then
    assert world.seen[0].endpoint.role == made
    said = capsys.readouterr().err
    assert f'endpoint.role = "{made}"' in said
    assert "the role of the training jobs" not in said


def test_the_role_of_the_training_jobs_is_taken_with_a_warning(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.serve(role=ROLE, artifacts__model=OTHER)
    assert world.seen[0].endpoint.role == ROLE
    assert world.seen[0].artifacts.model == OTHER
    assert "the role of the training jobs" in capsys.readouterr().err


@pytest.mark.parametrize("role", ["nobody", "arn:aws:iam::1:user/me"])
def test_a_role_that_is_none_is_refused(world: World, role: str) -> None:
    with pytest.raises(UsageError, match=role):
        world.serve(role=role)


def test_what_costs_by_the_hour_is_asked_for(world: World) -> None:
    world.will_change_the_endpoint()
    with pytest.raises(UsageError, match="--yes is not given"):
        world.serve(Consent("odyssey sagemaker serve"))
    assert world.deploys() == []


def test_the_endpoint_is_destroyed_and_the_foundation_stays(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    # given
    planned = world.delete(dry_run=True)
    assert world.deploys() == []
    assert planned.document() == {"stacks": [{"stack": "iris-endpoint", "goes": [], "stays": []}]}
    # when
    delete_when_told(world)
    done = world.delete()
    # then
    assert [words[:2] for words in world.deploys()] == [["destroy", "iris-endpoint"]]
    assert done.text() == "iris-endpoint: destroyed"
    assert "costs by the hour for as long as it is there" in capsys.readouterr().err


def delete_when_told(world: World) -> None:
    """Let the stack be gone as soon as the CDK has run."""
    fake = world.cloudformation
    real = fake.describe_stacks

    def describe(StackName: str = "") -> dict[str, Any]:  # noqa: N803
        if world.deploys():
            fake.stacks["iris-endpoint"]["StackStatus"] = "DELETE_COMPLETE"
        return real(StackName)

    fake.describe_stacks = describe  # type: ignore[method-assign]


def test_nothing_is_deleted_where_nothing_is(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    del world.cloudformation.stacks["iris-endpoint"]
    assert world.delete().document() == {"stacks": []}
    assert "there is nothing to delete" in capsys.readouterr().err
    assert world.seen == []


def test_a_stack_without_its_artifacts_has_another_way_out(world: World) -> None:
    (world.folder / artifacts.FILE).unlink()
    with pytest.raises(UsageError, match="no stack iris-endpoint") as caught:
        world.delete()
    hint = "aws cloudformation delete-stack --stack-name iris-endpoint"
    assert caught.value.hint == hint
