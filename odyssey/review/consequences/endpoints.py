"""What a change does to an endpoint of SageMaker, to those who call it and to how it rolls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from odyssey.review.consequences.catalogue import SAGEMAKER, caution, danger, note, tells
from odyssey.review.consequences.fleets import Fleet, fleets
from odyssey.review.report import Action

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odyssey.checks.template import Resource
    from odyssey.review.comparison import Compared, Comparison
    from odyssey.review.report import Consequence

ENDPOINT = "AWS::SageMaker::Endpoint"
BLUE_GREEN = f"{SAGEMAKER}/deployment-guardrails-blue-green.html"
ROLLING = f"{SAGEMAKER}/deployment-guardrails-rolling.html"
CANARY = f"{SAGEMAKER}/deployment-guardrails-blue-green-canary.html"
LINEAR = f"{SAGEMAKER}/deployment-guardrails-blue-green-linear.html"
EXCLUSIONS = f"{SAGEMAKER}/deployment-guardrails-exclusions.html"
UPDATE = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html"


def moves(change: Compared) -> bool:
    """Return whether an endpoint goes over to another configuration in place."""
    return change.action is Action.UPDATE and bool(change.changed("EndpointConfigName"))


@tells(ENDPOINT)
def comes_or_goes(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """An endpoint is made, deleted, or made anew under another name."""
    if change.action is Action.CREATE:
        paid = ""
        if fleets(change)[1].instances:
            paid = " It is paid by the hour from then on, with or without requests."
        yield note(
            "endpoint-created",
            f"A new endpoint, there some minutes after it is made.{paid}",
            UPDATE,
        )
    elif change.action is Action.DELETE:
        yield danger(
            "endpoint-deleted",
            "The endpoint is deleted: from then on every request to it fails.",
            f"{SAGEMAKER}/realtime-endpoints-delete-resources.html",
        )
    elif change.action is Action.REPLACE and change.before and change.after:
        old, new = (_name(each) for each in (change.before, change.after))
        yield danger(
            "endpoint-renamed",
            f"The name changes from {old} to {new}: a new endpoint is made, then the old one is "
            f"deleted. Whoever calls {old} fails from then on; while both run, both are paid for.",
            UPDATE,
        )


@tells(ENDPOINT)
def named_elsewhere(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """What names the old endpoint by its name sees nothing any more."""
    if change.action is not Action.REPLACE or change.before is None:
        return
    old = change.before.get("EndpointName")
    ids = [
        key[1]
        for key, resource in all_.head.resources.items()
        if isinstance(old, str) and resource.id != change.id and _names(resource.properties, old)
    ]
    if ids:
        yield caution(
            "names-the-old-one",
            f"What names the old endpoint by its name sees nothing any more: {', '.join(ids)}.",
            f"{SAGEMAKER}/monitoring-cloudwatch.html",
        )


def _names(value: Any, name: str) -> bool:
    """Return whether a name is one of the values of a value."""
    if isinstance(value, Mapping):
        return any(_names(each, name) for each in value.values())
    if isinstance(value, list):
        return any(_names(each, name) for each in value)
    return bool(value == name)


def _name(endpoint: Resource) -> str:
    name = endpoint.get("EndpointName")
    return f'"{name}"' if isinstance(name, str) else "a generated one"


@tells(ENDPOINT)
def rolls(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """How it gets from the old configuration to the new one."""
    if not moves(change) or change.after is None:
        return
    before, after = fleets(change)
    if after.serverless and not before.instances:
        yield note(
            "blue-green",
            "The endpoint goes over to the new configuration without downtime; it is serverless, "
            "so that nothing runs twice.",
            BLUE_GREEN,
        )
        return
    rollout = change.after.get("DeploymentConfig") or {}
    rollout = rollout if isinstance(rollout, dict) else {}
    if before.names != after.names and rollout:
        yield caution(
            "all-at-once",
            "The variants have other names, so that the endpoint does not roll as DeploymentConfig "
            "says: all traffic moves at once.",
            EXCLUSIONS,
        )
        rollout = {}
    yield _rollout(rollout, after)
    yield from _watched(rollout)


def _rollout(rollout: dict[str, Any], fleet: Fleet) -> Consequence:
    rolling = rollout.get("RollingUpdatePolicy")
    if isinstance(rolling, dict):
        size, wait = rolling.get("MaximumBatchSize"), rolling.get("WaitIntervalInSeconds")
        return note(
            "rolling",
            f"The endpoint rolls to the new configuration {_size(size)} at a time, with "
            f"{_time(wait)} after each batch, without downtime. No more than one batch is paid "
            "twice.",
            ROLLING,
        )
    policy = rollout.get("BlueGreenUpdatePolicy")
    policy = policy if isinstance(policy, dict) else {}
    routing = policy.get("TrafficRoutingConfiguration")
    routing = routing if isinstance(routing, dict) else {}
    wait, stays = routing.get("WaitIntervalInSeconds"), policy.get("TerminationWaitInSeconds")
    kind = routing.get("Type")
    how, source, waits = "all traffic at once", BLUE_GREEN, 0
    if kind == "CANARY":
        how = f"{_size(routing.get('CanarySize'))} first, and the rest after {_time(wait)}"
        source, waits = CANARY, 1
    elif kind == "LINEAR":
        how = f"{_size(routing.get('LinearStepSize'))} at a time, {_time(wait)} apart"
        source, waits = LINEAR, _steps(routing.get("LinearStepSize"))
    lasts = _least(wait, waits, stays)
    return note(
        "blue-green",
        f"The endpoint rolls blue/green, without downtime: {how}. Capacity doubles meanwhile "
        f"({fleet.words} twice), and both are paid for, {lasts} and the time to start.",
        source,
    )


def _size(size: Any) -> str:
    value, kind = (size.get("Value"), size.get("Type")) if isinstance(size, dict) else (None, None)
    if not isinstance(value, int):
        return "a part"
    if kind == "INSTANCE_COUNT":
        return f"{value} instance{'s' if value != 1 else ''}"
    return f"{value} percent"


def _steps(size: Any) -> int:
    value = size.get("Value") if isinstance(size, dict) else None
    percent = isinstance(size, dict) and size.get("Type") == "CAPACITY_PERCENT"
    return -(-100 // value) - 1 if percent and isinstance(value, int) and value else 1


def _least(wait: Any, waits: int, stays: Any) -> str:
    seconds = (wait if isinstance(wait, int) else 0) * waits
    seconds += stays if isinstance(stays, int) else 0
    return f"for at least {_time(seconds)}" if seconds else "for some minutes"


def _time(seconds: Any) -> str:
    if not isinstance(seconds, int):
        return "a while"
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" + (f" {seconds % 60} s" if seconds % 60 else "")


def _watched(rollout: dict[str, Any]) -> Iterator[Consequence]:
    automatic = rollout.get("AutoRollbackConfiguration")
    alarms = automatic.get("Alarms") if isinstance(automatic, dict) else None
    if not alarms:
        yield note(
            "no-rollback",
            "No alarm takes it back: only a new fleet that does not start is rolled back.",
            f"{SAGEMAKER}/deployment-guardrails-configuration.html",
        )
    elif isinstance(alarms, list):
        several = len(alarms) > 1
        yield note(
            "rollback",
            f"{len(alarms)} alarm{'s' if several else ''} take{'' if several else 's'} it back "
            "while it rolls.",
            f"{SAGEMAKER}/deployment-guardrails-configuration.html",
        )


@tells(ENDPOINT)
def rollback_alarms(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Alarms that took a bad rollout back are not asked any more."""
    if change.before is None or change.after is None:
        return
    path = ("DeploymentConfig", "AutoRollbackConfiguration", "Alarms")
    old, new = change.before.raw(*path), change.after.raw(*path)
    if old and not new:
        yield caution(
            "rollback-removed",
            "No alarm takes a bad rollout back any more, beginning with this one.",
            f"{SAGEMAKER}/deployment-guardrails-configuration.html",
        )
    if change.after.get("RetainDeploymentConfig") is True and change.changed("DeploymentConfig"):
        yield caution(
            "rollout-ignored",
            "RetainDeploymentConfig is true: the new DeploymentConfig counts for nothing, the one "
            "of the last deployment is taken again.",
            UPDATE,
        )


