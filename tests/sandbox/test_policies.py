"""What IAM's policies allow together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey.sandbox.iam import policies
from odyssey.sandbox.iam.policies import Asked, Decision, Held, Names, Policy

ACCOUNT = "123456789012"
ANN = Names(f"arn:aws:iam::{ACCOUNT}:user/ann", account=ACCOUNT)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trainer"
SESSION = Names(f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/one", ROLE, ACCOUNT)
READ = Asked("s3:GetObject", "arn:aws:s3:::iris/model/1", {"aws:username": "ann"})
ANYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def policy(*statements: dict[str, Any]) -> Policy:
    return policies.policy({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any = "s3:GetObject", resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def decide(*statements: dict[str, Any], asked: Asked = READ) -> Decision:
    return policies.decide(asked, ANN, Held((policy(*statements),)))


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:GetObject", "arn:aws:s3:::iris/model/1"),
        allow("S3:getobject"),
        allow("s3:Get*"),
        allow("*"),
        allow(["s3:PutObject", "s3:Get?bject"], ["arn:aws:s3:::other/*", "arn:aws:s3:::iris/*"]),
        allow("s3:GetObject", "arn:aws:s3:::*/model/?"),
        allow("s3:GetObject", "arn:aws:s3:::iris/${aws:absent, 'model'}/*"),
        {"Effect": "Allow", "NotAction": "s3:Put*", "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::other/*"},
        allow(Condition={"StringEquals": {"aws:username": "ann"}}),
    ],
)
def test_a_statement_allows(statement: dict[str, Any]) -> None:
    assert decide(statement).allowed


@pytest.mark.parametrize(
    "statement",
    [
        allow("s3:GetObjectVersion"),
        allow("s3:Get"),
        allow("sagemaker:*"),
        allow("s3:GetObject", "arn:aws:s3:::iris"),
        allow("s3:GetObject", "arn:aws:s3:::iris/Model/*"),
        allow("s3:GetObject", "arn:aws:s3:::iris/${aws:absent}*"),
        {"Effect": "Allow", "NotAction": ["s3:Get*"], "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::iris/*"},
        allow(Condition={"StringEquals": {"aws:username": "bob"}}),
    ],
)
def test_a_statement_says_nothing(statement: dict[str, Any]) -> None:
    assert decide(statement) == Decision(False, policies.IDENTITY)


def test_a_denial_wins_over_what_allows_it() -> None:
    found = decide(ANYTHING, deny("s3:*", "arn:aws:s3:::iris/*"))
    assert not found.allowed
    assert [each.denies for each in found.statements] == [True]
    assert decide(ANYTHING, deny("s3:*", "arn:aws:s3:::other/*")).allowed


def test_a_boundary_and_a_session_s_policy_limit_what_is_allowed() -> None:
    everything, nothing = policy(ANYTHING), policy(allow("sns:*"))
    for held, kind in (
        (Held((everything,), nothing), policies.BOUNDARY),
        (Held((everything,), everything, nothing), policies.SESSION),
        (Held((nothing,), everything, everything), policies.IDENTITY),
    ):
        assert policies.decide(READ, SESSION, held) == Decision(False, kind)
    assert policies.decide(READ, SESSION, Held((everything,), everything, everything)).allowed


def test_a_denial_in_a_boundary_wins() -> None:
    held = Held((policy(ANYTHING),), policy(ANYTHING, deny()))
    found = policies.decide(READ, ANN, held)
    assert (found.allowed, found.kind, len(found.statements)) == (False, policies.BOUNDARY, 1)


OF_ACCOUNT = [f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT]


@pytest.mark.parametrize(
    ("principal", "names", "alone"),
    [
        ("*", ANN, True),
        ({"AWS": "*"}, SESSION, True),
        ({"AWS": [ANN.itself]}, ANN, True),
        ({"AWS": ROLE}, SESSION, True),
        ({"AWS": SESSION.itself}, SESSION, True),
        ({"AWS": OF_ACCOUNT[0]}, ANN, False),
        ({"AWS": OF_ACCOUNT}, SESSION, False),
        ({"AWS": ROLE}, ANN, False),
        ({"Service": "sagemaker.amazonaws.com"}, ANN, False),
        ({"Federated": "accounts.google.com"}, ANN, False),
    ],
)
def test_the_policy_of_a_resource_may_suffice(principal: Any, names: Names, alone: bool) -> None:
    of_bucket = policy(allow(Principal=principal))
    assert policies.decide(READ, names, Held(), of_bucket).allowed == alone
    assert policies.decide(READ, names, Held((policy(ANYTHING),)), of_bucket).allowed


def test_a_boundary_limits_what_a_resource_s_policy_allows_to_a_role_but_not_to_its_session() -> (
    None
):
    held = Held(boundary=policy(allow("sns:*")))
    to_role, to_session = (policy(allow(Principal={"AWS": who})) for who in (ROLE, SESSION.itself))
    assert policies.decide(READ, SESSION, held, to_role).kind == policies.BOUNDARY
    assert policies.decide(READ, SESSION, held, to_session).allowed


def test_a_denial_in_the_policy_of_a_resource_wins() -> None:
    of_bucket = policy(deny(Principal="*", Condition={"Bool": {"aws:securetransport": "false"}}))
    held = Held((policy(ANYTHING),))
    plain = Asked("s3:GetObject", READ.resource, {"aws:securetransport": "false"})
    assert policies.decide(plain, ANN, held, of_bucket).kind == policies.RESOURCE
    assert policies.decide(READ, ANN, held, of_bucket).allowed


def test_a_role_has_to_name_who_takes_it_on() -> None:
    asked = Asked("sts:AssumeRole", ROLE)
    by_account, by_service = (
        policies.policy({"Statement": {"Effect": "Allow", "Action": "sts:*", "Principal": who}})
        for who in ({"AWS": OF_ACCOUNT[0]}, {"Service": "sagemaker.amazonaws.com"})
    )
    held, service = Held((policy(ANYTHING),)), Names("sagemaker.amazonaws.com")
    for trust, names, rights, allowed in (
        (by_account, ANN, held, True),
        (by_account, ANN, Held(), False),
        (by_service, ANN, held, False),
        (by_service, service, Held(), True),
        (by_account, service, Held(), False),
    ):
        found = policies.decide(asked, names, rights, trust, must_be_named=True)
        assert found.allowed == allowed


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_what_is_not_understood_is_told_and_allows_nothing(effect: str) -> None:
    odd = {"Effect": effect, "Action": "*", "Resource": "*", "Condition": {"Odd": {"a": "b"}}}
    with pytest.raises(ValueError, match="condition operator Odd"):
        decide(ANYTHING, odd)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ("[]", "a JSON object"),
        ('{"Statement": {"Action": "*"}}', "Effect"),
        ('{"Statement": ["Allow"]}', "JSON object"),
        ('{"Statement": {"Effect": "Allow", "NotPrincipal": "*"}}', "NotPrincipal"),
        ('{"Statement": {"Effect": "Allow", "Condition": {"Bool": "true"}}}', "Condition"),
        ('{"Statement": {"Effect": "Allow", "Action": [1]}}', "texts"),
        ("{", "Expecting"),
    ],
)
def test_what_is_no_policy_is_refused(document: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        policies.parsed(document)


STATEMENTS = st.builds(
    lambda effect, action, resource: {"Effect": effect, "Action": action, "Resource": resource},
    st.sampled_from(["Allow", "Deny"]),
    st.sampled_from(["*", "s3:*", "s3:Get*", "s3:PutObject", "sns:*"]),
    st.sampled_from(["*", "arn:aws:s3:::iris/*", "arn:aws:s3:::other/*"]),
)


@given(st.lists(STATEMENTS, max_size=5), STATEMENTS)
def test_one_more_statement_never_undoes_a_denial_and_an_allowance_never_takes_away(
    statements: list[dict[str, Any]], more: dict[str, Any]
) -> None:
    before, after = decide(*statements), decide(*statements, more)
    if before.statements and not before.allowed:
        assert not after.allowed
    if before.allowed and more["Effect"] == "Allow":
        assert after.allowed


@given(st.lists(STATEMENTS, max_size=5))
def test_the_order_of_statements_does_not_matter(statements: list[dict[str, Any]]) -> None:
    assert decide(*statements).allowed == decide(*reversed(statements)).allowed
