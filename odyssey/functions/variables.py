"""The variables of an app's functions, where they run on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odyssey import names
from odyssey.variables import server_environment

if TYPE_CHECKING:
    from odyssey.config import Config

REGION = "us-east-1"
"""What a function is told as its region where the settings name none."""

PLACES = ("MODEL_URI", "DATA_URI", "MODELS_URI")
"""Variables that send a function to S3; without them it works on folders."""


def own(settings: Config, part: str) -> dict[str, str]:
    """Return what Lambda says of a function.

    Args:
        settings: The app's settings.
        part: ``train`` or ``serve``.
    """
    return {
        "AWS_LAMBDA_FUNCTION_NAME": names.function(settings, part),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(settings.function.memory_mb),
    }


def of_container(settings: Config, part: str) -> dict[str, str]:
    """Return the variables of a function's container: those of the stack, and Lambda's own.

    Args:
        settings: The app's settings.
        part: ``train`` or ``serve``.
    """
    from cdk_constructs.function_environment import CACHES

    region = settings.aws.region or REGION
    memory = settings.docker.memory_mb or settings.function.memory_mb
    return {
        **CACHES,
        **(server_environment(settings) if part == "serve" else {}),
        **settings.function.environment,
        **own(settings, part),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
