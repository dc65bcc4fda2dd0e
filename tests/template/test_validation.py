"""Checks of what callers pass: each problem is told, and none is Python's own."""

import math
from typing import Any

import pytest

from cdk_constructs.validation import RETENTIONS, Problems, is_list_token, is_token


def found(check: str, *values: Any, **limits: Any) -> str | None:
    """Return what a check says of an argument ``size``."""
    problems = Problems("Thing")
    getattr(problems, check)("size", *values, **limits)
    try:
        problems.raise_any()
    except ValueError as error:
        return str(error).removeprefix("Thing: ")
    return None


@pytest.mark.parametrize("check", ["between", "whole"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "3", True, [3], {}])
def test_what_is_no_number_is_told(check: str, value: Any) -> None:
    said = found(check, value, low=1, high=4, step=1)

    shown = f'"{value}"' if isinstance(value, str) else str(value)
    assert said == f"size {shown}: must be a number from 1 to 4"


@pytest.mark.parametrize("check", ["between", "whole"])
@pytest.mark.parametrize("value", [None, 1, 4, 3.0, -1e200])
def test_a_number_in_the_range_none_and_a_token_pass(check: str, value: Any) -> None:
    assert found(check, value, low=1, high=4) is None


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (0, "must be at least 1"),
        (1.5, "must be a whole number at least 1"),
        (1e30, None),
    ],
)
def test_a_whole_number_may_be_of_any_type(value: float, rule: str | None) -> None:
    assert found("whole", value, low=1) == (None if rule is None else f"size {value}: {rule}")


@pytest.mark.parametrize("value", [7, b"a", ["a"]])
def test_what_is_no_text_matches_nothing(value: Any) -> None:
    assert found("matches", value, ".*", "must be text") == f"size {value}: must be text"


def test_none_passes_only_where_a_text_may_be_left_out() -> None:
    assert found("matches", None, ".*", "must be text") is None
    assert found("requires", None, ".*", "must be text") == "size None: must be text"


def test_what_has_no_hash_is_none_of_the_choices() -> None:
    assert found("one_of", [1], {1: "a", 2: "b"}) == "size [1]: must be one of 1, 2"


@pytest.mark.parametrize("value", [None, 3, ["a"]])
def test_a_variable_whose_value_is_no_text_is_told(value: Any) -> None:
    said = found("environment", {"LEVEL": value}, most=1, each=9, total=9)

    assert said == f"value of size variable LEVEL {value}: must be text"


@pytest.mark.parametrize(
    ("values", "expected"),
    [(None, False), ([], False), (["a", "${Token[A.1]}"], False), (["#{Token[TOKEN.5]}"], True)],
)
def test_a_list_token_is_told_from_a_list_with_tokens(
    values: list[str] | None, expected: bool
) -> None:
    assert is_list_token(values) is expected


def test_infinity_is_no_token() -> None:
    assert is_token(-1e200)
    assert not is_token(-math.inf)


def test_retentions_are_in_order_up_to_ten_years() -> None:
    assert list(RETENTIONS) == sorted(set(RETENTIONS))
    assert (RETENTIONS[0], RETENTIONS[-1], len(RETENTIONS)) == (1, 3653, 22)
