"""Whose an access key is."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from odyssey.sandbox.calls import ServiceError
from odyssey.sandbox.clients import KEYS
from odyssey.sandbox.iam.identities import Identities
from odyssey.sandbox.sandbox import Sandbox
from odyssey.sandbox.store import Store
from tests.sandbox.conftest import Start
from tests.sandbox.iam import ACCOUNT, REGION, People, missing, refusal

ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/trainer"
REAL = "AKIAQYLPMN5HHHFPZAM2"


def identity(people: People, access_key: str) -> dict[str, Any]:
    found = people.client("sts", access_key).get_caller_identity()
    return {name: found[name] for name in ("Arn", "UserId", "Account")}


def test_sts_tells_who_asks(sandbox: Sandbox) -> None:
    # given
    people = People(sandbox)
    key = people.user("ann")
    people.role("trainer", {"AWS": "*"})
    made = people.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/trainer", RoleSessionName="one"
    )
    # then
    root = {"Arn": f"arn:aws:iam::{ACCOUNT}:root", "UserId": ACCOUNT, "Account": ACCOUNT}
    assert identity(people, KEYS.access) == root
    assert identity(people, "anything") == root
    assert identity(people, key)["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ann"
    session = identity(people, made["Credentials"]["AccessKeyId"])
    assert session["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/one"
    assert session["UserId"] == made["AssumedRoleUser"]["AssumedRoleId"]


def test_a_session_of_a_role_keeps_its_keys_as_long_as_what_is_stored() -> None:
    # given
    store = Store()
    before = Identities(store)
    # when
    keys, others = before.keys(ROLE, "one"), before.keys(ROLE, "two")
    after = Identities(store)
    # then
    assert keys != others
    assert after.keys(ROLE, "one") == keys
    principal = after.principal(keys.access)
    assert principal.role == ROLE
    assert principal.arn == f"arn:aws:sts::{ACCOUNT}:assumed-role/trainer/one"
    assert principal.access_key == keys.access


def test_keys_that_look_like_real_ones_are_refused(sandbox: Sandbox) -> None:
    told = refusal(People(sandbox).client("s3", REAL), "list_buckets")
    assert (told["Code"], told["Status"]) == ("InvalidClientTokenId", 403)
    assert "odyssey sandbox env" in told["Message"]


def test_a_key_is_somebody_s_only_while_it_is_active(sandbox: Sandbox) -> None:
    # given
    people = People(sandbox)
    key = people.user("ann")
    assert sandbox.identities.principal(key).user == "ann"
    for change in (
        lambda: people.iam.update_access_key(UserName="ann", AccessKeyId=key, Status="Inactive"),
        lambda: people.iam.delete_access_key(UserName="ann", AccessKeyId=key),
    ):
        # when
        change()
        # then
        with pytest.raises(ServiceError):
            sandbox.identities.principal(key)


def test_with_enforcement_a_key_that_nobody_gave_out_is_refused(start: Start) -> None:
    people = People(start(enforce_iam=True))
    told = refusal(people.client("sts", "anything"), "get_caller_identity")
    assert (told["Code"], told["Status"]) == ("InvalidClientTokenId", 403)


def test_with_enforcement_a_request_without_a_signature_is_refused(start: Start) -> None:
    # given
    sandbox = start(enforce_iam=True)
    People(sandbox).bucket("iris-files", "a")
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    # when
    connection.request("GET", "/iris-files/a")
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    # then
    assert answer.status == 403
    assert b"MissingAuthenticationToken" in told


def test_with_enforcement_what_cannot_be_made_out_is_for_the_root(start: Start) -> None:
    # given
    people = People(start(enforce_iam=True))
    scope = f"{people.user('ann')}/20260101/{REGION}/nosuchservice/aws4_request"
    signature = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    connection = http.client.HTTPConnection(urlsplit(people.sandbox.url).netloc)
    # when
    connection.request("GET", "/", headers={"Authorization": signature})
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    # then
    assert answer.status == 403
    assert b"cannot tell the rights" in told


def test_the_sandbox_s_own_requests_are_nobody_s(start: Start) -> None:
    # given
    sandbox = start(enforce_iam=True)
    # when
    sandbox.clients.client("s3", REGION).list_buckets()
    # then
    assert sandbox.guard.report()["principals"] == []


def test_many_sessions_are_told_apart(start: Start) -> None:
    # given
    people = People(start(enforce_iam=True))
    roles = [people.role(name, {"AWS": ACCOUNT}) for name in ("one", "two")]
    sts = people.client("sts")
    # when
    keys = [
        sts.assume_role(RoleArn=roles[number % 2], RoleSessionName=f"s{number}")["Credentials"]
        for number in range(6)
    ]
    # then
    found = [people.sandbox.identities.principal(key["AccessKeyId"]) for key in keys]
    assert [each.role for each in found] == roles * 3
    assert [each.arn.rpartition("/")[2] for each in found] == [f"s{n}" for n in range(6)]


def test_a_session_is_gone_when_moto_s_state_is(start: Start) -> None:
    # given
    people = People(start())
    made = people.client("sts").assume_role(
        RoleArn=people.role("r", {"AWS": ACCOUNT}), RoleSessionName="one"
    )
    key = made["Credentials"]["AccessKeyId"]
    assert people.sandbox.identities.principal(key).role
    connection = http.client.HTTPConnection(urlsplit(people.sandbox.url).netloc)
    # when
    connection.request("POST", "/moto-api/reset")
    assert json.loads(connection.getresponse().read()) == {"status": "ok"}
    connection.close()
    # then
    assert refusal(people.client("sts", key), "get_caller_identity")
    assert not missing(people.client("sts"), "get_caller_identity")
