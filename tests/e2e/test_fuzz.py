"""Whatever is sent to /invocations: never a 5xx for bad input, never a worker that hangs."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.servers import Server

numbers = st.floats() | st.integers()
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
near_records = st.fixed_dictionaries({"observation": json_values | st.lists(numbers, max_size=6)})
records = near_records.map(json.dumps)
documents = (json_values.map(json.dumps) | records).map(str.encode)
fields = st.text(alphabet='0123456789.,-eE+"\n\r ;naif\x00é', max_size=40)
tables = st.lists(st.lists(numbers.map(str) | fields, max_size=6).map(",".join), max_size=6).map(
    lambda rows: "\n".join(rows).encode()
)
lines = st.lists(records | fields, max_size=5).map(lambda rows: "\n".join(rows).encode())
content_types = st.sampled_from(
    [
        "application/json",
        "application/jsonlines",
        "text/csv",
        "text/csv; header=present",
        "text/csv; header=perhaps",
        "text/csv; charset=utf-16",
        "text/csv; charset=punycode",
        "text/csv; charset=base64",
        "application/json; charset=latin-1",
        "application/octet-stream",
        "",
        ";;=;",
    ]
) | st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=30)
accepts = st.sampled_from(
    ["", "*/*", "text/csv", "application/json;q=0", "text/*;q=x", ",,;q", "application/jsonlines"]
)
common = settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(server: Server, body: bytes, content_type: str, accept: str) -> None:
    headers = {"Content-Type": content_type, "Accept": accept}
    answer = server.request("POST", "/invocations", body, headers, timeout=10)
    assert answer.status < 500, (answer, server.log[-3000:])
    if answer.status >= 400:
        assert answer.error


@common
@given(
    body=documents | tables | lines | st.binary(max_size=200),
    content_type=content_types,
    accept=accepts,
)
def test_any_body_under_any_type(iris: Server, body: bytes, content_type: str, accept: str) -> None:
    check(iris, body, content_type, accept)


@common
@given(body=documents)
def test_json_of_any_shape(iris: Server, body: bytes) -> None:
    check(iris, body, "application/json", "")


@common
@given(body=tables, header=st.booleans(), accept=accepts)
def test_tables_of_any_shape(iris: Server, body: bytes, header: bool, accept: str) -> None:
    check(iris, body, "text/csv; header=present" if header else "text/csv", accept)


def test_all_workers_still_answer(iris: Server) -> None:
    iris.wait_until(lambda: len(iris.workers()) == 2)
    assert "Traceback" not in iris.log
    assert "Booting worker" not in iris.log
    for _ in range(20):
        assert iris.post({"observation": [5.1, 3.5, 1.4, 0.2]}, timeout="1").status == 200
