"""Conditions of IAM's policies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey.sandbox.iam import conditions, patterns

KNOWN: dict[str, Any] = {
    "aws:username": "ann",
    "aws:principalarn": "arn:aws:iam::123456789012:role/team/trainer",
    "aws:calledvia": ("cloudformation.amazonaws.com", "lambda.amazonaws.com"),
    "aws:tagkeys": ("app", "team"),
    "aws:securetransport": "true",
    "aws:currenttime": "2026-03-01T12:00:00+00:00",
    "aws:epochtime": "1772366400",
    "aws:sourceip": "10.1.2.3",
    "s3:prefix": "input/data/",
    "s3:max-keys": "100",
}

FULFILLED = [
    ("StringEquals", "s3:prefix", "input/data/"),
    ("StringEquals", "S3:Prefix", ["other", "input/data/"]),
    ("StringEqualsIgnoreCase", "aws:username", "ANN"),
    ("StringNotEquals", "aws:username", ["bob", "eve"]),
    ("StringNotEqualsIgnoreCase", "aws:username", "Bob"),
    ("StringNotEquals", "aws:absent", "anything"),
    ("StringLike", "s3:prefix", ["model/*", "input/*"]),
    ("StringLike", "s3:prefix", "input/d?ta/"),
    ("StringNotLike", "s3:prefix", "model/*"),
    ("StringEquals", "aws:username", "${aws:username}"),
    ("StringLike", "aws:principalarn", "*/${aws:absent, 'team'}/*"),
    ("ArnLike", "aws:principalarn", "arn:aws:iam::*:role/team/*"),
    ("ArnEquals", "aws:principalarn", "arn:aws:iam::123456789012:role/team/trainer"),
    ("ArnNotLike", "aws:principalarn", "arn:aws:iam::*:user/*"),
    ("Bool", "aws:SecureTransport", True),
    ("Bool", "aws:SecureTransport", "True"),
    ("Null", "aws:absent", "true"),
    ("Null", "aws:username", "false"),
    ("NumericLessThanEquals", "s3:max-keys", "100"),
    ("NumericGreaterThan", "s3:max-keys", 99.5),
    ("NumericNotEquals", "s3:max-keys", "7"),
    ("DateGreaterThan", "aws:CurrentTime", "2026-02-01T00:00:00Z"),
    ("DateLessThan", "aws:EpochTime", "2026-12-01"),
    ("IpAddress", "aws:SourceIp", ["192.168.0.0/16", "10.0.0.0/8"]),
    ("NotIpAddress", "aws:SourceIp", "127.0.0.1"),
    ("ForAnyValue:StringEquals", "aws:CalledVia", "cloudformation.amazonaws.com"),
    ("ForAllValues:StringEquals", "aws:TagKeys", ["app", "team", "cost"]),
    ("ForAllValues:StringEquals", "aws:absent", "anything"),
    ("StringEqualsIfExists", "aws:absent", "anything"),
    ("ForAnyValue:StringNotEquals", "aws:TagKeys", "app"),
]
NOT_FULFILLED = [
    ("StringEquals", "s3:prefix", "input/data"),
    ("StringEquals", "s3:prefix", "input/*"),
    ("StringEquals", "aws:absent", "anything"),
    ("StringNotEquals", "aws:username", ["bob", "ann"]),
    ("StringLike", "s3:prefix", "Input/*"),
    ("StringLike", "aws:username", "${aws:absent}"),
    ("StringLike", "aws:username", "${*}"),
    ("ArnLike", "aws:principalarn", "arn:aws:iam::*trainer"),
    ("ArnLike", "aws:principalarn", "arn:aws:*:role/team/trainer"),
    ("Bool", "aws:SecureTransport", "false"),
    ("Bool", "aws:absent", "false"),
    ("Null", "aws:username", "true"),
    ("NumericLessThan", "s3:max-keys", "100"),
    ("NumericEquals", "aws:username", "100"),
    ("NumericLessThan", "s3:TlsVersion", "1.2"),
    ("DateLessThan", "aws:CurrentTime", "2026-02-01T00:00:00Z"),
    ("IpAddress", "aws:SourceIp", "192.168.0.0/16"),
    ("IpAddress", "aws:username", "0.0.0.0/0"),
    ("ForAnyValue:StringEquals", "aws:CalledVia", "athena.amazonaws.com"),
    ("ForAnyValue:StringEquals", "aws:absent", "anything"),
    ("ForAnyValue:StringNotEquals", "aws:absent", "anything"),
    ("ForAllValues:StringEquals", "aws:TagKeys", "app"),
    ("StringEqualsIfExists", "aws:username", "bob"),
]


@pytest.mark.parametrize(("operator", "key", "wanted"), FULFILLED)
def test_a_condition_is_fulfilled(operator: str, key: str, wanted: Any) -> None:
    assert conditions.hold({operator: {key: wanted}}, KNOWN)


@pytest.mark.parametrize(("operator", "key", "wanted"), NOT_FULFILLED)
def test_a_condition_is_not_fulfilled(operator: str, key: str, wanted: Any) -> None:
    assert not conditions.hold({operator: {key: wanted}}, KNOWN)


def test_all_conditions_of_a_statement_must_be_fulfilled() -> None:
    met = {"StringEquals": {"aws:username": "ann"}}
    assert conditions.hold({**met, "Bool": {"aws:SecureTransport": "true"}}, KNOWN)
    assert not conditions.hold({**met, "Bool": {"aws:SecureTransport": "false"}}, KNOWN)
    assert not conditions.hold({"StringEquals": {"aws:username": "ann", "s3:prefix": ""}}, KNOWN)


@pytest.mark.parametrize(
    "operator", ["StringResembles", "ForSomeValues:StringEquals", "stringequals", ""]
)
def test_an_operator_that_is_not_known_is_told(operator: str) -> None:
    block = {"StringEquals": {"aws:username": "bob"}, operator: {"aws:username": "ann"}}
    with pytest.raises(ValueError, match=f"does not know the condition operator {operator}"):
        conditions.hold(block, KNOWN)


TEXTS = st.text("ab*?$", max_size=8)


def matches(pattern: str, text: str) -> bool:
    """Compare as the documentation says it, character by character."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(matches(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and matches(pattern[1:], text[1:])


@given(TEXTS, TEXTS)
def test_wildcards_stand_for_anything(pattern: str, text: str) -> None:
    assert patterns.like(pattern, text, {}) == matches(pattern, text)


@given(TEXTS)
def test_what_a_variable_stands_for_is_no_pattern(value: str) -> None:
    known = {"aws:username": value}
    assert patterns.like("home/${aws:username}", f"home/{value}", known)
    assert patterns.like("home/${aws:username}/x", f"home/{value}/x", known)
    assert not patterns.like("home/${aws:username}", f"home/{value}!", known)


@given(
    st.sampled_from(["StringEquals", "StringLike", "ArnLike", "NumericEquals", "IpAddress"]),
    st.text(max_size=5),
    st.lists(st.text("a1.:*", max_size=5), max_size=3),
)
def test_a_negated_operator_is_fulfilled_where_the_other_is_not(
    operator: str, value: str, wanted: list[str]
) -> None:
    negated = {"IpAddress": "NotIpAddress", "NumericEquals": "NumericNotEquals"}.get(
        operator, operator.replace("String", "StringNot").replace("Arn", "ArnNot")
    )
    known = {"a:key": value}
    one = conditions.hold({operator: {"a:key": wanted}}, known)
    assert conditions.hold({negated: {"a:key": wanted}}, known) is not one
