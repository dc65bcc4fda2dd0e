"""Endpoints: from Creating to InService, updates under load, what fails, what is replaced."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from odyssey.sandbox.process import ProcessExecutor
from odyssey.sandbox.sandbox import Sandbox
from tests.sandbox.conftest import Start
from tests.sandbox.serving import ACCOUNT, IMAGE, REGION, Account, app, client, until

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
UNHEALTHY = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


@pytest.fixture
def executor(tmp_path: Path) -> ProcessExecutor:
    return ProcessExecutor(app(tmp_path / "app"))


@pytest.fixture
def account(start: Start, executor: ProcessExecutor) -> Account:
    return Account(start(executor))


def test_an_endpoint_serves_the_model(account: Account) -> None:
    # when
    assert account.endpoint(account.model("red", answer="I am red")) == "InService"
    # then
    assert account.invoke("who?") == b"I am red"
    told = account.sagemaker.describe_endpoint(EndpointName="iris")
    assert told["EndpointArn"] == f"{ARN}:endpoint/iris"
    assert told["EndpointConfigName"] == "red-config"
    (variant,) = told["ProductionVariants"]
    assert variant["VariantName"] == "AllTraffic"
    assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"] == 1
    assert variant["CurrentWeight"] == 1.0
    assert variant["DeployedImages"][0]["SpecifiedImage"] == IMAGE
    (listed,) = account.sagemaker.list_endpoints(StatusEquals="InService")["Endpoints"]
    assert listed["EndpointName"] == "iris"
