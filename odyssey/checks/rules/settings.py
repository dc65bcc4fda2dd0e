"""Rules of ``odyssey.toml``: its values beside each other, and what AWS says to them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.checks.secrets import secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.config import Config

API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference"
SERVERLESS = "https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html"
INVOCATION = 60
"""Seconds that SageMaker waits for the answer of a real-time or serverless endpoint."""

_REGION = re.compile(r"(?<![a-z0-9])[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d(?![a-z0-9])")


@rule(
    "APP101",
    Severity.ERROR,
    "settings",
    "A serverless endpoint has no GPU, VPC, isolation, data capture or key of its own",
    source=SERVERLESS,
    fix='take kind = "instance", or leave the setting out',
)
def serverless(found: Config) -> Iterator[Fault]:
    """SageMaker excludes these from serverless endpoints, which share their machines.

    An endpoint on instances has them all; an endpoint that is one cannot become serverless later.
    """
    if not found.app.on_sagemaker or found.endpoint.kind != "serverless":
        return
    excluded = {
        "network.subnets": found.network.subnets,
        "endpoint.network_isolation": found.endpoint.network_isolation,
        "data_capture.percent": found.data_capture.percent,
        "endpoint.kms_key": found.endpoint.kms_key,
    }
    for key, value in excluded.items():
        if value:
            yield Fault(
                f"{key} is set, and a serverless endpoint takes none",
                path=_path(key),
                value=_plain(value),
                limit="not set where endpoint.kind is serverless",
            )
    if found.docker.platform == "linux/arm64":
        yield Fault(
            "docker.platform is linux/arm64, and a serverless endpoint runs linux/amd64",
            path=("docker", "platform"),
            value=found.docker.platform,
            limit="linux/amd64",
        )


@rule(
    "APP102",
    Severity.ERROR,
    "settings",
    "The image is in the region of the stacks",
    source=f"{API}/API_ContainerDefinition.html",
    fix="push the image there: odyssey docker push --region REGION",
)
def image_region(found: Config) -> Iterator[Fault]:
    """SageMaker and Lambda pull from ECR of their own region alone, and refuse another's image."""
    seen = re.search(r"\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.", found.artifacts.image)
    if seen and found.aws.region and seen[1] != found.aws.region:
        yield Fault(
            f"the image is in {seen[1]}, and the stacks go to {found.aws.region}",
            path=("artifacts", "image"),
            value=found.artifacts.image,
            limit=found.aws.region,
        )


@rule(
    "APP103",
    Severity.WARNING,
    "settings",
    "The model is in a bucket of the region of the stacks",
    source=f"{API}/API_ContainerDefinition.html",
    fix="copy the model there, or name a bucket of this region under [artifacts]",
)
def model_region(found: Config) -> Iterator[Fault]:
    """SageMaker loads models from buckets of the endpoint's region alone.

    The region of a bucket is told by its name only where somebody has put it there, as SageMaker's
    own tools do.
    """
    bucket = found.artifacts.model.removeprefix("s3://").partition("/")[0]
    seen = _REGION.search(bucket)
    if seen and found.aws.region and seen[0] != found.aws.region:
        yield Fault(
            f"the model's bucket is named after {seen[0]}, and the stacks go to {found.aws.region}",
            path=("artifacts", "model"),
            value=found.artifacts.model,
            limit=found.aws.region,
        )


@rule(
    "APP104",
    Severity.WARNING,
    "settings",
    "The variables of a container have no secrets",
    source=f"{API}/API_ContainerDefinition.html",
    fix="put it into AWS Secrets Manager, and let the app read it with the role's rights",
)
def secrets(found: Config) -> Iterator[Fault]:
    """Whoever may describe a model, a job or a function reads its variables, and so does git.

    Arguments of a build stay in the image's history.
    """
    tables = {
        "endpoint.environment": found.endpoint.environment,
        "training.environment": found.training.environment,
        "function.environment": found.function.environment,
        "docker.build_args": found.docker.build_args,
    }
    for key, variables in tables.items():
        for name, value in variables.items():
            if secret(name, value):
                yield Fault(
                    f"{key} has what looks like a secret in {name}",
                    path=(*_path(key), name),
                    value="(not shown)",
                    limit="no secret",
                )


