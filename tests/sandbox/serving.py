"""Clients, roles and models for the tests of what serves."""

import io
import json
import tarfile
from typing import Any

import boto3
from botocore.config import Config

from odyssey.sandbox.sandbox import Sandbox

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/serving"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/app:1"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
        }
    ],
}


SESSION = boto3.Session("sandbox", "sandbox")


def client(sandbox: Sandbox, service: str, region: str = REGION, **more: Any) -> Any:
    return SESSION.client(
        service,
        region_name=region,
        endpoint_url=sandbox.url,
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32, **more),
    )


def archive(**files: str) -> bytes:
    """Return a model.tar.gz of files with underscores for dots."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name.replace("__", "."))
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content.encode()))
    return made.getvalue()


class Account:
    """A sandbox with a role, a bucket, and models in it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.s3 = client(sandbox, "s3")
        self.sagemaker = client(sandbox, "sagemaker")
        self.runtime = client(sandbox, "sagemaker-runtime")
        client(sandbox, "iam").create_role(
            RoleName="serving", AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        self.s3.create_bucket(
            Bucket="models", CreateBucketConfiguration={"LocationConstraint": REGION}
        )

    def upload(self, name: str, **files: str) -> str:
        key = f"{name}/model.tar.gz"
        self.s3.put_object(Bucket="models", Key=key, Body=archive(**files))
        return f"s3://models/{key}"

    def model(self, name: str, **files: str) -> str:
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": self.upload(name, **files),
                "Environment": {"COLOR": name},
            },
        )
        return name

    def config(
        self, model: str, *, name: str = "", variant: dict[str, Any] | None = None, **more: Any
    ) -> str:
        name = name or f"{model}-config"
        on_instances = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {"VariantName": "AllTraffic", "ModelName": model, **(variant or on_instances)}
            ],
            **more,
        )
        return name
