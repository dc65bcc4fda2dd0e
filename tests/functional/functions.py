"""Stand-ins for Lambda, ECR and S3, for the commands of functions."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from odyssey import artifacts, config
from odyssey.cloudformation.target import Target
from odyssey.config import Config
from odyssey.images import manifests
from tests.functional.stacks import FakeCdk, FakeCloudFormation, fake_cdk, target_of, write_assembly

REGION = "eu-west-1"
DIGEST = f"sha256:{'ab' * 32}"
IMAGE = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/iris@{DIGEST}"
MODEL = "s3://models/one/model.tar.gz"
TRAINED = "s3://models/model/iris-train-20260102T030405Z-01234567/model.tar.gz"
DATA = "s3://files/input/data/"
LAYER = {"mediaType": "application/vnd.docker.image.rootfs.diff.tar.gzip", "size": 9}
BUCKET = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}}
TOPIC = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}

# Prints what `cdk diff` would, for each of the stacks it was given.
DIFF = """
if words[0] == "diff":
    for word in words:
        if word.startswith("iris-"):
            print(f"Stack {word} (aws://1/eu-west-1)")
            print("[+] something")
"""


def refusal(code: str, message: str = "no", operation: str = "Invoke") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


@dataclass
class FakeLambda:
    """Functions by their names, and what each invocation answers, one after another."""

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: list[dict[str, Any] | BaseException] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def will_answer(self, value: object, **more: Any) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.answers.append({"StatusCode": 200, "Payload": io.BytesIO(body), **more})

    def will_fail(self, kind: str, message: str) -> None:
        error = {"errorType": kind, "errorMessage": message}
        self.will_answer(error, FunctionError="Unhandled")

    def invoke(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def events(self) -> list[Any]:
        return [json.loads(request["Payload"]) for request in self.asked]

    def get_function(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        if FunctionName not in self.functions:
            raise refusal("ResourceNotFoundException", "Function not found", "GetFunction")
        return self.functions[FunctionName]


@dataclass
class FakeEcr:
    """One image, as ECR tells of it."""

    media_type: str = manifests.DOCKER
    architecture: str = "amd64"
    manifest: dict[str, Any] = field(default_factory=lambda: {"layers": [LAYER]})
    refuses: ClientError | None = None
    there: bool = True

    def batch_get_image(self, **request: Any) -> dict[str, Any]:
        if self.refuses is not None:
            raise self.refuses
        assert request["repositoryName"] == "iris"
        assert request["imageIds"] == [{"imageDigest": DIGEST}]
        whole = {"config": {"digest": "sha256:1"}, **self.manifest}
        image = {"imageManifest": json.dumps(whole), "imageManifestMediaType": self.media_type}
        return {"images": [image] if self.there else []}

    def get_download_url_for_layer(self, **request: Any) -> dict[str, str]:
        assert request["layerDigest"] == "sha256:1"
        return {
            "downloadUrl": f"data:,{{%22os%22:%22linux%22,%22architecture%22:%22"
            f"{self.architecture}%22}}"
        }


class World:
    """An app for Lambda with an image and a model, an AWS, and a CDK."""

    region = REGION

    def __init__(self, folder: Path, s3: Any) -> None:
        self.folder = folder
        self.s3 = s3
        self.ecr = FakeEcr()
        self.functions = FakeLambda()
        self.options: dict[str, Any] = {}
        self.cloudformation = FakeCloudFormation()
        self.cdk: FakeCdk = fake_cdk(folder / "aws-cdk")
        self.cdk.does(DIFF)
        self.seen: list[Config] = []
        self.words: list[Sequence[str]] = []
        self.write()
        artifacts.record(folder, None, {"image": IMAGE, "model": MODEL})
        variables = {"Environment": {"Variables": {"DATA_URI": DATA}}}
        self.functions.functions["iris-train"] = {"Configuration": variables}
        stacks = {"iris-foundation": BUCKET, "iris-function": TOPIC}
        write_assembly(folder / "cdk.out", stacks, needs={"iris-function": ["iris-foundation"]})
        for name, template in stacks.items():
            self.cloudformation.put(name, "CREATE_COMPLETE")
            self.cloudformation.templates[name] = template

    def write(self, text: str = "", *, service: str = "lambda") -> None:
        app = f'[app]\nname = "iris"\nservice = "{service}"\n'
        (self.folder / "odyssey.toml").write_text(f"{app}{text}")

    def has_data(self, **files: str) -> Path:
        place = self.folder / "input" / "data" / "training"
        place.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (place / f"{name}.csv").write_text(text)
        return place

    def keys(self, bucket: str = "files") -> list[str]:
        return [each["Key"] for each in self.s3.list_objects_v2(Bucket=bucket).get("Contents", ())]

    def will_change_the_functions(self) -> None:
        self.cloudformation.templates["iris-function"] = {}

    def client(self, service: str, region: str | None = None, **options: Any) -> Any:
        self.options |= {service: options}
        return {
            "cloudformation": self.cloudformation,
            "ecr": self.ecr,
            "lambda": self.functions,
            "s3": self.s3,
        }[service]

    def resolve(
        self, settings: Config, words: Sequence[str], access: Any, *, validate: bool = False
    ) -> Target:
        self.seen.append(settings)
        self.words.append(words)
        return target_of(self.folder / "cdk.out", access, self.cdk, words)

    def settings(self, **flags: Any) -> Config:
        given = {name.replace("__", "."): value for name, value in flags.items()}
        return config.load(self.folder, flags=given)

    @property
    def access(self) -> Any:
        return self

    def deploys(self) -> list[list[str]]:
        return [words[:2] for words in self.cdk.commands() if words[0] in {"deploy", "destroy"}]

    @property
    def recorded(self) -> dict[str, str]:
        return artifacts.load(self.folder, None)
