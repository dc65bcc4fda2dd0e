"""Rules of the environment variables of functions.

Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from odyssey.checks.findings import Severity
from odyssey.checks.rule import Fault, rule
from odyssey.checks.rules.functions import FUNCTION
from odyssey.checks.secrets import secret
from odyssey.checks.template import UNKNOWN, function

if TYPE_CHECKING:
    from odyssey.checks.template import Resource, Template

_LIMITS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
_VARIABLES = "https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html"

_MOST_VARIABLES = 4096
"""Bytes of all variables of a function, names and values."""

_RESERVED = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_DEFAULT_REGION",
        "AWS_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT",
        "LAMBDA_RUNTIME_DIR",
    }
)


@rule(
    "LM105",
    Severity.ERROR,
    "template",
    "The environment variables of a function have 4 KB at most",
    source=_LIMITS,
    fix="keep what is long in S3 or in Parameter Store, and pass its name",
)
def variables_size(found: Template) -> Iterator[Fault]:
    """A function with more is refused: all names and values together may have 4,096 bytes."""
    for each in found.of(FUNCTION):
        values = _variables(each)
        size = sum(len(f"{key}{value if value else ''}".encode()) for key, value in values.items())
        if size > _MOST_VARIABLES:
            yield Fault(
                f"the environment variables have at least {size} bytes",
                each,
                ("Environment", "Variables"),
                size,
                f"at most {_MOST_VARIABLES} bytes",
            )


@rule(
    "LM106",
    Severity.ERROR,
    "template",
    "A function's environment leaves Lambda's own variables alone",
    source=_VARIABLES,
    fix="choose another name, or leave it out: Lambda sets it",
)
def reserved_variables(found: Template) -> Iterator[Fault]:
    """Lambda refuses a function that sets a variable which Lambda itself sets."""
    for each in found.of(FUNCTION):
        for name in _variables(each):
            if name in _RESERVED:
                path = ("Environment", "Variables", name)
                yield Fault(f"{name} is set by Lambda", each, path, name, "no reserved name")


@rule(
    "LM108",
    Severity.WARNING,
    "template",
    "A function's environment has no secrets",
    source=_VARIABLES,
    fix="keep it in Secrets Manager, pass its ARN, and read it in the function",
)
def variable_secrets(found: Template) -> Iterator[Fault]:
    """A template is read by many: in a repository, in the console, in logs of a pipeline.

    So is a function's configuration, by whoever may call GetFunctionConfiguration.
    """
    for each in found.of(FUNCTION):
        for name, value in _variables(each).items():
            if secret(name, value):
                path = ("Environment", "Variables", name)
                yield Fault(f"{name} looks like a secret", each, path, None, "no secrets")


def _variables(found: Resource) -> Mapping[str, Any]:
    """Return the variables of a function, what is not known as `UNKNOWN`."""
    declared = found.raw("Environment", "Variables")
    if not isinstance(declared, Mapping) or function(declared):
        return {}
    known = {str(name): found.template.resolve(value) for name, value in declared.items()}
    return {name: value for name, value in known.items() if value is UNKNOWN or value is not None}
