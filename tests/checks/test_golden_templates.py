"""No false alarm: templates that the constructs make break no rule."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from odyssey.infra import toolkit
from tests.checks.pairs import alarms

ROOT = Path(__file__).parents[2]
GOLDEN = sorted(path.parent for path in (ROOT / "tests/template/golden").glob("*/odyssey.toml"))

APP = """
import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from cdk_constructs import *

NETWORK = Network.from_ids(subnets=["subnet-0a1b2c3d"], security_groups=["sg-0a1b2c3d"])

def image(stack, name):
    return ModelImage.from_repository(ModelRepository(stack, name), "sha256:" + "a" * 64)

app = cdk.App()
stack = cdk.Stack(app, "Everything", env=cdk.Environment(account="1" * 12, region="eu-west-1"))
churn = image(stack, "Churn")
bucket = s3.Bucket(
    stack, "Bucket", encryption=s3.BucketEncryption.S3_MANAGED, enforce_ssl=True,
    block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
)
data = ModelData.from_bucket(bucket, "model/churn-1.tar.gz")
scaling = Scaling.on_invocations(600, min_capacity=1, max_capacity=4)
ModelEndpoint(
    stack, "Private", endpoint_name="churn", image=churn, data=data, network=NETWORK,
    rollout=Linear(), variants=[InstanceVariant(scaling=scaling)],
    data_capture=DataCapture(bucket=bucket, prefix="capture/", sampling_percent=5),
    alarms=EndpointAlarms(errors_5xx=5, model_latency_ms=250),
)
ModelEndpoint(stack, "Small", image=churn, data=data, variants=[ServerlessVariant()])
ModelEndpoint(
    stack, "Later", image=churn, data=data,
    async_inference=AsyncInference(bucket=bucket, prefix="output/"),
)
ContainerFunction(stack, "Function", image=churn)
ContainerFunction(stack, "Inside", image=churn, network=NETWORK)
app.synth()
"""


@pytest.mark.parametrize("app", GOLDEN, ids=lambda path: path.name)
def test_the_template_of_an_app_breaks_no_rule(app: Path) -> None:
    templates = sorted(app.glob("*.template.json"))

    assert templates
    assert alarms(*templates) == []


def synthesized(argv: list[str], folder: Path, **variables: str) -> list[Path]:
    base = {"PATH": os.defpath, "CDK_VALIDATION": "false", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *argv],
        cwd=folder,
        env=toolkit.environment({**base, **variables}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return sorted(folder.rglob("*.template.json"))


def test_a_stack_of_every_construct_breaks_no_rule(tmp_path: Path) -> None:
    templates = synthesized(["-c", APP], tmp_path, CDK_OUTDIR=str(tmp_path))

    assert [path.name for path in templates] == ["Everything.template.json"]
    assert alarms(*templates) == []


def test_an_app_of_somebody_that_uses_the_constructs_breaks_no_rule(tmp_path: Path) -> None:
    app = ROOT / "examples" / "existing_cdk_app" / "app.py"
    context = json.dumps({"digest": f"sha256:{'a' * 64}"})

    templates = synthesized(
        [str(app)], tmp_path, CDK_OUTDIR=str(tmp_path), CDK_CONTEXT_JSON=context
    )

    assert len(templates) == 2
    assert alarms(*templates) == []
