"""Rules for the environment variables of containers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.checks import limits
from odyssey.checks.findings import Severity
from odyssey.checks.hosting import MODEL, containers
from odyssey.checks.outlines import HOLE
from odyssey.checks.parts import Part, told
from odyssey.checks.rule import Fault, rule
from odyssey.checks.template import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Template

_API = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html"
_ENVIRONMENT = ("sagemaker", "CreateModel", "PrimaryContainer", "Environment")


def _containers(found: Template) -> Iterator[Part]:
    for model in found.of(MODEL):
        yield from containers(model)


@rule(
    "SM109",
    Severity.ERROR,
    "template",
    "A container's environment has at most 100 variables, 1024 bytes each, and 32 KB in all",
    source=_API,
    fix="shorten the environment, and name variables with letters, digits and underscores",
)
def environment(found: Template) -> Iterator[Fault]:
    """SageMaker refuses a larger environment, and other names.

    The 32 KB are of all containers of a model together.
    """
    for model in found.of(MODEL):
        total = 0
        for container in containers(model):
            yield from _variables(container)
            total += sum(len(f"{k}{v}".encode()) for k, v in _environment(container))
        if total > 32 * 1024:
            yield Fault(
                f"the environment has {total} bytes in all",
                model,
                ("PrimaryContainer", "Environment")
                if model.raw("PrimaryContainer")
                else ("Containers",),
                total,
                "at most 32768 bytes",
            )


def _environment(container: Part) -> Iterator[tuple[str, Any]]:
    found = container.get("Environment")
    if isinstance(found, dict):
        yield from ((k, "" if v is UNKNOWN or v is None else v) for k, v in found.items())


def _variables(container: Part) -> Iterator[Fault]:
    key, value = (limits.of(*_ENVIRONMENT, part) for part in ("key", "value"))
    most = limits.of(*_ENVIRONMENT)
    given = dict(_environment(container))
    if not most.admits(given):
        yield container.fault(
            f"the environment has {len(given)} variables",
            "Environment",
            value=len(given),
            limit=most.describe(),
        )
    for name, text in given.items():
        if name.startswith("Fn::"):
            continue
        if not key.admits(name):
            yield container.fault(
                f"a variable is named {told(name)}",
                "Environment",
                name,
                value=name,
                limit=key.describe(),
            )
        if value.max is not None and len(str(text).encode()) > value.max:
            yield container.fault(
                f"the variable {name} has {len(str(text).encode())} bytes",
                "Environment",
                name,
                value=len(str(text).encode()),
                limit=f"at most {value.max:g} bytes",
            )


_SECRET_NAME = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PWD|SECRET|TOKEN|API_?KEY|ACCESS_KEY(_ID)?|PRIVATE_KEY|CREDENTIALS?)$"
)

_SECRET_VALUE = re.compile(
    r"(AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_\w{30,}|hf_[A-Za-z]{30,}|sk-[\w-]{20,}"
    r"|xox[abp]-[\w-]{10,}|-----BEGIN [A-Z ]*PRIVATE KEY-----|\w+://[^/\s:@]+:[^/\s:@]+@\S+"
)


@rule(
    "SM110",
    Severity.WARNING,
    "template",
    "No secret is in a container's environment",
    source=_API,
    fix="keep it in Secrets Manager, give the container its ARN, and let the role read it",
)
def secrets(found: Template) -> Iterator[Fault]:
    """The environment is shown to everyone who may describe the model, and stays in templates."""
    for container in _containers(found):
        for name, value in _environment(container):
            text = str(value)
            named = _SECRET_NAME.search(name.upper()) and _may_be_secret(text)
            if named or _SECRET_VALUE.search(HOLE.sub("", text)):
                yield container.fault(
                    f"the variable {name} looks like a secret",
                    "Environment",
                    name,
                    value="(not shown)",
                    limit="the ARN or the name of a secret",
                )


def _may_be_secret(text: str) -> bool:
    plain = text.lower() in ("", "true", "false", "none", "null")
    return not (plain or text.startswith(("arn:", "{{resolve:", "/")) or text.isdigit())


@rule(
    "SM111",
    Severity.WARNING,
    "template",
    "An isolated container reads nothing from S3 itself",
    source="https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html",
    fix="give the model by ModelDataUrl, or set EnableNetworkIsolation to false",
)
def isolation(found: Template) -> Iterator[Fault]:
    """With network isolation a container has no network and no credentials.

    What its environment tells it to fetch never comes; only SageMaker's own download does.
    """
    for model in found.of(MODEL):
        if str(model.get("EnableNetworkIsolation")).lower() != "true":
            continue
        for container in containers(model):
            for name in dict(_environment(container)):
                for text in container.texts("Environment", name):
                    if text.startswith("s3://") or ".s3." in text:
                        yield container.fault(
                            f"{name} is {told(text)}, which an isolated container cannot read",
                            "Environment",
                            name,
                            value=text,
                            limit="no place in S3",
                        )
