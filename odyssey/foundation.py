"""What an app's foundation stack made: the repository, the bucket and the role of its jobs.

What the stack says counts, and not what ``[foundation]`` of ``odyssey.toml`` wishes for: before the
stack is deployed there is nothing to push to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odyssey import names
from odyssey.cloudformation import service
from odyssey.errors import UsageError

if TYPE_CHECKING:
    from odyssey.aws import Clients
    from odyssey.config import Config

PART = "foundation"
"""The last word of the stack's name."""


@dataclass(frozen=True)
class Foundation:
    """What the foundation stack of an app made; None where it is not deployed.

    Args:
        repository: The URI of the repository, without a tag.
        bucket: The name of the bucket.
        training_role: The ARN of the role that jobs run as.
        deploy: The command that deploys the stack, for hints.
    """

    repository: str | None = None
    bucket: str | None = None
    training_role: str | None = None
    deploy: str = f"odyssey deploy APP-{PART}"


def stack_name(settings: Config) -> str:
    """Return the name of the foundation stack of an app in its environment."""
    return f"{names.qualified(settings.app.name, settings.env)}-{PART}"


def find(settings: Config, access: Clients) -> Foundation:
    """Return what the foundation stack made, as the stack itself says.

    Args:
        settings: The app's settings.
        access: The way to AWS.

    Raises:
        AwsError: AWS refuses.
    """
    name = stack_name(settings)
    stack = service.describe(access.client("cloudformation"), name)
    outputs = stack.outputs if stack is not None and stack.exists else {}
    chosen = f" --env {settings.env}" if settings.env else ""
    return Foundation(
        repository=outputs.get("RepositoryUri"),
        bucket=outputs.get("BucketName"),
        training_role=outputs.get("TrainingRoleArn"),
        deploy=f"odyssey deploy {name}{chosen}",
    )


def require_bucket(found: Foundation, option: str = "an s3:// URI") -> str:
    """Return the name of the bucket.

    Args:
        found: What the stack made.
        option: How a command takes a place in another bucket, such as ``-m s3://BUCKET/PREFIX``.

    Raises:
        UsageError: The stack is not deployed.
    """
    return _require("bucket", found.bucket, found, option)


def require_role(found: Foundation, option: str = "-r ROLE") -> str:
    """Return the ARN of the role that jobs run as.

    Args:
        found: What the stack made.
        option: How a command takes another role.

    Raises:
        UsageError: The stack is not deployed, or is for Lambda, which has no jobs.
    """
    return _require("role", found.training_role, found, option)


def _require(what: str, value: str | None, found: Foundation, option: str) -> str:
    if value:
        return value
    raise UsageError(
        f"no {what} is known: the app's foundation stack, which makes one, is not deployed",
        f"{found.deploy}, or name it with {option}",
    )
