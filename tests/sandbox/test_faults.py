"""What is ordered to go wrong, over HTTP, and what goes wrong then."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError, ResponseStreamingError

from odyssey.sandbox.faults import Faults
from odyssey.sandbox.sandbox import Sandbox


def ask(sandbox: Sandbox, method: str, what: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{sandbox.url}/_sandbox/{what}", data, method=method)
    with urlopen(request, timeout=10) as answer:
        return json.load(answer)


@pytest.fixture
def quiet(shared: Sandbox) -> Sandbox:
    ask(shared, "DELETE", "faults")
    return shared


def test_a_request_is_refused_as_often_as_ordered(quiet: Sandbox) -> None:
    # given
    fault = {"kind": "error", "on": "sts:GetCallerIdentity", "code": "Throttling", "times": 2}
    (ordered,) = ask(quiet, "POST", "faults", fault)
    sts = quiet.clients.client("sts", "eu-west-1")
    # when: the client tries three times
    answer = sts.get_caller_identity()
    # then
    assert ordered["code"] == "Throttling"
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert ask(quiet, "GET", "faults") == []


def test_a_fault_may_strike_later_for_ever_and_be_taken_back(quiet: Sandbox) -> None:
    # given
    s3 = quiet.clients.client("s3", "us-east-1")
    fault = {"kind": "error", "on": "s3:*", "code": "AccessDenied", "status": 403, "after": 1}
    ask(quiet, "POST", "faults", {**fault, "times": 0})
    # then
    s3.list_buckets()
    for _ in range(3):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.list_buckets()
    # when
    ask(quiet, "DELETE", "faults")
    # then
    s3.list_buckets()


def test_a_download_is_cut_after_so_many_bytes(quiet: Sandbox) -> None:
    # given
    s3 = quiet.clients.client("s3", "us-east-1")
    s3.create_bucket(Bucket="to-be-cut")
    s3.put_object(Bucket="to-be-cut", Key="a", Body=b"x" * 10_000)
    ask(quiet, "POST", "faults", {"kind": "cut", "on": "s3:GetObject", "bytes": 1000})
    # when
    body = s3.get_object(Bucket="to-be-cut", Key="a")["Body"]
    with pytest.raises(ResponseStreamingError, match="1000 bytes read"):
        body.read()
    # then it was once
    body.close()
    assert len(s3.get_object(Bucket="to-be-cut", Key="a")["Body"].read()) == 10_000


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ({"kind": "flood"}, "must be one of"),
        ({"kind": "error", "colour": "red"}, "colour"),
        ({}, "kind"),
        ([], "a JSON object"),
    ],
)
def test_what_is_no_fault_is_told(quiet: Sandbox, wanted: Any, why: str) -> None:
    with pytest.raises(HTTPError) as refused:
        ask(quiet, "POST", "faults", wanted)
    with refused.value as answer:
        assert answer.code == 400
        assert why in json.load(answer)["error"]


def test_faults_strike_by_kind_and_name() -> None:
    faults = Faults()
    faults.order({"kind": "capacity", "on": "iris-*"})
    assert faults.strike("unhealthy", "iris-1") is None
    assert faults.strike("capacity", "other") is None
    assert faults.strike("capacity", "iris-1") is not None
    assert not faults
