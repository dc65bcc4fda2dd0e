"""The variables that lead every tool of AWS into a sandbox, and to nowhere else."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from odyssey.artifacts import NO_IMAGE, SANDBOX
from odyssey.sandbox.calls import ACCOUNT
from odyssey.sandbox.clients import KEYS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from odyssey.sandbox.records import Record

DEFAULT_REGION = "us-east-1"

IMAGE = "ODYSSEY_ARTIFACTS_IMAGE"

_IN_THE_WAY = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN")
"""Variables that could lead a tool to other credentials."""

_KEPT = {"AWS_CA_BUNDLE", "AWS_PAGER", "AWS_CLI_AUTO_PROMPT", "AWS_DEFAULT_OUTPUT"}


def leading_to(record: Record, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that lead to a sandbox.

    The keys are dummies, and the files of ``~/.aws`` are left out, so that nothing that goes astray
    finds keys of the real AWS.

    Args:
        record: The sandbox.
        environ: The variables as they are; the region is kept.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    image = {IMAGE: stand_in(region)} if record.executor == "process" else {}
    aws = Path(record.folder, "aws")
    return {
        "AWS_ENDPOINT_URL": record.url,
        "AWS_ACCESS_KEY_ID": KEYS.access,
        "AWS_SECRET_ACCESS_KEY": KEYS.secret,
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": str(aws / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(aws / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        SANDBOX: record.folder,
        **image,
    }


def stand_in(region: str) -> str:
    """Return the image of jobs that run as processes: there is none, and requests must name one.

    Args:
        region: Where the jobs run: a function takes no image of another region.
    """
    return f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com/odyssey-sandbox@{NO_IMAGE}"


def in_the_way(environ: Mapping[str, str]) -> list[str]:
    """Return the variables of AWS's that must go, such as ``AWS_PROFILE``."""
    others = {name for name in environ if name.startswith("AWS_") and name not in _KEPT}
    return sorted({*_IN_THE_WAY, *others} - set(_OURS))


def child_environment(record: Record, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a child program's variables, in a sandbox."""
    gone = in_the_way(environ)
    kept = {name: value for name, value in environ.items() if name not in gone}
    return {**kept, **leading_to(record, environ)}


def shell_lines(record: Record, environ: Mapping[str, str]) -> str:
    """Return the lines that a shell of Bourne's family evaluates to enter a sandbox."""
    lines = [f"unset {' '.join(in_the_way(environ))}"]
    lines += [
        f"export {name}={shlex.quote(value)}" for name, value in leading_to(record, environ).items()
    ]
    return "\n".join(lines)


def leaving_lines() -> str:
    """Return the line that a shell evaluates to leave the sandbox."""
    return f"unset {' '.join(_OURS)}"


_OURS = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_EC2_METADATA_DISABLED",
    SANDBOX,
    IMAGE,
)
