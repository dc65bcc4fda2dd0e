"""Changes of golden apps, each a small edit of one side, whose reviews are kept byte by byte."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odyssey.checks.template import Template
from odyssey.review.bases import in_order
from odyssey.review.side import Side
from tests.conftest import REPOSITORY

APPS = REPOSITORY / "tests" / "template" / "golden"
GOLDEN = Path(__file__).parent / "golden"

Body = dict[str, Any]
Bodies = dict[str, Body]
Edit = Callable[[Bodies], None]


@dataclass(frozen=True)
class Case:
    """A change.

    Args:
        app: The golden app that it is a change of.
        head: What is edited of the head.
        base: What is edited of the base.
    """

    app: str
    head: Edit = lambda stacks: None
    base: Edit = lambda stacks: None

    def sides(self) -> tuple[Side, Side]:
        return self.side("main", self.base), self.side("this folder", self.head)

    def side(self, words: str, edit: Edit) -> Side:
        bodies = app(self.app)
        edit(bodies)
        return side(words, bodies)


def app(name: str) -> Bodies:
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text())
        for path in sorted((APPS / name).glob("*.template.json"))
    }


def side(words: str, bodies: Mapping[str, Any], **more: Any) -> Side:
    templates = []
    for stack, body in bodies.items():
        text = json.dumps(body, indent=1)
        file = f"{stack}.template.json"
        templates.append(Template(file, json.loads(text), stack=stack, text=text))
    return Side(words, tuple(in_order(templates)), **more)


def of(body: Body, kind: str) -> Body:
    """The first resource of a type."""
    found: Body = next(each for each in body["Resources"].values() if each["Type"] == kind)
    return found


def properties(body: Body, kind: str) -> Body:
    found: Body = of(body, kind).setdefault("Properties", {})
    return found


ENDPOINT, CONFIG = "AWS::SageMaker::Endpoint", "AWS::SageMaker::EndpointConfig"
MODEL, BUCKET = "AWS::SageMaker::Model", "AWS::S3::Bucket"
REPOSITORY_, FUNCTION = "AWS::ECR::Repository", "AWS::Lambda::Function"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


def nothing_yet(stacks: Bodies) -> None:
    stacks.clear()


def another_model(stacks: Bodies) -> None:
    container = properties(stacks["iris-endpoint"], MODEL)["PrimaryContainer"]
    container["ModelDataUrl"] = "s3://iris-models/jobs/iris-8/output/model.tar.gz"


def another_image(stacks: Bodies) -> None:
    container = properties(stacks["iris-endpoint"], MODEL)["PrimaryContainer"]
    container["Image"] = container["Image"].replace("sha256:4b", "sha256:5c")


def another_instance_type(stacks: Bodies) -> None:
    variant(stacks)["InstanceType"] = "ml.c7i.2xlarge"


def variant(stacks: Bodies) -> Body:
    found: Body = properties(stacks["iris-endpoint"], CONFIG)["ProductionVariants"][0]
    return found


def another_name(stacks: Bodies) -> None:
    properties(stacks["iris-endpoint"], ENDPOINT)["EndpointName"] = "iris-next"


def serverless(stacks: Bodies) -> None:
    found = variant(stacks)
    for name in ("InstanceType", "InitialInstanceCount"):
        del found[name]
    found["ServerlessConfig"] = SERVERLESS


def wider(stacks: Bodies) -> None:
    body = stacks["iris-endpoint"]
    statements = properties(body, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    reading = next(each for each in statements if each["Action"] == "s3:GetObject")
    reading["Action"], reading["Resource"] = ["s3:GetObject", "s3:DeleteObject"], "*"
    statements.append({"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"})
    trust = properties(body, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]
    del trust[0]["Condition"]
    trust.append(
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"AWS": "arn:aws:iam::999988887777:root"},
        }
    )


def deletable_bucket(stacks: Bodies) -> None:
    found = of(stacks["iris-foundation"], BUCKET)
    found["DeletionPolicy"] = found["UpdateReplacePolicy"] = "Delete"


def no_bucket(stacks: Bodies) -> None:
    body = stacks["iris-foundation"]
    gone = next(id_ for id_, each in body["Resources"].items() if each["Type"] == BUCKET)
    kept = {
        id_: each
        for id_, each in body["Resources"].items()
        if id_ != gone and gone not in json.dumps(each)
    }
    body["Resources"] = kept
    body["Outputs"] = {
        name: output for name, output in body["Outputs"].items() if gone not in json.dumps(output)
    }


def kms(stacks: Bodies) -> None:
    properties(stacks["iris-foundation"], REPOSITORY_)["EncryptionConfiguration"] = {
        "EncryptionType": "KMS"
    }


def named_repository(stacks: Bodies) -> None:
    properties(stacks["iris-foundation"], REPOSITORY_)["RepositoryName"] = "iris"


def kms_on_a_named_repository(stacks: Bodies) -> None:
    named_repository(stacks)
    kms(stacks)


def zip_of_code(stacks: Bodies) -> None:
    found = serving(stacks)
    for name in ("ImageConfig", "PackageType"):
        found.pop(name)
    found |= {
        "Code": {"S3Bucket": "iris-code", "S3Key": "serve.zip"},
        "Handler": "serve.handler",
        "Runtime": "python3.12",
    }


def serving(stacks: Bodies) -> Body:
    found: Body = next(
        each["Properties"]
        for each in stacks["iris-function"]["Resources"].values()
        if each["Type"] == FUNCTION and "serve" in each["Properties"]["FunctionName"]
    )
    return found


def canary_with_another_model(stacks: Bodies) -> None:
    another_model(stacks)
    another_image(stacks)


def bucket_of_another_name(stacks: Bodies) -> None:
    properties(stacks["iris-foundation"], BUCKET)["BucketName"] = "iris-artifacts-2"


def several(*edits: Edit) -> Edit:
    def every(stacks: Bodies) -> None:
        for edit in edits:
            edit(stacks)

    return every


CASES = {
    "create": Case("real-time", base=nothing_yet),
    "model-update": Case("real-time", another_model),
    "canary-rollout": Case("guarded", canary_with_another_model),
    "instance-type-with-scaling": Case("guarded", another_instance_type),
    "rename": Case("guarded", another_name),
    "real-time-to-serverless": Case("real-time", serverless),
    "iam-widening": Case("real-time", wider),
    "bucket-deletion": Case("real-time", no_bucket, deletable_bucket),
    "kms-on-repository": Case("real-time", kms_on_a_named_repository, named_repository),
    "lambda-zip-to-image": Case("lambda", base=zip_of_code),
    "cross-stack-export": Case("lambda", bucket_of_another_name),
    "no-change": Case("two-variants"),
}


def edited(name: str, edit: Edit) -> tuple[Side, Side]:
    """Both sides of a golden app, of which the head is edited."""
    return Case(name, edit).sides()


def template(**resources: Any) -> Bodies:
    """One stack of resources of one's own."""
    return {"app-stack": {"Resources": copy.deepcopy(resources)}}
