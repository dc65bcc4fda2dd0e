"""The table of what commands may do in AWS, against what they do: every request of theirs.

The commands' services run against moto's AWS. What they ask for must be allowed, and what is
allowed must be asked for, but for what others do with the same credentials.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.backends import get_backend

from cdk_constructs.command_actions import BY_STACKS, OWN
from cdk_constructs.permissions import policy
from odyssey import artifacts, cli, config, ecr, invocation, serving, uploads
from odyssey.aws import Access
from odyssey.cloudformation import changesets, deployment, destruction
from odyssey.cloudformation import target as targets
from odyssey.cloudformation.target import Target
from odyssey.config import Config
from odyssey.consent import Consent
from odyssey.diagnosis import service as diagnosis
from odyssey.errors import AwsError, UsageError
from odyssey.functions import deploying, invoking, looking, training
from odyssey.images import manifests
from odyssey.infra import assembly
from odyssey.infra.toolkit import Ended
from odyssey.jobs import following, listing, reading, resuming, standing, stopping
from odyssey.jobs import training as training_jobs
from odyssey.jobs import transform as transform_jobs
from odyssey.jobs.following import Job
from odyssey.jobs.training_plan import Wanted
from odyssey.jobs.transform import TransformRequest
from odyssey.review import service as reviews
from tests.functional import rights
from tests.functional.jobs import IMAGE, START, FakeClock
from tests.functional.rights import ACCOUNT, REGION, Requests
from tests.functional.stacks import write_assembly

YES = Consent("odyssey", given=True)
BUCKET = "iris-files"
ROLE = "iris-foundation-TrainingRole-A1"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234"
MODEL = f"s3://{BUCKET}/model/1/model.tar.gz"
TRAINING, TRANSFORM = "iris-20260102-030405", "iris-batch-20260102-030405"
LEFT = "iris-batch-20250102-030405"
FOUNDATION = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"BucketName": {"Value": BUCKET}, "TrainingRoleArn": {"Value": ROLE_ARN}},
}
ENDPOINT = {
    "Resources": {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {"ExecutionRoleArn": ROLE_ARN, "PrimaryContainer": {"Image": IMAGE}},
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "InitialInstanceCount": 1,
                        "InitialVariantWeight": 1,
                        "InstanceType": "ml.m5.large",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "VariantName": "main",
                    }
                ]
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "iris",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
    }
}
FUNCTION = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
STACKS = {"iris-foundation": FOUNDATION, "iris-endpoint": ENDPOINT, "iris-function": FUNCTION}
SERVE_PY = "def get_model(model_path):\n    return None\n"


class World:
    """An app, and an AWS in which it may be deployed already."""

    def __init__(self, folder: Path, requests: Requests) -> None:
        self.folder = folder
        self.requests = requests
        self.access = Access(None, REGION)
        self.write("odyssey.toml", self.toml())
        self.write("serve.py", SERVE_PY)
        # Large enough to be sent in parts.
        (folder / "data").write_bytes(os.urandom(9_000_000))
        (folder / "small").write_bytes(b"1 2 3")
        needs = dict.fromkeys(("iris-endpoint", "iris-function"), ["iris-foundation"])
        write_assembly(folder / "cdk.out", STACKS, needs=needs)
        self.make(boto3.client("s3"), boto3.client("iam"))

    def toml(self) -> str:
        made = f'image = "{IMAGE}"\nmodel = "{MODEL}"\n'
        both = 'service = "sagemaker+lambda"'
        return f'[app]\nname = "iris"\n{both}\n[artifacts]\n{made}[foundation]\nkms_key = "{KEY}"\n'

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def make(self, s3: Any, iam: Any) -> None:
        place = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        for key in ("model/1/model.tar.gz", "async/output/1"):
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"made before")
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")

    @property
    def settings(self) -> Config:
        return config.load(self.folder)

    @property
    def client(self) -> Callable[[str], Any]:
        return self.access.client

    def deploy(self, *names: str) -> None:
        for name in names:
            create(name, STACKS[name])

    def fails_to_make(self, name: str) -> None:
        create(name, {"Resources": {}})
        backend = get_backend("cloudformation")[ACCOUNT][REGION]
        backend.get_stack(name).status = "ROLLBACK_COMPLETE"

    def has_jobs(self) -> None:
        """Have jobs that are over, with their logs; the transform job has left its model."""
        sagemaker, logs = boto3.client("sagemaker"), boto3.client("logs")
        training_jobs.train(
            self.settings,
            self.access,
            Wanted(source="s3://iris-files/in", role=ROLE_ARN),
            now=START,
            wait=False,
        )
        for name in (TRANSFORM, LEFT):
            self.has_transform(sagemaker, name)
        self.has_log(logs, "TrainingJobs", f"{TRAINING}/algo-1-1700000000")
        self.has_log(logs, "TransformJobs", f"{TRANSFORM}/i-1")
        self.has_log(logs, "Endpoints/iris", "main/i-1")
        self.has_endpoint(sagemaker, "iris")

    def has_transform(self, sagemaker: Any, name: str) -> None:
        place = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://iris-files/in"}}
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE_ARN,
            PrimaryContainer={"Image": IMAGE},
            Tags=[{"Key": "odyssey:temporary", "Value": "true"}],
        )
        sagemaker.create_transform_job(
            TransformJobName=name,
            ModelName=name,
            TransformInput={"DataSource": place},
            TransformOutput={"S3OutputPath": "s3://iris-files/out"},
            TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
        )

    def has_endpoint(self, sagemaker: Any, name: str) -> None:
        variant = {"VariantName": "main", "ModelName": LEFT, "InstanceType": "ml.m5.large"}
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[{**variant, "InitialInstanceCount": 1, "InitialVariantWeight": 1}],
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    def has_log(self, logs: Any, group: str, stream: str) -> None:
        name = {"logGroupName": f"/aws/sagemaker/{group}"}
        logs.create_log_group(**name)
        logs.create_log_stream(**name, logStreamName=stream)

    def resolve(self, _: Config, words: Any, access: Any, **__: Any) -> Target:
        whole = assembly.read(self.folder / "cdk.out")
        chosen = assembly.choose(whole.stacks, tuple(words))
        cdk: Any = Cdk(self.requests)
        return Target(whole, chosen, access, cdk, {}, whole.fingerprint())

    def target(self, *words: str) -> Target:
        return self.resolve(self.settings, words, self.access)


class Cdk:
    """The CDK's command line in this process; its requests are not odyssey's."""

    def __init__(self, requests: Requests) -> None:
        self.requests = requests

    def run(
        self, verb: str, stack: str, *words: str, on_turn: Callable[[], Any], **_: Any
    ) -> Ended:
        with self.requests.of_others():
            cloudformation = boto3.client("cloudformation")
            named = {"StackName": stack, "TemplateBody": json.dumps(STACKS.get(stack))}
            if "prepare-change-set" in words:
                change_set = words[words.index("--change-set-name") + 1]
                cloudformation.create_change_set(
                    **named, ChangeSetName=change_set, ChangeSetType="CREATE"
                )
            elif verb == "deploy":
                cloudformation.create_stack(**named)
            elif verb == "destroy":
                cloudformation.delete_stack(StackName=stack)
        on_turn()
        return Ended(0, "", None)


def create(name: str, template: dict[str, Any]) -> None:
    boto3.client("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template))


def watch(client: Any, logs: Any, job: Job, **how: Any) -> following.Ended:
    clock = FakeClock()
    return following.follow(client, logs, job, clock=clock, sleep=clock.sleep, **how)


def refuse_a_part_once(world: World) -> None:
    refused = {"Error": {"Code": "AccessDenied", "Message": "no"}}
    world.requests.answers["UploadPart"] = [refused]


def push(world: World) -> None:
    with world.requests.of_odyssey():
        ecr.destination(world.settings, world.access, "iris")


def train(world: World) -> None:
    world.deploy("iris-foundation")
    world.has_log(boto3.client("logs"), "TrainingJobs", f"{TRAINING}/algo-1-1700000000")
    wanted = Wanted(source=str(world.folder / "data"), role=ROLE)
    with world.requests.of_odyssey():
        refuse_a_part_once(world)
        with pytest.raises(AwsError):
            training_jobs.train(world.settings, world.access, wanted, now=START, watch=watch)
        world.requests.answers.clear()
        training_jobs.train(world.settings, world.access, wanted, now=START, watch=watch)


def upload(world: World) -> None:
    world.deploy("iris-foundation")
    with world.requests.of_odyssey():
        refuse_a_part_once(world)
        with pytest.raises(AwsError):
            uploads.upload_model(world.settings, world.access, [world.folder / "data"], None)
        world.requests.answers.clear()
        for name in ("data", "small"):
            uploads.upload_model(world.settings, world.access, [world.folder / name], None)


def serve(world: World) -> None:
    world.fails_to_make("iris-foundation")
    with world.requests.of_odyssey():
        serving.serve(world.settings, world.access, YES, role=ROLE, resolve=world.resolve)
    boto3.client("cloudformation").delete_stack(StackName="iris-endpoint")
    with world.requests.of_odyssey():
        serving.serve(world.settings, world.access, YES, dry_run=True, resolve=world.resolve)


def invoke(world: World) -> None:
    world.deploy(*STACKS)
    where = {"OutputLocation": f"s3://{BUCKET}/async/output/1"}
    world.requests.answers["InvokeEndpointAsync"] = [where]
    with world.requests.of_odyssey():
        for asynchronous in (False, True):
            invocation.invoke(
                *(world.settings, world.access, None, b"{}", "application/json"),
                asynchronous=asynchronous,
            )


def batch_transform(world: World) -> None:
    world.deploy("iris-foundation")
    world.has_transform(boto3.client("sagemaker"), LEFT)
    world.has_log(boto3.client("logs"), "TransformJobs", f"{TRANSFORM}/i-1")
    wanted = TransformRequest(str(world.folder / "data"), role=ROLE)
    with world.requests.of_odyssey():
        refuse_a_part_once(world)
        with pytest.raises(AwsError):
            transform_jobs.batch(world.settings, world.access, wanted, now=START, watch=watch)
        world.requests.answers.clear()
        transform_jobs.batch(world.settings, world.access, wanted, now=START, watch=watch)


def logs(world: World) -> None:
    world.deploy(*STACKS)
    world.has_jobs()
    with world.requests.of_odyssey():
        for name in (TRAINING, TRANSFORM, "iris"):
            reading.read(world.access, name, lambda _: None)


def status(world: World) -> None:
    world.deploy(*STACKS)
    world.has_jobs()
    artifacts.record(world.folder, None, {"training_job": TRAINING})
    with world.requests.of_odyssey():
        standing.overview(world.settings, world.access)
        standing.current(world.client("sagemaker"), "iris")
        for name in (TRAINING, TRANSFORM):
            resuming.resume(world.settings, world.access, name, watch=watch)


def list_(world: World) -> None:
    world.deploy(*STACKS)
    world.has_jobs()
    with world.requests.of_odyssey():
        listing.find(world.client("sagemaker"), "iris")


def stop(world: World) -> None:
    world.deploy(*STACKS)
    world.has_jobs()
    world.requests.answers |= {"StopTrainingJob": [{}], "StopTransformJob": [{}]}
    absent = {"Error": {"Code": "ValidationException", "Message": "Could not find it"}}
    training, transform = (
        {"TrainingJobStatus": "InProgress"},
        {"TransformJobStatus": "InProgress"},
    )
    world.requests.answers["DescribeTrainingJob"] = [training, absent]
    world.requests.answers["DescribeTransformJob"] = [transform, {"TransformJobStatus": "Stopped"}]
    with world.requests.of_odyssey():
        for name in (TRAINING, TRANSFORM):
            stopping.stop(world.client("sagemaker"), name)
        del world.requests.answers["DescribeTransformJob"]
        with pytest.raises(UsageError, match="is an endpoint"):
            stopping.stop(world.client("sagemaker"), "iris")


def delete(world: World) -> None:
    world.deploy(*STACKS)
    with world.requests.of_odyssey():
        serving.delete(world.settings, world.access, YES, resolve=world.resolve)


def has_functions(world: World) -> None:
    """Have functions, whose image ECR tells of, and which answer that they have trained."""
    config = "data:application/json,{%22os%22:%22linux%22,%22architecture%22:%22amd64%22}"
    manifest = {"layers": [], "config": {"digest": "sha256:1"}, "mediaType": manifests.DOCKER}
    world.requests.answers |= {
        "BatchGetImage": [{"images": [{"imageManifest": json.dumps(manifest)}]}],
        "GetDownloadUrlForLayer": [{"downloadUrl": config}],
        "GetFunction": [
            {"Configuration": {"Environment": {"Variables": {"DATA_URI": f"s3://{BUCKET}/in/"}}}}
        ],
        "Invoke": [{"Payload": io.BytesIO(json.dumps({"model": MODEL}).encode())}],
    }


def train_function(world: World) -> None:
    world.fails_to_make("iris-foundation")
    has_functions(world)
    (world.folder / "input/data").mkdir(parents=True)
    (world.folder / "data").rename(world.folder / "input/data/training")
    how: dict[str, Any] = {"role": ROLE, "resolve": world.resolve}
    with world.requests.of_odyssey():
        refuse_a_part_once(world)
        with pytest.raises(AwsError):
            training.train(world.settings, world.access, YES, **how)
        del world.requests.answers["UploadPart"]
        training.train(world.settings, world.access, YES, run=True, **how)
        training.train(world.settings, world.access, YES, **how)
    boto3.client("cloudformation").delete_stack(StackName="iris-function")
    with world.requests.of_odyssey():
        training.train(world.settings, world.access, YES, dry_run=True, **how)


def serve_function(world: World) -> None:
    world.fails_to_make("iris-foundation")
    has_functions(world)
    how: dict[str, Any] = {"role": ROLE, "resolve": world.resolve}
    with world.requests.of_odyssey():
        deploying.serve(world.settings, world.access, YES, **how)
    boto3.client("cloudformation").delete_stack(StackName="iris-function")
    with world.requests.of_odyssey():
        deploying.serve(world.settings, world.access, YES, dry_run=True, **how)


def invoke_function(world: World) -> None:
    has_functions(world)
    with world.requests.of_odyssey():
        invoking.invoke(world.settings, world.access, "iris-train", None)


def logs_of_function(world: World) -> None:
    logs = boto3.client("logs")
    logs.create_log_group(logGroupName="/aws/lambda/iris-serve")
    logs.create_log_stream(logGroupName="/aws/lambda/iris-serve", logStreamName="1/[$LATEST]2")
    has_functions(world)
    with world.requests.of_odyssey():
        for name in ("iris-serve", "iris-train"):
            looking.read(world.access, name, lambda _: None)


def status_of_functions(world: World) -> None:
    world.deploy(*STACKS)
    has_functions(world)
    with world.requests.of_odyssey():
        looking.status(world.settings, world.access)


def delete_functions(world: World) -> None:
    world.deploy(*STACKS)
    with world.requests.of_odyssey():
        deploying.delete(world.settings, world.access, YES, resolve=world.resolve)


def deploy(world: World) -> None:
    world.fails_to_make("iris-foundation")
    with world.requests.of_odyssey():
        deployment.deploy(world.target(), YES, interval=0.01)
    boto3.client("cloudformation").delete_stack(StackName="iris-endpoint")
    with world.requests.of_odyssey():
        (made,) = changesets.prepare(world.target())
        found = targets.deployed(world.settings, ("iris-endpoint",), world.access)
        changesets.execute(world.access, found, made.name, YES, interval=0.01)


def destroy(world: World) -> None:
    world.deploy(*STACKS)
    with world.requests.of_odyssey():
        destruction.destroy(world.target(), YES, interval=0.01)


def review(world: World) -> None:
    world.deploy(*STACKS)
    folder = world.settings.folder / "cdk.out"
    with world.requests.of_odyssey():
        reviews.review(reviews.Question("deployed", folder), world.settings, world.access)


def why(world: World) -> None:
    world.deploy(*STACKS)
    world.has_jobs()
    has_functions(world)
    world.requests.answers["GetFunction"] = [{"Configuration": {"FunctionName": "iris-serve"}}]
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/iris-serve")
    boto3.client("logs").create_log_stream(
        logGroupName="/aws/lambda/iris-serve", logStreamName="1/[$LATEST]2"
    )
    with world.requests.of_odyssey():
        diagnosis.of_aws(world.settings, world.access)
        for name in (TRAINING, TRANSFORM, "iris-serve"):
            diagnosis.of_aws(world.settings, world.access, name)
    get_backend("cloudformation")[ACCOUNT][REGION].get_stack(
        "iris-endpoint"
    ).status = "UPDATE_ROLLBACK_COMPLETE"
    with world.requests.of_odyssey():
        diagnosis.of_aws(world.settings, world.access, "iris-endpoint")


RUNS: dict[str, Callable[[World], None]] = {
    "docker push": push,
    "sagemaker train": train,
    "sagemaker upload": upload,
    "sagemaker serve": serve,
    "sagemaker invoke": invoke,
    "sagemaker batch-transform": batch_transform,
    "sagemaker logs": logs,
    "sagemaker status": status,
    "sagemaker list": list_,
    "sagemaker stop": stop,
    "sagemaker delete": delete,
    "lambda train": train_function,
    "lambda serve": serve_function,
    "lambda invoke": invoke_function,
    "lambda logs": logs_of_function,
    "lambda status": status_of_functions,
    "lambda delete": delete_functions,
    "review": review,
    "deploy": deploy,
    "destroy": destroy,
    "why": why,
}

BY_THE_CDK_ALONE = ("diff",)


def under(service: str, words: str) -> set[str]:
    return {f"{service}:{word}" for word in words.split()}


TO_BOOTSTRAP = {"sts:AssumeRole"}
"""The CDK takes on the bootstrap's roles."""
BY_DOCKER = under(
    "ecr",
    "BatchCheckLayerAvailability BatchGetImage CompleteLayerUpload GetDownloadUrlForLayer "
    "InitiateLayerUpload PutImage UploadLayerPart",
)
"""The engine pushes by HTTP, and the manifest is read back by HTTP."""
BY_THE_CDK = under(
    "cloudformation",
    "ContinueUpdateRollback CreateChangeSet CreateStack DeleteChangeSet DescribeStackResources "
    "RollbackStack TagResource UntagResource UpdateStack UpdateTerminationProtection",
)
"""The CDK deploys in a process of its own."""
ADVISED = {"cloudformation:CancelUpdateStack"}
"""What `aws cloudformation cancel-update-stack` needs, which a hint names."""
BY_ITSELF = under("kms", "Decrypt GenerateDataKey")
"""The bucket's own key, of which no request says anything."""
TO_EXPLAIN = {"sagemaker:DescribeEndpoint"}
"""Asked for when an endpoint could not be deleted."""