@rule(
    "APP109",
    Severity.ERROR,
    "settings",
    "One image is for one processor",
    source="https://docs.aws.amazon.com/lambda/latest/dg/foundation-arch.html",
    fix="make endpoint.instance_type, function.architecture and docker.platform agree",
)
def platforms(found: Config) -> Iterator[Fault]:
    """An app for both services has one image; neither of them takes one for two processors."""
    from odyssey.errors import UsageError
    from odyssey.images import build

    try:
        build.platform(found)
    except UsageError as error:
        yield Fault(error.message, path=("function", "architecture"))


@rule(
    "APP110",
    Severity.ERROR,
    "settings",
    "What scales does not burst, and starts between its least and its most",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling.html",
    fix="take a type such as ml.m5.large, or numbers in order; max_capacity = 0 is no scaling",
)
def scaling(found: Config) -> Iterator[Fault]:
    """Application Auto Scaling refuses burstable types, and a least that is above the most."""
    wanted, endpoint = found.scaling, found.endpoint
    if not found.app.on_sagemaker or not wanted.max_capacity:
        return
    if endpoint.kind != "serverless" and endpoint.instance_type.startswith("ml.t"):
        yield Fault(
            f"{endpoint.instance_type} is burstable, and does not scale",
            path=("endpoint", "instance_type"),
            value=endpoint.instance_type,
            limit="a type that does not begin with ml.t",
        )
    if wanted.min_capacity > wanted.max_capacity:
        yield Fault(
            f"scaling.min_capacity is {wanted.min_capacity}, and max_capacity "
            f"{wanted.max_capacity}",
            path=("scaling", "min_capacity"),
            value=wanted.min_capacity,
            limit=f"at most {wanted.max_capacity}",
        )


@rule(
    "APP111",
    Severity.WARNING,
    "settings",
    "The server gives up no later than its caller",
    source="https://docs.aws.amazon.com/sagemaker/latest/APIReference/"
    "API_runtime_InvokeEndpoint.html",
    fix="lower server.timeout, or make the endpoint asynchronous, which waits for up to an hour",
)
def timeout(found: Config) -> Iterator[Fault]:
    """SageMaker waits 60 seconds for an answer, Lambda for function.timeout.

    A prediction that takes longer goes on for nobody, and holds up those that wait.
    """
    given = found.server.timeout
    if found.app.on_sagemaker and found.endpoint.kind != "async" and given > INVOCATION:
        yield Fault(
            f"server.timeout is {given} s, and SageMaker waits {INVOCATION} s",
            path=("server", "timeout"),
            value=given,
            limit=f"at most {INVOCATION}",
        )


@rule(
    "APP112",
    Severity.WARNING,
    "settings",
    "The server takes requests as large as its service sends",
    source=f"{API}/API_CreateTransformJob.html",
    fix="raise server.max_payload_mb, or lower transform.max_payload",
)
def payload(found: Config) -> Iterator[Fault]:
    """What the server refuses for its size is a 413 to the caller, and fails a transform job."""
    most = found.server.max_payload_mb
    if not found.app.on_sagemaker:
        return
    if found.transform.max_payload > most:
        yield Fault(
            f"server.max_payload_mb is {most}, and transform jobs send up to "
            f"{found.transform.max_payload} MB",
            path=("server", "max_payload_mb"),
            value=most,
            limit=f"at least {found.transform.max_payload}",
        )
    elif most < 6 and found.endpoint.kind == "instance":
        yield Fault(
            f"server.max_payload_mb is {most}, and an endpoint takes requests of 6 MB",
            path=("server", "max_payload_mb"),
            value=most,
            limit="at least 6",
        )


def _path(key: str) -> tuple[str, ...]:
    return tuple(key.split("."))


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value
