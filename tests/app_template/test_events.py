"""Events of Lambda: requests of each shape, and the plain payload, answered as an endpoint does."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rocket import events
from rocket.core import Response
from rocket.errors import BadInput, RequestError
from tests.app_template.fakes import make_core

JSON, LINES, CSV = "application/json", "application/jsonlines", "text/csv"


def v1(method: str = "POST", path: str = "/predict", **named: Any) -> dict[str, Any]:
    """A request of a REST API, whose headers come as they were written."""
    headers = named.pop("headers", {})
    several = {name: [value] for name, value in headers.items()}
    shape = {"resource": "/{proxy+}", "httpMethod": method, "path": path, "body": None}
    context = {"requestContext": {"httpMethod": method, "stage": "prod"}}
    known = {"headers": headers or None, "multiValueHeaders": several or None}
    return {**shape, **context, **known, "isBase64Encoded": False, **named}


def v2(method: str = "POST", path: str = "/predict", **named: Any) -> dict[str, Any]:
    """A request of an HTTP API or a function URL, whose headers come in lower case."""
    headers = {name.lower(): value for name, value in named.pop("headers", {}).items()}
    shape = {"version": "2.0", "routeKey": "$default", "rawPath": path, "headers": headers}
    context = {"requestContext": {"http": {"method": method, "path": path}}}
    return {**shape, **context, "isBase64Encoded": False, **named}


def balanced(method: str = "POST", path: str = "/", **named: Any) -> dict[str, Any]:
    """A request of a load balancer that sends every header as a list."""
    several = {name: [value] for name, value in named.pop("headers", {}).items()}
    shape = {"requestContext": {"elb": {}}, "httpMethod": method, "path": path}
    return {**shape, "multiValueHeaders": several, "isBase64Encoded": False, "body": "", **named}


SHAPES = pytest.mark.parametrize("shape", [v1, v2, balanced])


def headers_of(content_type: str, accept: str) -> dict[str, str]:
    named = {"Content-Type": content_type, "Accept": accept}
    return {name: value for name, value in named.items() if value}


def double(data: Any) -> Any:
    """A model for records, lists of records and tables."""
    if hasattr(data, "to_numpy"):
        return data.to_numpy() * 2
    if data == {"refuse": 1}:
        raise BadInput("refuse: another one expected")
    if data == {"fail": 1}:
        raise ZeroDivisionError("by zero")
    if data == {"exit": 1}:
        raise SystemExit(3)
    if data == {"bytes": 1}:
        return b"\x89PNG"
    if data == {"object": 1}:
        return object()
    return {"answer": data, "number": np.float64(0.5)}


def ways(body: bytes) -> Iterator[dict[str, Any]]:
    """How a gateway may write a body; one that is no UTF-8 comes in base64 only."""
    yield {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    with contextlib.suppress(UnicodeDecodeError):
        yield {"body": body.decode()}


def body_of(told: dict[str, Any]) -> bytes:
    if told["isBase64Encoded"]:
        return base64.b64decode(told["body"])
    return str(told["body"]).encode()


def of_endpoint(content_type: str, accept: str, body: bytes, **named: Any) -> Response:
    """What the doors of an endpoint answer."""
    try:
        return make_core(double, **named).answer(content_type, accept, body)
    except RequestError as error:
        return Response.of_error(error)


REQUESTS = [
    ("", "", b'{"a": [1, 2.5, "\xc3\xa9"]}', 200),
    (JSON, "", b'{"a": null}', 200),
    (JSON, CSV, b"[1, 2]", 200),
    (f"{JSON}; charset=latin-1", "", '{"a": "é"}'.encode("latin-1"), 200),
    (CSV, "", b"1,2\n3,4\n", 200),
    (CSV, JSON, b"1,2\n3,4\n", 200),
    (f"{CSV}; header=present", "", b"a,b\n1,2\n", 200),
    (LINES, "", b'{"a": 1}\n{"a": 2}\n', 200),
    (LINES, JSON, b'{"a": 1}\n{"a": 2}\n', 200),
    (JSON, "image/png", b'{"bytes": 1}', 200),
    # what cannot be answered
    ("", "", b"", 400),
    (JSON, "", b"{", 400),
    (JSON, "", b"\xff{}", 400),
    (JSON, "image/png", b"{}", 406),
    ("image/png", "", b"\x89PNG", 415),
    (JSON, "", b'{"refuse": 1}', 400),
    (JSON, "", b'{"fail": 1}', 500),
    (JSON, "", b'{"exit": 1}', 500),
    (JSON, "", b'{"object": 1}', 500),
]


class TestRequest:
    @SHAPES
    @pytest.mark.parametrize(("content_type", "accept", "body", "status"), REQUESTS)
    def test_is_answered_as_an_endpoint_answers(
        self, shape: Any, content_type: str, accept: str, body: bytes, status: int
    ) -> None:
        expected = of_endpoint(content_type, accept, body)
        for written in ways(body):
            # when
            event = shape(headers=headers_of(content_type, accept), **written)
            told = events.answer(make_core(double), json.loads(json.dumps(event)))
            # then
            assert told["statusCode"] == expected.status == status
            media_type = {"content-type": expected.media_type}
            assert told["headers"] == media_type | dict(expected.headers)
            assert body_of(told) == expected.body
            assert json.loads(json.dumps(told)) == told

    @SHAPES
    def test_settings_count_as_for_an_endpoint(self, shape: Any) -> None:
        event = shape(headers={"Content-Type": CSV}, body="a,b\n1,2\n")
        core = make_core(double, environ={"MODEL_SERVER_CSV_HEADER": "present"})
        assert events.answer(core, event)["body"] == "2,4\n"
        core = make_core(double, environ={"MODEL_SERVER_MAX_PAYLOAD_MB": "0.001"})
        told = events.answer(core, shape(body=" " * 1049))
        assert (told["statusCode"], "larger than 0.0" in told["body"]) == (413, True)

    @SHAPES
    @pytest.mark.parametrize(
        ("named", "message"),
        [
            ({"body": "%%%", "isBase64Encoded": True}, "is not base64"),
            ({"body": {"a": 1}}, "is a dict, not a string"),
            ({"body": None}, "the body is empty"),
            ({"body": "\ud800"}, "malformed JSON|not valid utf-8"),
        ],
    )
    def test_a_body_that_is_none_is_refused(
        self, shape: Any, named: dict[str, Any], message: str
    ) -> None:
        told = events.answer(make_core(double), shape(**named))
        assert told["statusCode"] == 400
        assert any(part in told["body"] for part in message.split("|")), told["body"]

    @SHAPES
    @pytest.mark.parametrize(
        ("method", "path", "status", "allow"),
        [
            ("GET", "/ping", 200, None),
            ("GET", "/prod/ping/", 200, None),
            ("HEAD", "/ping", 200, None),
            ("POST", "/ping", 405, "GET, HEAD"),
            ("GET", "/", 405, "POST"),
            ("DELETE", "/shopping", 405, "POST"),
            ("post", "/any/where", 400, None),
        ],
    )
    def test_only_a_ping_is_another_path(
        self, shape: Any, method: str, path: str, status: int, allow: str | None
    ) -> None:
        told = events.answer(make_core(double), shape(method, path))
        assert (told["statusCode"], told["headers"].get("Allow")) == (status, allow)
        if status == 200:
            assert told["body"] == ("" if method == "HEAD" else "{}")

    @SHAPES
    def test_a_model_that_is_not_there_is_503(self, shape: Any) -> None:
        core = make_core(double, trouble="get_model raised OSError: gone")
        for event in (shape("GET", "/ping"), shape(body="{}")):
            told = events.answer(core, event)
            assert (told["statusCode"], "OSError: gone" in told["body"]) == (503, True)


class TestPlain:
    @pytest.mark.parametrize(
        "event",
        [
            {"observation": [1, 2]},
            [1, "two", None, {"a": True}],
            "text",
            5,
            None,
            {},
            {"version": "2.0"},
            {"requestContext": {"http": {}}},
            {"requestContext": 1, "version": "2.0"},
            {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        ],
    )
    def test_is_what_predict_gets_and_returns(self, event: Any) -> None:
        told = events.answer(make_core(double), event)
        assert told == {"answer": event, "number": 0.5}
        body = json.dumps(event).encode()
        assert told == json.loads(of_endpoint(JSON, JSON, body).body)

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            ('{"is": "JSON"}', {"is": "JSON"}),
            ("a label", "a label"),
            (b'{"is": "JSON"}', {"is": "JSON"}),
            (np.array([1.0, np.nan]), [1.0, None]),
            ((1, 2), [1, 2]),
        ],
    )
    def test_the_answer_is_the_value_that_an_endpoint_would_send(
        self, answer: Any, told: Any
    ) -> None:
        assert events.answer(make_core(lambda _: answer), {}) == told

    @pytest.mark.parametrize(
        ("event", "error", "message"),
        [
            ({"refuse": 1}, BadInput, "another one expected"),
            ({"fail": 1}, ZeroDivisionError, "^by zero$"),
            ({"exit": 1}, RuntimeError, r"predict called sys.exit\(3\)"),
            ({"object": 1}, RequestError, "predict returned"),
            ({"bytes": 1}, TypeError, "predict returned bytes that are no JSON"),
        ],
    )
    def test_an_error_is_raised_as_it_is(
        self, event: Any, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            events.answer(make_core(double), event)