BY_THE_CDK_HERE = {"cloudformation:ExecuteChangeSet"}
"""What `odyssey deploy --execute` does itself."""
TO_TELL_WHAT_IS_ABSENT = {"s3:ListBucket"}
"""Without it S3 forbids to look at what is not there."""

OTHERWISE: dict[str, set[str]] = {
    "docker push": BY_DOCKER,
    "sagemaker serve": TO_BOOTSTRAP | BY_THE_CDK | ADVISED | BY_THE_CDK_HERE,
    "sagemaker invoke": BY_ITSELF,
    "sagemaker delete": TO_BOOTSTRAP
    | TO_EXPLAIN
    | {"cloudformation:DeleteStack", "cloudformation:DescribeStackResources"},
    "lambda train": TO_BOOTSTRAP | BY_THE_CDK | ADVISED | BY_THE_CDK_HERE | BY_ITSELF,
    "lambda serve": TO_BOOTSTRAP | BY_THE_CDK | ADVISED | BY_THE_CDK_HERE | TO_TELL_WHAT_IS_ABSENT,
    "lambda delete": TO_BOOTSTRAP
    | {"cloudformation:DeleteStack", "cloudformation:DescribeStackResources"},
    "deploy": TO_BOOTSTRAP | BY_THE_CDK | ADVISED,
    "destroy": TO_BOOTSTRAP
    | TO_EXPLAIN
    | {"cloudformation:DeleteStack", "cloudformation:DescribeStackResources"},
}
"""What a command may do and its services do not, with the reason above."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    requests = rights.requests(monkeypatch)
    with mock_aws():
        yield World(tmp_path, requests)


@pytest.mark.parametrize("command", RUNS)
def test_a_command_may_do_what_it_does_and_no_more(command: str, world: World) -> None:
    # given
    document = policy(
        [command], app="iris", region=REGION, account=ACCOUNT, bootstrapped=command in BY_STACKS
    )
    # when
    RUNS[command](world)
    # then
    needed = world.requests.rights()
    assert [asked for asked in needed if not rights.allows(document, asked)] == []
    used = {asked.action for asked in needed}
    assert rights.actions(document) - used == OTHERWISE.get(command, set())


def test_every_command_that_may_do_something_is_tried() -> None:
    told = {command for command, statements in OWN.items() if statements}
    assert told == {*RUNS, *BY_THE_CDK_ALONE}


def test_the_table_has_the_commands_that_there_are_by_their_names() -> None:
    commands = [path for rows in cli.LIFE_CYCLE.values() for path in rows]
    assert list(OWN) == commands
