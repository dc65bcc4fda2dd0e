"""Who is let in at the front door: tools on this machine, and no page of the web."""

import http.client
from urllib.parse import urlsplit

import pytest

from odyssey.sandbox.sandbox import Sandbox

PATHS = ("/", "/bucket/key", "/_sandbox/stop", "/v2/")


def status(sandbox: Sandbox, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(sandbox.url).netloc)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("POST", path, b"Action=ListUsers&Version=2010-05-08", named)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Origin": "http://localhost.example.com"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "example.com"},
    ],
    ids=["page", "sandboxed page", "name like ours", "image", "name that leads here"],
)
def test_a_page_of_the_web_is_refused(shared: Sandbox, path: str, headers: dict[str, str]) -> None:
    assert status(shared, path, **headers) == 403
    assert not shared.stop_asked.is_set()


def test_a_page_of_this_machine_is_answered(shared: Sandbox) -> None:
    assert status(shared, "/_sandbox/unknown", Origin="http://localhost:3000") == 404


def test_the_sandbox_listens_on_the_loopback_alone(shared: Sandbox) -> None:
    assert shared.server._server.server_address[0] == "127.0.0.1"


def test_a_connection_stays_whatever_became_of_the_request(shared: Sandbox) -> None:
    connection = http.client.HTTPConnection(urlsplit(shared.url).netloc)
    connection.connect()
    sock = connection.sock
    for method, body, chunked in [
        ("POST", b"x" * 5_000_000, False),
        ("POST", (b"x" * 100_000 for _ in range(50)), True),
        ("HEAD", None, False),
        ("GET", None, False),
    ]:
        headers = {"Sec-Fetch-Site": "cross-site"}
        connection.request(method, "/bucket/key", body, headers, encode_chunked=chunked)
        with connection.getresponse() as answer:
            assert answer.status == 403
            answer.read()
        assert connection.sock is sock
    connection.close()


@pytest.mark.parametrize("length", ["abc", "-1"])
def test_a_length_that_is_none_does_no_harm(shared: Sandbox, length: str) -> None:
    assert status(shared, "/_sandbox/unknown", Content_Length=length) == 404
