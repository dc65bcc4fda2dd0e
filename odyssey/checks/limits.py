"""What AWS takes, as the rules need it: read from the models that are installed with botocore.

Where a model has no limit, or allows more than is so, a table tells. A limit of AWS that moves is
so followed by an update of botocore, and no rule has a number of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Limit:
    """What a value must be.

    Args:
        min: The least number, or the least length of a text, a list or a map. None is no limit.
        max: The greatest.
        pattern: What the whole of a text matches, as AWS's model writes it. Empty is any.
        enum: The choices, in AWS's order. Empty is any.
        step: What a number is a multiple of.
        unit: What `min` and `max` count, such as ``MB`` or ``characters``; empty for a bare number.
    """

    min: float | None = None
    max: float | None = None
    pattern: str = ""
    enum: tuple[str, ...] = ()
    step: int = 0
    unit: str = ""

    def admits(self, value: Any) -> bool:
        """Return whether a value keeps the limit; one of another type is left to other rules.

        Args:
            value: A text, a number (also one that is written as a text), a list or a map.
        """
        if self.unit == "characters" and number(value) is not None:
            value = str(value)
        if self.unit in _COUNTED:
            sized = isinstance(value, str | list | dict)
            return not sized or (self._spans(len(value)) and self._reads(value))
        counted = number(value)
        if counted is not None and not self.enum and not self.pattern:
            return self._spans(counted) and not (self.step and counted % self.step)
        return self._reads(value)

    def _spans(self, size: float) -> bool:
        return (self.min is None or size >= self.min) and (self.max is None or size <= self.max)

    def _reads(self, value: Any) -> bool:
        if not isinstance(value, str):
            return True
        if self.enum and value not in self.enum:
            return False
        try:
            return not self.pattern or bool(re.fullmatch(self.pattern, value, re.ASCII))
        except re.error:
            return True  # A pattern that Python cannot read is left to AWS.

    def describe(self) -> str:
        """Return it in words, such as ``1024 to 6144 MB in steps of 1024``."""
        if self.enum:
            few = len(self.enum) <= 8
            return " or ".join(self.enum) if few else f"one of {len(self.enum)} that botocore knows"
        said = _span(self.min, self.max)
        said = f"{said} {self.unit}".strip() if said else ""
        if self.step:
            said = f"{said} in steps of {self.step}".strip()
        return " that match ".join(filter(None, [said, self.pattern]))


_COUNTED = ("characters", "entries", "bytes")

_COUNTS = {
    "string": "characters",
    "list": "entries",
    "map": "entries",
    "blob": "bytes",
}


def _span(low: float | None, high: float | None) -> str:
    if low and high is not None:
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"
    if high is not None:
        return f"at most {high:g}"
    return f"at least {low:g}" if low is not None else ""


def of(service: str, operation: str, *path: str) -> Limit:
    """Return the limit of a member of a request; `Limit()` where nobody knows one.

    Args:
        service: The service as boto3 calls it, such as ``sagemaker``.
        operation: The operation as AWS calls it, such as ``CreateEndpointConfig``.
        *path: Names of members. Entries of lists are stepped into by themselves; in a map,
            ``key`` and ``value`` are the steps.

    Example:
        ``of("sagemaker", "CreateEndpointConfig", "ProductionVariants", "InitialInstanceCount")``
    """
    return _limit((service, operation, *path))


@cache
def _limit(key: tuple[str, ...]) -> Limit:
    modelled, told = _modelled(key), TABLE.get(key, Limit())
    given = {f.name: getattr(told, f.name) for f in fields(told)}
    return replace(modelled, **{k: v for k, v in given.items() if v not in (None, "", (), 0)})


def _modelled(key: tuple[str, ...]) -> Limit:
    service, operation, *path = key
    shape = _input(service, operation)
    for step in path:
        while shape is not None and shape.type_name == "list":
            shape = shape.member
        if shape is None or shape.type_name not in ("structure", "map"):
            return Limit()
        if shape.type_name == "map":
            shape = getattr(shape, step) if step in ("key", "value") else None
        else:
            shape = shape.members.get(step)
    if shape is None:
        return Limit()
    told = shape.metadata
    return Limit(
        told.get("min"),
        told.get("max"),
        told.get("pattern", ""),
        tuple(told.get("enum", ())),
        unit=_COUNTS.get(shape.type_name, ""),
    )


@cache
def _input(service: str, operation: str) -> Any:
    from botocore.exceptions import UnknownServiceError
    from botocore.model import OperationNotFoundError

    try:
        return model(service).operation_model(operation).input_shape
    except (UnknownServiceError, OperationNotFoundError):
        return None


@cache
def model(service: str) -> Any:
    """Return botocore's model of a service, read once."""
    return _session().get_service_model(service)


@cache
def _session() -> Any:
    import botocore.session

    return botocore.session.get_session()


def number(value: Any) -> float | None:
    """Return the number that a value is, also one written as a text, as CloudFormation takes it."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value.strip()):
        return float(value) if "." in value else int(value)
    return None


_VARIANT = ("sagemaker", "CreateEndpointConfig", "ProductionVariants")
_FUNCTION = ("lambda", "CreateFunction")

TABLE: dict[tuple[str, ...], Limit] = {
    # The model allows any number of MB between.
    (*_VARIANT, "ServerlessConfig", "MemorySizeInMB"): Limit(1024, 6144, step=1024, unit="MB"),
    (*_VARIANT, "ServerlessConfig", "MaxConcurrency"): Limit(1, 200),
    (*_VARIANT, "VolumeSizeInGB"): Limit(1, 512, unit="GB"),
    (*_VARIANT, "ModelDataDownloadTimeoutInSeconds"): Limit(60, 3600, unit="seconds"),
    (*_VARIANT, "ContainerStartupHealthCheckTimeoutInSeconds"): Limit(60, 3600, unit="seconds"),
    # The model allows an empty name, which is none.
    (*_VARIANT, "VariantName"): Limit(1, 63),
    ("sagemaker", "CreateModel", "ModelName"): Limit(1, 63),
    ("sagemaker", "CreateModel", "Containers"): Limit(1, 15),
    ("sagemaker", "CreateModel", "PrimaryContainer", "Image"): Limit(1, 255),
    ("sagemaker", "CreateEndpointConfig", "EndpointConfigName"): Limit(1, 63),
    ("sagemaker", "CreateEndpoint", "EndpointName"): Limit(1, 63),
    # The models have what managed instances and ARNs need; a classic function has less.
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    (*_FUNCTION, "MemorySize"): Limit(128, 10240, unit="MB"),
    (*_FUNCTION, "Timeout"): Limit(1, 900, unit="seconds"),
    (*_FUNCTION, "EphemeralStorage", "Size"): Limit(512, 10240, unit="MB"),
    (*_FUNCTION, "FunctionName"): Limit(1, 64, "[a-zA-Z0-9-_]+"),
    (*_FUNCTION, "Architectures"): Limit(1, 1),
    # The model has no length for a stack's name, and 300 for a tag, which Docker cuts at 128.
    ("cloudformation", "CreateStack", "StackName"): Limit(1, 128, "[a-zA-Z][-a-zA-Z0-9]*"),
    ("ecr", "PutImage", "imageTag"): Limit(1, 128),
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    ("s3", "CreateBucket", "Bucket"): Limit(
        3, 63, "[a-z0-9][a-z0-9.-]*[a-z0-9]", unit="characters"
    ),
}
"""What narrows, or stands for, the limits of the models."""
