"""Looks at what has come of a step, in the variables of the sandbox: a program of its own.

``python -m odyssey.tour.looks endpoint iris-tour`` prints what it has found as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from odyssey.aws import Access
from odyssey.errors import AwsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOTHING = "nothing"
"""What is left where nothing is."""

STAYING = {
    "s3:list_buckets": ("Buckets", "Name", "bucket"),
    "ecr:describe_repositories": ("repositories", "repositoryName", "repository"),
}
"""What is meant to stay when the stacks are destroyed: the call, and where its answer has it."""

GOING = {
    "sagemaker:list_endpoints": ("Endpoints", "EndpointName", "endpoint"),
    "sagemaker:list_endpoint_configs": (
        "EndpointConfigs",
        "EndpointConfigName",
        "endpoint configuration",
    ),
    "sagemaker:list_models": ("Models", "ModelName", "model"),
    "lambda:list_functions": ("Functions", "FunctionName", "function"),
    "iam:list_roles": ("Roles", "RoleName", "role"),
    "cloudwatch:describe_alarms": ("MetricAlarms", "AlarmName", "alarm"),
}
"""What is not meant to stay."""


def endpoint(access: Access, name: str) -> dict[str, str]:
    """Return the model that an endpoint serves: its archive, and the job that has made it."""
    sagemaker = access.client("sagemaker")
    serving = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=serving["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    archive = model["PrimaryContainer"]["ModelDataUrl"]
    return {
        "serves": archive,
        "maker": archive.split("/")[-3],
        "config": serving["EndpointConfigName"],
        "status": serving["EndpointStatus"],
    }


def batch(access: Access, uri: str) -> dict[str, str]:
    """Return how many answers of a batch there are, and how many are as the data has it."""
    place = urlsplit(uri)
    found = access.client("s3").get_object(Bucket=place.netloc, Key=place.path[1:])
    answers = found["Body"].read().decode().split()
    data = Path("input/data/training/iris.data").read_text(encoding="utf-8").split()
    labels = [line.rpartition(",")[2] for line in data]
    right = sum(one == other for one, other in zip(answers, labels, strict=True))
    return {"rows": str(len(answers)), "right": str(right)}


def account(access: Access, app: str) -> dict[str, str]:
    """Return what of the app is still in the account, apart from what is meant to stay."""
    left = [*_stacks(access, app), *_jobs(access), *_named(access, GOING, app)]
    stays = _named(access, STAYING, app)
    return {"left": ", ".join(left) or NOTHING, "stays": " and ".join(stays)}


def _stacks(access: Access, app: str) -> Iterator[str]:
    pages = access.client("cloudformation").get_paginator("describe_stacks").paginate()
    for page in pages:
        for stack in page["Stacks"]:
            if stack["StackName"].startswith(app):
                yield f"stack {stack['StackName']} ({stack['StackStatus']})"


def _jobs(access: Access) -> Iterator[str]:
    sagemaker = access.client("sagemaker")
    for kind in ("Training", "Transform"):
        ask = getattr(sagemaker, f"list_{kind.lower()}_jobs")
        for job in ask(StatusEquals="InProgress")[f"{kind}JobSummaries"]:
            yield f"{kind.lower()} job {job[f'{kind}JobName']}"


def _named(access: Access, calls: dict[str, tuple[str, str, str]], app: str) -> Iterator[str]:
    for call, (member, name, kind) in calls.items():
        service, _, operation = call.partition(":")
        answer: Any = getattr(access.client(service), operation)()
        for each in answer[member]:
            if each[name].startswith(app):
                yield f"{kind} {each[name]}"


LOOKS: dict[str, Callable[[Access, str], dict[str, str]]] = {
    "endpoint": endpoint,
    "batch": batch,
    "account": account,
}


def main() -> None:
    """Take one look: its name, and what it looks at."""
    try:
        print(json.dumps(LOOKS[sys.argv[1]](Access(), sys.argv[2])))
    except AwsError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()
