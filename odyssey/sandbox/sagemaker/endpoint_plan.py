"""What an endpoint serves, once and for all: its configuration with the models as they were.

Configurations and models may be deleted while an endpoint goes on.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from odyssey.sandbox.sagemaker.model_data import container

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from odyssey.sandbox.sagemaker.fleet import Fleet

    Plan = Mapping[str, Any]

TABLE = "endpoint-plans"


def planned(config: Mapping[str, Any], model: Callable[[str], Mapping[str, Any]]) -> dict[str, Any]:
    """Return the plan of a configuration.

    Args:
        config: The record of the configuration.
        model: Returns the record of a model by its name.
    """
    now = datetime.now(UTC)
    variants = [
        {
            **variant,
            "model": (found := model(variant["ModelName"])),
            "image": container(found)["Image"],
            "count": variant.get("InitialInstanceCount", 1),
            "weight": variant["InitialVariantWeight"],
            "since": now,
        }
        for variant in config["ProductionVariants"]
    ]
    return copy.deepcopy(
        {
            "config": config["EndpointConfigName"],
            "variants": variants,
            "capture": config.get("DataCaptureConfig"),
            "async": config.get("AsyncInferenceConfig"),
        }
    )


def retain(plan: dict[str, Any], old: Plan, excluded: list[Mapping[str, str]]) -> None:
    """Take over from the plan that a new one follows what is set apart from configurations.

    Args:
        plan: The new plan, which is changed.
        old: The plan before it.
        excluded: The ``ExcludeRetainedVariantProperties`` of the request.
    """
    left_out = {each["VariantPropertyType"] for each in excluded}
    before = {variant["VariantName"]: variant for variant in old["variants"]}
    for variant in plan["variants"]:
        known = before.get(variant["VariantName"])
        if known is None or ("ServerlessConfig" in known) != ("ServerlessConfig" in variant):
            continue
        if "DesiredInstanceCount" not in left_out:
            variant["count"] = known["count"]
        if "DesiredWeight" not in left_out:
            variant["weight"] = known["weight"]
    if "DataCaptureConfig" not in left_out:
        plan["capture"] = copy.deepcopy(old["capture"])


def described(plan: Plan, fleet: Fleet | None) -> dict[str, Any]:
    """Return what DescribeEndpoint tells of a plan and of the machines that carry it out."""
    told: dict[str, Any] = {
        "ProductionVariants": [_variant(variant, fleet) for variant in plan["variants"]]
    }
    if plan["async"]:
        told["AsyncInferenceConfig"] = plan["async"]
    if plan["capture"]:
        capture = plan["capture"]
        enabled = capture.get("EnableCapture", False)
        told["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    return told


def _variant(variant: Mapping[str, Any], fleet: Fleet | None) -> dict[str, Any]:
    name, serverless = variant["VariantName"], variant.get("ServerlessConfig")
    told: dict[str, Any] = {
        "VariantName": name,
        "DeployedImages": [
            {
                "SpecifiedImage": container(variant["model"])["Image"],
                "ResolvedImage": variant["image"],
                "ResolutionTime": variant["since"],
            }
        ],
        "CurrentWeight": variant["weight"],
        "DesiredWeight": variant["weight"],
    }
    if serverless:
        return {
            **told,
            "CurrentInstanceCount": 0,
            "CurrentServerlessConfig": serverless,
            "DesiredServerlessConfig": serverless,
        }
    serving = len(fleet.variants[name].serving) if fleet is not None else 0
    return {**told, "CurrentInstanceCount": serving, "DesiredInstanceCount": variant["count"]}
