"""The settings of functions: Lambda's rules for them, in its words, and what they are by default.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_constructs import function_environment
from odyssey.sandbox.calls import Call, ServiceError
from odyssey.sandbox.lambda_ import functions
from odyssey.sandbox.lambda_.functions import invalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.sandbox import Sandbox

DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "EphemeralStorage": {"Size": 512},
    "Environment": None,
    "TracingConfig": {"Mode": "PassThrough"},
    "ImageConfig": {},
    "LoggingConfig": {},
    "VpcConfig": None,
    "KMSKeyArn": None,
    "DeadLetterConfig": None,
}
"""The members of both requests, and what a function has without them."""

OF_ARCHIVES = ("Runtime", "Handler", "Layers")
"""Members that a function of an image cannot have."""

UNSUPPORTED = (
    "AcceleratorConfig",
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "DurableConfig",
    "FileSystemConfigs",
    "PublishTo",
    "TenancyConfig",
)
"""Members of which the sandbox has nothing."""

MOST_MEMORY = 10_240
MOST_STORAGE = 10_240
LONGEST = 900
"""The model has more of each, for functions on instances of one's own."""

ENVIRONMENT = 4096
"""Bytes of all variables together, as JSON."""

RESERVED = function_environment.RESERVED | {
    "AWS_SECRET_KEY",
    "AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
}
"""Variables that are Lambda's own."""


def asked(sandbox: Sandbox, call: Call) -> dict[str, Any]:
    """Return the settings that a request has, once they keep Lambda's rules.

    Args:
        sandbox: The sandbox.
        call: CreateFunction or UpdateFunctionConfiguration.

    Raises:
        ServiceError: They do not.
    """
    said = call.parameters
    _require_supported(said)
    _require_limits(said)
    _require_variables(said.get("Environment", {}).get("Variables", {}))
    if "Role" in said:
        _require_trust(sandbox, call)
    found = {member: said[member] for member in (*DEFAULTS, "Role") if member in said}
    if "Environment" in found and not found["Environment"].get("Variables"):
        found["Environment"] = None
    return found


def _require_supported(said: Mapping[str, Any]) -> None:
    if any(said.get(member) for member in OF_ARCHIVES):
        raise invalid(
            "Please don't provide Handler or Runtime or Layer when the intent is to use an Image "
            "deployment package."
        )
    if said.get("SnapStart", {}).get("ApplyOn", "None") != "None":
        raise invalid("Image is not supported for SnapStart enabled functions.")
    for member in UNSUPPORTED:
        if said.get(member):
            raise invalid(f"the sandbox runs no functions with {member}")
    if said.get("ImageConfig", {}).get("WorkingDirectory"):
        raise invalid("the sandbox runs a function where its image says, not in a WorkingDirectory")
    if said.get("LoggingConfig", {}).get("LogFormat", "Text") != "Text":
        raise invalid("the sandbox writes logs of the format Text alone, not JSON")


def _require_limits(said: Mapping[str, Any]) -> None:
    if said.get("MemorySize", 0) > MOST_MEMORY:
        raise invalid(
            "'MemorySize' value failed to satisfy constraint: Member must have value less than or "
            f"equal to {MOST_MEMORY}"
        )
    limits = {
        "timeout": (said.get("Timeout", 0), LONGEST),
        "ephemeralStorage.size": (said.get("EphemeralStorage", {}).get("Size", 0), MOST_STORAGE),
    }
    for place, (value, most) in limits.items():
        if value > most:
            raise ServiceError(
                "ValidationException",
                f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy "
                f"constraint: Member must have value less than or equal to {most}",
            )


def _require_variables(variables: Mapping[str, str]) -> None:
    begin = (
        "Lambda was unable to configure your environment variables because the environment "
        "variables you have provided"
    )
    reserved = sorted(RESERVED & set(variables))
    if reserved:
        raise invalid(
            f"{begin} contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = json.dumps(variables, separators=(",", ":"), ensure_ascii=False)
    if len(measured.encode()) > ENVIRONMENT:
        raise invalid(f"{begin} exceeded the 4KB limit. String measured: {measured}")


def _require_trust(sandbox: Sandbox, call: Call) -> None:
    name, _ = functions.named(call)
    source = {"aws:SourceArn": functions.arn(call.region, name)}
    try:
        sandbox.guard.require_trust(call.parameters["Role"], functions.SERVICE, source)
    except ServiceError as error:
        raise invalid("The role defined for the function cannot be assumed by Lambda.") from error