@tells(ENDPOINT)
def callers(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Those who call it must call it otherwise."""
    if not moves(change):
        return
    before, after = fleets(change)
    if before.asynchronous != after.asynchronous and before.known and after.known:
        old, new = "InvokeEndpoint", "InvokeEndpointAsync"
        if before.asynchronous:
            old, new = new, old
        yield danger(
            "callers",
            f"Callers break: the endpoint takes {new} alone from now on, and {old} fails.",
            f"{SAGEMAKER}/async-inference.html",
        )


@tells("AWS::SageMaker::Model")
def model(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A model is never changed, but made anew."""
    if change.action is not Action.REPLACE:
        return
    what = {
        "Image": "image",
        "ModelDataUrl": "model data",
        "ModelDataSource": "model data",
        "Environment": "environment",
        "VpcConfig": "network",
        "ExecutionRoleArn": "role",
    }
    changed = dict.fromkeys(
        word
        for each in change.properties
        for name, word in what.items()
        if name in each.path.replace("[", ".").split(".")
    )
    other = f"another {' and another '.join(changed)}" if changed else "other properties"
    yield note(
        "model-update",
        f"A new model is made, with {other}; the old one is deleted when no endpoint uses it.",
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html",
    )


@tells("AWS::SageMaker::EndpointConfig")
def configuration(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """A configuration is never changed, but made anew."""
    if change.action is Action.REPLACE:
        yield note(
            "new-configuration",
            "A new configuration is made; the old one is deleted when the endpoint has moved.",
            UPDATE,
        )


@tells("AWS::SageMaker::ModelPackageGroup")
def model_package_group(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Even another description replaces it."""
    if change.action is Action.REPLACE:
        yield danger(
            "model-package-group",
            "The group is replaced, and so it is by another description alone: a group that has "
            "versions is not deleted, and the new one has none of them.",
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
            "aws-resource-sagemaker-modelpackagegroup.html",
        )


@tells(
    "AWS::SageMaker::DataQualityJobDefinition",
    "AWS::SageMaker::ModelQualityJobDefinition",
    "AWS::SageMaker::ModelBiasJobDefinition",
    "AWS::SageMaker::ModelExplainabilityJobDefinition",
)
def job_definition(change: Compared, all_: Comparison) -> Iterator[Consequence]:
    """Tags alone replace it."""
    if change.action is Action.REPLACE and len(change.changed("Tags")) == len(change.properties):
        yield caution(
            "tags-replace",
            "Other tags alone replace a definition of monitoring jobs; keep tags of the whole app "
            "off it.",
            "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/"
            "aws-resource-sagemaker-dataqualityjobdefinition.html",
        )
