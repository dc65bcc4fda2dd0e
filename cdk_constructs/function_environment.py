"""The variables of a function: what is set for it, and what it may set."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_constructs.validation import Problems

MODEL_URI = "MODEL_URI"
"""The variable that has the URI of the model's archive."""

CACHES = {
    "HF_HOME": "/tmp/huggingface",  # noqa: S108
    "JOBLIB_TEMP_FOLDER": "/tmp",  # noqa: S108
    "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108
    "NUMBA_CACHE_DIR": "/tmp/numba",  # noqa: S108
    "TORCH_HOME": "/tmp/torch",  # noqa: S108
    "XDG_CACHE_HOME": "/tmp/cache",  # noqa: S108
}
"""Where libraries write, by default below the home folder, which Lambda keeps read-only."""

_ENVIRONMENT_BYTES = 4096
RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }
)
"""Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"""
_VARIABLE = r"[a-zA-Z][a-zA-Z0-9_]+"


def check_environment(problems: Problems, variables: Mapping[str, str], *, with_data: bool) -> None:
    """Check the variables of a function against what Lambda takes."""
    problems.environment(
        "environment",
        variables,
        most=_ENVIRONMENT_BYTES,
        each=_ENVIRONMENT_BYTES,
        total=_ENVIRONMENT_BYTES,
    )
    for name in variables:
        if name in RESERVED:
            problems.add(f"environment variable {name}: Lambda sets it itself")
        else:
            rule = "must be 2 or more letters, digits and underscores, a letter first"
            problems.matches("environment variable", name, _VARIABLE, rule)
    if with_data and MODEL_URI in variables:
        problems.add(f"environment variable {MODEL_URI}: is set from data")
