"""Limits, as the rules have them: from the installed models, narrowed by a table."""

from __future__ import annotations

import subprocess
import sys

import pytest

from odyssey.checks import limits
from odyssey.checks.limits import Limit, number

VARIANT = ("sagemaker", "CreateEndpointConfig", "ProductionVariants")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (VARIANT, "1 to 10 entries"),
        ((*VARIANT, "InitialInstanceCount"), "at least 1"),
        ((*VARIANT, "ServerlessConfig", "MemorySizeInMB"), "1024 to 6144 MB in steps of 1024"),
        ((*VARIANT, "ServerlessConfig", "MaxConcurrency"), "1 to 200"),
        (("lambda", "CreateFunction", "MemorySize"), "128 to 10240 MB"),
        (("lambda", "CreateFunction", "Timeout"), "1 to 900 seconds"),
        (("sagemaker", "CreateModel", "PrimaryContainer", "Environment"), "at most 100 entries"),
        (("sagemaker", "CreateModel", "InferenceExecutionConfig", "Mode"), "Serial or Direct"),
        (("sagemaker", "CreateModel", "EnableNetworkIsolation"), ""),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else None,
)
def test_a_limit_is_told_in_words(path: tuple[str, ...], words: str) -> None:
    assert limits.of(*path).describe() == words


def test_a_map_has_limits_for_its_names_and_its_values() -> None:
    environment = ("sagemaker", "CreateModel", "PrimaryContainer", "Environment")

    assert limits.of(*environment, "key").pattern == "[a-zA-Z_][a-zA-Z0-9_]*"
    assert limits.of(*environment, "value").max == 1024


@pytest.mark.parametrize(
    "path",
    [("nothing", "Create"), ("sagemaker", "CreateNothing"), (*VARIANT, "Nothing", "More")],
    ids=str,
)
def test_what_nobody_knows_has_no_limit(path: tuple[str, ...]) -> None:
    assert limits.of(*path) == Limit()
    assert limits.of(*path).admits("anything")


def test_a_table_stands_where_no_model_is() -> None:
    assert limits.of("cloudformation", "CreateStack", "StackName").admits("churn-live")
    assert not limits.of("cloudformation", "CreateStack", "StackName").admits("churn_live")
    assert not limits.of("ecr", "PutImage", "imageTag").admits("a" * 129)


@pytest.mark.parametrize(
    ("limit", "value", "kept"),
    [
        (Limit(1, 10), 10, True),
        (Limit(1, 10), 11, False),
        (Limit(1, 10), "11", False),
        (Limit(1, 10), "eleven", True),
        (Limit(1, 10), True, True),
        (Limit(0.5, 1), "0.4", False),
        (Limit(1024, 6144, step=1024), 2500, False),
        (Limit(1, 3, unit="characters"), "abcd", False),
        (Limit(1, 3, unit="characters"), 1234, False),
        (Limit(1, 3, unit="entries"), [1, 2, 3, 4], False),
        (Limit(1, 3, unit="entries"), 7, True),
        (Limit(enum=("a", "b")), "c", False),
        (Limit(pattern="[a-z]+"), "a1", False),
        (Limit(pattern="[a-z]+"), "ä", False),
        (Limit(pattern=r"\p{L}+"), "a1", True),
    ],
    ids=str,
)
def test_a_value_keeps_a_limit_or_does_not(limit: Limit, value: object, kept: bool) -> None:
    assert limit.admits(value) is kept


@pytest.mark.parametrize(
    ("value", "counted"),
    [(1, 1), ("1", 1), (" -2 ", -2), ("0.5", 0.5), (True, None), ("1a", None), (None, None)],
    ids=str,
)
def test_a_number_may_be_written_as_a_text(value: object, counted: float | None) -> None:
    assert number(value) == counted


def test_the_models_are_not_read_before_a_limit_is_asked_for() -> None:
    code = "import sys, odyssey.checks.limits; print('botocore' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
