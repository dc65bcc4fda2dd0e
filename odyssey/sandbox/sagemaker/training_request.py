"""What a CreateTrainingJob must keep besides the rules of AWS's model, and what it means.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from odyssey.errors import UsageError
from odyssey.images.layout import Group
from odyssey.sandbox.calls import ServiceError
from odyssey.storage import Uri

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NEEDED = ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition")
"""Members that AWS's model leaves out for serverless jobs alone."""


def require(request: Mapping[str, Any]) -> None:
    """Return if a request keeps the rules.

    Raises:
        ServiceError: It breaks one, or asks for what the sandbox does not have.
    """
    if "ServerlessJobConfig" in request:
        raise _refused("The sandbox runs no serverless training jobs.")
    for member in NEEDED:
        if member not in request:
            name = member[0].lower() + member[1:]
            raise _refused(
                f"1 validation error detected: Value null at '{name}' failed to satisfy "
                "constraint: Member must not be null"
            )
    _require_algorithm(request["AlgorithmSpecification"])
    _require_instances(request["ResourceConfig"])
    _require_times(request)
    _require_channels(request)
    for uri in _uris(request):
        _require_uri(uri)


def groups(request: Mapping[str, Any]) -> list[Group]:
    """Return the instances of a job, whose names are ``algo-1``, ``algo-2`` and so on."""
    wanted = request["ResourceConfig"]
    if "InstanceGroups" not in wanted:
        return [Group(_hosts(1, wanted["InstanceCount"]), wanted["InstanceType"])]
    found: list[Group] = []
    first = 1
    for group in wanted["InstanceGroups"]:
        hosts = _hosts(first, group["InstanceCount"])
        found.append(Group(hosts, group["InstanceType"], group["InstanceGroupName"]))
        first += len(hosts)
    return found


def mode(request: Mapping[str, Any], channel: Mapping[str, Any]) -> str:
    """Return the input mode of a channel."""
    return str(channel.get("InputMode", request["AlgorithmSpecification"]["TrainingInputMode"]))


def _hosts(first: int, count: int) -> tuple[str, ...]:
    return tuple(f"algo-{number}" for number in range(first, first + count))


def _require_algorithm(wanted: Mapping[str, Any]) -> None:
    if ("TrainingImage" in wanted) == ("AlgorithmName" in wanted):
        raise _refused(
            "You must specify either an AlgorithmName or a TrainingImage in "
            "AlgorithmSpecification, and not both."
        )
    if "AlgorithmName" in wanted:
        raise _refused("The sandbox has no algorithms: specify a TrainingImage.")
    for metric in wanted.get("MetricDefinitions", ()):
        try:
            re.compile(metric["Regex"])
        except re.error as error:
            name = metric["Name"]
            raise _refused(f"The regular expression of the metric {name}: {error}") from error


def _require_instances(wanted: Mapping[str, Any]) -> None:
    single = {"InstanceType", "InstanceCount"} & set(wanted)
    if "InstanceGroups" in wanted and single:
        raise _refused(
            "Specify either InstanceGroups, or InstanceType and InstanceCount, in ResourceConfig."
        )
    if "InstanceGroups" not in wanted and len(single) < 2:
        raise _refused("InstanceType and InstanceCount are required in ResourceConfig.")
    for each in wanted.get("InstanceGroups", [wanted]):
        if each["InstanceCount"] < 1:
            raise _refused("InstanceCount must be at least 1.")


def _require_times(request: Mapping[str, Any]) -> None:
    times = request["StoppingCondition"]
    longest = times.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if longest is not None:
            raise _refused(
                "Invalid MaxWaitTimeInSeconds. It is only for jobs with EnableManagedSpotTraining."
            )
        return
    if longest is None or longest < times.get("MaxRuntimeInSeconds", longest):
        raise _refused(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


def _require_channels(request: Mapping[str, Any]) -> None:
    channels = request.get("InputDataConfig", ())
    names = [channel["ChannelName"] for channel in channels]
    for name in names:
        if names.count(name) > 1:
            raise _refused(f"Duplicate channel name {name} in InputDataConfig.")
    known = {group.name for group in groups(request)}
    for channel in channels:
        _require_source(channel["ChannelName"], channel["DataSource"], known)
        if mode(request, channel) == "Pipe":
            raise _refused("The sandbox has no Pipe input mode: use File or FastFile.")


def _require_source(name: str, wanted: Mapping[str, Any], known: set[str]) -> None:
    source = wanted.get("S3DataSource")
    if source is None or len(wanted) > 1:
        raise _refused(f"The channel {name} must have an S3DataSource, and nothing else has data.")
    kind = source["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile"):
        raise _refused(f"The channel {name}: {kind} is not supported in File and FastFile mode.")
    missing = set(source.get("InstanceGroupNames", ())) - known
    if missing:
        raise _refused(f"The channel {name}: no instance group {min(missing)} in ResourceConfig.")


def _uris(request: Mapping[str, Any]) -> Iterator[str]:
    for channel in request.get("InputDataConfig", ()):
        yield channel["DataSource"]["S3DataSource"]["S3Uri"]
    yield request["OutputDataConfig"]["S3OutputPath"]
    if "CheckpointConfig" in request:
        yield request["CheckpointConfig"]["S3Uri"]


def _require_uri(text: str) -> None:
    try:
        Uri.parse(text)
    except UsageError as error:
        raise _refused(error.message) from error


def _refused(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)
